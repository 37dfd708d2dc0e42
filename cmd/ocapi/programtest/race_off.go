//go:build !race

package programtest

// RaceEnabled says whether the race detector watches.
const RaceEnabled = false

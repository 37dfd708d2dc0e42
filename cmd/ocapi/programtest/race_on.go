//go:build race

package programtest

// RaceEnabled says that the race detector watches: drawing and rendering take
// some twenty times as long, so tests do less of them.
const RaceEnabled = true

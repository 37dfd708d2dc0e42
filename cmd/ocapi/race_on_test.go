//go:build race

package main

// raceEnabled says that the race detector watches: drawing and rendering take
// some twenty times as long, so tests do less of them.
const raceEnabled = true

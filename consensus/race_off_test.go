//go:build !race

package consensus

// raceDetector is whether the race detector slows this test down.
const raceDetector = false

//go:build !race

package corpus_test

// raceDetector is explained beside its other value.
const raceDetector = false

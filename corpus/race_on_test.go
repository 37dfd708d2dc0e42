//go:build race

package corpus_test

// raceDetector says that every pixel costs twenty times as much: tests then
// make fewer pictures by the same code.
const raceDetector = true

//go:build linux

// Package part is what the benchmark's parts have in common: what each is given, and
// what it has to give back.
package part

import (
	"time"

	"ocapi/bench/figures"
)

// Run is what a part is given.
type Run struct {
	Options
	Module   string                           // the folder of the module
	Binary   string                           // the program that is measured
	Folder   string                           // for what the part leaves behind: it is there, empty, on a disk, and removed afterwards
	Progress func(format string, args ...any) // tells whoever waits what has been done
}

// Options are what the flags say to all parts.
type Options struct {
	Short, Long  bool          // how thorough it is to be
	Rounds       int           // that are counted
	ReplayEvents int           // of the log that is replayed
	StartEvents  int           // of the log on which the service is started after a kill
	Limit        time.Duration // of one stage of a round
	Steady       time.Duration // how long the rate is held of which steadiness is told
	Profile      string        // a folder for profiles under load; empty: none are taken
}

// Result is what a part found. -json writes it as it is.
type Result interface {
	// Text gives its tables and what has to be said of them.
	Text(markdown bool) string
	// Goals compares it with what is to be reached; they are printed together.
	Goals() []figures.Goal
}

// ShortLimit is how long a stage takes at the most where all is to be short.
const ShortLimit = 200 * time.Millisecond

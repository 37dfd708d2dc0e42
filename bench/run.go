//go:build linux

package main

import "time"

// run is what a part is given.
type run struct {
	options
	module   string // the folder of the module
	binary   string // the program that is measured
	folder   string // for what the part leaves behind: it is there, empty, on a disk, and removed afterwards
	progress func(format string, args ...any)
}

// options are what the flags say to all parts.
type options struct {
	short, long  bool          // how thorough it is to be
	rounds       int           // that are counted
	replayEvents int           // of the log that is replayed
	startEvents  int           // of the log on which the service is started after a kill
	limit        time.Duration // of one stage of a round
	steady       time.Duration // how long the rate is held of which steadiness is told
	profile      string        // a folder for profiles under load; empty: none are taken
}

// result is what a part found. -json writes it as it is.
type result interface {
	// text gives its tables and what has to be said of them.
	text(markdown bool) string
	// goals compares it with what is to be reached; they are printed together.
	goals() []goal
}

// shortLimit is how long a stage takes at the most where all is to be short.
const shortLimit = 200 * time.Millisecond

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ocapi/corpus"
)

// environment is what a command may use of the world around it.
type environment struct {
	ctx    context.Context
	stdout io.Writer
	stderr io.Writer
	dir    string // relative paths are relative to it
	args   []string
	// version is the program's, for people and in what is exported.
	version string
	// run runs another command, as the program itself does: one that was sent to
	// the process that serves the folder.
	run func(*environment) int
	// now is the service's clock; nil: time.Now. A test moves it, so that nobody
	// waits twenty minutes to see a challenge expire.
	now func() time.Time
	// tell sends progress to where the command was typed, when it runs inside the
	// service; nil: it is shown here.
	tell corpus.ProgressFunc
	// stores are the serving process's own, when the command runs inside it;
	// nil in a process of its own.
	stores *stores
}

// progress gives what shows how far the command is, and what takes it away
// before anything else is written.
func (e *environment) progress() (show corpus.ProgressFunc, clear func()) {
	return e.progressOf("images")
}

// progressOf is progress that counts something else.
func (e *environment) progressOf(noun string) (show corpus.ProgressFunc, clear func()) {
	if e.tell != nil {
		return e.tell, func() {}
	}
	m := newMeter(e.stderr, time.Now)
	m.noun = noun
	return m.show, m.clear
}

// clock gives the clock to use.
func (e *environment) clock() func() time.Time {
	if e.now == nil {
		return time.Now
	}
	return e.now
}

// errSilent ends a command whose reason has been printed already.
var errSilent = errors.New("failed")

// sayHowFar gives a function that tells now and then how many events have been
// read.
func sayHowFar(env *environment) func(events int) {
	began := time.Now()
	said := began
	return func(events int) {
		const looksEvery = 1024 // at the clock
		if events%looksEvery == 0 && time.Since(said) > rebuildSaid {
			said = time.Now()
			fmt.Fprintf(env.stderr, "%d events, %.0f a second\n", events, float64(events)/time.Since(began).Seconds()) //nolint:errcheck // the result follows
		}
	}
}

// rebuildSaid is how often a rebuild says how far it is.
const rebuildSaid = 2 * time.Second

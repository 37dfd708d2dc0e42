package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/place"
)

// Environment is what a command may use of the world around it. It belongs to one
// command and does not change while that runs.
type Environment struct {
	Context context.Context // ends when the command is to stop
	Stdout  io.Writer       // what was asked for
	Stderr  io.Writer       // what is wrong, and how far it is
	Dir     string          // relative paths are relative to it
	Args    []string        // the command line, without the program's name
	// Version is the program's, for people and in what is exported.
	Version string
	// Run runs another command, as the program itself does: one that was sent to
	// the process that serves the folder.
	Run func(*Environment) int
	// Now is the service's clock; nil: time.Now. A test moves it, so that nobody
	// waits twenty minutes to see a challenge expire.
	Now func() time.Time
	// tell sends progress to where the command was typed, when it runs inside the
	// service; nil: it is shown here.
	tell corpus.ProgressFunc
	// Stores are the serving process's own, when the command runs inside it;
	// nil in a process of its own.
	Stores *place.Stores
}

// Progress gives what shows how far the command is, and what takes it away
// before anything else is written.
func (e *Environment) Progress() (show corpus.ProgressFunc, clear func()) {
	return e.ProgressOf("images")
}

// ProgressOf is progress that counts something else.
func (e *Environment) ProgressOf(noun string) (show corpus.ProgressFunc, clear func()) {
	if e.tell != nil {
		return e.tell, func() {}
	}
	m := console.NewMeter(e.Stderr, time.Now)
	m.Noun = noun
	return m.Show, m.Clear
}

// Clock gives the clock to use.
func (e *Environment) Clock() func() time.Time {
	if e.Now == nil {
		return time.Now
	}
	return e.Now
}

// ErrSilent ends a command whose reason has been printed already.
var ErrSilent = errors.New("failed")

// saidEvery is how often it is said how far a reading is.
const saidEvery = 2 * time.Second

// SayHowFar gives a function that tells now and then, on Stderr, how many events
// have been read; call it for each.
func SayHowFar(env *Environment) func(events int) {
	began := time.Now()
	said := began
	return func(events int) {
		const looksEvery = 1024 // at the clock
		if events%looksEvery == 0 && time.Since(said) > saidEvery {
			said = time.Now()
			fmt.Fprintf(env.Stderr, "%d events, %.0f a second\n", events, float64(events)/time.Since(began).Seconds()) //nolint:errcheck // the result follows
		}
	}
}

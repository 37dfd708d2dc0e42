// Command ocapi is the whole of Ocapi in one binary: the service, and the
// commands that manage its clients and collections and read its events.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"ocapi/corpus"
	"ocapi/domain"
)

// version is set by the build (see Makefile).
var version = "0.1.0-dev"

// cli is the command line. Every flag has an environment variable of the same
// name, in capitals, with the prefix OCAPI_.
type cli struct {
	Serve      serveCmd      `cmd:"" help:"Run the service."`
	Client     clientCmd     `cmd:"" help:"Manage the websites that may use the service."`
	Corpus     corpusCmd     `cmd:"" help:"Manage collections of images."`
	Events     eventsCmd     `cmd:"" help:"Print archived events as JSON Lines."`
	Archive    archiveCmd    `cmd:"" help:"Decide what an operator has to decide about the archive."`
	Quarantine quarantineCmd `cmd:"" help:"Set votes on unknown images aside, and let them count again."`
	Backup     backupCmd     `cmd:"" help:"Copy a data folder while it is served."`
	Stats      statsCmd      `cmd:"" help:"Tell how often images were shown, and what became of clients' challenges."`
	Simulate   simulateCmd   `cmd:"" help:"Play the attacker who tries to tell known images from unknown ones."`
	Replay     replayCmd     `cmd:"" help:"Make anew what follows from the events."`
	Consensus  consensusCmd  `cmd:"" help:"Tell what visitors' answers add up to, and how good the methods are that say so."`
	Migrate    migrateCmd    `cmd:"" help:"Bring the schema of a database up to date, or tell how it stands."`
	Health     healthCmd     `cmd:"" help:"Ask a running service whether it is ready; for health checks."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(env *environment) error {
	fmt.Fprintln(env.stdout, version) //nolint:errcheck // nobody is left to be told
	return nil
}

// place is where everything is kept, as the commands that work on it are told:
// a data folder, or a PostgreSQL database that several nodes share.
type place struct {
	Data        string `help:"The folder that holds everything the service keeps." default:"./data" env:"OCAPI_DATA" type:"path"`
	DatabaseURL string `name:"database-url" help:"The PostgreSQL database of a cluster, instead of a data folder. It may hold a password: prefer the variable." env:"OCAPI_DATABASE_URL"`

	keys keyFlags // where the command has them; see with
}

// with gives the place with the keys that its private ids are sealed with.
func (p place) with(keys keyFlags) place {
	p.keys = keys
	return p
}

// shared reports whether several nodes may be using the place.
func (p place) shared() bool { return p.DatabaseURL != "" }

// natsFlags say how to reach the event log of a cluster.
type natsFlags struct {
	NATSURL   string `name:"nats-url" help:"The NATS cluster that holds the event log: addresses, separated by commas. It goes with --database-url." env:"OCAPI_NATS_URL"`
	NATSCreds string `name:"nats-creds" help:"A file with credentials for NATS." env:"OCAPI_NATS_CREDS" type:"path"`
	NATSCA    string `name:"nats-ca" help:"A file with the certificates to trust in connections to NATS." env:"OCAPI_NATS_CA" type:"path"`
}

// environment is what a command may use of the world around it.
type environment struct {
	ctx    context.Context
	stdout io.Writer
	stderr io.Writer
	dir    string // relative paths are relative to it
	args   []string
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

func main() {
	// The second signal ends the process at once: a stop that hangs can be cut.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ocapi:", err)
		os.Exit(1)
	}
	code := run(&environment{ctx: ctx, stdout: os.Stdout, stderr: os.Stderr, dir: dir, args: os.Args[1:]})
	stop()
	os.Exit(code)
}

// run parses the command line and runs the command; it returns the exit code:
// 0 done, 1 failed, 2 misused.
func run(env *environment) int {
	var c cli
	exited := false
	parser, err := kong.New(&c,
		kong.Name("ocapi"),
		kong.Description("A captcha whose challenges are images of heritage documents: answering protects a form and annotates the collection."),
		kong.Writers(env.stdout, env.stderr),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(int) { exited = true }),
	)
	if err != nil {
		fmt.Fprintln(env.stderr, "ocapi:", err) //nolint:errcheck // as above
		return 1
	}
	if len(env.args) == 0 {
		env.args = []string{"--help"}
	}
	command, err := parser.Parse(env.args)
	if exited { // --help has been printed
		return 0
	}
	if err != nil {
		fmt.Fprintln(env.stderr, "ocapi:", err) //nolint:errcheck // as above
		return 2
	}
	if err := command.Run(env); err != nil {
		if !errors.Is(err, errSilent) {
			fmt.Fprintln(env.stderr, "ocapi:", plainly(err)) //nolint:errcheck // as above
		}
		return 1
	}
	return 0
}

// plainly is an error's text without the codes of domain errors, which are for
// programs.
func plainly(err error) string {
	text := err.Error()
	var strip func(error)
	strip = func(err error) {
		if e, ok := err.(*domain.Error); ok { //nolint:errorlint // each link of the chain is looked at by itself
			text = strings.Replace(text, e.Code.String()+": "+e.Message, e.Message, 1)
		}
		switch e := err.(type) { //nolint:errorlint // as above
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				strip(inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				strip(inner)
			}
		}
	}
	strip(err)
	return text
}

// count names a number of things.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"ocapi/cmd/ocapi/client"
	"ocapi/cmd/ocapi/consensus"
	"ocapi/cmd/ocapi/corpus"
	"ocapi/cmd/ocapi/quarantine"
	"ocapi/cmd/ocapi/replay"
	"ocapi/cmd/ocapi/stats"
	"ocapi/command"
	"ocapi/command/console"
	"ocapi/node"
)

// cli is the command line. Every flag has an environment variable of the same
// name, in capitals, with the prefix OCAPI_.
type cli struct {
	Serve      node.Serve         `cmd:"" help:"Run the service."`
	Client     client.Command     `cmd:"" help:"Manage the websites that may use the service."`
	Corpus     corpus.Command     `cmd:"" help:"Manage collections of images."`
	Events     eventsCmd          `cmd:"" help:"Print archived events as JSON Lines."`
	Archive    archiveCmd         `cmd:"" help:"Decide what an operator has to decide about the archive."`
	Quarantine quarantine.Command `cmd:"" help:"Set votes on unknown images aside, and let them count again."`
	Backup     backupCmd          `cmd:"" help:"Copy a data folder while it is served."`
	Stats      stats.Command      `cmd:"" help:"Tell how often images were shown, and what became of clients' challenges."`
	Simulate   simulateCmd        `cmd:"" help:"Play the attacker who tries to tell known images from unknown ones."`
	Replay     replay.Command     `cmd:"" help:"Make anew what follows from the events."`
	Consensus  consensus.Command  `cmd:"" help:"Tell what visitors' answers add up to, and how good the methods are that say so."`
	Migrate    migrateCmd         `cmd:"" help:"Bring the schema of a database up to date, or tell how it stands."`
	Health     healthCmd          `cmd:"" help:"Ask a running service whether it is ready; for health checks."`
	Version    versionCmd         `cmd:"" help:"Print the version."`
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(env *command.Environment) error {
	fmt.Fprintln(env.Stdout, env.Version) //nolint:errcheck // nobody is left to be told
	return nil
}

// Main is the program, with the command line and the signals of its process,
// which it ends.
func Main(version string) {
	// The second signal ends the process at once: a stop that hangs can be cut.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ocapi:", err)
		os.Exit(1)
	}
	code := Run(&command.Environment{Context: ctx, Stdout: os.Stdout, Stderr: os.Stderr, Dir: dir, Args: os.Args[1:], Version: version})
	stop()
	os.Exit(code)
}

// Run parses the command line and runs the command; it returns the exit code:
// 0 done, 1 failed, 2 misused.
func Run(env *command.Environment) int {
	env.Run = Run
	var c cli
	exited := false
	parser, err := kong.New(&c,
		kong.Name("ocapi"),
		kong.Description("A captcha whose challenges are images of heritage documents: answering protects a form and annotates the collection."),
		kong.Writers(env.Stdout, env.Stderr),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(int) { exited = true }),
	)
	if err != nil {
		fmt.Fprintln(env.Stderr, "ocapi:", err) //nolint:errcheck // as above
		return 1
	}
	if len(env.Args) == 0 {
		env.Args = []string{"--help"}
	}
	chosen, err := parser.Parse(env.Args)
	if exited { // --help has been printed
		return 0
	}
	if err != nil {
		fmt.Fprintln(env.Stderr, "ocapi:", err) //nolint:errcheck // as above
		return 2
	}
	if err := chosen.Run(env); err != nil {
		if !errors.Is(err, command.ErrSilent) {
			fmt.Fprintln(env.Stderr, "ocapi:", console.Plainly(err)) //nolint:errcheck // as above
		}
		return 1
	}
	return 0
}

//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"ocapi/bench/events"
	"ocapi/bench/growth"
	"ocapi/bench/machine"
	"ocapi/bench/part"
	"ocapi/bench/service"
)

const (
	defaultRounds = 5 // the fewest whose median and spread say something
	defaultLimit  = 1500 * time.Millisecond
)

// config is what the flags say.
type config struct {
	part.Options
	markdown, keep            bool
	json, dir, ocapi, results string
	only                      []registered
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == service.BareCommand {
		if err := service.ServeBare(os.Args[2], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if run := growth.ChildCommand(os.Args[1:]); run != nil {
		if err := run(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := measureAll(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseFlags(args []string, stderr io.Writer) (config, error) {
	var c config
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&c.Short, "short", false, "measure each part for a moment; the spread is wider")
	flags.BoolVar(&c.Long, "long", false, "measure also what takes hours and tens of gigabytes of disk: steadiness over an hour, flatness up to ten million events")
	flags.BoolVar(&c.markdown, "markdown", false, "print Markdown")
	var only string
	flags.StringVar(&only, "only", "", "measure only these `parts`, by commas")
	flags.StringVar(&c.json, "json", "", "write every measurement to this `file`")
	flags.StringVar(&c.results, "results", "", "write DATE-COMMIT.txt for benchstat into this `folder`")
	flags.StringVar(&c.Profile, "profile", "", "take profiles under load after the rounds, and keep those of full rounds, in this `folder`")
	flags.IntVar(&c.Rounds, "rounds", defaultRounds, "how many rounds are counted")
	flags.IntVar(&c.ReplayEvents, "replay-events", events.DefaultReplayEvents, "how many events the log has that is replayed; 10000000 take 4 GB of disk")
	flags.IntVar(&c.StartEvents, "start-events", growth.DefaultStartEvents, "how many events the log holds of a service that is killed and started again")
	flags.DurationVar(&c.Steady, "steady", growth.SteadyFor, "how long the rate is held of which steadiness is told; with -long 75 minutes")
	flags.DurationVar(&c.Limit, "stage", defaultLimit, "how long one stage of a round loads")
	flags.StringVar(&c.ocapi, "ocapi", "", "measure this `program` instead of building one")
	flags.StringVar(&c.dir, "dir", "", "make the data folder in this `folder`: its disk is what is measured (default: the temporary folder, or .cache of the module where that has no disk)")
	flags.BoolVar(&c.keep, "keep", false, "keep the data folder")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("%q is not understood; see -help", flags.Arg(0))
	}
	var err error
	if c.only, err = chosen(only, c.Long); err != nil {
		return c, err
	}
	if c.Short {
		c.Limit = min(c.Limit, part.ShortLimit)
		c.ReplayEvents = min(c.ReplayEvents, events.ShortReplayEvents)
		c.Steady = min(c.Steady, time.Minute)
		c.StartEvents = min(c.StartEvents, growth.ShortStartEvents)
	}
	if c.Rounds < 1 || c.Rounds > 100 {
		return c, fmt.Errorf("-rounds: %d is not from 1 to 100", c.Rounds)
	}
	if c.ReplayEvents < 1 || c.ReplayEvents > events.MostReplayEvents {
		return c, fmt.Errorf("-replay-events: %d is not from 1 to %d", c.ReplayEvents, events.MostReplayEvents)
	}
	if c.StartEvents < 1 || c.StartEvents > growth.MostStartEvents {
		return c, fmt.Errorf("-start-events: %d is not from 1 to %d", c.StartEvents, growth.MostStartEvents)
	}
	if c.Steady < 15*time.Second || c.Steady > 24*time.Hour {
		return c, fmt.Errorf("-steady: %v is not from 15s to 24h", c.Steady)
	}
	if c.Short && c.Long {
		return c, errors.New("-short and -long exclude each other")
	}
	if c.Limit < 50*time.Millisecond || c.Limit > time.Minute {
		return c, fmt.Errorf("-stage: %v is not from 50ms to 1m", c.Limit)
	}
	return c, nil
}

// measureAll measures and prints. It fails when a part failed, a request failed
// or an archive differs from what was acknowledged; what there is is printed
// all the same.
func measureAll(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	c, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	began := time.Now()
	progress := func(format string, args ...any) {
		_, _ = fmt.Fprintf(stderr, "%6.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	module, err := machine.ModuleRoot(ctx)
	if err != nil {
		return err
	}
	folder, err := workFolder(c.dir, module)
	if err != nil {
		return err
	}
	defer func() {
		if c.keep {
			progress("kept %s", folder)
			return
		}
		err = errors.Join(err, os.RemoveAll(folder))
	}()
	r := part.Run{Options: c.Options, Module: module, Binary: c.ocapi, Progress: progress}
	if r.Binary == "" {
		r.Binary = filepath.Join(folder, "ocapi")
		if err := service.BuildOcapi(ctx, module, r.Binary); err != nil {
			return err
		}
		progress("built ocapi")
	}
	found := report{Machine: machine.FactsOf(ctx, module, folder, fmt.Sprintf("stages of %v, classification and transcription mixed", c.Limit))}
	for _, p := range c.only {
		if ctx.Err() != nil {
			break
		}
		if failed := found.add(ctx, p, r, folder, c.keep); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", p.name, failed))
		}
		progress("%s: done", p.name)
	}
	_, failed := io.WriteString(stdout, found.text(c.markdown))
	err = errors.Join(err, failed)
	if c.json != "" {
		err = errors.Join(err, found.writeJSON(c.json))
	}
	if c.results != "" {
		file, failed := found.writeResults(c.results)
		if err = errors.Join(err, failed); failed == nil {
			progress("benchstat reads %s", file)
		}
	}
	return err
}

// workFolder makes the folder for everything that a run leaves behind, on a
// disk.
func workFolder(dir, module string) (string, error) {
	switch {
	case dir != "":
	case machine.InMemory(os.TempDir()):
		dir = filepath.Join(module, ".cache")
	default:
		dir = os.TempDir()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make %s: %w", dir, err)
	}
	if machine.InMemory(dir) {
		return "", fmt.Errorf("%s has no disk, so nothing durable can be measured there; name another folder with -dir", dir)
	}
	folder, err := os.MkdirTemp(dir, "ocapi-bench-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the run: %w", err)
	}
	return filepath.Abs(folder)
}

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
	"strings"
	"syscall"
	"time"
)

const (
	defaultRounds = 5 // the fewest whose median and spread say something
	defaultLimit  = 2 * time.Second
	shortLimit    = 200 * time.Millisecond
)

// config is what the flags say.
type config struct {
	short, markdown, keep     bool
	consensus, replayOnly     bool
	rounds, replayEvents      int
	limit                     time.Duration
	json, profile, dir, ocapi string
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == bareCommand {
		if err := serveBare(os.Args[2], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
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
	flags.BoolVar(&c.short, "short", false, "measure for about half a minute; the spread is wider")
	flags.BoolVar(&c.markdown, "markdown", false, "print Markdown")
	flags.BoolVar(&c.consensus, "consensus", false, "measure only what the consensus is worth on public data")
	flags.StringVar(&c.json, "json", "", "write every measurement to this `file`")
	flags.StringVar(&c.profile, "profile", "", "take profiles under load after the rounds, into this `folder`")
	flags.IntVar(&c.rounds, "rounds", defaultRounds, "how many rounds are counted")
	flags.IntVar(&c.replayEvents, "replay-events", defaultReplayEvents, "how many events the log has that is replayed; 10000000 take 4 GB of disk")
	flags.BoolVar(&c.replayOnly, "replay-only", false, "measure the replay and nothing else")
	flags.DurationVar(&c.limit, "stage", defaultLimit, "how long one stage of a round loads")
	flags.StringVar(&c.ocapi, "ocapi", "", "measure this `program` instead of building one")
	flags.StringVar(&c.dir, "dir", "", "make the data folder in this `folder`: its disk is what is measured (default: the temporary folder, or .cache of the module where that has no disk)")
	flags.BoolVar(&c.keep, "keep", false, "keep the data folder")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("%q is not understood; see -help", flags.Arg(0))
	}
	if c.short {
		c.limit = min(c.limit, shortLimit)
		c.replayEvents = min(c.replayEvents, shortReplayEvents)
	}
	if c.rounds < 1 || c.rounds > 100 {
		return c, fmt.Errorf("-rounds: %d is not from 1 to 100", c.rounds)
	}
	if c.replayEvents < 1 || c.replayEvents > mostReplayEvents {
		return c, fmt.Errorf("-replay-events: %d is not from 1 to %d", c.replayEvents, mostReplayEvents)
	}
	if c.limit < 50*time.Millisecond || c.limit > time.Minute {
		return c, fmt.Errorf("-stage: %v is not from 50ms to 1m", c.limit)
	}
	return c, nil
}

// run measures and prints. It fails when a request failed or the archive
// differs from what was acknowledged; the table is printed all the same.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	c, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	began := time.Now()
	progress := func(format string, args ...any) {
		_, _ = fmt.Fprintf(stderr, "%6.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	module, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	if c.consensus {
		a, err := measureAgreement(module)
		if err == nil {
			_, err = io.WriteString(stdout, a.text(c.markdown))
		}
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
	options := fmt.Sprintf("stages of %v, classification and transcription mixed", c.limit)
	r := report{Machine: machineFacts(ctx, module, folder, options)}
	if c.replayOnly {
		return replayOnly(ctx, &c, &r, module, folder, stdout, progress)
	}
	b, err := prepare(ctx, &c, module, folder, progress)
	if err != nil {
		return err
	}
	defer b.abandon()
	if err := b.run(ctx, progress); err != nil {
		return err
	}
	if c.profile != "" {
		if err := b.profiles(ctx, c.profile); err != nil {
			return err
		}
		progress("profiles are in %s", c.profile)
	}
	r.Audits, err = b.finish(ctx)
	// Nothing else runs any more.
	imports, importErr := measureImports(ctx, &c, b.fsync.binary, folder)
	r.Imports, err = imports, errors.Join(err, importErr)
	progress("imported pages")
	agreed, agreeErr := measureAgreement(module)
	r.Agreement, err = agreed, errors.Join(err, agreeErr)
	progress("evaluated public data")
	replays, replayErr := measureReplays(ctx, &c, b.fsync.binary, folder, progress)
	r.Replays, err = replays, errors.Join(err, replayErr)
	r.bench, r.Goals, r.Measurements, r.Failed = b, b.goals(), b.measurements, b.failed
	if _, printErr := io.WriteString(stdout, r.text(c.markdown)); printErr != nil {
		err = errors.Join(err, printErr)
	}
	if c.json != "" {
		err = errors.Join(err, r.writeJSON(c.json))
	}
	for _, a := range r.Audits {
		if a.Missing+a.Unexpected > 0 {
			err = errors.Join(err, fmt.Errorf("the archive differs: %s", a))
		}
	}
	progress("done")
	return errors.Join(append([]error{err}, b.failures...)...)
}

// replayOnly measures the replay and nothing else.
func replayOnly(ctx context.Context, c *config, r *report, module, folder string, stdout io.Writer, progress func(string, ...any)) error {
	binary := c.ocapi
	if binary == "" {
		binary = filepath.Join(folder, "ocapi")
		if err := buildOcapi(ctx, module, binary); err != nil {
			return err
		}
		progress("built ocapi")
	}
	var err error
	if r.Replays, err = measureReplays(ctx, c, binary, folder, progress); err != nil {
		return err
	}
	t := replayTable(r.Replays)
	if _, err := fmt.Fprintf(stdout, "%s\n\n%s", r.Machine, t.text(c.markdown)); err != nil {
		return err
	}
	if c.json != "" {
		return r.writeJSON(c.json)
	}
	return nil
}

// workFolder makes the folder for everything that a run leaves behind, on a
// disk.
func workFolder(dir, module string) (string, error) {
	switch {
	case dir != "":
	case inMemory(os.TempDir()):
		dir = filepath.Join(module, ".cache")
	default:
		dir = os.TempDir()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make %s: %w", dir, err)
	}
	if inMemory(dir) {
		return "", fmt.Errorf("%s has no disk, so nothing durable can be measured there; name another folder with -dir", dir)
	}
	folder, err := os.MkdirTemp(dir, "ocapi-bench-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the run: %w", err)
	}
	return filepath.Abs(folder)
}

// prepare builds, fills and starts all that is measured.
func prepare(ctx context.Context, c *config, module, folder string, progress func(string, ...any)) (_ *bench, err error) {
	binary := c.ocapi
	if binary == "" {
		binary = filepath.Join(folder, "ocapi")
		if err := buildOcapi(ctx, module, binary); err != nil {
			return nil, err
		}
		progress("built ocapi")
	}
	collection := filepath.Join(folder, "collection")
	if err := writeCollection(collection); err != nil {
		return nil, err
	}
	b := &bench{limit: c.limit, rounds: c.rounds, folder: folder}
	defer func() {
		if err != nil {
			b.abandon()
		}
	}()
	fresh := filepath.Join(folder, "fresh")
	secret, err := prepareData(ctx, binary, fresh, collection)
	if err != nil {
		return nil, err
	}
	progress("imported the collection")
	for _, d := range []struct {
		durability string
		server     **ocapi
	}{{"fsync", &b.fsync}, {"interval", &b.interval}} {
		data := filepath.Join(folder, d.durability)
		if err := os.CopyFS(data, os.DirFS(fresh)); err != nil {
			return nil, fmt.Errorf("copy the data folder: %w", err)
		}
		if *d.server, err = startOcapi(ctx, binary, data, d.durability); err != nil {
			return nil, err
		}
		(*d.server).secret = secret
	}
	samples := filepath.Join(folder, "samples")
	if err := sample(ctx, b.fsync, samples); err != nil {
		return nil, fmt.Errorf("fetch samples: %w", err)
	}
	if b.bare, err = startBare(ctx, samples); err != nil {
		return nil, err
	}
	progress("started ocapi with fsync on %s, with interval on %s, and the bare handler on %s", b.fsync.addr, b.interval.addr, b.bare.addr)
	return b, nil
}

// abandon ends what still runs, whatever happened.
func (b *bench) abandon() {
	for _, p := range []*process{b.bare, processOf(b.fsync), processOf(b.interval)} {
		if p != nil {
			_ = p.cmd.Process.Kill() // it has ended already, as a rule
		}
	}
}

func processOf(s *ocapi) *process {
	if s == nil {
		return nil
	}
	return s.process
}

// audit compares the archive with what was acknowledged. The service has
// stopped.
func (s *ocapi) audit(ctx context.Context) (audit, error) {
	var a audit
	err := s.readEvents(ctx, time.Time{}, func(events io.Reader) (err error) {
		a, err = s.acked.compare(events)
		return err
	})
	a.Durability = s.durability
	if err == nil && strings.Contains(s.tail(), "level=ERROR") {
		err = fmt.Errorf("ocapi (durability %s) reported an error:\n%s", s.durability, s.tail())
	}
	return a, err
}

//go:build linux

package growth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"ocapi/bench/events"
	"ocapi/bench/figures"
	"ocapi/bench/part"
	"ocapi/bench/service"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/sqlite"
)

// This binary starts itself once more to do one of these.
const (
	reopenCommand = "reopen" // FOLDER: open the log's folder by JetStream alone
	fillCommand   = "fill"   // FOLDER EVENTS: put events into the log and the archive of a data folder
)

// ChildCommand gives what this binary is to do for another process of it; nil
// for none.
func ChildCommand(args []string) func() error {
	switch {
	case len(args) == 2 && args[0] == reopenCommand:
		return func() error { return reopen(args[1], os.Stdin, os.Stdout) }
	case len(args) == 3 && args[0] == fillCommand:
		return func() error {
			events, err := strconv.Atoi(args[2])
			if err != nil {
				return fmt.Errorf("%s: %w", fillCommand, err)
			}
			return fill(context.Background(), args[1], events, os.Stdin, os.Stdout)
		}
	}
	return nil
}

// Names within a data folder.
const (
	logName  = "log"
	markName = "log.mark"
)

const (
	DefaultStartEvents = 1_000_000 // how many events the log has where nothing else is said,
	ShortStartEvents   = 50_000    // where it is to be short,
	MostStartEvents    = 5_000_000 // and at the most: what the log takes by default, with room to spare
	// fillWriters append at once; beyond it the log gets no faster.
	fillWriters = 256
	// fillMaxBytes is what the service reserves for the log by default.
	fillMaxBytes = eventstore.DefaultLogMaxBytes
)

// started is one start, in milliseconds from the program's execution.
type started struct {
	Round int     `json:"round"`
	Bare  float64 `json:"jetstream_ms"` // until JetStream alone has its folder open, by this binary
	Ready float64 `json:"ready_ms"`     // until the service is ready
}

// starts are those of an empty store, and those after a kill.
type starts struct {
	Empty  []started `json:"empty"`
	Killed []started `json:"killed"`
	Events int       `json:"events"` // in the log of those that were killed
}

// MeasureStarts starts the service on a store without events and on one that
// was killed, in turn with JetStream alone on a copy of the same folder.
func MeasureStarts(ctx context.Context, r *part.Run) (part.Result, error) {
	found := &starts{Events: r.StartEvents}
	collection, fresh, killed := filepath.Join(r.Folder, "collection"), filepath.Join(r.Folder, "fresh"), filepath.Join(r.Folder, "killed")
	if err := service.WriteCollection(collection); err != nil {
		return nil, err
	}
	if _, err := service.PrepareData(ctx, r.Binary, fresh, collection); err != nil {
		return nil, err
	}
	for round := range r.Rounds {
		one, err := startOn(ctx, r, fresh)
		if err != nil {
			return found, fmt.Errorf("start on an empty store: %w", err)
		}
		one.Round = round + 1
		found.Empty = append(found.Empty, one)
	}
	if err := os.CopyFS(killed, os.DirFS(fresh)); err != nil {
		return found, fmt.Errorf("copy the data folder: %w", err)
	}
	began := time.Now()
	if err := fillAndKill(ctx, killed, found.Events); err != nil {
		return found, err
	}
	r.Progress("put %d events into the log and killed the process that did it, in %.0f s", found.Events, time.Since(began).Seconds())
	for round := range r.Rounds {
		one, err := startOn(ctx, r, killed)
		if err != nil {
			return found, fmt.Errorf("start after a kill: %w", err)
		}
		one.Round = round + 1
		found.Killed = append(found.Killed, one)
		r.Progress("started after a kill, round %d of %d", one.Round, r.Rounds)
	}
	return found, nil
}

// startOn starts JetStream and then the service, each on a copy of its own, and
// kills both.
func startOn(ctx context.Context, r *part.Run, data string) (started, error) {
	var one started
	self, err := os.Executable()
	if err != nil {
		return one, fmt.Errorf("find this binary: %w", err)
	}
	folder := filepath.Join(r.Folder, "copy")
	fresh := func() error {
		return errors.Join(os.RemoveAll(folder), os.CopyFS(folder, os.DirFS(data)))
	}
	if err := fresh(); err != nil {
		return one, fmt.Errorf("copy the data folder: %w", err)
	}
	began := time.Now()
	bare, err := service.StartProcess(ctx, service.ProcessParams{
		Path: self, Args: []string{reopenCommand, filepath.Join(folder, logName)}, Log: filepath.Join(r.Folder, "reopen.log"),
		Ready: func(line string) bool { return strings.HasPrefix(line, "open") },
	})
	if err != nil {
		return one, err
	}
	one.Bare = figures.Milliseconds(time.Since(began))
	if err := bare.Kill(); err != nil {
		return one, err
	}
	if err := fresh(); err != nil {
		return one, fmt.Errorf("copy the data folder: %w", err)
	}
	began = time.Now()
	s, err := service.StartOcapi(ctx, r.Binary, folder, "fsync")
	if err != nil {
		return one, err
	}
	one.Ready = figures.Milliseconds(time.Since(began))
	return one, errors.Join(s.Kill(), os.RemoveAll(folder))
}

// reopen opens a log's folder by the server alone, says so and waits.
func reopen(folder string, stdin io.Reader, stdout io.Writer) error {
	embedded, err := eventstore.StartEmbedded(eventstore.EmbeddedConfig{Dir: folder, MaxBytes: fillMaxBytes, Logger: quiet()})
	if err != nil {
		return err
	}
	defer embedded.Stop()
	if _, err := fmt.Fprintln(stdout, "open"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stdin) // until it is closed
	return err
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

// fillAndKill puts events into a data folder by another process, and kills it
// when they are archived.
func fillAndKill(ctx context.Context, data string, events int) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this binary: %w", err)
	}
	filler, err := service.StartProcessWithin(ctx, fillPatience, service.ProcessParams{
		Path: self, Args: []string{fillCommand, data, strconv.Itoa(events)}, Log: filepath.Join(data, "fill.log"),
		Ready: func(line string) bool { return strings.HasPrefix(line, "filled") },
	})
	if err != nil {
		return fmt.Errorf("fill the log: %w", err)
	}
	return filler.Kill()
}

// fillPatience bounds the filling of a log.
const fillPatience = 20 * time.Minute

// fill appends events as the service does, archives them, says so and waits to
// be killed.
func fill(ctx context.Context, data string, count int, stdin io.Reader, stdout io.Writer) error {
	db, err := sqlite.Open(ctx, filepath.Join(data, events.ArchiveName))
	if err != nil {
		return err
	}
	archive := eventstore.NewSQLiteArchive(db.Write, db.Read)
	embedded, err := eventstore.StartEmbedded(eventstore.EmbeddedConfig{
		Dir: filepath.Join(data, logName), Durability: eventstore.DurabilityInterval, MaxBytes: fillMaxBytes, Logger: quiet(),
	})
	if err != nil {
		return err
	}
	mark, err := eventstore.OpenMark(filepath.Join(data, markName), quiet())
	if err != nil {
		return err
	}
	log, err := eventstore.OpenLog(ctx, embedded.Conn(), eventstore.LogConfig{
		MaxBytes: fillMaxBytes, Durability: eventstore.DurabilityInterval, AckTimeout: time.Minute, Mark: mark, Now: time.Now, Logger: quiet(),
	}, 0)
	if err != nil {
		return err
	}
	archiver := eventstore.NewArchiver(log, archive, quiet(), time.Now)
	go archiver.Run(ctx)
	if err := appendAll(ctx, log, count); err != nil {
		return err
	}
	for archiver.Position().Seq < domain.Sequence(count) {
		time.Sleep(10 * time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if _, err := fmt.Fprintln(stdout, "filled"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stdin)
	return err
}

// appendAll appends made-up events from many goroutines, each creation before
// its answer.
func appendAll(ctx context.Context, log *eventstore.Log, count int) error {
	g := events.NewGenerator()
	var mu sync.Mutex
	made := 0
	next := func() (created, answer domain.Event) {
		mu.Lock()
		defer mu.Unlock()
		if made == count {
			return nil, nil
		}
		created, made = g.Next(), made+1
		g.Seq += 2 // an even and an odd one in turn make both types
		if g.Open != nil && made < count {
			answer, made = g.Next(), made+1
			g.Seq++
		}
		g.Open = nil
		return created, answer
	}
	errs := make([]error, fillWriters)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			for {
				created, answer := next()
				if created == nil {
					return
				}
				at, err := log.Append(ctx, created, 0)
				if err == nil && answer != nil {
					_, err = log.Append(ctx, answer, at.Seq)
				}
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (s *starts) values(list []started, of func(*started) float64) []float64 {
	var out []float64
	for i := range list {
		out = append(out, of(&list[i]))
	}
	return out
}

func readyTime(s *started) float64 { return s.Ready }
func bareTime(s *started) float64  { return s.Bare }
func overBare(s *started) float64  { return s.Ready / s.Bare }

// Goals implements result.
func (s *starts) Goals() []figures.Goal {
	return []figures.Goal{
		figures.AtMost("start on an empty store, no demonstration", 100, "ms", s.values(s.Empty, readyTime)),
		figures.AtMost(fmt.Sprintf("start after a kill with %d events / JetStream's own", s.Events), 2, "", s.values(s.Killed, overBare)),
	}
}

// Text implements result.
func (s *starts) Text(markdown bool) string {
	t := figures.Table{Head: []string{"start, from execution", "JetStream alone, ms", "ready, ms", "ratio"}}
	for _, row := range []struct {
		name string
		list []started
	}{{"empty store", s.Empty}, {fmt.Sprintf("killed with %d events", s.Events), s.Killed}} {
		show := func(of func(*started) float64, decimals int) string {
			v := figures.SpreadOf(s.values(row.list, of))
			return fmt.Sprintf("%.*f (%.*f-%.*f)", decimals, v.Median, decimals, v.Min, decimals, v.Max)
		}
		t.Add(row.name, show(bareTime, 0), show(readyTime, 0), show(overBare, 2))
	}
	return t.Text(markdown)
}

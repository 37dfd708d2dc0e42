package program

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/eventstore"
	"ocapi/place"
)

type archiveCmd struct {
	AcceptGap   acceptGapCmd   `cmd:"" help:"Declare events lost that the log misses, so that archiving goes on after them."`
	AdoptStream adoptStreamCmd `cmd:"" help:"Keep the archive, take over what only the log has, and make the log anew. The service, every node of it, has to be stopped."`
}

type acceptGapCmd struct {
	From uint64 `arg:"" help:"The first sequence that is lost."`
	To   uint64 `arg:"" help:"The last sequence that is lost."`
	place.Flags
	place.NATSFlags
}

// Run records the gap. The archiver takes it up within seconds.
func (c *acceptGapCmd) Run(env *command.Environment) error {
	if err := place.Together(c.Flags, c.NATSFlags); err != nil {
		return err
	}
	return command.WithExisting(env, c.Flags, func(s *place.Stores) error {
		at, err := s.Archive.Checkpoint(env.Context)
		if err != nil {
			return err
		}
		if c.From == 0 {
			return errors.New("there is no event 0: events are numbered from 1")
		}
		if c.To < c.From {
			return fmt.Errorf("there is no gap from %d to %d: the first number is to be the smaller one", c.From, c.To)
		}
		if c.From <= uint64(at.Seq) {
			return fmt.Errorf("event %d is not missing: the events up to %d are archived; only later ones, which the log misses, may be declared lost", c.From, at.Seq)
		}
		end, known, err := c.logEnd(env, s)
		if err != nil {
			return err
		}
		// What has not been written yet must not be declared lost: it would never
		// be missed.
		if known && c.To > uint64(end) {
			return fmt.Errorf("event %d is not missing: the event log ends at %d, and what has not been written cannot be lost", c.To, end)
		}
		gap := eventstore.Gap{Incarnation: at.Incarnation, From: eventstore.Sequence(c.From), To: eventstore.Sequence(c.To)}
		if err := s.Archive.AcceptGap(env.Context, gap, time.Now()); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Events %d to %d are declared lost; archiving goes on after them.\n", c.From, c.To)
		return err
	})
}

// LogEnd asks the running service's log, or the cluster's; known is false in a
// folder that nobody serves.
func (c *acceptGapCmd) logEnd(env *command.Environment, s *place.Stores) (end eventstore.Sequence, known bool, err error) {
	if s.LogEnd != nil {
		end, err = s.LogEnd(env.Context)
		return end, true, err
	}
	if !c.Shared() {
		return 0, false, nil
	}
	logger := slog.New(slog.NewTextHandler(env.Stderr, nil))
	conn, err := eventstore.ConnectCluster(env.Context, c.Cluster(logger))
	if err != nil {
		return 0, false, err
	}
	defer conn.Close()
	extent, err := eventstore.LogExtent(env.Context, conn)
	return extent.Last, true, err
}

type adoptStreamCmd struct {
	LogMaxBytes int64 `help:"As for serve. Default: what the log has." env:"OCAPI_LOG_MAX_BYTES"`
	place.Flags
	place.NATSFlags
}

// Run adopts the log of the data folder or of the cluster.
func (c *adoptStreamCmd) Run(env *command.Environment) error {
	if env.Stores != nil {
		return errors.New("stop the service first: its log is to be made anew")
	}
	if err := place.Together(c.Flags, c.NATSFlags); err != nil {
		return err
	}
	taken, err := c.adopt(env, slog.New(slog.NewTextHandler(env.Stderr, nil)))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "What only the log had is archived under new numbers (%s); the log is made anew after it.\n", console.Count(taken, "event"))
	return err
}

func (c *adoptStreamCmd) adopt(env *command.Environment, logger *slog.Logger) (int, error) {
	if c.Shared() {
		return c.adoptShared(env.Context, logger)
	}
	return c.adoptFolder(env.Context, logger)
}

func (c *adoptStreamCmd) adoptFolder(ctx context.Context, logger *slog.Logger) (taken int, err error) {
	if err := place.RequireFolder(c.Data, place.ArchiveFile); err != nil {
		return 0, err
	}
	lock, err := place.LockFolder(c.Data)
	if errors.Is(err, place.ErrServed) {
		return 0, fmt.Errorf("%w; stop it first: its log is to be made anew", err)
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	s, err := place.Open(ctx, c.Flags)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	embedded, err := eventstore.StartEmbedded(eventstore.EmbeddedConfig{
		Dir: filepath.Join(c.Data, place.LogFolder), MaxBytes: cmp.Or(c.LogMaxBytes, eventstore.DefaultLogMaxBytes), Logger: logger,
	})
	if err != nil {
		return 0, err
	}
	defer embedded.Stop()
	mark, err := eventstore.OpenMark(filepath.Join(c.Data, place.MarkFile), logger)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, mark.Close()) }()
	log, err := embedded.OpenLog(ctx, eventstore.LogConfig{
		MaxBytes: c.LogMaxBytes, AckTimeout: place.AckTimeout, Mark: mark, Now: time.Now, Logger: logger,
	}, 0)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	return eventstore.Adopt(ctx, log, s.Archive)
}

func (c *adoptStreamCmd) adoptShared(ctx context.Context, logger *slog.Logger) (taken int, err error) {
	s, err := place.Open(ctx, c.Flags)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	release, ok, err := s.Archive.TryLease(ctx)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, errors.New("a node is archiving; stop every node first: their log is to be made anew")
	}
	defer release()
	at, err := s.Archive.Checkpoint(ctx)
	if err != nil {
		return 0, err
	}
	conn, err := eventstore.ConnectCluster(ctx, c.Cluster(logger))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	log, err := eventstore.OpenLog(ctx, conn, eventstore.LogConfig{
		MaxBytes: c.LogMaxBytes, AckTimeout: place.AckTimeout, Now: time.Now, Logger: logger,
	}, at.Seq)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	return eventstore.Adopt(ctx, log, s.Archive)
}

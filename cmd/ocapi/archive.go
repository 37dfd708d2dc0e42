package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"ocapi/eventstore"
)

type archiveCmd struct {
	AcceptGap   acceptGapCmd   `cmd:"" help:"Declare events lost that the log misses, so that archiving goes on after them."`
	AdoptStream adoptStreamCmd `cmd:"" help:"Keep the archive, take over what only the log has, and make the log anew. The service, every node of it, has to be stopped."`
}

type acceptGapCmd struct {
	From uint64 `arg:"" help:"The first sequence that is lost."`
	To   uint64 `arg:"" help:"The last sequence that is lost."`
	place
	natsFlags
}

// Run records the gap. The archiver takes it up within seconds.
func (c *acceptGapCmd) Run(env *environment) error {
	if err := together(c.place, c.natsFlags); err != nil {
		return err
	}
	return withExisting(env, c.place, func(s *stores) error {
		at, err := s.archive.Checkpoint(env.ctx)
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
		if err := s.archive.AcceptGap(env.ctx, gap, time.Now()); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "Events %d to %d are declared lost; archiving goes on after them.\n", c.From, c.To)
		return err
	})
}

// logEnd asks the running service's log, or the cluster's; known is false in a
// folder that nobody serves.
func (c *acceptGapCmd) logEnd(env *environment, s *stores) (end eventstore.Sequence, known bool, err error) {
	if s.logEnd != nil {
		end, err = s.logEnd(env.ctx)
		return end, true, err
	}
	if !c.shared() {
		return 0, false, nil
	}
	logger := slog.New(slog.NewTextHandler(env.stderr, nil))
	conn, err := eventstore.ConnectCluster(env.ctx, c.cluster(logger))
	if err != nil {
		return 0, false, err
	}
	defer conn.Close()
	extent, err := eventstore.LogExtent(env.ctx, conn)
	return extent.Last, true, err
}

type adoptStreamCmd struct {
	LogMaxBytes int64 `help:"As for serve. Default: what the log has." env:"OCAPI_LOG_MAX_BYTES"`
	place
	natsFlags
}

// Run adopts the log of the data folder or of the cluster.
func (c *adoptStreamCmd) Run(env *environment) error {
	if env.stores != nil {
		return errors.New("stop the service first: its log is to be made anew")
	}
	if err := together(c.place, c.natsFlags); err != nil {
		return err
	}
	taken, err := c.adopt(env, slog.New(slog.NewTextHandler(env.stderr, nil)))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "What only the log had is archived under new numbers (%s); the log is made anew after it.\n", count(taken, "event"))
	return err
}

func (c *adoptStreamCmd) adopt(env *environment, logger *slog.Logger) (int, error) {
	if c.shared() {
		return c.adoptShared(env.ctx, logger)
	}
	return c.adoptFolder(env.ctx, logger)
}

func (c *adoptStreamCmd) adoptFolder(ctx context.Context, logger *slog.Logger) (taken int, err error) {
	if err := requireFolder(c.Data, archiveFile); err != nil {
		return 0, err
	}
	lock, err := lockFolder(c.Data)
	if errors.Is(err, errServed) {
		return 0, fmt.Errorf("%w; stop it first: its log is to be made anew", err)
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	s, err := openStores(ctx, c.place)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	embedded, err := eventstore.StartEmbedded(eventstore.EmbeddedConfig{
		Dir: filepath.Join(c.Data, logFolder), MaxBytes: cmp.Or(c.LogMaxBytes, eventstore.DefaultLogMaxBytes), Logger: logger,
	})
	if err != nil {
		return 0, err
	}
	defer embedded.Stop()
	mark, err := eventstore.OpenMark(filepath.Join(c.Data, markFile), logger)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, mark.Close()) }()
	log, err := embedded.OpenLog(ctx, eventstore.LogConfig{
		MaxBytes: c.LogMaxBytes, AckTimeout: ackTimeout, Mark: mark, Now: time.Now, Logger: logger,
	}, 0)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	return eventstore.Adopt(ctx, log, s.archive)
}

func (c *adoptStreamCmd) adoptShared(ctx context.Context, logger *slog.Logger) (taken int, err error) {
	s, err := openStores(ctx, c.place)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	release, ok, err := s.archive.TryLease(ctx)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, errors.New("a node is archiving; stop every node first: their log is to be made anew")
	}
	defer release()
	at, err := s.archive.Checkpoint(ctx)
	if err != nil {
		return 0, err
	}
	conn, err := eventstore.ConnectCluster(ctx, c.cluster(logger))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	log, err := eventstore.OpenLog(ctx, conn, eventstore.LogConfig{
		MaxBytes: c.LogMaxBytes, AckTimeout: ackTimeout, Now: time.Now, Logger: logger,
	}, at.Seq)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	return eventstore.Adopt(ctx, log, s.archive)
}

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"ocapi/eventstore"
)

type archiveCmd struct {
	AcceptGap   acceptGapCmd   `cmd:"" help:"Declare events lost that the log misses, so that archiving goes on after them."`
	AdoptStream adoptStreamCmd `cmd:"" help:"Keep the archive, take over what only the log has, and make the log anew. The service has to be stopped."`
}

type acceptGapCmd struct {
	From uint64 `arg:"" help:"The first sequence that is lost."`
	To   uint64 `arg:"" help:"The last sequence that is lost."`
	dataFlag
}

// Run records the gap. The archiver takes it up within seconds.
func (c *acceptGapCmd) Run(env *environment) error {
	return withExisting(env, c.Data, func(s *stores) error {
		at, err := s.archive.Checkpoint(env.ctx)
		if err != nil {
			return err
		}
		if c.From <= uint64(at.Seq) {
			return fmt.Errorf("events up to %d are archived; a gap that begins at %d is none", at.Seq, c.From)
		}
		if s.logEnd != nil {
			// What has not been written yet must not be declared lost: it would
			// never be missed.
			if end, err := s.logEnd(env.ctx); err != nil {
				return err
			} else if c.To > uint64(end) {
				return fmt.Errorf("the event log ends at %d; a gap that ends at %d is none", end, c.To)
			}
		}
		gap := eventstore.Gap{Incarnation: at.Incarnation, From: eventstore.Sequence(c.From), To: eventstore.Sequence(c.To)}
		if err := s.archive.AcceptGap(env.ctx, gap, time.Now()); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "Events %d to %d are declared lost; archiving goes on after them.\n", c.From, c.To)
		return err
	})
}

type adoptStreamCmd struct {
	LogMaxBytes int64 `help:"As for serve." default:"2147483648" env:"OCAPI_LOG_MAX_BYTES"`
	dataFlag
}

// Run adopts the log of the data folder.
func (c *adoptStreamCmd) Run(env *environment) (err error) {
	if env.stores != nil {
		return errors.New("stop the service first: its log is to be made anew")
	}
	if err := requireFolder(c.Data, archiveFile); err != nil {
		return err
	}
	lock, err := lockFolder(c.Data)
	if errors.Is(err, errServed) {
		return fmt.Errorf("%w; stop it first: its log is to be made anew", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	s, err := openStores(env.ctx, c.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	logger := slog.New(slog.NewTextHandler(env.stderr, nil))
	embedded, err := eventstore.StartEmbedded(eventstore.EmbeddedConfig{
		Dir: filepath.Join(c.Data, logFolder), MaxBytes: c.LogMaxBytes, Logger: logger,
	})
	if err != nil {
		return err
	}
	defer embedded.Stop()
	mark, err := eventstore.OpenMark(filepath.Join(c.Data, markFile), logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mark.Close()) }()
	log, err := eventstore.OpenLog(env.ctx, embedded.Conn(), eventstore.LogConfig{
		MaxBytes: c.LogMaxBytes, AckTimeout: ackTimeout, Mark: mark, Now: time.Now, Logger: logger,
	}, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	taken, err := eventstore.Adopt(env.ctx, log, s.archive)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "%d events that only the log had are archived under new numbers; the log is made anew after them.\n", taken)
	return err
}

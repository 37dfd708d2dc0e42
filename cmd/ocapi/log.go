package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
)

const (
	// archivedWithin is how long a command waits to see its event archived.
	archivedWithin = 10 * time.Second
	archivedLook   = 20 * time.Millisecond
)

// withLog runs do where the event log is open: in the process that serves the
// folder, or beside the nodes of a cluster.
func withLog(env *environment, p place, flags natsFlags, do func(*stores) error) error {
	if err := together(p, flags); err != nil {
		return err
	}
	return withExisting(env, p, func(s *stores) (err error) {
		if s.append != nil {
			return do(s)
		}
		if !p.shared() {
			return errors.New("nobody serves this folder, so its event log is not open; start the service and try again")
		}
		logger := slog.New(slog.NewTextHandler(env.stderr, nil))
		conn, err := eventstore.ConnectCluster(env.ctx, flags.cluster(logger))
		if err != nil {
			return err
		}
		defer conn.Close()
		at, err := s.archive.Checkpoint(env.ctx)
		if err != nil {
			return err
		}
		log, err := eventstore.OpenLog(env.ctx, conn, eventstore.LogConfig{AckTimeout: ackTimeout, Shared: true, Now: time.Now, Logger: logger}, at.Seq)
		if err != nil {
			return err
		}
		defer log.Close()
		s.append = func(ctx context.Context, e domain.Event) error { return appendAfterLast(ctx, log, e) }
		return do(s)
	})
}

// archived waits until an event is archived, so that whatever is asked next knows
// of it.
func archived(ctx context.Context, s *stores, id domain.EventID) error {
	ctx, cancel := context.WithTimeout(ctx, archivedWithin)
	defer cancel()
	for {
		if there, err := s.archive.Has(ctx, id); err != nil || there {
			return err
		}
		select {
		case <-time.After(archivedLook):
		case <-ctx.Done():
			return errors.New("it is in the event log, but not archived yet; it will be when archiving goes on")
		}
	}
}

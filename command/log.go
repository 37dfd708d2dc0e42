package command

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place"
)

const (
	// archivedWithin is how long a command waits to see its event archived.
	archivedWithin = 10 * time.Second
	archivedLook   = 20 * time.Millisecond
)

// WithLog runs do where the event log is open: in the process that serves the
// folder, or beside the nodes of a cluster. Within do the stores have Append.
func WithLog(env *Environment, p place.Flags, flags place.NATSFlags, do func(*place.Stores) error) error {
	if err := place.Together(p, flags); err != nil {
		return err
	}
	return WithExisting(env, p, func(s *place.Stores) (err error) {
		if s.Append != nil {
			return do(s)
		}
		if !p.Shared() {
			return errors.New("nobody serves this folder, so its event log is not open; start the service and try again")
		}
		logger := slog.New(slog.NewTextHandler(env.Stderr, nil))
		conn, err := eventstore.ConnectCluster(env.Context, flags.Cluster(logger))
		if err != nil {
			return err
		}
		defer conn.Close()
		at, err := s.Archive.Checkpoint(env.Context)
		if err != nil {
			return err
		}
		log, err := eventstore.OpenLog(env.Context, conn, eventstore.LogConfig{AckTimeout: place.AckTimeout, Shared: true, Now: time.Now, Logger: logger}, at.Seq)
		if err != nil {
			return err
		}
		defer log.Close()
		s.Append = func(ctx context.Context, e domain.Event) error { return place.AppendAfterLast(ctx, log, e) }
		return do(s)
	})
}

// Archived waits until an event is archived, so that whatever is asked next knows
// of it. It waits ten seconds at most; the error says then that archiving has stopped.
func Archived(ctx context.Context, s *place.Stores, id domain.EventID) error {
	ctx, cancel := context.WithTimeout(ctx, archivedWithin)
	defer cancel()
	for {
		if there, err := s.Archive.Has(ctx, id); err != nil || there {
			return err
		}
		select {
		case <-time.After(archivedLook):
		case <-ctx.Done():
			return errors.New("it is in the event log, but not archived yet; it will be when archiving goes on")
		}
	}
}

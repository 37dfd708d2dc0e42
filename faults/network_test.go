//go:build linux

package faults

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"ocapi/eventstore"
)

// spoil does something to the ways of one node to a store for a time. The node
// that archives is the one that it hurts most.
func (topo *topology) spoil(name string, short time.Duration, of func(*ways) []*way, do func(*way) error) scenario {
	return scenario{
		name: name, short: short, long: 20 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			node, err := topo.archiver(ctx)
			if err != nil {
				return err
			}
			list := of(topo.ways[node])
			if err := all(list, do); err != nil {
				return err
			}
			pause(ctx, lasts)
			r.over(ctx)
			return all(list, (*way).renew)
		},
	}
}

func toNATS(w *ways) []*way     { return w.nats }
func toDatabase(w *ways) []*way { return w.database }

func slowed(w *way) error    { return w.suffer(slowUp, slowDown) }
func deafened(w *way) error  { return w.suffer(deaf) }
func swallowed(w *way) error { return w.suffer(deaf, mute) }

func gone(w *way) error {
	w.cut()
	return nil
}

// networkFaults are what may become of the ways between a node and the stores.
func (topo *topology) networkFaults() []scenario {
	// Nothing comes through swallowed that does not through deaf: it is in the long
	// profile only.
	const short, onlyLong = 5 * time.Second, 0
	return []scenario{
		topo.spoil("slow connection to NATS (200 ms)", short, toNATS, slowed),
		topo.spoil("connection to NATS cut", short, toNATS, gone),
		topo.spoil("acknowledgements of NATS lost", short, toNATS, deafened),
		topo.spoil("packets to and from NATS swallowed", onlyLong, toNATS, swallowed),
		topo.spoil("slow connection to PostgreSQL (200 ms)", short, toDatabase, slowed),
		topo.spoil("connection to PostgreSQL cut", short, toDatabase, gone),
		topo.spoil("acknowledgements of PostgreSQL lost", short, toDatabase, deafened),
		topo.spoil("packets to and from PostgreSQL swallowed", onlyLong, toDatabase, swallowed),
	}
}

// freezeArchiver freezes the node that archives until another goes ahead, and
// lets it go on: both are at it then, and what the first has in its hands is
// delivered for the second time.
func (topo *topology) freezeArchiver() scenario {
	return scenario{
		name: "two archivers at once (one was frozen)", short: time.Second, long: 10 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			first, err := topo.archiver(ctx)
			if err != nil {
				return err
			}
			avoided := r.visitors.avoid(ctx, first)
			defer avoided()
			node, heir := topo.Nodes[first], topo.Nodes[1-first]
			node.Freeze()
			defer node.Thaw()
			err = until(ctx, 4*takeoverPatience, "another node to archive", func(ctx context.Context) error {
				active, err := gauge(ctx, heir.AdminURL, "ocapi_archiver_active")
				if err == nil && active != 1 {
					err = errors.New("it does not")
				}
				return err
			})
			if err != nil {
				return err
			}
			pause(ctx, lasts)
			node.Thaw()
			avoided()
			r.over(ctx)
			return nil
		},
	}
}

// secondArchiver runs an archiver of the test's own beside the nodes', without
// asking for the lease: every event is delivered to both, and both try to
// archive it.
func (topo *topology) secondArchiver() scenario {
	return scenario{
		name: "every event delivered to two archivers", short: 5 * time.Second, long: 20 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			stop, err := topo.startArchiver(ctx)
			if err != nil {
				return err
			}
			pause(ctx, lasts)
			wrote, fenced := stop()
			r.note("%d batches of the second one fenced off, %d archived", fenced, wrote)
			r.over(ctx)
			if fenced == 0 {
				return errors.New("no batch came twice: the second archiver was not at it")
			}
			return nil
		},
	}
}

// leaseless is an archive that gives the lease to whoever asks, and counts what
// becomes of the batches.
type leaseless struct {
	eventstore.Archive
	wrote, fenced int
}

// TryLease implements eventstore.Archive.
func (*leaseless) TryLease(context.Context) (release func(), ok bool, err error) {
	return func() {}, true, nil
}

// Append implements eventstore.Archive.
func (l *leaseless) Append(ctx context.Context, from, to eventstore.Checkpoint, batch []eventstore.Record) error {
	err := l.Archive.Append(ctx, from, to, batch)
	switch {
	case err == nil:
		l.wrote++
	case errors.Is(err, eventstore.ErrFenced):
		l.fenced++
	}
	return err
}

// startArchiver starts an archiver of the test's own; stop tells how many
// batches it has archived, and how many were fenced off.
func (topo *topology) startArchiver(ctx context.Context) (stop func() (wrote, fenced int), err error) {
	info, err := topo.stream(ctx)
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.DiscardHandler)
	log, err := eventstore.OpenLog(ctx, topo.conn, eventstore.LogConfig{
		MaxBytes: info.Config.MaxBytes, AckTimeout: 5 * time.Second, Shared: true, Now: time.Now, Logger: logger,
	}, 0)
	if err != nil {
		return nil, err
	}
	archive := &leaseless{Archive: eventstore.NewPostgresArchive(topo.db.Pool)}
	archiver := eventstore.NewArchiver(log, archive, logger, time.Now)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		archiver.Run(ctx)
	}()
	return func() (int, int) {
		cancel()
		<-ended
		log.Close()
		return archive.wrote, archive.fenced
	}, nil
}

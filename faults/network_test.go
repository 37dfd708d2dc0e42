//go:build linux

package faults

import (
	"context"
	"fmt"
	"time"

	"ocapi/eventstore"
)

// spoil does something to the ways of one node to a store for a time. The node
// that archives is the one that it hurts most.
func (topo *topology) spoil(name string, of func(*ways) []*way, do func(*way) error) scenario {
	return scenario{
		name: name, short: 5 * time.Second, long: 20 * time.Second,
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
			r.over()
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
	return []scenario{
		topo.spoil("slow connection to NATS (200 ms)", toNATS, slowed),
		topo.spoil("connection to NATS cut", toNATS, gone),
		topo.spoil("acknowledgements of NATS lost", toNATS, deafened),
		topo.spoil("packets to and from NATS swallowed", toNATS, swallowed),
		topo.spoil("slow connection to PostgreSQL (200 ms)", toDatabase, slowed),
		topo.spoil("connection to PostgreSQL cut", toDatabase, gone),
		topo.spoil("acknowledgements of PostgreSQL lost", toDatabase, deafened),
		topo.spoil("packets to and from PostgreSQL swallowed", toDatabase, swallowed),
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
					err = fmt.Errorf("it does not")
				}
				return err
			})
			if err != nil {
				return err
			}
			pause(ctx, lasts)
			node.Thaw()
			avoided()
			r.over()
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
			wrote := stop()
			r.note("the second one wrote %d batches", wrote)
			r.over()
			if wrote == 0 {
				return fmt.Errorf("the second archiver has archived nothing: it was not at it")
			}
			return nil
		},
	}
}

// leaseless is an archive that gives the lease to whoever asks.
type leaseless struct {
	eventstore.Archive
	wrote int
}

// TryLease implements eventstore.Archive.
func (*leaseless) TryLease(context.Context) (release func(), ok bool, err error) {
	return func() {}, true, nil
}

// Append counts the batches that were not fenced off.
func (l *leaseless) Append(ctx context.Context, from, to eventstore.Checkpoint, batch []eventstore.Record) error {
	err := l.Archive.Append(ctx, from, to, batch)
	if err == nil {
		l.wrote++
	}
	return err
}

//go:build linux

package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ocapi/cluster"
)

// takeoverPatience is what is promised: another node archives within that time
// of an archiver's death.
const takeoverPatience = 5 * time.Second

// killArchiver kills the node that archives, and sees another one take over.
func (topo *topology) killArchiver() scenario {
	return scenario{
		name: "kill -9 of the node that archives", short: time.Second, long: 5 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			victim, err := topo.archiver(ctx)
			if err != nil {
				return err
			}
			heir := topo.Nodes[1-victim]
			return topo.killNode(ctx, r, victim, lasts, func(killed time.Time, at uint64) error {
				err := until(ctx, takeoverPatience, "another node to archive", func(ctx context.Context) error {
					active, err := gauge(ctx, heir.AdminURL, "ocapi_archiver_active")
					if err != nil {
						return err
					}
					now, err := topo.archived(ctx)
					if err == nil && (active != 1 || now <= at) {
						err = fmt.Errorf("active %g, archived up to %d, as at the kill", active, now)
					}
					return err
				})
				if err != nil {
					return errors.Join(err, topo.evidence(ctx, heir))
				}
				r.note("another node archived after %s", seconds(time.Since(killed)))
				return nil
			})
		},
	}
}

// killOther kills the node that does not archive.
func (topo *topology) killOther() scenario {
	return scenario{
		name: "kill -9 of the other node", short: time.Second, long: 5 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			archiver, err := topo.archiver(ctx)
			if err != nil {
				return err
			}
			return topo.killNode(ctx, r, 1-archiver, lasts, func(time.Time, uint64) error { return nil })
		},
	}
}

// killNode kills a node, looks at what becomes of the rest, and starts it again.
func (topo *topology) killNode(ctx context.Context, r *run, victim int, lasts time.Duration, meanwhile func(killed time.Time, at uint64) error) error {
	at, err := topo.archived(ctx)
	if err != nil {
		return err
	}
	node := topo.Nodes[victim]
	end := r.book.mayCut(victim)
	defer end()
	killed := time.Now()
	node.Kill()
	if err := meanwhile(killed, at); err != nil {
		return err
	}
	pause(ctx, time.Until(killed.Add(lasts)))
	r.over(ctx)
	return node.Start(ctx)
}

// killLeader kills the NATS server that leads the stream. The rest elects
// another by itself, so the fault is over with the kill: all has to be had again
// without it.
func (topo *topology) killLeader() scenario {
	return scenario{
		name: "kill -9 of the stream's leader", short: time.Second, long: 20 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			leader, err := topo.leader(ctx)
			if err != nil {
				return err
			}
			killed := time.Now()
			leader.Kill()
			r.over(ctx)
			if took := r.await(); took.err != nil {
				return fmt.Errorf("without the server that led: %w", took.err)
			}
			pause(ctx, time.Until(killed.Add(lasts)))
			return leader.Start(ctx)
		},
	}
}

// hangLeader freezes the NATS server that leads the stream until another one
// does, and lets it go on believing that it does.
func (topo *topology) hangLeader() scenario {
	return scenario{
		name: "the stream's leader hangs and comes back", short: 8 * time.Second, long: 20 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			leader, err := topo.leader(ctx)
			if err != nil {
				return err
			}
			leader.Freeze()
			defer leader.Thaw()
			pause(ctx, lasts)
			r.over(ctx)
			return nil
		},
	}
}

// loseQuorum kills two of the three NATS servers, the stream's leader among
// them, and brings them back.
func (topo *topology) loseQuorum() scenario {
	return scenario{
		name: "loss of quorum (2 of 3 NATS servers), and return", short: 12 * time.Second, long: 40 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			leader, err := topo.leader(ctx)
			if err != nil {
				return err
			}
			victims := []*cluster.NATS{leader, topo.NATS[0]}
			if leader == topo.NATS[0] {
				victims[1] = topo.NATS[1]
			}
			for _, v := range victims {
				v.Kill()
			}
			pause(ctx, lasts)
			return topo.startNATS(ctx, r, victims)
		},
	}
}

// startNATS starts servers that need each other to be ready.
func (topo *topology) startNATS(ctx context.Context, r *run, list []*cluster.NATS) error {
	for _, n := range list {
		if err := n.Launch(); err != nil {
			return err
		}
	}
	r.over(ctx)
	for _, n := range list {
		if err := n.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// killPostgres kills PostgreSQL and starts it again at once.
func (topo *topology) killPostgres() scenario {
	return scenario{
		name: "kill -9 of PostgreSQL, and restart", short: time.Second, long: 5 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			topo.Postgres.Kill()
			pause(ctx, lasts)
			r.over(ctx)
			return topo.Postgres.Start(ctx)
		},
	}
}

// waitingEvents is more than the archiver takes in one batch (1,000); in the
// long profile it is also more than the queue of appends holds (4,096).
const (
	waitingEvents      = 1200
	waitingEventsLong  = 5000
	waitingEventsBound = 2 * time.Minute
)

// losePostgres keeps PostgreSQL away until more waits than fits into any batch
// or queue.
func (topo *topology) losePostgres() scenario {
	return scenario{
		name: "PostgreSQL away for longer than the batch queue", short: 5 * time.Second, long: 45 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			at, err := topo.archived(ctx)
			if err != nil {
				return err
			}
			if err := topo.Postgres.Stop(ctx); err != nil {
				return err
			}
			stopped := time.Now()
			want := uint64(waitingEvents)
			if long() {
				want = waitingEventsLong
			}
			var waiting uint64
			err = until(ctx, waitingEventsBound, "enough events to wait", func(ctx context.Context) error {
				last, err := topo.logged(ctx)
				if err != nil {
					return err
				}
				if waiting = last - at; waiting < want {
					return fmt.Errorf("%d wait", waiting)
				}
				return nil
			})
			if err != nil {
				return errors.Join(err, topo.Postgres.Start(ctx))
			}
			pause(ctx, time.Until(stopped.Add(lasts)))
			r.note("%d events waited", waiting)
			r.over(ctx)
			return topo.Postgres.Start(ctx)
		},
	}
}

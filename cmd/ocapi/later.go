package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
)

// laterPatience is how long work waits for the memory that could do without it.
const laterPatience = time.Minute

// later gives work that begins when the memory holds what the log held, since a
// node is ready no sooner: whatever reads the archive meanwhile (statistics, daily
// figures, votes) takes the processor from it. In the profile of a start with
// 50,000 events in the log it had 7 % of the time and they had three quarters.
func (n *node) later(do func(ctx context.Context)) func(ctx context.Context) {
	return func(ctx context.Context) {
		select {
		case <-n.remembers.channel():
		case <-time.After(laterPatience):
		case <-ctx.Done():
			return
		}
		do(ctx)
	}
}

// remember says that the memory holds what the log held. It is called by one
// goroutine, again each time that the log was lost and found.
func (n *node) remember() {
	if n.caughtUp.CompareAndSwap(false, true) {
		close(n.remembers.channel())
	}
}

// recall feeds the memory and the limiter with those events of the log that are
// archived, from the archive: that takes a fraction of having the log's server
// send them one by one. It gives the first event that is left for the log, also
// with an error.
func (n *node) recall(ctx context.Context) (next eventstore.Sequence, err error) {
	next = 1
	extent, err := n.log.Extent(ctx)
	if err != nil {
		return next, err
	}
	at, err := n.stores.archive.Checkpoint(ctx)
	if err != nil {
		return next, err
	}
	// The archive has what the log has: they were compared before.
	wanted := eventstore.EventFilter{After: max(extent.First, 1) - 1, Before: at.Seq + 1}
	err = n.stores.archive.Scan(ctx, wanted, func(p eventstore.Page) error {
		for i := range p.Len() {
			r := domain.Record{Seq: p.Seq(i), Incarnation: at.Incarnation, Data: []byte(p.Data(i))}
			if r.Event, err = eventstore.DecodeEvent(r.Data); err != nil {
				return fmt.Errorf("event %d of the archive: %w", r.Seq, err)
			}
			n.memory.Apply(r)
			n.gate.Observe(r)
			next = r.Seq + 1
		}
		n.projected.Store(uint64(next - 1))
		return nil
	})
	return next, err
}

// latch is a channel to be closed, whose zero value is ready.
type latch struct {
	once sync.Once
	made chan struct{}
}

func (s *latch) channel() chan struct{} {
	s.once.Do(func() { s.made = make(chan struct{}) })
	return s.made
}

package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
)

const (
	// followBatch bounds what the projection takes in one go.
	followBatch = 1000
	// followLinger may be long: what this node decided it has seen already, and
	// what another decided is looked up in the log until it comes.
	followLinger = 20 * time.Millisecond
)

// follow feeds the memory and the limiter with what the log holds, from its
// first event on, and with what comes.
func (n *node) follow(ctx context.Context) {
	next, err := n.recall(ctx)
	if err != nil && ctx.Err() == nil {
		n.logger.Warn("the projection could not read the archive and reads the log instead", "error", err)
	}
	for ctx.Err() == nil {
		err := n.log.Follow(ctx, next, followBatch, followLinger, func(batch []domain.Record) error {
			next = n.remembered(batch)
			return nil
		}, n.remember)
		if err != nil && ctx.Err() == nil {
			// Nothing is wrong by it: look-ups ask the log instead.
			n.logger.Warn("the projection has lost the log and looks for it", "error", err)
			sleep(ctx, time.Second)
		}
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
	at, err := n.stores.Archive.Checkpoint(ctx)
	if err != nil {
		return next, err
	}
	// The archive has what the log has: they were compared before.
	wanted := eventstore.EventFilter{After: max(extent.First, 1) - 1, Before: at.Seq + 1}
	err = n.stores.Archive.Scan(ctx, wanted, func(p eventstore.Page) error {
		batch := make([]domain.Record, p.Len())
		for i := range batch {
			data := []byte(p.Data(i))
			e, err := eventstore.DecodeEvent(data)
			if err != nil {
				return fmt.Errorf("event %d of the archive: %w", p.Seq(i), err)
			}
			batch[i] = domain.Record{Seq: p.Seq(i), Incarnation: at.Incarnation, Event: e, Data: data}
		}
		next = n.remembered(batch)
		return nil
	})
	return next, err
}

// remembered takes in what follows on in the log, and gives the sequence after
// it.
func (n *node) remembered(batch []domain.Record) (next eventstore.Sequence) {
	for _, r := range batch {
		n.memory.Follow(r)
		n.gate.Observe(r)
		next = r.Seq + 1
	}
	n.projected.Store(uint64(next - 1))
	return next
}

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

// latch is a channel to be closed, whose zero value is ready.
type latch struct {
	once sync.Once
	made chan struct{}
}

func (s *latch) channel() chan struct{} {
	s.once.Do(func() { s.made = make(chan struct{}) })
	return s.made
}

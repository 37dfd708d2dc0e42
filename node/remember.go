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

// follow feeds the memory and the limiter with what the log holds, and with what
// comes. It begins before the log is open: what is archived is read meanwhile,
// since opening the log leaves a processor and the archive idle.
//
// Nothing is left out and nothing taken twice: each reading ends with an event,
// and the next one begins with the sequence after it. Sequences are never used
// again, also not by a log that had to be made anew, so that the archive's events
// up to one of them and the log's from the next one on are all there are.
func (n *node) follow(ctx context.Context) {
	next, err := n.recall(ctx, 0)
	select {
	case <-n.logOpen.channel():
	case <-ctx.Done():
		return
	}
	if err == nil {
		// What was archived meanwhile: by other nodes, or of a log that lost its end.
		next, err = n.recall(ctx, next)
	}
	if err != nil && ctx.Err() == nil {
		n.logger.Warn("the projection could not read the archive and reads the log instead", "error", err)
	}
	for ctx.Err() == nil {
		err := n.log.Follow(ctx, next, followBatch, followLinger, func(batch []domain.Record) error {
			for _, r := range batch {
				next = n.remembered(r)
			}
			return nil
		}, n.remember)
		if err != nil && ctx.Err() == nil {
			// Nothing is wrong by it: look-ups ask the log instead.
			n.logger.Warn("the projection has lost the log and looks for it", "error", err)
			sleep(ctx, time.Second)
		}
	}
}

// recall feeds the memory and the limiter with archived events, from the one at
// the sequence next on; with 0, from the first that the log keeps for long. It
// takes a fraction of having the log's server send them one by one. It gives the
// first event that is left for the log, also with an error.
func (n *node) recall(ctx context.Context, next eventstore.Sequence) (eventstore.Sequence, error) {
	archive := n.stores.Archive
	at, err := archive.Checkpoint(ctx)
	if err != nil {
		return max(next, 1), err
	}
	if next == 0 {
		if next, err = eventstore.FirstKept(ctx, archive, at.Seq, n.cfg.TrimMargin, n.env.Clock()()); err != nil {
			return 1, err
		}
	}
	var decoder eventstore.Decoder // whose events nobody keeps
	var data []byte
	err = archive.Scan(ctx, eventstore.EventFilter{After: next - 1, Before: at.Seq + 1}, func(p eventstore.Page) error {
		for i := range p.Len() {
			e, err := decoder.Decode(p.Data(i))
			if err != nil {
				return fmt.Errorf("event %d of the archive: %w", p.Seq(i), err)
			}
			data = append(data[:0], p.Data(i)...)
			next = n.remembered(domain.Record{Seq: p.Seq(i), Incarnation: at.Incarnation, Event: e, Data: data})
		}
		return nil
	})
	return next, err
}

// remembered takes in the event that follows on in the log, keeping nothing of
// it, and gives the sequence after it.
func (n *node) remembered(r domain.Record) (next eventstore.Sequence) {
	n.memory.Follow(r)
	n.gate.Observe(r)
	n.projected.Store(uint64(r.Seq))
	return r.Seq + 1
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

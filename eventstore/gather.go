package eventstore

import (
	"errors"
	"maps"
	"strconv"
	"sync"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ocapi/domain"
)

const (
	// gatherQueue is how many appends may wait; more are shed with 503. At 15k
	// appends a second it is a quarter of a second's worth.
	gatherQueue = 4096
	// gatherBatch is the largest atomic batch; the server's own limit is 1000.
	gatherBatch = 500
)

// Headers of JetStream's atomic batch publishing (ADR-50 of the NATS project).
const (
	batchIDHeader     = "Nats-Batch-Id"
	batchSeqHeader    = "Nats-Batch-Sequence"
	batchCommitHeader = "Nats-Batch-Commit"
)

// The least events that go as an atomic batch; fewer are published plainly, side
// by side. A server alone keeps a batch in files of its own first, made, flushed
// and removed for it, which costs as much as some fifteen flushes (measured); a
// cluster keeps it in memory.
const (
	leastOfBatchAlone   = 16
	leastOfBatchCluster = 2
)

// gatherer lets one flush serve many appends, with servers that flush for every
// publish or batch by themselves. One goroutine writes: what queued up while the
// last flush was under way is the next batch, so a lone append never waits for
// company, and there is no timer.
type gatherer struct {
	log   *Log
	least int // events of a batch
	queue chan *appending
	ended chan struct{}

	mu     sync.RWMutex // held for reading while adding: close waits for adders
	closed bool
}

func startGatherer(l *Log) *gatherer {
	least := leastOfBatchCluster
	if replicasOf(l.conn) == 1 {
		least = leastOfBatchAlone
	}
	g := &gatherer{log: l, least: least, queue: make(chan *appending, gatherQueue), ended: make(chan struct{})}
	go g.run()
	return g
}

// add queues an append, or refuses with CodeUnavailable when the queue is full
// or closed: a caller who would wait longer than that is better told.
func (g *gatherer) add(a *appending) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return domain.Unavailable("the service is stopping", nil)
	}
	select {
	case g.queue <- a:
		return nil
	default:
		return domain.Unavailable("the event log is overloaded", nil)
	}
}

func (g *gatherer) close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.queue)
	}
	g.mu.Unlock()
	<-g.ended
}

func (g *gatherer) run() {
	defer close(g.ended)
	batch := make([]*appending, 0, gatherBatch)
	subjects := make(map[string]struct{}, gatherBatch)
	var held *appending
	for {
		batch, held = g.collect(batch[:0], subjects, held)
		if len(batch) > 0 {
			g.log.metrics.batch.Observe(float64(len(batch)))
		}
		for _, a := range batch {
			a.gathered = len(batch)
		}
		switch {
		case len(batch) == 0:
			return
		case len(batch) < g.least:
			g.log.publishAll(batch)
		default:
			g.log.publishBatch(batch)
		}
		clear(subjects)
	}
}

// collect waits for one append and takes what else has queued up. A second
// append to a subject ends the batch and is held for the next: the first
// changes what the second may expect. It returns none when the queue is closed
// and empty.
func (g *gatherer) collect(batch []*appending, subjects map[string]struct{}, held *appending) ([]*appending, *appending) {
	first := held
	if first == nil {
		var ok bool
		if first, ok = <-g.queue; !ok {
			return batch, nil
		}
	}
	batch = append(batch, first)
	subjects[first.subject] = struct{}{}
	for len(batch) < gatherBatch {
		select {
		case a, ok := <-g.queue:
			if !ok {
				return batch, nil
			}
			if _, twice := subjects[a.subject]; twice {
				return batch, a
			}
			batch = append(batch, a)
			subjects[a.subject] = struct{}{}
		default:
			return batch, nil
		}
	}
	return batch, nil
}

// publishBatch publishes the appends as one atomic batch and settles them all.
// One unmet expectation fails the whole batch, so after a refusal every member
// is tried alone: nobody who races two answers can hurt a stranger.
func (l *Log) publishBatch(batch []*appending) {
	ack, err := l.sendBatch(batch)
	if err == nil {
		first := ack.Sequence - uint64(len(batch)) + 1
		for i, a := range batch {
			a.settle(Sequence(first+uint64(i)), nil)
		}
		return
	}
	if _, refused := errors.AsType[*jetstream.APIError](err); refused {
		l.metrics.refused.Inc()
		l.publishAll(batch)
		return
	}
	l.resolveBatch(batch, err)
}

// resolveBatch says what became of a batch whose acknowledgement did not come.
// It is in the log whole or not at all, so one member tells of all: while a
// cluster has no leader, one question is waited for and not hundreds.
func (l *Log) resolveBatch(batch []*appending, cause error) {
	last := batch[len(batch)-1]
	seq, err := l.resolve(last, cause)
	if err == nil {
		first := seq - Sequence(len(batch)) + 1
		for i, a := range batch {
			a.settle(first+Sequence(i), nil)
		}
		return
	}
	last.settle(0, err)
	unknown := domain.Unavailable("the event log did not acknowledge", cause)
	for _, a := range batch[:len(batch)-1] {
		a.settle(0, unknown)
	}
}

func (l *Log) sendBatch(batch []*appending) (pubAck, error) {
	id := uuid.NewString()
	for i, a := range batch {
		m := a.message()
		m.Header = maps.Clone(m.Header)
		m.Header[batchIDHeader] = []string{id}
		m.Header[batchSeqHeader] = []string{strconv.Itoa(i + 1)}
		if i < len(batch)-1 {
			if err := l.conn.PublishMsg(m); err != nil {
				return pubAck{}, err
			}
			continue
		}
		m.Header[batchCommitHeader] = []string{"1"}
		ack, err := l.request(m)
		if err == nil && ack.BatchSize != len(batch) {
			err = errMiscounted
		}
		return ack, err
	}
	return pubAck{}, nats.ErrInvalidMsg
}

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
)

const (
	// archiveBatch and archiveLinger bound a transaction: large enough that
	// one flush serves many events, short enough that a partner's old look-ups
	// are seldom behind. Half of this linger costs a fifth more at 2,500 events a
	// second, twice as large a batch saves nothing (ADR 0030).
	archiveBatch  = 1000
	archiveLinger = 100 * time.Millisecond

	archiveRetryFirst = 100 * time.Millisecond
	archiveRetryMost  = 5 * time.Second

	// stallAfter is how long the log may hold events beyond the checkpoint,
	// none of them arriving, before that is called a fault: the next event
	// cannot be read.
	stallAfter = 3 * time.Second

	// gapTries is how often a gap has to be met before it is called one, where
	// several servers hold copies: a damaged copy misses what the others have,
	// and each try may be answered from another.
	gapTries = 6

	// leaseEvery is how often an archiver that stands by asks for the lease.
	leaseEvery = 500 * time.Millisecond
	// takeOverAfter is how long the one that has the lease may leave the log's
	// events where they are before another goes ahead without it: a node that
	// is cut off keeps its lease until its connection is given up.
	takeOverAfter = 3 * time.Second
)

// GapError says that the log does not hold events that the archive needs next.
// It stands until an operator accepts the gap by name.
type GapError struct {
	From, To Sequence
	Shared   bool // several servers hold copies of the log
}

// Error says what is missing and which command accepts it.
func (e *GapError) Error() string {
	if e.Shared {
		return fmt.Sprintf("events %d to %d are missing from the event log on every server that was asked; where one has a damaged copy, stop it, remove its files and start it: the others give it theirs. Nothing after them is archived until they are there, or declared lost with: ocapi archive accept-gap %d %d", e.From, e.To, e.From, e.To)
	}
	return fmt.Sprintf("events %d to %d are missing from the event log (a damaged file?); nothing after them is archived until they are restored, or declared lost with: ocapi archive accept-gap %d %d", e.From, e.To, e.From, e.To)
}

// Archiver moves events from the log into the archive. Of any number of them
// over one archive one archives, the one with the lease, and the others stand
// by; should two be at it, the checkpoint fences one off.
type Archiver struct {
	log     *Log
	archive Archive
	logger  *slog.Logger
	now     func() time.Time

	stallAfter time.Duration
	observe    func([]Record)
	tracer     trace.Tracer // nil: nothing is traced
	metrics    archiverMetrics

	mu       sync.Mutex
	active   bool
	position Checkpoint
	stalled  Sequence // where the last follow stalled; 0: it did not
	gapFrom  Sequence // of the gap that was met last, and how often it was
	gapMet   int
	failure  error
	since    time.Time // when failure began
}

// NewArchiver makes an archiver; Run starts it.
func NewArchiver(log *Log, archive Archive, logger *slog.Logger, now func() time.Time) *Archiver {
	return &Archiver{log: log, archive: archive, logger: logger, now: now, stallAfter: stallAfter, metrics: newArchiverMetrics()}
}

// Observe has do called with what this archiver has archived, batch after batch
// in the log's order, by the goroutine that archives: it must not block and not
// change anything. What others archive meanwhile is left out. It has to be called
// before Run.
func (a *Archiver) Observe(do func(batch []Record)) { a.observe = do }

// Position is up to where this archiver has archived.
func (a *Archiver) Position() Checkpoint {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.position
}

// Failure tells what keeps the archiver from archiving, and since when; nil
// while nothing does. A *GapError stays until it is accepted; others are tried
// again.
func (a *Archiver) Failure() (since time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.since, a.failure
}

func (a *Archiver) fail(err error) {
	a.mu.Lock()
	known := a.failure != nil && a.failure.Error() == err.Error()
	if a.failure == nil {
		a.since = a.now()
	}
	a.failure = err
	a.mu.Unlock()
	if !known {
		a.logger.Error("archiving has stopped", "error", err)
	}
}

func (a *Archiver) reached(c Checkpoint) {
	a.mu.Lock()
	failed := a.failure
	a.position, a.failure = c, nil
	a.mu.Unlock()
	if failed != nil {
		a.logger.Info("archiving goes on", "sequence", c.Seq)
	}
}

// Active reports whether this archiver is the one that archives.
func (a *Archiver) Active() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.active
}

func (a *Archiver) setActive(active bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active = active
}

// Run archives, or stands by, until ctx ends. Faults are reported by
// [Archiver.Failure] and tried again, more and more slowly.
func (a *Archiver) Run(ctx context.Context) {
	defer a.setActive(false)
	wait := archiveRetryFirst
	for ctx.Err() == nil {
		before := a.Position()
		err := a.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case errors.Is(err, ErrFenced):
			// As it should be where another takes over: this one begins anew.
			a.logger.Info("another archiver has gone ahead", "after", a.Position().Seq)
		case err != nil:
			a.fail(a.doubt(err))
		}
		if a.Position() != before {
			wait = archiveRetryFirst
		}
		if !pause(ctx, wait) {
			return
		}
		wait = min(2*wait, archiveRetryMost)
	}
}

// doubt takes a gap for what one server lacks until it has been met often.
func (a *Archiver) doubt(err error) error {
	gap, ok := errors.AsType[*GapError](err)
	if !ok || !a.log.cfg.Shared {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gapFrom != gap.From {
		a.gapFrom, a.gapMet = gap.From, 0
	}
	if a.gapMet++; a.gapMet < gapTries {
		return fmt.Errorf("events %d to %d do not come from the server that was asked; another one is", gap.From, gap.To)
	}
	gap.Shared = true
	return err
}

// turn archives while this archiver has the lease, once it has got it.
func (a *Archiver) turn(ctx context.Context) error {
	release, err := a.standBy(ctx)
	if err != nil {
		return err
	}
	defer release()
	a.setActive(true)
	defer a.setActive(false)
	return a.follow(ctx)
}

// standBy waits for the lease and follows the checkpoint meanwhile. When the
// one that has it archives nothing though there is something, it goes ahead
// without: the checkpoint sees to it that no harm comes of that.
func (a *Archiver) standBy(ctx context.Context) (release func(), err error) {
	moved := a.now()
	for waited := false; ; waited = true {
		release, ok, err := a.archive.TryLease(ctx)
		if ok && waited {
			a.logger.Info("this node archives from now on", "after", a.Position().Seq)
		}
		if err != nil || ok {
			return release, err
		}
		at, err := a.archive.Checkpoint(ctx)
		if err != nil {
			return nil, err
		}
		extent, err := a.log.Extent(ctx)
		if err != nil {
			return nil, err
		}
		if at != a.Position() || at.Seq >= extent.Last {
			moved = a.now()
		}
		a.reached(at)
		if a.now().Sub(moved) > takeOverAfter {
			a.logger.Warn("another node has the lease and archives nothing; archiving goes on here", "sequence", at.Seq)
			return func() {}, nil
		}
		if !pause(ctx, leaseEvery) {
			return nil, ctx.Err()
		}
	}
}

// follow archives from the checkpoint on until something fails.
func (a *Archiver) follow(ctx context.Context) error {
	at, err := a.archive.Checkpoint(ctx)
	if err != nil {
		return err
	}
	gaps, err := a.archive.Gaps(ctx, at.Seq)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.position = at
	a.mu.Unlock()
	extent, err := a.log.Extent(ctx)
	if err != nil {
		return err
	}
	// An operator may declare more lost than was ever written; what comes after
	// the log's end is not lost by that.
	next := max(at.Seq+1, min(skipGaps(gaps, at.Seq+1), extent.Last+1))
	// A log that begins too late may hold nothing that would show it.
	if extent.First > next {
		return &GapError{From: next, To: extent.First - 1}
	}
	// The checkpoint moves over what was declared lost: where the log ends with
	// it, no event would come that does.
	if next > at.Seq+1 {
		to := Checkpoint{Incarnation: a.log.Incarnation(), Seq: next - 1}
		if err := a.archive.Append(ctx, at, to, nil); err != nil {
			return err
		}
		at = to
		a.reached(at)
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go a.watch(ctx, cancel)
	w := batchWriter{archive: a.archive, at: at, gaps: gaps}
	traced := links{wanted: a.tracer != nil}
	p := followParams{from: next, most: archiveBatch, linger: archiveLinger, links: &traced, alone: a.stalledAt(next)}
	err = a.log.follow(ctx, p, func(batch []Record) error {
		before, began := w.at, time.Now() // the stopwatch's own clock
		span := a.traceBatch(ctx, traced.take(), len(batch))
		err := w.write(ctx, batch)
		endBatch(span, err)
		a.metrics.batch.Observe(float64(len(batch)))
		a.metrics.seconds.Observe(time.Since(began).Seconds())
		if w.at != before {
			a.reached(w.at)
			if a.observe != nil {
				a.observe(between(batch, before.Seq, w.at.Seq))
			}
		}
		return err
	})
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// between gives the part of a batch after one sequence and up to another.
func between(batch []Record, after, upTo Sequence) []Record {
	for len(batch) > 0 && batch[0].Seq <= after {
		batch = batch[1:]
	}
	for len(batch) > 0 && batch[len(batch)-1].Seq > upTo {
		batch = batch[:len(batch)-1]
	}
	return batch
}

// watch ends a follow whose next event does not arrive though the log has it.
func (a *Archiver) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(a.stallAfter)
	defer tick.Stop()
	before := a.Position().Seq
	behind := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		extent, err := a.log.Extent(ctx)
		at := a.Position().Seq
		if err != nil || at != before || extent.Last <= at {
			before, behind = at, false
			continue
		}
		if behind {
			cancel(a.stall(at, extent.Last))
			return
		}
		behind = true
	}
}

// stall says what it means that nothing arrives after at: the first time a
// consumer may be to blame, which is made anew; after that it is the events.
func (a *Archiver) stall(at, last Sequence) error {
	a.mu.Lock()
	again := a.stalled == at+1
	a.stalled = at + 1
	a.mu.Unlock()
	if !again {
		a.log.tail.renew()
		return fmt.Errorf("the log goes on to event %d, but its next events do not arrive after %d", last, at)
	}
	return fmt.Errorf("the log goes on to event %d, but its next events cannot be read: %w", last, &GapError{From: at + 1, To: at + 1})
}

// stalledAt says that the last follow met nothing at seq though the log goes on:
// then what others of this process read is not relied upon.
func (a *Archiver) stalledAt(seq Sequence) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stalled == seq
}

// contiguous gives the part of a batch that follows on from the sequence at,
// accepted gaps aside and what is archived already dropped, and the gap after
// it, if there is one.
func contiguous(at Sequence, batch []Record, gaps []Gap) ([]Record, *GapError) {
	for len(batch) > 0 && batch[0].Seq <= at {
		batch = batch[1:]
	}
	for i, r := range batch {
		next := skipGaps(gaps, at+1)
		if at+1 < r.Seq && next < r.Seq {
			return batch[:i], &GapError{From: next, To: r.Seq - 1}
		}
		at = r.Seq
	}
	return batch, nil
}

// skipGaps gives the first sequence from seq on that no accepted gap holds.
func skipGaps(gaps []Gap, seq Sequence) Sequence {
	for _, g := range gaps { // in the order of their beginnings
		if g.From <= seq && seq <= g.To {
			seq = g.To + 1
		}
	}
	return seq
}

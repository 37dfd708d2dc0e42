package eventstore

import (
	"context"
	"sort"
	"sync"
	"time"
)

const (
	// tailMost is how many events wait for a follower that is slow: seconds of a
	// busy node. Whoever falls behind further reads from the log by itself until
	// it has caught up.
	tailMost = 8192
	// tailKept is how many stay when every follower has them, for those who join.
	tailKept = 512
)

// tail reads the end of the log once for all followers of this process, who
// would otherwise each have the server send, and decode, every event: four of
// them took a seventh of what a challenge costs. It reads while somebody
// follows.
//
// What it holds is shared, and nobody changes it.
type tail struct {
	log *Log

	mu        sync.Mutex
	reading   *tailReader // nil: nobody follows
	followers map[*tailFollower]struct{}
}

// tailReader is one reading of the log, from a sequence on until it fails or the
// last follower leaves.
type tailReader struct {
	stop context.CancelFunc
	// held are records in the log's order, and parents the traces of their appends.
	// What is appended is never changed or moved, so that batches are parts of it.
	held    []Record
	parents []string
	from    Sequence // held has all that was read from here on
	err     error    // it reads no more
}

// tailEvent is an event with the trace that its append belongs to, if any.
type tailEvent struct {
	Record
	traceparent string
}

// tailFollower is one follower's place.
type tailFollower struct {
	tail   *tail
	reader *tailReader
	next   Sequence      // the first that it has not taken
	wake   chan struct{} // it has what it waits for, or there is no more
	wants  int           // events; 0: it does not wait
}

// join follows from the sequence next on. It is refused (nil) where the tail
// has no longer, or not yet, what comes next: then the caller reads by itself
// until it has caught up. end is the log's last sequence.
func (t *tail) join(next, end Sequence) *tailFollower {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reading == nil {
		if end >= next+tailKept {
			return nil
		}
		t.start(next)
	}
	if next < t.reading.from {
		return nil
	}
	f := &tailFollower{tail: t, reader: t.reading, next: next, wake: make(chan struct{}, 1)}
	t.followers[f] = struct{}{}
	return f
}

// start begins to read. mu is held.
func (t *tail) start(from Sequence) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &tailReader{stop: cancel, from: from}
	t.reading = r
	if t.followers == nil {
		t.followers = map[*tailFollower]struct{}{}
	}
	go t.read(ctx, r)
}

// read fills the tail until it fails or is stopped.
func (t *tail) read(ctx context.Context, r *tailReader) {
	s, err := t.log.source(ctx, r.from)
	if err == nil {
		defer s.stop()
	}
	for err == nil {
		var e tailEvent
		if e, err = s.next(ctx); err == nil {
			t.take(r, e)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r.err = err
	if t.reading == r {
		t.reading = nil
	}
	for f := range t.followers {
		if f.reader == r {
			f.signal()
		}
	}
}

// take adds an event, wakes who waited for it, and drops what nobody needs.
func (t *tail) take(r *tailReader, e tailEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.held, r.parents = append(r.held, e.Record), append(r.parents, e.traceparent)
	for f := range t.followers {
		if f.wants > 0 && f.reader == r && len(r.held)-r.index(f.next) >= f.wants {
			f.signal()
		}
	}
	if len(r.held) >= 2*tailKept {
		t.drop(r)
	}
}

// drop forgets what every follower has taken, but for a few; and more where
// somebody is too slow. mu is held.
func (t *tail) drop(r *tailReader) {
	keep := len(r.held) - tailKept
	for f := range t.followers {
		if f.reader == r {
			keep = min(keep, r.index(f.next))
		}
	}
	keep = max(keep, len(r.held)-tailMost)
	if keep < tailKept {
		return
	}
	r.from = r.held[keep-1].Seq + 1
	// To new memory, for batches of the old one may be in somebody's hands.
	r.held = append(make([]Record, 0, 2*tailKept+len(r.held)-keep), r.held[keep:]...)
	r.parents = append(make([]string, 0, cap(r.held)), r.parents[keep:]...)
}

// index gives where the event at seq is, or would be.
func (r *tailReader) index(seq Sequence) int {
	// As a rule no sequence is missing.
	if len(r.held) > 0 {
		if i := int64(seq) - int64(r.held[0].Seq); i >= 0 && i < int64(len(r.held)) && r.held[i].Seq == seq {
			return int(i)
		}
		if seq > r.held[len(r.held)-1].Seq {
			return len(r.held)
		}
	}
	return sort.Search(len(r.held), func(i int) bool { return r.held[i].Seq >= seq })
}

func (f *tailFollower) signal() {
	f.wants = 0
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// leave ends following; the last one to leave ends the reading.
func (f *tailFollower) leave() {
	t := f.tail
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.followers, f)
	for other := range t.followers {
		if other.reader == f.reader {
			return
		}
	}
	f.reader.stop()
	if t.reading == f.reader {
		t.reading = nil
	}
}

// renew ends the reading under way, whose consumer may be to blame for what does
// not arrive; all who follow are told so, and begin anew.
func (t *tail) renew() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reading != nil {
		t.reading.stop()
		t.reading = nil
	}
}

// wait returns when n events are there to be taken, when there will be no more,
// when the timer fires, or with ctx.
func (f *tailFollower) wait(ctx context.Context, n int, timer <-chan time.Time) {
	f.tail.mu.Lock()
	r := f.reader
	ready := r.err != nil || f.next < r.from || len(r.held)-r.index(f.next) >= n
	if !ready {
		f.wants = n
	}
	f.tail.mu.Unlock()
	if ready {
		return
	}
	select {
	case <-f.wake:
		return
	case <-timer:
	case <-ctx.Done():
	}
	// It may have been woken meanwhile, for what it no longer waits for.
	f.tail.mu.Lock()
	defer f.tail.mu.Unlock()
	f.wants = 0
	select {
	case <-f.wake:
	default:
	}
}

// batch waits for one event and then takes what comes within linger, at most
// most. What was read before an error is returned with it. behind says that the
// events that come next are no longer held.
//
// The events that it takes are on disk, as a rule since before: the reader does
// not wait for that, or would have small groups flushed.
func (f *tailFollower) batch(ctx context.Context, most int, linger time.Duration, links *links) (batch []Record, behind bool, err error) {
	batch, behind, err = f.take(ctx, most, linger, links)
	if len(batch) > 0 {
		if failed := f.tail.log.onDisk(batch[len(batch)-1].Seq); failed != nil {
			return nil, false, failed
		}
	}
	return batch, behind, err
}

func (f *tailFollower) take(ctx context.Context, most int, linger time.Duration, links *links) (batch []Record, behind bool, err error) {
	f.wait(ctx, 1, nil)
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	timer := time.NewTimer(linger)
	f.wait(ctx, most, timer.C)
	timer.Stop()
	f.tail.mu.Lock()
	defer f.tail.mu.Unlock()
	r := f.reader
	if f.next < r.from {
		return nil, true, nil
	}
	i := r.index(f.next)
	n := min(most, len(r.held)-i)
	batch = r.held[i : i+n : i+n]
	if n < most {
		err = r.err
	}
	for _, traceparent := range r.parents[i : i+n] {
		links.read(traceparent)
	}
	if len(batch) > 0 {
		f.next = batch[len(batch)-1].Seq + 1
	}
	return batch, false, err
}

package faults

import (
	"fmt"
	"sync"
	"time"

	"ocapi/domain"
)

// entry is one challenge whose creation was acknowledged.
type entry struct {
	verdict domain.Status // that was acknowledged; StatusNone when none was
	// sent are the verdicts that answers of unknown outcome would have got.
	sent []domain.Status
	// checked is set once all of it was found in the archive.
	checked bool
}

// kind is a kind of request. A new one needs: String.
type kind uint8

// The kinds.
const (
	kindCreate kind = iota
	kindAnswer
	kindState
	kindPicture
	kindCount // how many there are
)

// String gives the kind's name.
func (k kind) String() string {
	return [...]string{"create", "answer", "state", "picture"}[k]
}

// tally counts requests by what came of them. Every request is in exactly one
// of acknowledged, refused, cut and failed.
type tally struct {
	requests int
	// acknowledged had a definite answer: 200, or 409 with the final state.
	acknowledged int
	// refused had 503 or 429, with Retry-After.
	refused int
	// cut had no answer, from a node that was itself killed or cut off.
	cut int
	// failed are hangs, and answers that must not be: each is a fault of the book.
	failed int
	// creations and verdicts that were acknowledged.
	creations, verdicts int
}

func (t tally) minus(o tally) tally {
	return tally{
		t.requests - o.requests, t.acknowledged - o.acknowledged, t.refused - o.refused, t.cut - o.cut,
		t.failed - o.failed, t.creations - o.creations, t.verdicts - o.verdicts,
	}
}

// window is a time in which a node may break off connections.
type window struct{ from, to time.Duration } // to is 0 while it lasts

// book is what a run has acknowledged to its callers, and everything else that
// they met with. It is safe for concurrent use.
type book struct {
	began   time.Time
	history *history

	mu      sync.Mutex
	tally   tally
	entries map[string]*entry
	faults  []error
	omitted int
	windows map[int][]window // by node
	since   time.Duration
	first   map[int][kindCount]time.Duration // the ends of the first successes on a node that began after since
	kinds   map[string]int                   // refusals and cuts by what they said, for people
}

func newBook() *book {
	return &book{
		began: time.Now(), history: newHistory(), entries: map[string]*entry{}, windows: map[int][]window{},
		first: map[int][kindCount]time.Duration{}, kinds: map[string]int{},
	}
}

// now is the time since the run began, on the clock that only goes forward.
func (b *book) now() time.Duration { return time.Since(b.began) }

// mostFaults bounds the faults that are kept: one cause has thousands of them.
const mostFaults = 20

func (b *book) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faultLocked(format, args...)
}

func (b *book) faultLocked(format string, args ...any) {
	if len(b.faults) >= mostFaults {
		b.omitted++
		return
	}
	b.faults = append(b.faults, fmt.Errorf(format, args...))
}

// takeFaults gives the faults since it was last asked.
func (b *book) takeFaults() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.faults
	if b.omitted > 0 {
		list = append(list, fmt.Errorf("and %d faults more", b.omitted))
	}
	b.faults, b.omitted = nil, 0
	return list
}

// mayCut says that a node is about to break off connections, until the returned
// function is called.
func (b *book) mayCut(nodes ...int) (end func()) {
	from := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	places := map[int]int{}
	for _, n := range nodes {
		places[n] = len(b.windows[n])
		b.windows[n] = append(b.windows[n], window{from: from})
	}
	return func() {
		to := b.now()
		b.mu.Lock()
		defer b.mu.Unlock()
		for n, i := range places {
			b.windows[n][i].to = to
		}
	}
}

// record books one request.
func (b *book) record(r response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tally.requests++
	switch r.fate {
	case fateAnswered:
		b.tally.acknowledged++
		if r.begun >= b.since {
			first := b.first[r.node]
			if first[r.kind] == 0 || r.ended < first[r.kind] {
				first[r.kind] = r.ended
			}
			b.first[r.node] = first
		}
	case fateRefused:
		b.tally.refused++
		b.kinds[fmt.Sprintf("node %d, %s: %s", r.node, r.kind, r.what)]++
	case fateCut:
		for _, w := range b.windows[r.node] {
			if r.ended >= w.from && (w.to == 0 || r.begun <= w.to) {
				b.tally.cut++
				b.kinds[fmt.Sprintf("node %d, %s: cut", r.node, r.kind)]++
				return
			}
		}
		b.tally.failed++
		b.faultLocked("%v: the node was not to break off: %s", r, r.what)
	case fateFailed, fateInvalid:
		b.tally.failed++
		b.faultLocked("%v: %s", r, r.what)
	}
}

// created books a creation that was acknowledged.
func (b *book) created(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entries[id] != nil {
		b.faultLocked("challenge %s was handed out twice", id)
		return
	}
	b.entries[id] = &entry{}
	b.tally.creations++
}

// judged books a verdict that was acknowledged, by whichever call.
func (b *book) judged(id string, verdict domain.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[id]
	switch {
	case e == nil:
		b.faultLocked("challenge %s, of which nobody was told, was judged %v", id, verdict)
	case e.verdict == domain.StatusNone:
		e.verdict = verdict
		b.tally.verdicts++
	case e.verdict != verdict:
		b.faultLocked("challenge %s was judged %v and %v", id, e.verdict, verdict)
	}
}

// attempted books an answer that may or may not have come through.
func (b *book) attempted(id string, meant domain.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries[id]; e != nil {
		e.sent = append(e.sent, meant)
	}
}

func (b *book) counted() tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tally
}

// recovering begins to wait for successes that begin from now on.
func (b *book) recovering() {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.since = now
	clear(b.first)
}

// recovered tells when, after recovering was called, every node had succeeded
// with every kind of request that counts; missing names one that has not.
func (b *book) recovered(nodes int) (at time.Duration, missing string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := range nodes {
		for _, k := range []kind{kindCreate, kindAnswer, kindState} {
			if b.first[n][k] == 0 {
				return 0, fmt.Sprintf("%s on node %d", k, n)
			}
			at = max(at, b.first[n][k])
		}
	}
	return at, ""
}

func (b *book) recoveringSince() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since
}

// takeKinds gives what refusals and cuts said since it was last asked.
func (b *book) takeKinds() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	kinds := b.kinds
	b.kinds = map[string]int{}
	return kinds
}

package projections

import (
	"math"
	"sync"

	"ocapi/domain"
)

// Recent remembers the stored form of the latest creations, so that an answer
// or an image is served without asking the log. It is bounded in bytes: the
// oldest are forgotten, and the log is asked for those. It holds no pointers
// for the garbage collector to walk, and is safe for concurrent use.
type Recent struct {
	mu    sync.RWMutex
	young recentHalf
	old   recentHalf
	bytes int // of one half

	followed domain.Sequence // the last event that was followed
	whole    domain.Sequence // nothing was left out from this one on
}

type recentHalf struct {
	slab  []byte
	index map[domain.UUID]recentSpan
}

type recentSpan struct {
	offset, length uint32
	seq            domain.Sequence
	answer         domain.Sequence // the first in the log, or one of the two below
}

const (
	unfollowed domain.Sequence = 0              // events may have passed unseen since the creation
	unanswered domain.Sequence = math.MaxUint64 // all that came since has been seen, and none was an answer
)

// NewRecent makes a cache of at most about maxBytes of stored events.
func NewRecent(maxBytes int) *Recent {
	half := min(max(maxBytes/2, 1<<10), math.MaxUint32) // spans are 32 bits wide
	return &Recent{bytes: half, young: newRecentHalf(0)}
}

func newRecentHalf(capacity int) recentHalf {
	return recentHalf{slab: make([]byte, 0, capacity), index: map[domain.UUID]recentSpan{}}
}

// Put remembers the stored form of a creation and its sequence. The bytes are
// copied. An empty one and one larger than half the cache are not kept.
func (r *Recent) Put(id domain.ChallengeID, seq domain.Sequence, data []byte) {
	if len(data) == 0 || len(data) > r.bytes {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(id.UUID, recentSpan{seq: seq}, data)
}

func (r *Recent) put(id domain.UUID, span recentSpan, data []byte) {
	if have, ok := r.young.index[id]; ok {
		if have.answer == unfollowed && span.answer == unanswered && have.seq == span.seq {
			have.answer = unanswered
			r.young.index[id] = have
		}
		return
	}
	if len(r.young.slab)+len(data) > r.bytes {
		r.old = r.young
		r.young = newRecentHalf(r.bytes)
	}
	span.offset, span.length = uint32(len(r.young.slab)), uint32(len(data))
	r.young.slab = append(r.young.slab, data...)
	r.young.index[id] = span
}

// Follow takes in an event of the log: a creation is put, and the first answer
// to it noted. Events have to come in the log's order; where some are left out,
// nothing is said any more of the answers to what was created before.
func (r *Recent) Follow(e domain.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Seq != r.followed+1 {
		r.whole = e.Seq
	}
	r.followed = e.Seq
	id := e.Event.Head().Challenge.UUID
	switch e.Event.(type) {
	case *domain.ChallengeCreated:
		if len(e.Data) > 0 && len(e.Data) <= r.bytes {
			r.put(id, recentSpan{seq: e.Seq, answer: unanswered}, e.Data)
		}
	case *domain.ChallengeAnswered:
		for _, half := range [2]*recentHalf{&r.young, &r.old} {
			if span, ok := half.index[id]; ok && span.answer == unanswered {
				span.answer = e.Seq
				half.index[id] = span
			}
		}
	}
}

// Holds reports whether a creation is remembered.
func (r *Recent) Holds(id domain.ChallengeID) bool {
	_, _, found := r.Get(id)
	return found
}

// FirstAnswered gives the stored form and the sequence of a creation whose first
// answer in the log is the event at the sequence answer. It is false where that
// is not so, and where it is not known: the creation is not remembered, or
// [Recent.Follow] has not seen all since it. The bytes are shared, as those of
// [Recent.Get].
func (r *Recent) FirstAnswered(id domain.ChallengeID, answer domain.Sequence) (data []byte, created domain.Sequence, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, half := range [2]*recentHalf{&r.young, &r.old} {
		span, ok := half.index[id.UUID]
		if ok && span.answer == answer && answer != unfollowed && answer != unanswered && span.seq >= r.whole {
			return half.data(span), span.seq, true
		}
	}
	return nil, 0, false
}

func (h *recentHalf) data(span recentSpan) []byte {
	end := span.offset + span.length
	return h.slab[span.offset:end:end]
}

// Get gives the stored form of a creation and its sequence. The bytes are
// shared and never written again: they may be read at leisure and not changed.
func (r *Recent) Get(id domain.ChallengeID) (data []byte, seq domain.Sequence, found bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, half := range [2]*recentHalf{&r.young, &r.old} {
		if span, ok := half.index[id.UUID]; ok {
			return half.data(span), span.seq, true
		}
	}
	return nil, 0, false
}

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
}

type recentHalf struct {
	slab  []byte
	index map[domain.UUID]recentSpan
}

type recentSpan struct {
	offset, length uint32
	seq            domain.Sequence
}

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
	if _, have := r.young.index[id.UUID]; have {
		return
	}
	if len(r.young.slab)+len(data) > r.bytes {
		r.old = r.young
		r.young = newRecentHalf(r.bytes)
	}
	offset := len(r.young.slab)
	r.young.slab = append(r.young.slab, data...)
	r.young.index[id.UUID] = recentSpan{offset: uint32(offset), length: uint32(len(data)), seq: seq}
}

// Get gives the stored form of a creation and its sequence. The bytes are
// shared and never written again: they may be read at leisure and not changed.
func (r *Recent) Get(id domain.ChallengeID) (data []byte, seq domain.Sequence, found bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, half := range [2]*recentHalf{&r.young, &r.old} {
		if span, ok := half.index[id.UUID]; ok {
			end := span.offset + span.length
			return half.slab[span.offset:end:end], span.seq, true
		}
	}
	return nil, 0, false
}

package corpus

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"ocapi/corpus/plate"
	"ocapi/domain"
)

// pictureKey names one rendering.
type pictureKey struct {
	image     domain.ImageID
	rendering uint32
}

// cached is a picture as it is kept.
type cached struct {
	contentType string
	plate       *plate.Plate
}

// cache keeps the pictures that were asked for lately. When there is no room, a
// hand goes round over all of them, and the first goes that nobody asked for
// since the hand came by. So every step is constant time on the average, and
// nothing has to be sorted by age. It is safe for concurrent use.
//
// When there is no room, what comes in was asked for twice lately: where there
// are many more pictures than it holds, one that is asked for is nearly always
// gone before it is asked for again, and keeping it would be work for nothing.
type cache struct {
	bound int // bytes that it may hold

	seed  maphash.Seed
	asked []atomic.Uint32 // what was asked for and is not kept: some bits of its hash, at the place that others tell

	mu    sync.Mutex
	at    map[pictureKey]int // where it is in slots
	slots []slot
	free  []int // of slots: those that hold nothing
	hand  int   // the slot that is looked at next
	bytes int   // that it holds
}

// slot holds a picture, or nothing, which has no plate.
type slot struct {
	key  pictureKey
	held cached
	used bool // since the hand came by
}

const (
	// askedBytes is how much of the bound there is for each place that remembers
	// what was asked for: about three for each picture that there is room for.
	askedBytes = 4 << 10
	// mostAsked bounds the places; they take 4 MiB.
	mostAsked = 1 << 20
)

// newCache makes a cache of at most maxBytes; zero or less keeps nothing.
func newCache(maxBytes int) *cache {
	c := &cache{bound: maxBytes, at: map[pictureKey]int{}}
	if maxBytes > 0 {
		c.seed, c.asked = maphash.MakeSeed(), make([]atomic.Uint32, min(mostAsked, 1+maxBytes/askedBytes))
	}
	return c
}

// entryBytes is what an entry costs beside its picture's bytes, roughly.
const entryBytes = 256

func cost(p cached) int { return p.plate.Bytes() + entryBytes }

func (c *cache) get(k pictureKey) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.at[k]
	if !ok {
		return cached{}, false
	}
	c.slots[i].used = true
	return c.slots[i].held, true
}

// wants reports whether a picture that had to be read is to be put in: nothing
// has to go for it, or it was asked for before, and since then not many others
// were. It remembers that it is asked for now. A mistake costs one copy too many,
// or one reading more.
func (c *cache) wants(k pictureKey, p cached) bool {
	n := cost(p)
	if n > c.bound {
		return false
	}
	c.mu.Lock()
	room := c.bytes+n <= c.bound
	c.mu.Unlock()
	if room {
		return true
	}
	h := maphash.Comparable(c.seed, k)
	mark := uint32(h>>32) | 1 // zero is nobody
	return c.asked[h%uint64(len(c.asked))].Swap(mark) == mark
}

// put keeps a picture, whose bytes are nobody else's.
func (c *cache) put(k pictureKey, p cached) {
	n := cost(p)
	if n > c.bound {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.at[k]; ok {
		return // another was quicker
	}
	for c.bytes+n > c.bound {
		c.turn()
	}
	c.bytes += n
	if last := len(c.free) - 1; last >= 0 {
		c.at[k], c.free = c.free[last], c.free[:last]
		c.slots[c.at[k]] = slot{key: k, held: p}
		return
	}
	c.at[k] = len(c.slots)
	c.slots = append(c.slots, slot{key: k, held: p})
}

// turn moves the hand over one slot. There are some, and the caller holds the lock.
func (c *cache) turn() {
	s := &c.slots[c.hand]
	switch {
	case s.held.plate == nil:
	case s.used:
		s.used = false
	default:
		delete(c.at, s.key)
		c.bytes -= cost(s.held)
		*s = slot{}
		c.free = append(c.free, c.hand)
	}
	c.hand = (c.hand + 1) % len(c.slots)
}

// clear forgets everything: some of it was deleted.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.slots, c.free, c.hand, c.bytes = map[pictureKey]int{}, nil, nil, 0, 0
}

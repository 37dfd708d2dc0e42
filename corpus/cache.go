package corpus

import (
	"sync"

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

// cache keeps the pictures that were asked for lately, in two generations: a
// picture that is asked for again moves to the young one; when that has half
// of the bytes, the old one is dropped whole and the young one grows old. So
// every step is constant time, and nothing has to be sorted by age. It is
// safe for concurrent use.
type cache struct {
	half int // bytes that one generation may hold

	mu         sync.Mutex
	young, old map[pictureKey]cached
	youngBytes int
}

// newCache makes a cache of at most maxBytes; zero or less keeps nothing.
func newCache(maxBytes int) *cache {
	return &cache{half: maxBytes / 2, young: map[pictureKey]cached{}}
}

// entryBytes is what an entry costs beside its picture's bytes, roughly.
const entryBytes = 128

func cost(p cached) int { return p.plate.Bytes() + entryBytes }

func (c *cache) get(k pictureKey) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.young[k]; ok {
		return p, true
	}
	p, ok := c.old[k]
	if ok {
		delete(c.old, k)
		c.add(k, p)
	}
	return p, ok
}

func (c *cache) put(k pictureKey, p cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.young[k]; ok {
		return
	}
	delete(c.old, k)
	c.add(k, p)
}

// add puts a picture that is in neither generation into the young one. The
// caller holds the lock.
func (c *cache) add(k pictureKey, p cached) {
	n := cost(p)
	if n > c.half {
		return
	}
	if c.youngBytes+n > c.half {
		c.old, c.young, c.youngBytes = c.young, make(map[pictureKey]cached, len(c.young)), 0
	}
	c.young[k] = p
	c.youngBytes += n
}

// clear forgets everything: some of it was deleted.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old, c.youngBytes = map[pictureKey]cached{}, nil, 0
}

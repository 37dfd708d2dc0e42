package voices

import (
	"container/list"
	"sync"
)

// soundCache keeps the sounds that were used last. It is safe for concurrent
// use.
type soundCache struct {
	most int

	mu    sync.Mutex
	order *list.List // of cachedSound, the last used first
	byKey map[string]*list.Element
}

type cachedSound struct {
	key   string
	bytes []byte
}

func newSoundCache(most int) soundCache {
	return soundCache{most: most, order: list.New(), byKey: map[string]*list.Element{}}
}

func (c *soundCache) get(key string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(cachedSound).bytes, true //nolint:forcetypeassert // nothing else is in it
}

func (c *soundCache) put(key string, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[key]; ok {
		return
	}
	c.byKey[key] = c.order.PushFront(cachedSound{key, b})
	if c.order.Len() > c.most {
		oldest := c.order.Back()
		delete(c.byKey, c.order.Remove(oldest).(cachedSound).key) //nolint:forcetypeassert // as above
	}
}

package rate

import (
	"sync"
	"time"
)

// recent is a set that forgets: what is added is there for at least life and
// at most twice as long, or until as many as most have been added after it. It
// is safe for concurrent use.
type recent[K comparable] struct {
	life time.Duration
	most int

	mu         sync.Mutex
	turned     time.Time // when young was begun
	young, old map[K]struct{}
}

func newRecent[K comparable](life time.Duration, most int, now time.Time) *recent[K] {
	return &recent[K]{life: life, most: most, turned: now, young: map[K]struct{}{}}
}

// add is false when the key was there already.
func (r *recent[K]) add(k K, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holds(k) {
		return false
	}
	if len(r.young) >= r.most || now.Sub(r.turned) >= r.life {
		r.young, r.old, r.turned = map[K]struct{}{}, r.young, now
	}
	r.young[k] = struct{}{}
	return true
}

func (r *recent[K]) has(k K) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.holds(k)
}

func (r *recent[K]) holds(k K) bool {
	_, young := r.young[k]
	_, old := r.old[k]
	return young || old
}

// remove is false when the key was not there.
func (r *recent[K]) remove(k K) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	there := r.holds(k)
	delete(r.young, k)
	delete(r.old, k)
	return there
}

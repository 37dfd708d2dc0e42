package challenges

import (
	"sync"

	"ocapi/domain"
)

// remarks are what an operator is told once, until it is no longer so. The zero
// value is ready; it is safe for concurrent use.
type remarks struct {
	mu   sync.Mutex
	made map[string]bool
}

// once says something unless it was said.
func (r *remarks) once(what string, say func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made[what] {
		return
	}
	if r.made == nil {
		r.made = map[string]bool{}
	}
	r.made[what] = true
	say()
}

// over forgets what is no longer so.
func (r *remarks) over(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.made, what)
}

// What is said of a pool that is too small.
const (
	saidRefused = "a pool is too small to hide which of its images are known and is not served; ocapi corpus check says what it lacks, --small-pools serves it all the same"
	saidForced  = "a pool is too small to hide which of its images are known and is served because of --small-pools"
	saidKept    = "a pool has become too small to hide which of its images are known; its last generation goes on beyond its life, no new images come"
)

// remark says how a type stands whose pool is too small.
func (st *stock) remark(d *Dealer, t domain.ChallengeType, deck *domain.Deck) {
	secrecy := st.pool.Secrecy(t)
	small := secrecy.Rest > 0 && !secrecy.Safe() && !st.demo
	now := ""
	switch {
	case !small:
	case d.SmallPools:
		now = saidForced
	case deck != nil:
		now = saidKept
	default:
		now = saidRefused
	}
	for _, what := range []string{saidForced, saidKept, saidRefused} {
		key := what + "\x00" + string(st.key) + "\x00" + t.String()
		if what != now {
			d.said.over(key)
			continue
		}
		d.said.once(key, func() {
			d.Logger.Warn(what, "collections", string(st.key), "type", t.String(), "told_after_challenges", secrecy.After,
				"horizon", secrecy.Horizon, "known_missing", secrecy.KnownMissing, "unknown_missing", secrecy.UnknownMissing)
		})
	}
}

// remarkOverlaps says which pools share images: each has a plan of its own, so
// who gets challenges from both sees such an image in both.
func (d *Dealer) remarkOverlaps(stocks []*stock) {
	for i, a := range stocks {
		for _, b := range stocks[i+1:] {
			if a.key.Shared(b.key) > 0 {
				d.said.once("overlap\x00"+string(a.key)+"\x00"+string(b.key), func() {
					d.Logger.Warn("clients are dealt from pools that share some collections and not all; whoever watches both pools may tell known from unknown images",
						"one", string(a.key), "other", string(b.key))
				})
			}
		}
	}
}

package projections

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
	"time"

	"ocapi/domain"
)

const (
	// maxSkew is how far the clock of the node that decided an event is believed
	// against the log's own: with one that is wrong by a day, every challenge of
	// the other nodes would have expired, and every rate would be none.
	maxSkew = time.Minute
	// expiryGrace is how long after its end a challenge is kept open: an answer in
	// time, from a node whose clock is behind, may stand in the log after an event
	// of another whose clock is ahead.
	expiryGrace = 2 * maxSkew
	// maxLifetime bounds what an event can have us remember.
	maxLifetime = time.Hour
)

// moment gives the time of an event: when it was decided, within maxSkew of when
// the log stored it. Both stand in the archive, so that a replay sees the same.
func moment(r domain.Record) time.Time {
	at := r.Event.Head().At
	if r.StoredAt.IsZero() {
		return at // of no log
	}
	if earliest := r.StoredAt.Add(-maxSkew); at.Before(earliest) {
		return earliest
	}
	if latest := r.StoredAt.Add(maxSkew); at.After(latest) {
		return latest
	}
	return at
}

// openChallenge is one that may still be answered.
type openChallenge struct {
	client  uint32
	expires tick
	began   tick // where it counts how long an answer took; else 0
	kind    domain.ChallengeType
}

// openChallenges are the ones that have neither a verdict nor expired: those of
// the last 22 minutes.
type openChallenges struct {
	seed   maphash.Seed
	shards [openShards]table[packedOpen]
	// due lists challenges by the moment at which they are given up. One that was
	// answered stays in its list until then; what has its slot by then is told by
	// its own end.
	due map[tick][]openRef
	// next is not after the first moment of due; without meaning where due is
	// empty.
	next tick
}

// openShards bounds how long adding one may take: what grows is a 64th.
const openShards = 64

// openRef is a shard and a slot in it.
type openRef uint32

// packedOpen is an openChallenge in 12 bytes instead of 16.
type packedOpen struct {
	client  uint32
	expires tick
	life    uint16 // seconds from began to expires; noLife: began is 0
	kind    domain.ChallengeType
}

const noLife = 1<<16 - 1

func pack(c openChallenge) packedOpen {
	p := packedOpen{client: c.client, expires: c.expires, life: noLife, kind: c.kind}
	// Beyond the largest lifetime there is nothing but a damaged snapshot.
	if c.began != 0 && c.began <= c.expires && c.expires-c.began < noLife {
		p.life = uint16(c.expires - c.began) //nolint:gosec // as checked
	}
	return p
}

func (p packedOpen) open() openChallenge {
	c := openChallenge{client: p.client, expires: p.expires, kind: p.kind}
	if p.life != noLife {
		c.began = p.expires - tick(p.life)
	}
	return c
}

func newOpenChallenges() openChallenges {
	o := openChallenges{seed: maphash.MakeSeed(), due: map[tick][]openRef{}}
	for i := range o.shards {
		o.shards[i].seed = o.seed
	}
	return o
}

const graceTicks = tick(expiryGrace / tickLength)

// shard is where an id is, or would be.
func (o *openChallenges) shard(id domain.UUID) (*table[packedOpen], uint64) {
	hash := maphash.Bytes(o.seed, id[:])
	return &o.shards[hash%openShards], hash
}

func (o *openChallenges) len() int {
	n := 0
	for i := range o.shards {
		n += o.shards[i].count
	}
	return n
}

// get gives an open challenge; found is false where it is not open.
func (o *openChallenges) get(id domain.UUID) (c openChallenge, found bool) {
	shard, hash := o.shard(id)
	if p := shard.get(hash, id); p != nil {
		return p.open(), true
	}
	return openChallenge{}, false
}

// add takes one in; of an id that is open already, the one of before is
// forgotten.
func (o *openChallenges) add(id domain.UUID, c openChallenge) {
	shard, hash := o.shard(id)
	slot, ok := shard.put(hash, id, pack(c))
	if !ok {
		return // a billion of them are open: it counts as never answered and never expired
	}
	at := c.expires + graceTicks
	if len(o.due) == 0 || at < o.next {
		o.next = at
	}
	o.due[at] = append(o.due[at], openRef(hash%openShards<<slotBits)|openRef(slot)) //nolint:gosec // 6 and 24 bits
}

// remove takes one out, if it is open.
func (o *openChallenges) remove(id domain.UUID) {
	shard, hash := o.shard(id)
	shard.remove(hash, id)
}

// giveUp calls expire for each challenge whose time is over at a moment, in the
// order of their ends, and forgets them. In what order those of one second come
// is undefined; sums do not depend on it.
func (o *openChallenges) giveUp(now tick, expire func(openChallenge)) {
	for len(o.due) > 0 && o.next <= now {
		// Looking second by second is quicker than looking for the next one, as
		// long as there is one nearly every second.
		if int64(now-o.next) > 2*int64(len(o.due))+ticksPerMinute {
			o.next = o.first()
			if o.next > now {
				return
			}
		}
		refs, ok := o.due[o.next]
		if ok {
			delete(o.due, o.next)
		}
		for _, ref := range refs {
			shard := &o.shards[ref>>slotBits]
			// A slot that is free has no end, and one that another has got has that
			// one's; one that is named twice is free the second time.
			if r := shard.row(uint32(ref) & slotMask); r.value.expires+graceTicks == o.next && r.value.expires != 0 {
				c := r.value.open()
				shard.remove(shard.hash(r.id), r.id)
				expire(c)
			}
		}
		o.next++
	}
}

func (o *openChallenges) first() tick {
	first := ^tick(0)
	for at := range o.due {
		first = min(first, at)
	}
	return first
}

// namedOpen is an open challenge with its id.
type namedOpen struct {
	id domain.UUID
	openChallenge
}

// sorted lists the open challenges by their ends and ids.
func (o *openChallenges) sorted() []namedOpen {
	list := make([]namedOpen, 0, o.len())
	for i := range o.shards {
		o.shards[i].each(func(id domain.UUID, p *packedOpen) { list = append(list, namedOpen{id, p.open()}) })
	}
	slices.SortFunc(list, func(a, b namedOpen) int {
		return cmp.Or(cmp.Compare(a.expires, b.expires), bytes.Compare(a.id[:], b.id[:]))
	})
	return list
}

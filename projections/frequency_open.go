package projections

import (
	"bytes"
	"cmp"
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
	byID map[domain.UUID]openChallenge
	// due lists ids by the moment at which they are given up. An id whose
	// challenge was answered stays in its list until then.
	due map[tick][]domain.UUID
	// next is not after the first moment of due; without meaning where due is
	// empty.
	next tick
}

func newOpenChallenges() openChallenges {
	return openChallenges{byID: map[domain.UUID]openChallenge{}, due: map[tick][]domain.UUID{}}
}

const graceTicks = tick(expiryGrace / tickLength)

func (o *openChallenges) add(id domain.UUID, c openChallenge) {
	o.byID[id] = c
	at := c.expires + graceTicks
	if len(o.due) == 0 || at < o.next {
		o.next = at
	}
	o.due[at] = append(o.due[at], id)
}

// give up calls expire for each challenge whose time is over at a moment, in
// the order of their ends, and forgets them. In what order those of one second
// come is undefined; sums do not depend on it.
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
		ids, ok := o.due[o.next]
		if ok {
			delete(o.due, o.next)
		}
		for _, id := range ids {
			// Its id may have come again, with another end.
			if c, open := o.byID[id]; open && c.expires+graceTicks == o.next {
				delete(o.byID, id)
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
	list := make([]namedOpen, 0, len(o.byID))
	for id, c := range o.byID {
		list = append(list, namedOpen{id, c})
	}
	slices.SortFunc(list, func(a, b namedOpen) int {
		return cmp.Or(cmp.Compare(a.expires, b.expires), bytes.Compare(a.id[:], b.id[:]))
	})
	return list
}

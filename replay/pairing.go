package replay

import (
	"strings"
	"time"

	"ocapi/domain"
)

// pairing holds creations, as they are stored, until their answers come: what
// is created within 20 minutes and not answered, some 500 bytes each.
type pairing struct {
	open  map[domain.ChallengeID]int // where in the queue, counted from the first that was ever in it
	queue []held                     // by age; those that were answered stay, empty, until they expire
	gone  int                        // from the front of the queue
	young int                        // in queue, the first whose creation is still a part of a page
}

type held struct {
	challenge domain.ChallengeID
	expires   int64 // µs since 1970
	data      string
}

// mostYoung is how many creations may keep alive the pages that they are parts
// of. Most are answered soon; the few that are not are cloned.
const mostYoung = 1 << 14

func newPairing() pairing { return pairing{open: map[domain.ChallengeID]int{}} }

// hold remembers a creation.
func (p *pairing) hold(e *domain.ChallengeCreated, data string) {
	p.open[e.Challenge] = p.gone + len(p.queue)
	p.queue = append(p.queue, held{e.Challenge, e.ExpiresAt.Add(domain.AnswerGrace).UnixMicro(), data})
	if len(p.queue)-p.young > mostYoung {
		old := &p.queue[p.young]
		old.data = strings.Clone(old.data)
		p.young++
	}
}

// take gives a creation away; empty: there is none.
func (p *pairing) take(id domain.ChallengeID) (data string) {
	i, ok := p.open[id]
	if !ok {
		return ""
	}
	delete(p.open, id)
	h := &p.queue[i-p.gone]
	data, h.data = h.data, ""
	return data
}

// expire forgets what cannot be answered any more.
func (p *pairing) expire(now time.Time) {
	n := 0
	for limit := now.UnixMicro(); n < len(p.queue) && p.queue[n].expires < limit; n++ {
		if h := &p.queue[n]; h.data != "" {
			delete(p.open, h.challenge)
		}
	}
	p.queue, p.gone, p.young = p.queue[n:], p.gone+n, max(p.young-n, 0)
}

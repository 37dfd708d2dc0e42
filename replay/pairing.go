package replay

import (
	"strings"
	"time"

	"ocapi/domain"
)

// pairing holds creations, as they are stored, until their answers come: what
// is created within 20 minutes and not answered, some 500 bytes each.
type pairing struct {
	open  map[domain.ChallengeID]string
	queue []expiring // by age; those that were answered stay until they expire
	young int        // in queue, the first whose creation is still a part of a page
}

type expiring struct {
	challenge domain.ChallengeID
	at        int64 // µs since 1970
}

// mostYoung is how many creations may keep alive the pages that they are parts
// of. Most are answered soon; the few that are not are cloned.
const mostYoung = 1 << 14

func newPairing() pairing { return pairing{open: map[domain.ChallengeID]string{}} }

// hold remembers a creation.
func (p *pairing) hold(e *domain.ChallengeCreated, data string) {
	p.open[e.Challenge] = data
	p.queue = append(p.queue, expiring{e.Challenge, e.ExpiresAt.Add(domain.AnswerGrace).UnixMicro()})
	if len(p.queue)-p.young > mostYoung {
		id := p.queue[p.young].challenge
		if data, ok := p.open[id]; ok {
			p.open[id] = strings.Clone(data)
		}
		p.young++
	}
}

// take gives a creation away; empty: there is none.
func (p *pairing) take(id domain.ChallengeID) string {
	data := p.open[id]
	delete(p.open, id)
	return data
}

// expire forgets what cannot be answered any more.
func (p *pairing) expire(now time.Time) {
	n := 0
	for limit := now.UnixMicro(); n < len(p.queue) && p.queue[n].at < limit; n++ {
		delete(p.open, p.queue[n].challenge)
	}
	p.queue, p.young = p.queue[n:], max(p.young-n, 0)
}

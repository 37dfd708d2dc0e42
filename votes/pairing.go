package votes

import (
	"fmt"
	"time"

	"ocapi/domain"
)

// Pairing brings answers together with their challenges, whose images an answer
// does not name. Events have to come in the log's order. It holds the stored
// form of the challenges that are open: what is created within 20 minutes, some
// 400 bytes each. It is not safe for concurrent use.
type Pairing struct {
	decode func([]byte) (domain.Event, error)
	open   map[domain.ChallengeID][]byte
	queue  []expiring // by age; those that were answered stay until they expire
}

type expiring struct {
	challenge domain.ChallengeID
	at        time.Time
}

// NewPairing makes a pairing in which no challenge is open; decode reads the
// stored form.
func NewPairing(decode func([]byte) (domain.Event, error)) *Pairing {
	return &Pairing{decode: decode, open: map[domain.ChallengeID][]byte{}}
}

// Apply takes in an event and gives the votes that it brings. The error is one
// of decoding a creation.
func (p *Pairing) Apply(r domain.Record) ([]domain.Vote, error) {
	switch e := r.Event.(type) {
	case *domain.ChallengeCreated:
		p.expire(e.At)
		p.open[e.Challenge] = r.Data
		p.queue = append(p.queue, expiring{e.Challenge, e.ExpiresAt.Add(domain.AnswerGrace)})
	case *domain.ChallengeAnswered:
		data, ok := p.open[e.Challenge]
		if !ok {
			return nil, nil // its second answer, or its creation is older than what is read
		}
		created, err := p.decode(data)
		if err != nil {
			return nil, fmt.Errorf("read the creation of challenge %s: %w", e.Challenge, err)
		}
		c, ok := created.(*domain.ChallengeCreated)
		if !ok || c.Client != e.Client {
			return nil, nil // an answer under another client's name is none
		}
		delete(p.open, e.Challenge)
		return domain.VotesOf(c, e), nil
	}
	return nil, nil
}

// Open counts the challenges that are held.
func (p *Pairing) Open() int { return len(p.open) }

func (p *Pairing) expire(now time.Time) {
	n := 0
	for n < len(p.queue) && p.queue[n].at.Before(now) {
		delete(p.open, p.queue[n].challenge)
		n++
	}
	p.queue = p.queue[n:]
}

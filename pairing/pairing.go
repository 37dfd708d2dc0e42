package pairing

import (
	"context"
	"fmt"
	"time"

	"ocapi/domain"
)

// History is where a [Pairing] reads again what it does not hold: the archive.
type History interface {
	// Challenge gives the events of one challenge in the log's order.
	Challenge(ctx context.Context, id domain.ChallengeID) ([]domain.Record, error)
}

// Recent is what a process remembers of recent challenges, whoever asks. It may
// forget at any moment, and is safe for concurrent use.
type Recent interface {
	// Holds reports whether a creation is remembered.
	Holds(id domain.ChallengeID) bool
	// FirstAnswered gives the stored form and the sequence of a creation whose
	// first answer in the log, under whatever name, is the event at the sequence
	// answer. It is false where that is not so, or not known for certain. Nobody
	// changes the bytes.
	FirstAnswered(id domain.ChallengeID, answer domain.Sequence) (data []byte, created domain.Sequence, ok bool)
}

// Params say what a pairing needs of the rest of the program.
type Params struct {
	Decode func([]byte) (domain.Event, error) // reads the stored form of an event
	// History may be nil: then nothing is known but what has been taken in.
	History History
	// Recent may be nil: then every creation is held until it is over.
	Recent Recent
	// Most bounds the creations that are held, some 600 bytes each; the oldest are
	// left to the history, which has to be there. 0: no bound but their lifetime.
	Most int
	// Onward has creations count only from the first event on that is taken in.
	// Those before it are asked of the history otherwise.
	Onward bool
}

// Pairing gives the challenge that an answer is the first one to. Whatever it
// holds, it gives the same: one created before the answer, under the same
// client's name, and not over yet. Events have to come in the log's order. It is
// not safe for concurrent use.
type Pairing struct {
	p     Params
	open  map[domain.ChallengeID][]byte // stored forms of creations
	queue []expiring                    // by age; those that were answered stay until they are over
	first domain.Sequence               // that was taken in
	begun bool
	left  bool // to others, at some time: a creation that was taken in
}

type expiring struct {
	challenge domain.ChallengeID
	at        int64 // µs since 1970
}

// New makes a pairing that has taken in nothing.
func New(p Params) *Pairing {
	if p.History == nil {
		p.Most = 0
	}
	return &Pairing{p: p, open: map[domain.ChallengeID][]byte{}}
}

// Held counts the creations that are held.
func (p *Pairing) Held() int { return len(p.open) }

// Created takes in a creation at a sequence. Its stored form is kept, and not
// copied.
func (p *Pairing) Created(c *domain.ChallengeCreated, seq domain.Sequence, data []byte) {
	p.begin(seq)
	p.expire(c.At)
	if p.p.Recent != nil && p.p.History != nil && p.p.Recent.Holds(c.Challenge) {
		p.left = true
		return
	}
	if _, twice := p.open[c.Challenge]; twice {
		return // the first one counts
	}
	p.open[c.Challenge] = data
	p.queue = append(p.queue, expiring{c.Challenge, c.ExpiresAt.Add(domain.AnswerGrace).UnixMicro()})
	for p.p.Most > 0 && len(p.queue) > p.p.Most {
		p.left = true
		p.drop(1)
	}
}

// Forget has a challenge asked of the history when it is answered.
func (p *Pairing) Forget(id domain.ChallengeID) {
	if _, held := p.open[id]; held {
		p.left = true
		delete(p.open, id)
	}
}

// Answered gives the challenge that an answer at a sequence is the first one to;
// nil where there is none. The error is the history's, or one of decoding.
func (p *Pairing) Answered(ctx context.Context, a *domain.ChallengeAnswered, seq domain.Sequence) (*domain.ChallengeCreated, error) {
	p.begin(seq)
	if data, held := p.open[a.Challenge]; held {
		c, err := p.read(a, data)
		if c == nil {
			return nil, err // an answer under another client's name is none
		}
		delete(p.open, a.Challenge)
		return inTime(c, a), nil
	}
	if p.p.Recent != nil {
		if data, created, ok := p.p.Recent.FirstAnswered(a.Challenge, seq); ok && created < seq {
			if !p.counts(created) {
				return nil, nil
			}
			c, err := p.read(a, data)
			return inTime(c, a), err
		}
	}
	if p.p.History == nil || p.p.Onward && !p.left {
		return nil, nil // a second answer, or one to what counts no more
	}
	c, err := p.recall(ctx, a, seq)
	return inTime(c, a), err
}

func (p *Pairing) begin(seq domain.Sequence) {
	if !p.begun {
		p.first, p.begun = seq, true
	}
}

// counts reports whether a creation at a sequence counts.
func (p *Pairing) counts(created domain.Sequence) bool { return !p.p.Onward || created >= p.first }

// read gives the creation of an answer's challenge; nil where it is not one of
// the answer's client.
func (p *Pairing) read(a *domain.ChallengeAnswered, data []byte) (*domain.ChallengeCreated, error) {
	e, err := p.p.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("read the creation of challenge %s: %w", a.Challenge, err)
	}
	if c, ok := e.(*domain.ChallengeCreated); ok && c.Client == a.Client {
		return c, nil
	}
	return nil, nil
}

// inTime gives the challenge where it was not over yet when it was answered. The
// service takes no other answers; a log with clocks that went astray may have
// such, and a replay, which forgets what is over, cannot count them.
func inTime(c *domain.ChallengeCreated, a *domain.ChallengeAnswered) *domain.ChallengeCreated {
	if c == nil || a.At.After(c.ExpiresAt.Add(domain.AnswerGrace)) {
		return nil
	}
	return c
}

// recall asks the history.
func (p *Pairing) recall(ctx context.Context, a *domain.ChallengeAnswered, seq domain.Sequence) (*domain.ChallengeCreated, error) {
	records, err := p.p.History.Challenge(ctx, a.Challenge)
	if err != nil {
		return nil, fmt.Errorf("look for the creation of challenge %s: %w", a.Challenge, err)
	}
	var c *domain.ChallengeCreated
	for _, r := range records {
		if r.Seq >= seq {
			break
		}
		switch e := r.Event.(type) {
		case *domain.ChallengeCreated:
			if c == nil && p.counts(r.Seq) {
				c = e
			}
		case *domain.ChallengeAnswered:
			if c != nil && c.Client == e.Client {
				return nil, nil // it has been answered
			}
		}
	}
	if c == nil || c.Client != a.Client {
		return nil, nil
	}
	return c, nil
}

func (p *Pairing) expire(now time.Time) {
	n := 0
	for limit := now.UnixMicro(); n < len(p.queue) && p.queue[n].at < limit; n++ {
	}
	p.drop(n)
}

// drop forgets the oldest.
func (p *Pairing) drop(n int) {
	if n == 0 {
		return
	}
	for _, e := range p.queue[:n] {
		delete(p.open, e.challenge)
	}
	if p.queue = p.queue[n:]; len(p.queue) == 0 {
		// A node that has caught up holds next to nothing; a map never shrinks.
		p.queue, p.open = nil, map[domain.ChallengeID][]byte{}
	}
}

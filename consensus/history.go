package consensus

import (
	"context"
	"fmt"
	"time"

	"ocapi/domain"
)

// History is where a [State] reads again what it has read before: the archive.
type History interface {
	// Challenge gives the events of one challenge in the log's order.
	Challenge(ctx context.Context, id domain.ChallengeID) ([]domain.Record, error)
	// Decided visits the events that were decided at or after a moment, up to and
	// including a sequence, in the log's order, until visit fails.
	Decided(ctx context.Context, since time.Time, through domain.Sequence, visit func(domain.Record) error) error
}

// pairing brings answers together with their challenges, whose images an answer
// does not name. Whatever it holds, it gives the same: the first answer to a
// challenge that was created before it. What it does not hold is asked of the
// history, so that a state that begins in the middle, or hears of an answer that
// is late, does as one that has read everything.
type pairing struct {
	decode  func([]byte) (domain.Event, error)
	history History
	open    map[domain.ChallengeID][]byte // the stored form of what is created within 20 minutes
	queue   []expiring
}

type expiring struct {
	challenge domain.ChallengeID
	at        time.Time
}

func newPairing(decode func([]byte) (domain.Event, error), history History) pairing {
	return pairing{decode: decode, history: history, open: map[domain.ChallengeID][]byte{}}
}

// created takes in a creation.
func (p *pairing) created(c *domain.ChallengeCreated, data []byte) {
	n := 0
	for n < len(p.queue) && p.queue[n].at.Before(c.At) {
		delete(p.open, p.queue[n].challenge)
		n++
	}
	p.queue = p.queue[n:]
	if _, twice := p.open[c.Challenge]; twice {
		return // the first one counts
	}
	p.open[c.Challenge] = data
	p.queue = append(p.queue, expiring{c.Challenge, c.ExpiresAt.Add(domain.AnswerGrace)})
}

// answered gives the challenge that an answer is the first one to; nil where
// there is none.
func (p *pairing) answered(ctx context.Context, a *domain.ChallengeAnswered, seq domain.Sequence) (*domain.ChallengeCreated, error) {
	data, ok := p.open[a.Challenge]
	if !ok {
		return p.recall(ctx, a, seq)
	}
	e, err := p.decode(data)
	if err != nil {
		return nil, fmt.Errorf("read the creation of challenge %s: %w", a.Challenge, err)
	}
	c, ok := e.(*domain.ChallengeCreated)
	if !ok || c.Client != a.Client {
		return nil, nil // an answer under another client's name is none
	}
	delete(p.open, a.Challenge)
	return inTime(c, a), nil
}

// inTime gives the challenge where it was not over yet when it was answered. The
// service takes no other answers; a log with clocks that went astray may have
// such, and a replay, which forgets what is over, cannot count them.
func inTime(c *domain.ChallengeCreated, a *domain.ChallengeAnswered) *domain.ChallengeCreated {
	if a.At.After(c.ExpiresAt.Add(domain.AnswerGrace)) {
		return nil
	}
	return c
}

// recall asks the history.
func (p *pairing) recall(ctx context.Context, a *domain.ChallengeAnswered, seq domain.Sequence) (*domain.ChallengeCreated, error) {
	records, err := p.history.Challenge(ctx, a.Challenge)
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
			if c == nil {
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
	return inTime(c, a), nil
}

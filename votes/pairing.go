package votes

import (
	"context"

	"ocapi/domain"
	"ocapi/pairing"
)

// Pairing gives the votes of answers, which it brings together with their
// challenges as [pairing.Pairing] does, from the first event on that it takes
// in. Events have to come in the log's order. It is not safe for concurrent use.
type Pairing struct{ pairs *pairing.Pairing }

// NewPairing makes a pairing that has taken in nothing.
func NewPairing(p pairing.Params) *Pairing {
	p.Onward = true
	return &Pairing{pairing.New(p)}
}

// Apply takes in an event and gives the votes that it brings. The error is one
// of decoding a creation, or of the history.
func (p *Pairing) Apply(ctx context.Context, r domain.Record) ([]domain.Vote, error) {
	switch e := r.Event.(type) {
	case *domain.ChallengeCreated:
		p.pairs.Created(e, r.Seq, r.Data)
	case *domain.ChallengeAnswered:
		c, err := p.pairs.Answered(ctx, e, r.Seq)
		if err != nil || c == nil {
			return nil, err
		}
		return domain.VotesOf(c, e), nil
	}
	return nil, nil
}

// Held counts the challenges that are held.
func (p *Pairing) Held() int { return p.pairs.Held() }

package consensus

import (
	"context"
	"time"

	"ocapi/domain"
	"ocapi/pairing"
)

// History is where a [State] reads again what it has read before: the archive.
type History interface {
	pairing.History
	// Decided visits the events that were decided at or after a moment, up to and
	// including a sequence, in the log's order, until visit fails.
	Decided(ctx context.Context, since time.Time, through domain.Sequence, visit func(domain.Record) error) error
}

// mostHeld bounds the creations that a state holds while it reads what is past,
// or reads it again for a quarantine: some 80 MB, two minutes of 1,000
// challenges a second. What is answered later is asked of the history.
const mostHeld = 1 << 17

// pairing gives what brings answers together with their challenges. A state that
// begins in the middle, or hears of an answer that is late, does as one that has
// read everything.
func (p *StateParams) pairing(recent pairing.Recent) *pairing.Pairing {
	params := pairing.Params{Decode: p.Decode, History: p.History, Recent: recent, Most: mostHeld}
	if p.Held > 0 {
		params.Most = p.Held
	}
	return pairing.New(params)
}

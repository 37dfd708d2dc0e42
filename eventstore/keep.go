package eventstore

import (
	"slices"
	"strings"
	"sync"

	"ocapi/domain"
)

// decoders are used again by those who decode one event now and then.
var decoders = sync.Pool{New: func() any { return new(Decoder) }}

// decodeKept reads stored forms as [DecodeEvent] does, and gives events that
// may be kept: what followers hold in memory is read by it. A creation takes
// three allocations where DecodeEvent takes thirty; its strings are parts of
// one copy of data.
func decodeKept(data []byte) (domain.Event, error) {
	d := decoders.Get().(*Decoder) //nolint:forcetypeassert // nothing else is put there
	defer decoders.Put(d)
	switch e := d.usual(string(data)).(type) {
	case *domain.ChallengeCreated:
		kept := *e
		kept.Positions = slices.Clone(e.Positions)
		return &kept, nil
	case *domain.ChallengeAnswered:
		kept := *e
		kept.Answer.Texts = slices.Clone(e.Answer.Texts)
		kept.Answer.Selected = slices.Clone(e.Answer.Selected)
		kept.Answer.Unreadable = slices.Clone(e.Answer.Unreadable)
		if e.Answer.Text != nil {
			text := strings.Clone(*e.Answer.Text)
			kept.Answer.Text = &text
		}
		return &kept, nil
	}
	return DecodeEvent(data)
}

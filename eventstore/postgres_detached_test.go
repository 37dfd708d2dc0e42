package eventstore_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/eventstore"
)

// TestDetachedEvents reads events one after the other, and looks that the next
// one leaves the one before as it was.
func TestDetachedEvents(t *testing.T) {
	t.Parallel()
	c := created("site", newChallengeID())
	c.Positions = append(c.Positions, domain.Position{Image: "u2", Collection: "d", Role: domain.RoleUnknown})
	second := created("other", newChallengeID())
	second.Positions[0].Image, second.Positions[1].Image = "k9", "u9"
	sound, other := "août", "mai"
	answer := func(a domain.Answer) *domain.ChallengeAnswered {
		e := answered(c, domain.StatusValidated)
		e.Answer = a
		return e
	}
	events := []domain.Event{
		c, second,
		answer(domain.Answer{Texts: []string{"a", "b"}, Unreadable: []uint32{1}}), answer(domain.Answer{Texts: []string{"c", "d"}, Unreadable: []uint32{0}}),
		answer(domain.Answer{Selected: []uint32{1, 2}}), answer(domain.Answer{Selected: []uint32{}}), answer(domain.Answer{Selected: []uint32{7, 8}}),
		answer(domain.Answer{Text: &sound}), answer(domain.Answer{Text: &other}),
	}
	var decoder eventstore.Decoder
	var got []domain.Event
	for _, e := range events {
		data, err := eventstore.EncodeEvent(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		read, err := decoder.Decode(string(data))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, eventstore.DetachedEvent(read))
	}
	if diff := cmp.Diff(events, got); diff != "" {
		t.Errorf("events changed as others were read (-written +kept):\n%s", diff)
	}
}

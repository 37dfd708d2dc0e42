package replay_test

import (
	"strings"
	"testing"

	"ocapi/domain"
	"ocapi/place"
	"ocapi/place/placetest"
)

// TestReplayChecksSentinels has a known image play an unknown one: visitors agree
// on what is on record of one, and on something else of another.
func TestReplayChecksSentinels(t *testing.T) {
	v := newVoted()
	for n := range 20 {
		v.challenge("site", "")
		at := len(v.events) - 4 // the texts' creation, with its answer behind it
		c, a := v.events[at].(*domain.ChallengeCreated), v.events[at+1].(*domain.ChallengeAnswered)
		image := domain.ImageID([]string{"right", "wrong"}[n%2])
		c.Positions[1] = domain.Position{
			Image: image, Collection: votedCollection, Role: domain.RoleSentinel, Trust: domain.TrustImported,
			Expected: domain.Truth{Kind: domain.TruthText, Text: "lande"},
		}
		a.Answer.Texts = []string{"maison", []string{"lande", "something else"}[n%2]}
		a.Verdict = domain.StatusValidated
	}
	placetest.EachPlace(t, func(t *testing.T, s *place.Stores, p place.Flags) {
		v.archive(t, s, v.events)
		_, _, said := consensusOf(t, p)
		if !strings.Contains(said, "2 of 2 sentinels would be settled, 1 of these wrong: of what is settled at most 97.5 % is wrong (at 95 % confidence, whatever the model).") {
			t.Errorf("it says %s", said)
		}
		if _, _, said := consensusOf(t, p, "--until", v.events[3].Head().At.Format("2006-01-02T15:04:05Z07:00")); !strings.Contains(said, "none of 1 sentinel is settled") {
			t.Errorf("of the first votes it says %s", said)
		}
	})
}

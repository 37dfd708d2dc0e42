package consensus_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ocapi/consensus"
	"ocapi/domain"
)

// drawAnswered draws a challenge and an answer to it, well formed or nearly so.
func drawAnswered(r *rapid.T) (*domain.ChallengeCreated, *domain.ChallengeAnswered) {
	c := &domain.ChallengeCreated{Header: domain.Header{Client: "site"}, Type: domain.TypeTranscription}
	a := &domain.ChallengeAnswered{Header: domain.Header{Client: "site", At: time.UnixMicro(7).UTC()}, Verdict: domain.StatusValidated}
	words := rapid.SampledFrom([]string{"maison", "Maison", "maisom", "lande", "", "12"})
	if rapid.Bool().Draw(r, "pictures") {
		c.Type, c.Keyword = domain.TypeClassification, "ship"
		a.Answer.Selected = []uint32{}
	}
	for i := range rapid.IntRange(1, 9).Draw(r, "positions") {
		p := domain.Position{Image: domain.ImageID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "image")), Role: domain.Role(rapid.IntRange(1, 3).Draw(r, "role"))}
		text := words.Draw(r, "typed")
		if rapid.IntRange(0, 5).Draw(r, "unreadable") == 0 {
			a.Answer.Unreadable = append(a.Answer.Unreadable, uint32(i))
		}
		if c.Type == domain.TypeTranscription {
			a.Answer.Texts = append(a.Answer.Texts, text)
		} else if rapid.Bool().Draw(r, "selected") {
			a.Answer.Selected = append(a.Answer.Selected, uint32(i))
		}
		if p.Role != domain.RoleUnknown {
			p.Expected = domain.Truth{Kind: domain.TruthText, Text: words.Draw(r, "truth")}
			if c.Type == domain.TypeClassification {
				p.Expected = domain.Truth{Kind: domain.TruthMatch, Match: rapid.Bool().Draw(r, "match")}
			}
			p.Trust = domain.TrustImported
		}
		c.Positions = append(c.Positions, p)
	}
	return c, a
}

// TestTellerAgrees holds a teller that has seen much against the votes of the
// domain, and against the gold as it is defined.
func TestTellerAgrees(t *testing.T) {
	t.Parallel()
	var used consensus.Teller
	bare := consensus.Teller{NoPatterns: true}
	rapid.Check(t, func(r *rapid.T) {
		c, a := drawAnswered(r)
		got := slices.Clone(used.Ballots(c, a))
		if diff := cmp.Diff(consensus.Ballots(c, a), got); diff != "" {
			r.Fatalf("a teller that was used gives others (-new +used):\n%s", diff)
		}
		var votes []domain.Vote
		for _, b := range got {
			if b.Role != domain.RoleKnown {
				votes = append(votes, b.Vote)
			}
			if want := goldOf(c, a, b.Position); b.Gold != want {
				r.Fatalf("position %d has the gold %+v, want %+v", b.Position, b.Gold, want)
			}
		}
		if diff := cmp.Diff(domain.VotesOf(c, a), votes); diff != "" {
			r.Fatalf("the ballots are other votes than the domain's (-domain +ballots):\n%s", diff)
		}
		for i, b := range bare.Ballots(c, a) {
			if want := got[i]; b.Pattern != (domain.VotePattern{}) || b.Gold != want.Gold || b.Kind != want.Kind || b.Text != want.Text {
				r.Fatalf("without patterns it is %+v, want %+v", b, want)
			}
		}
	})
}

// goldOf is the gold of a position by its definition: all known ones but it.
func goldOf(c *domain.ChallengeCreated, a *domain.ChallengeAnswered, but int) consensus.Gold {
	var g consensus.Gold
	for i, p := range c.Positions {
		if p.Role != domain.RoleKnown || i == but {
			continue
		}
		unreadable, selected := slices.Contains(a.Answer.Unreadable, uint32(i)), slices.Contains(a.Answer.Selected, uint32(i))
		switch {
		case c.Type == domain.TypeTranscription:
			outcome := consensus.GoldWrong
			if !unreadable {
				outcome = consensus.GoldOf(p.Expected.Text, a.Answer.Texts[i])
			}
			if g.Text == consensus.GoldNone || outcome < g.Text {
				g.Text = outcome
			}
		case p.Expected.Match:
			g.Matches++
			if selected && !unreadable {
				g.Hits++
			}
		default:
			g.NonMatches++
			if selected && !unreadable {
				g.FalseAlarms++
			}
		}
	}
	return g
}

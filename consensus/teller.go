package consensus

import (
	"strings"

	"ocapi/domain"
)

// Teller makes the ballots of answers as [Ballots] does, for those who read
// millions of them: in memory that it uses again, and comparing texts that it
// has compared before no more. The zero value is ready for use. It is not safe
// for concurrent use.
type Teller struct {
	// NoPatterns leaves the ballots' patterns out, where nobody asks for them: of
	// texts they are dear.
	NoPatterns bool

	gold     Gold
	ballots  []Ballot
	outcomes []TextGold
	golds    map[typedText]TextGold
	folded   map[string]domain.VotePattern
}

// typedText is a known text with what was typed for it.
type typedText struct{ truth, text string }

// tellerMemory bounds each of what a teller remembers of texts: people's words
// come again and again, and what is forgotten is compared once more.
const tellerMemory = 1 << 15

// Ballots gives the ballots of an answer. They are valid until the next call.
func (t *Teller) Ballots(c *domain.ChallengeCreated, a *domain.ChallengeAnswered) []Ballot {
	if c.Challenge != a.Challenge || c.Client != a.Client || c.Type == domain.TypeAudio {
		return nil
	}
	selected, unreadable := maskOf(a.Answer.Selected), maskOf(a.Answer.Unreadable)
	all := t.goldOf(c, a, selected, unreadable)
	t.gold = all
	var pattern domain.VotePattern
	if c.Type == domain.TypeClassification && a.Answer.Selected != nil && !t.NoPatterns {
		pattern = domain.SelectionPattern(a.Answer.Selected, len(c.Positions))
	}
	t.ballots = t.ballots[:0]
	for i := range c.Positions {
		p := &c.Positions[i]
		kind := domain.VoteInvalid
		switch {
		case unreadable.has(i):
			kind = domain.VoteUnreadable
		case c.Type == domain.TypeTranscription && i < len(a.Answer.Texts):
			kind = domain.VoteText
		case c.Type == domain.TypeClassification && a.Answer.Selected != nil:
			kind = domain.VoteAgainst
			if selected.has(i) {
				kind = domain.VoteFor
			}
		default:
			continue
		}
		t.ballots = append(t.ballots, Ballot{
			Vote: domain.Vote{
				Challenge: c.Challenge, Client: c.Client, At: a.At, Type: c.Type, Keyword: c.Keyword, Position: i, Kind: kind,
				Image: p.Image, Collection: p.Collection, Role: p.Role, Validated: a.Verdict == domain.StatusValidated,
			},
			Gold: all, Truth: p.Expected, Trust: p.Trust, Prior: p.Prior,
		})
		b := &t.ballots[len(t.ballots)-1]
		switch kind {
		case domain.VoteText:
			b.Text = a.Answer.Texts[i]
			if !t.NoPatterns {
				b.Pattern = t.textPattern(b.Text)
			}
		case domain.VoteFor, domain.VoteAgainst:
			b.Pattern = pattern
		case domain.VoteUnreadable, domain.VoteInvalid:
		}
		if p.Role == domain.RoleKnown {
			b.Gold = all.without(p.Expected, kind == domain.VoteFor, t.outcomes, i)
		}
	}
	return t.ballots
}

// Gold gives how all known positions were answered of the answer whose ballots
// were given last.
func (t *Teller) Gold() Gold { return t.gold }

// Texts gives how each known text of that answer was typed, [GoldNone] where the
// text is not known. It is valid until the next call of Ballots.
func (t *Teller) Texts() []TextGold { return t.outcomes }

// goldOf gives how all known positions were answered, and of texts each one's
// outcome, [GoldNone] where it is not known.
func goldOf(c *domain.ChallengeCreated, a *domain.ChallengeAnswered) (Gold, []TextGold) {
	var t Teller
	g := t.goldOf(c, a, maskOf(a.Answer.Selected), maskOf(a.Answer.Unreadable))
	return g, t.outcomes
}

// goldOf gives how all known positions were answered, and leaves of texts each
// one's outcome, [GoldNone] where it is not known.
func (t *Teller) goldOf(c *domain.ChallengeCreated, a *domain.ChallengeAnswered, selected, unreadable places) Gold {
	var all Gold
	t.outcomes = t.outcomes[:0]
	for i := range c.Positions {
		p := &c.Positions[i]
		outcome := GoldNone
		chosen := uint8(0)
		if selected.has(i) && !unreadable.has(i) {
			chosen = 1
		}
		switch {
		case p.Role != domain.RoleKnown:
		case p.Expected.Kind == domain.TruthText:
			outcome = GoldWrong
			if !unreadable.has(i) && i < len(a.Answer.Texts) {
				outcome = t.textGold(p.Expected.Text, a.Answer.Texts[i])
			}
		case p.Expected.Match:
			all.Matches++
			all.Hits += chosen
		default:
			all.NonMatches++
			all.FalseAlarms += chosen
		}
		if c.Type == domain.TypeTranscription {
			t.outcomes = append(t.outcomes, outcome)
		}
	}
	all.Text = worst(t.outcomes, -1)
	return all
}

// textGold is [GoldOf], remembered.
func (t *Teller) textGold(truth, text string) TextGold {
	if truth == text {
		return GoldExact // in whatever form they are compared
	}
	if g, ok := t.golds[typedText{truth, text}]; ok {
		return g
	}
	if len(t.golds) >= tellerMemory || t.golds == nil {
		t.golds = map[typedText]TextGold{}
	}
	g := GoldOf(truth, text)
	t.golds[typedText{strings.Clone(truth), strings.Clone(text)}] = g
	return g
}

// textPattern is [domain.TextPattern], remembered.
func (t *Teller) textPattern(text string) domain.VotePattern {
	if p, ok := t.folded[text]; ok {
		return p
	}
	if len(t.folded) >= tellerMemory || t.folded == nil {
		t.folded = map[string]domain.VotePattern{}
	}
	p := domain.TextPattern(text)
	t.folded[strings.Clone(text)] = p
	return p
}

// places are positions of a challenge, which has at most
// [domain.MaxPositions]: bit n is position n.
type places uint64

func maskOf(positions []uint32) places {
	var m places
	for _, p := range positions {
		if p < 64 {
			m |= 1 << p
		}
	}
	return m
}

func (m places) has(i int) bool { return m&(1<<i) != 0 }

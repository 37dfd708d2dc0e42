package consensus

import (
	"strings"

	"ocapi/domain"
)

// Question is what is asked of one image: the text that it bears, or whether it
// shows a keyword.
type Question struct {
	Image   domain.ImageID
	Keyword string // empty with transcriptions
}

// Compare orders questions by image, then by keyword.
func (q Question) Compare(o Question) int {
	if c := strings.Compare(string(q.Image), string(o.Image)); c != 0 {
		return c
	}
	return strings.Compare(q.Keyword, o.Keyword)
}

// Ballot is one answer to one question, as consensus counts it: with what the
// rest of its challenge says of how much it is worth. It is what a
// [domain.Vote] is for images whose truth was not asked for, and is there for
// known images too, whose truth may be contradicted.
type Ballot struct {
	domain.Vote
	Gold  Gold         // how the known images of the challenge were answered, this one left out
	Truth domain.Truth // on record, of known images and sentinels
	Trust domain.Trust // of Truth
	Prior float64      // probability of a machine's guess; 0 where there is none
}

// Question gives the question that the ballot answers.
func (b *Ballot) Question() Question { return Question{b.Image, b.Keyword} }

// Gold is how the known images of one challenge were answered: all that is ever
// known of an anonymous visitor. The zero value says nothing.
type Gold struct {
	Matches, Hits           uint8 // known pictures that show the keyword, and those of them selected
	NonMatches, FalseAlarms uint8 // known pictures that do not, and those of them selected
	Text                    TextGold
}

// Perfect reports whether there were known images and all were answered rightly.
func (g Gold) Perfect() bool {
	return g.Text == GoldExact || g.Text == GoldNone && g.Matches+g.NonMatches > 0 && g.Hits == g.Matches && g.FalseAlarms == 0
}

// TextGold is how a known text was typed. The values are stored; a new one comes
// last.
type TextGold uint8

// How a known text was typed.
const (
	GoldNone  TextGold = iota // there is no other known text
	GoldWrong                 // otherwise, or marked unreadable
	GoldNear                  // with few edits
	GoldExact                 // to the letter, in the normal form
)

// String gives the outcome's name.
func (g TextGold) String() string {
	switch g {
	case GoldWrong:
		return "wrong"
	case GoldNear:
		return "near"
	case GoldExact:
		return "exact"
	case GoldNone:
	}
	return "none"
}

// Ballots gives the ballots of an answer in the order of the positions, those on
// known images among them. The answer has to be of that challenge; there are
// none where it is not, nor of audio challenges.
func Ballots(c *domain.ChallengeCreated, a *domain.ChallengeAnswered) []Ballot {
	return new(Teller).Ballots(c, a)
}

// worst gives the worst outcome but for one place's; [GoldNone] where there is
// no other.
func worst(outcomes []TextGold, but int) TextGold {
	found := GoldNone
	for i, o := range outcomes {
		if i != but && o != GoldNone && (found == GoldNone || o < found) {
			found = o
		}
	}
	return found
}

// without takes one known position out.
func (g Gold) without(truth domain.Truth, selected bool, outcomes []TextGold, i int) Gold {
	hit := uint8(0)
	if selected {
		hit = 1
	}
	switch {
	case truth.Kind == domain.TruthText:
		g.Text = worst(outcomes, i)
	case truth.Match:
		g.Matches, g.Hits = g.Matches-1, g.Hits-hit
	default:
		g.NonMatches, g.FalseAlarms = g.NonMatches-1, g.FalseAlarms-hit
	}
	return g
}

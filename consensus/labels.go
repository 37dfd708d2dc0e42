package consensus

import (
	"math"
	"slices"

	"ocapi/domain"
)

// LabelTally counts the votes on whether an image shows a keyword, by how the
// rest of their challenges was answered.
type LabelTally struct{ cells []labelCell }

// labelCell counts the votes of one kind and gold outcome. Cells are sorted by
// key, and none is 0.
type labelCell struct {
	key uint32
	n   int32
}

func labelKey(g Gold, kind domain.VoteKind) uint32 {
	return uint32(g.Matches)<<24 | uint32(g.Hits)<<18 | uint32(g.NonMatches)<<12 | uint32(g.FalseAlarms)<<6 | uint32(kind)
}

func (c labelCell) parts() (Gold, domain.VoteKind) {
	const six = 1<<6 - 1
	return Gold{
		Matches: uint8(c.key >> 24 & six), Hits: uint8(c.key >> 18 & six), NonMatches: uint8(c.key >> 12 & six), FalseAlarms: uint8(c.key >> 6 & six),
	}, domain.VoteKind(c.key & six)
}

// Add counts n votes; a negative n takes them back.
func (t *LabelTally) Add(g Gold, kind domain.VoteKind, n int) {
	key := labelKey(g, kind)
	i, found := slices.BinarySearchFunc(t.cells, key, func(c labelCell, key uint32) int { return int(c.key) - int(key) })
	if !found {
		t.cells = slices.Insert(t.cells, i, labelCell{key: key})
	}
	if t.cells[i].n += int32(n); t.cells[i].n == 0 {
		t.cells = slices.Delete(t.cells, i, i+1)
	}
}

// LabelModel says what votes on keywords are worth.
type LabelModel struct{}

func builtinLabels() LabelModel { return LabelModel{} }

// Belief gives what a tally says.
func (m *LabelModel) Belief(_ string, t *LabelTally, p Prior) Belief {
	odds := 0.0
	if p.Guess.Kind == domain.TruthMatch {
		odds = math.Log(p.Probability / (1 - p.Probability))
		if !p.Guess.Match {
			odds = -odds
		}
	}
	var b Belief
	for _, c := range t.cells {
		g, kind := c.parts()
		b.Votes += int(c.n)
		if g.Perfect() {
			b.Perfect += int(c.n)
		}
		hits, rejections := float64(g.Hits), float64(g.NonMatches-g.FalseAlarms)
		m := (hits + rejections + 2.4) / 10
		yes, no := (hits+4*m)/7, (rejections+4*m)/8
		switch kind {
		case domain.VoteFor:
			odds += float64(c.n) * math.Log(yes/(1-no))
		case domain.VoteAgainst:
			odds += float64(c.n) * math.Log((1-yes)/no)
		case domain.VoteText, domain.VoteUnreadable, domain.VoteInvalid:
		}
	}
	b.Probability = 1 / (1 + math.Exp(-math.Abs(odds)))
	b.Truth = domain.Truth{Kind: domain.TruthMatch, Match: odds > 0}
	b.RunnerUp, b.RunnerUpProbability = domain.Truth{Kind: domain.TruthMatch, Match: odds <= 0}, 1-b.Probability
	return b
}

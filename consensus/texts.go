package consensus

import (
	"cmp"
	"slices"

	"ocapi/domain"
)

// GoldOf says how a known text was typed.
func GoldOf(truth, typed string) TextGold {
	switch {
	case domain.Fold(truth) == domain.Fold(typed):
		return GoldExact
	case domain.TextMatches(truth, typed):
		return GoldNear
	}
	return GoldWrong
}

// TextTally counts what was typed for an image, to the letter, by how the known
// text of its challenge was typed.
type TextTally struct {
	readings   []reading // sorted by text; none without votes
	unreadable [GoldExact + 1]int32
}

type reading struct {
	text string
	n    [GoldExact + 1]int32
}

// Add counts n votes; a negative n takes them back.
func (t *TextTally) Add(g TextGold, text string, unreadable bool, n int) {
	if unreadable {
		t.unreadable[g] += int32(n)
		return
	}
	i, found := slices.BinarySearchFunc(t.readings, text, func(r reading, text string) int { return cmp.Compare(r.text, text) })
	if !found {
		t.readings = slices.Insert(t.readings, i, reading{text: text})
	}
	t.readings[i].n[g] += int32(n)
	if t.readings[i].n == [GoldExact + 1]int32{} {
		t.readings = slices.Delete(t.readings, i, i+1)
	}
}

// TextModel says what typed texts are worth.
type TextModel struct{}

func builtinTexts() TextModel { return TextModel{} }

// Belief gives what a tally says.
func (m *TextModel) Belief(t *TextTally, _ Prior) Belief {
	var b Belief
	best := 0
	for _, r := range t.readings {
		n := int(r.n[0] + r.n[1] + r.n[2] + r.n[3])
		b.Votes += n
		b.Perfect += int(r.n[GoldExact])
		if n > best {
			best = n
			b.Truth = domain.Truth{Kind: domain.TruthText, Text: r.text}
		}
	}
	b.Probability = float64(best) / float64(b.Votes+1)
	return b
}

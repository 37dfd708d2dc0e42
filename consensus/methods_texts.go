package consensus

import (
	"cmp"
	"slices"

	"ocapi/domain"
)

// normalOf is the form under which counting methods take two readings to be the
// same.
func normalOf(text string) string { return domain.Fold(text) }

// count counts the readings of a text by their normal form. Each group is
// spelled as most of it did.
func (t *TextTally) count() count {
	var c count
	type group struct {
		counted
		spelled int // votes for the spelling
	}
	groups := make(map[string]*group)
	for e := range t.entries {
		n := e.counts.sum()
		c.votes += n
		c.perfect += int(e.counts[GoldExact])
		if e.unreadable {
			c.unreadable += n
			continue
		}
		text := string(e.text)
		g := groups[normalOf(text)]
		if g == nil {
			g = &group{}
			groups[normalOf(text)] = g
		}
		g.n += n
		if g.truth.Kind == domain.TruthNone || n > g.spelled {
			g.truth, g.spelled = domain.Truth{Kind: domain.TruthText, Text: text}, n
		}
	}
	for _, g := range groups {
		c.answers = append(c.answers, g.counted)
	}
	slices.SortFunc(c.answers, func(a, b counted) int { return cmp.Compare(a.truth.Text, b.truth.Text) })
	return c
}

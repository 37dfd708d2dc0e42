package consensus

import (
	"cmp"
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

// mostKnown is how many known pictures of a kind an outcome can have.
const mostKnown = 63

// labelKey packs an outcome of at most mostKnown known pictures of a kind, and a vote.
func labelKey(g Gold, kind domain.VoteKind) uint32 {
	return uint32(g.Matches)<<24 | uint32(g.Hits)<<18 | uint32(g.NonMatches)<<12 | uint32(g.FalseAlarms)<<6 | uint32(kind)
}

func (c labelCell) parts() (Gold, domain.VoteKind) {
	const six = 1<<6 - 1
	return Gold{
		Matches: uint8(c.key >> 24 & six), Hits: uint8(c.key >> 18 & six), NonMatches: uint8(c.key >> 12 & six), FalseAlarms: uint8(c.key >> 6 & six),
	}, domain.VoteKind(c.key & six)
}

// Add counts n votes; a negative n takes them back. A vote of another kind than
// for, against or unreadable is none.
func (t *LabelTally) Add(g Gold, kind domain.VoteKind, n int) {
	if kind != domain.VoteFor && kind != domain.VoteAgainst && kind != domain.VoteUnreadable || n == 0 {
		return
	}
	key := labelKey(g, kind)
	i, found := slices.BinarySearchFunc(t.cells, key, func(c labelCell, key uint32) int { return cmp.Compare(c.key, key) })
	if !found {
		t.cells = slices.Insert(t.cells, i, labelCell{key: key})
	}
	if t.cells[i].n += int32(n); t.cells[i].n == 0 {
		t.cells = slices.Delete(t.cells, i, i+1)
	}
}

// Merge counts n times what another tally has counted; a negative n takes it
// back.
func (t *LabelTally) Merge(o *LabelTally, n int) {
	for _, c := range slices.Clone(o.cells) { // o may be t
		g, kind := c.parts()
		t.Add(g, kind, n*int(c.n))
	}
}

// Equal reports whether both have counted the same.
func (t *LabelTally) Equal(o *LabelTally) bool { return slices.Equal(t.cells, o.cells) }

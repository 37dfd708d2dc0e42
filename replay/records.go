package replay

import (
	"maps"
	"slices"

	"ocapi/consensus"
	"ocapi/domain"
)

// records remember of known pictures whether they show the keyword.
type records struct {
	questions *consensus.Tallies // of which only the rows are used
	shows     []recorded         // by row
}

// recorded is what is on record of a picture.
type recorded uint8

const (
	unrecorded recorded = iota // not any more
	nonMatch
	match
)

func newRecords() records { return records{questions: consensus.NewTallies()} }

// learn takes in what a ballot says of the record. It does not depend on what is
// left out.
func (l *records) learn(b *consensus.Ballot) {
	var is recorded
	switch {
	case goneFromRecord(b):
	case onRecord(b) && b.Truth.Kind == domain.TruthMatch:
		if is = nonMatch; b.Truth.Match {
			is = match
		}
	default:
		return
	}
	row := l.questions.Row(b.Image, b.Keyword)
	if int(row) == len(l.shows) {
		l.shows = append(l.shows, unrecorded)
	}
	l.shows[row] = is
}

// known counts the pictures under each keyword, and those of them that show it.
func (l *records) known(visit func(keyword string, matches, images uint32)) {
	images, matches := map[string]uint32{}, map[string]uint32{}
	for row, is := range l.shows {
		if is == unrecorded {
			continue
		}
		keyword := l.questions.Question(uint32(row)).Keyword
		images[keyword]++
		if is == match {
			matches[keyword]++
		}
	}
	for _, k := range slices.Sorted(maps.Keys(images)) {
		visit(k, matches[k], images[k])
	}
}

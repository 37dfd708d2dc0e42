package domain

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// sheets makes the tables of a generation from what is rested; none where there
// is not enough.
func (s *pictureStock) sheets(p *Pool, rest, number int, rested func(uint32) bool, rng *rand.Rand) []Sheet {
	var sheets []Sheet
	for _, t := range s.tables(p, rest, number, rested, rng) {
		sheets = append(sheets, p.sheetsOf(t.keyword, t.rows(p, rng))...)
	}
	return sheets
}

// tables lays out as many sheets as there are pictures for, in turns, so that
// no keyword gets another sheet before all others that can have one.
func (s *pictureStock) tables(p *Pool, rest, number int, rested func(uint32) bool, rng *rand.Rand) []*pictureTable {
	d := p.dealing
	l := newLayout(s, rest, rested, rng)
	var open []*pictureTable
	var tables []*pictureTable
	for i := range s.supplies {
		if k := &s.supplies[i]; k.Servable() {
			t := &pictureTable{keyword: k.Keyword, wanted: s.wanted(d, k, rest, number), luck: rng.Float64()}
			open, tables = append(open, t), append(tables, t)
		}
	}
	shuffle(rng, open)
	limit := maxSheets * maxRest / rest
	for total := 0; len(open) > 0 && total < limit; {
		open = slices.DeleteFunc(open, func(t *pictureTable) bool {
			if total == limit || t.sheets >= t.wanted {
				return true
			}
			if !l.add(t, d.table(t.sheets+1, t.luck)) {
				if t.sheets > 0 {
					return true
				}
				// A sentinel must not cost a keyword its only sheet.
				if t.luck = 0; !l.add(t, d.table(1, 0)) {
					return true
				}
			}
			t.sheets++
			total++
			return false
		})
	}
	return slices.DeleteFunc(tables, func(t *pictureTable) bool { return t.sheets == 0 })
}

// pictureTable is the pictures of one keyword in a generation.
type pictureTable struct {
	keyword        string
	wanted, sheets int
	luck           float64
	need           pieces // of the sheets that it has

	matches, nonMatches, unknown []uint32
}

// rows deals the table's pictures out into rows of the size of a challenge, all
// as much alike as can be: each of them could be a challenge.
func (t *pictureTable) rows(p *Pool, rng *rand.Rand) [][]placed {
	var all []placed
	add := func(cards []uint32, part Part) {
		for _, card := range cards {
			all = append(all, placed{card, part})
		}
	}
	shuffle(rng, t.matches)
	shuffle(rng, t.nonMatches)
	shuffle(rng, t.unknown)
	// Sentinels measure votes, so they are pictures that no votes have settled,
	// where there are such.
	imported := func(a, b uint32) int { return cmp.Compare(p.images[a].Trust, p.images[b].Trust) }
	slices.SortStableFunc(t.matches, imported)
	slices.SortStableFunc(t.nonMatches, imported)
	shown := t.need.sentinelMatches
	hidden := t.need.sentinels - shown
	add(t.matches[shown:], PartMatch)
	add(t.nonMatches[hidden:], PartNonMatch)
	add(t.matches[:shown], PartSentinel)
	add(t.nonMatches[:hidden], PartSentinel)
	add(t.unknown, PartUnknown)
	rows := make([][]placed, t.sheets)
	for i, c := range all {
		rows[i%t.sheets] = append(rows[i%t.sheets], c)
	}
	return rows
}

// layout hands out a generation's pictures, none twice.
type layout struct {
	known, unknown []ration
	// What a generation may use in all: its share of what there is.
	knownLeft, unknownLeft int
}

// ration is what a generation may use of one group.
type ration struct {
	*pictureGroup
	fresh []uint32 // rested and not yet used, in random order
	// left is how many more may be used; what a scarce keyword matches may go
	// beyond it, since that keyword has its turn in few generations.
	left int
}

func newLayout(s *pictureStock, rest int, rested func(uint32) bool, rng *rand.Rand) *layout {
	share := func(n int) int { return (n + rest - 1) / rest }
	rations := func(groups []pictureGroup) []ration {
		list := make([]ration, len(groups))
		for i := range groups {
			g := &groups[i]
			fresh := slices.DeleteFunc(slices.Clone(g.cards), func(card uint32) bool { return !rested(card) })
			shuffle(rng, fresh)
			list[i] = ration{pictureGroup: g, fresh: fresh, left: share(len(g.cards))}
		}
		return list
	}
	return &layout{known: rations(s.known), unknown: rations(s.unknown), knownLeft: share(s.all), unknownLeft: share(s.asked)}
}

// add gives a table what it lacks to need; where that is not to be had, it
// changes nothing.
func (l *layout) add(t *pictureTable, need pieces) bool {
	var undo []func()
	take := func(rations []ration, total *int, from func(*ration) int, into *[]uint32, n int) bool {
		for len(*into) < n {
			best := -1
			most := 0
			for i := range rations {
				// Those of equal worth are taken from the largest, so that none runs out
				// while others lie idle.
				if w := from(&rations[i]); w > most {
					best, most = i, w
				}
			}
			if best < 0 || *total == 0 {
				return false
			}
			r := &rations[best]
			card := r.fresh[len(r.fresh)-1]
			r.fresh, r.left, *total, *into = r.fresh[:len(r.fresh)-1], r.left-1, *total-1, append(*into, card)
			undo = append(undo, func() {
				r.fresh, r.left, *total, *into = append(r.fresh, card), r.left+1, *total+1, (*into)[:len(*into)-1]
			})
		}
		return true
	}
	hidden := need.sentinels - need.sentinelMatches
	ok := take(l.known, &l.knownLeft, matchWorth(t.keyword), &t.matches, need.matches+need.sentinelMatches) &&
		take(l.known, &l.knownLeft, nonMatchWorth(t.keyword), &t.nonMatches, need.nonMatches+hidden) &&
		take(l.unknown, &l.unknownLeft, openWorth(t.keyword), &t.unknown, need.unknown)
	if !ok {
		for _, u := range slices.Backward(undo) {
			u()
		}
		return false
	}
	t.need = need
	return true
}

// preferred is more than a group has pictures: what it is added to comes first.
const preferred = 1 << 40

// matchWorth prefers pictures that are of no use as non-matches, then those
// that show little else.
func matchWorth(keyword string) func(*ration) int {
	return func(r *ration) int {
		switch {
		case len(r.fresh) == 0 || !r.shows(keyword):
			return 0
		case !r.complete:
			return preferred + len(r.fresh)
		}
		return preferred/(1+len(r.keywords)) + len(r.fresh)
	}
}

func nonMatchWorth(keyword string) func(*ration) int {
	return func(r *ration) int {
		if !r.complete || r.left <= 0 || r.shows(keyword) {
			return 0
		}
		return len(r.fresh)
	}
}

// openWorth prefers pictures that can be asked for few keywords.
func openWorth(keyword string) func(*ration) int {
	return func(r *ration) int {
		switch {
		case len(r.fresh) == 0 || r.left <= 0 || !r.asks(keyword):
			return 0
		case len(r.keywords) == 0:
			return len(r.fresh)
		}
		return preferred/len(r.keywords) + len(r.fresh)
	}
}

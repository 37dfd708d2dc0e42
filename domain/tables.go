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
	l := newLayout(p, rest, rested, rng)
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
	trials                       int // of the unknown: settled by votes, and to be tried
	choices                      *choices
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
	imported := func(a, b uint32) int {
		return cmp.Compare(p.images[a].stands(t.keyword).trust, p.images[b].stands(t.keyword).trust)
	}
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
	known, unknown []*ration // some are in both
	// What a generation may use in all: its share of what there is.
	knownLeft, unknownLeft int
	urgency                func(card uint32) int
	rng                    *rand.Rand
}

// choices is which of a layout's rations a keyword's table may take from, and as
// what. What they are is looked up once for each table: votes make nearly as many
// groups as there are pictures, and each picture is chosen among all of them.
type choices struct {
	matches, nonMatches, asked, trials []choice
	adds                               int // for how many sheets they were asked
}

// tidyEvery is after how many sheets choices that are used up are dropped.
const tidyEvery = 16

// choice is a ration by its place among the known or the unknown ones, and what
// it is as an unknown one.
type choice struct {
	at   uint32
	sort askedSort
}

// ration is what a generation may use of one group.
type ration struct {
	*pictureGroup
	fresh []uint32 // rested and not yet used, in random order; those to be asked next are last
	// left is how many more may be used; what a scarce keyword matches may go
	// beyond it, since that keyword has its turn in few generations.
	left int
}

func newLayout(p *Pool, rest int, rested func(uint32) bool, rng *rand.Rand) *layout {
	s := &p.pictures
	share := func(n int) int { return (n + rest - 1) / rest }
	made := map[*pictureGroup]*ration{}
	urgency := func(card uint32) int { return p.images[card].urgency() }
	rations := func(groups []*pictureGroup) []*ration {
		list := make([]*ration, len(groups))
		for i, g := range groups {
			r := made[g]
			if r == nil {
				r = &ration{pictureGroup: g, left: share(len(g.cards))}
				r.fresh = slices.DeleteFunc(slices.Clone(g.cards), func(card uint32) bool { return !rested(card) })
				shuffle(rng, r.fresh)
				slices.SortStableFunc(r.fresh, func(a, b uint32) int { return cmp.Compare(urgency(a), urgency(b)) })
				made[g] = r
			}
			list[i] = r
		}
		return list
	}
	return &layout{
		known: rations(s.known), unknown: rations(s.unknown), knownLeft: share(s.all), unknownLeft: share(s.asked),
		urgency: urgency, rng: rng,
	}
}

// choicesOf gives what a table may take from.
func (l *layout) choicesOf(t *pictureTable) *choices {
	c := t.choices
	if c == nil {
		c = &choices{}
		t.choices = c
		for i, r := range l.known {
			switch match, known := r.truth(t.keyword); {
			case !known:
			case match:
				c.matches = append(c.matches, choice{at: uint32(i)})
			default:
				c.nonMatches = append(c.nonMatches, choice{at: uint32(i)})
			}
		}
		for i, r := range l.unknown {
			sort := r.sort(t.keyword)
			if sort != askedNever {
				c.asked = append(c.asked, choice{uint32(i), sort})
			}
			if sort == askedTrial {
				c.trials = append(c.trials, choice{uint32(i), sort})
			}
		}
	}
	if c.adds++; c.adds%tidyEvery > 0 {
		return c
	}
	// What a sheet that came to nothing had taken has been given back by now.
	used := func(of []*ration) func(choice) bool { return func(c choice) bool { return len(of[c.at].fresh) == 0 } }
	spent := func(of []*ration) func(choice) bool {
		return func(c choice) bool { return len(of[c.at].fresh) == 0 || of[c.at].left <= 0 }
	}
	c.matches = slices.DeleteFunc(c.matches, used(l.known))
	c.nonMatches = slices.DeleteFunc(c.nonMatches, spent(l.known))
	c.asked = slices.DeleteFunc(c.asked, spent(l.unknown))
	c.trials = slices.DeleteFunc(c.trials, spent(l.unknown))
	return c
}

// add gives a table what it lacks to need; where that is not to be had, it
// changes nothing.
func (l *layout) add(t *pictureTable, need pieces) bool {
	var undo []func()
	take := func(d *draw, total *int, into *[]uint32) bool {
		if *total == 0 {
			return false
		}
		r := d.best(l.rng)
		if r == nil {
			return false
		}
		card := r.fresh[len(r.fresh)-1]
		r.fresh, r.left, *total, *into = r.fresh[:len(r.fresh)-1], r.left-1, *total-1, append(*into, card)
		undo = append(undo, func() {
			r.fresh, r.left, *total, *into = append(r.fresh, card), r.left+1, *total+1, (*into)[:len(*into)-1]
		})
		return true
	}
	fill := func(d *draw, total *int, into *[]uint32, n int) bool {
		for len(*into) < n {
			if !take(d, total, into) {
				return false
			}
		}
		return true
	}
	hidden := need.sentinels - need.sentinelMatches
	trials := t.trials
	c := l.choicesOf(t)
	matches := draw{list: c.matches, of: l.known, worth: matchWorth}
	ok := fill(&matches, &l.knownLeft, &t.matches, need.matches+need.sentinelMatches)
	if ok {
		nonMatches := draw{list: c.nonMatches, of: l.known, worth: nonMatchWorth}
		ok = fill(&nonMatches, &l.knownLeft, &t.nonMatches, need.nonMatches+hidden)
	}
	if ok {
		tried := draw{list: c.trials, of: l.unknown, worth: l.trialWorth}
		for t.trials < int(trialShare*float64(need.unknown)+t.luck) && len(t.unknown) < need.unknown && take(&tried, &l.unknownLeft, &t.unknown) {
			t.trials++
		}
		asked := draw{list: c.asked, of: l.unknown, worth: l.openWorth}
		ok = fill(&asked, &l.unknownLeft, &t.unknown, need.unknown)
	}
	if !ok {
		for _, u := range slices.Backward(undo) {
			u()
		}
		t.trials = trials
		return false
	}
	t.need = need
	return true
}

// draw finds the best of some choices again and again, while whoever asks takes
// a picture of each and nobody else takes any: who has been taken from is worth
// no more than before, so those who are best together go on being so.
type draw struct {
	list  []choice
	of    []*ration
	worth func(*ration, askedSort) int

	most    int
	alike   []choice // that were worth the most before the last one was taken from
	last    int      // its place among them
	largest int      // pictures that one of them has at most
}

// best gives a ration of those that are worth the most; nil where none is worth
// anything. Each picture of them has the same chance.
func (d *draw) best(rng *rand.Rand) *ration {
	if n := len(d.alike); n > 0 && d.worth(d.of[d.alike[d.last].at], d.alike[d.last].sort) < d.most {
		d.alike[d.last] = d.alike[n-1]
		d.alike = d.alike[:n-1]
	}
	if len(d.alike) == 0 {
		d.most, d.largest = 0, 0
		for _, c := range d.list {
			r := d.of[c.at]
			switch w := d.worth(r, c.sort); {
			case w == 0 || w < d.most:
				continue
			case w > d.most:
				d.most, d.alike, d.largest = w, d.alike[:0], 0
			}
			d.alike, d.largest = append(d.alike, c), max(d.largest, len(r.fresh))
		}
		if d.most == 0 {
			return nil
		}
	}
	for { // the first one is taken where all have as many
		d.last = rng.IntN(len(d.alike))
		if r := d.of[d.alike[d.last].at]; rng.IntN(d.largest) < len(r.fresh) {
			return r
		}
	}
}

// preferred is more than a group has pictures: what it is added to comes first.
const preferred = 1 << 40

// matchWorth prefers pictures that are of no use as non-matches, then those
// that show little else, then those of the largest group, so that none runs out
// while others lie idle.
func matchWorth(r *ration, _ askedSort) int {
	switch {
	case len(r.fresh) == 0:
		return 0
	case !r.complete:
		return preferred + len(r.fresh)
	}
	return preferred/(1+len(r.keywords)) + len(r.fresh)
}

func nonMatchWorth(r *ration, _ askedSort) int {
	if r.left <= 0 {
		return 0
	}
	return len(r.fresh)
}

// openWorth prefers pictures that nobody knows, of them those that can be asked
// about few keywords, of them those that need the fewest votes; then those that
// have to be tried.
func (l *layout) openWorth(r *ration, sort askedSort) int {
	if len(r.fresh) == 0 || r.left <= 0 {
		return 0
	}
	next := 1 + l.urgency(r.fresh[len(r.fresh)-1])
	switch sort {
	case askedOpen:
		if r.questions == 0 {
			return 2*preferred + next
		}
		return 2*preferred + preferred/r.questions + next
	case askedTrial:
		return preferred + next
	case askedSettled:
		return 1
	case askedNever:
	}
	return 0
}

// trialWorth is of pictures that votes have settled and that have to be tried.
func (l *layout) trialWorth(r *ration, _ askedSort) int {
	if len(r.fresh) == 0 || r.left <= 0 {
		return 0
	}
	return 1 + l.urgency(r.fresh[len(r.fresh)-1])
}

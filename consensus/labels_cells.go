package consensus

import "sync"

// labelTable is what votes of one gold outcome say, in 1/4096 nat.
type labelTable struct {
	says       [2][2][imageClasses]int32 // by truth, vote and class
	unreadable [2]int32                  // added to the odds of "unreadable" by a vote for or against, and by one that says so
}

// labelCells holds the tables that were needed so far, by keyword and outcome.
// A board can have any mix, so there is no end to them beforehand.
type labelCells struct {
	mu     sync.RWMutex
	tables map[uint64]*labelTable
}

// mostCells bounds the tables that are kept: 9 known pictures give 715 outcomes,
// so that this is enough for 90 keywords of boards of nine; 5 MB.
const mostCells = 1 << 16

// cell gives the table of an outcome, of keyword k or of none.
func (m *LabelModel) cell(k int, g Gold) *labelTable {
	if k >= 0 && len(m.keywords[k].types) == 0 {
		k = -1
	}
	if m.cells == nil {
		return m.newCell(k, g)
	}
	key := uint64(uint32(k+1))<<32 | uint64(labelKey(g, 0))
	m.cells.mu.RLock()
	t := m.cells.tables[key]
	m.cells.mu.RUnlock()
	if t != nil {
		return t
	}
	t = m.newCell(k, g)
	m.cells.mu.Lock()
	defer m.cells.mu.Unlock()
	if m.cells.tables == nil {
		m.cells.tables = make(map[uint64]*labelTable)
	}
	if len(m.cells.tables) < mostCells {
		m.cells.tables[key] = t
	}
	return t
}

func (m *LabelModel) newCell(k int, g Gold) *labelTable {
	types := m.types
	if k >= 0 {
		types = m.keywords[k].types
	}
	right, rejected := coldRates(g)
	if len(types) > 0 {
		right, rejected = typeRates(types, g)
	}
	return newLabelCell(shareOf(right), shareOf(rejected))
}

// coldRates is the closed form for when there is no gold yet: a visitor is as
// good as the known pictures of the challenge say, drawn towards .8 by three
// pictures more, and each of the two rates is drawn towards that by four.
func coldRates(g Gold) (sensitivity, rejection float64) {
	h, c := float64(g.Hits), float64(g.NonMatches-g.FalseAlarms)
	m := (h + c + 2.4) / (float64(g.Matches) + float64(g.NonMatches) + 3)
	// The conversions keep the compiler from fusing operations, which some
	// processors do and others do not.
	return (h + float64(4*m)) / (float64(g.Matches) + 4), (c + float64(4*m)) / (float64(g.NonMatches) + 4)
}

// typeRates gives the rates that are to be expected of who answered so.
func typeRates(types []VisitorType, g Gold) (sensitivity, rejection float64) {
	posterior := make([]float64, len(types))
	typePosterior(posterior, unpack(types), g)
	for i, t := range unpack(types) {
		sensitivity += float64(posterior[i] * t.s)
		rejection += float64(posterior[i] * t.r)
	}
	return sensitivity, rejection
}

// visitors are the numbers of a type as fractions.
type visitors struct{ s, r, pi float64 }

func unpack(types []VisitorType) []visitors {
	list := make([]visitors, len(types))
	for i, t := range types {
		list[i] = visitors{float64(t.Sensitivity) / (1 << 16), float64(t.Rejection) / (1 << 16), float64(t.Share) / (1 << 16)}
	}
	return list
}

// typePosterior fills p with p(t|g).
func typePosterior(p []float64, types []visitors, g Gold) (likelihood float64) {
	for i, t := range types {
		p[i] = t.pi * power(t.s, g.Hits) * power(1-t.s, g.Matches-g.Hits) * power(t.r, g.NonMatches-g.FalseAlarms) * power(1-t.r, g.FalseAlarms)
		likelihood += p[i]
	}
	if likelihood == 0 { // more known pictures than a board has
		for i, t := range types {
			p[i] = t.pi
		}
		return 0
	}
	for i := range p {
		p[i] /= likelihood
	}
	return likelihood
}

func power(x float64, n uint8) float64 {
	y := 1.0
	for range n {
		y *= x
	}
	return y
}

// How a visitor says "unreadable". These are guesses: no public data has such
// answers. They are chosen so that two people with a perfect challenge are not
// enough to say it against nobody, and three are.
const (
	unreadableImages  = 0.01 // of all images
	unreadableSaid    = 0.7  // by who looks, of an image that cannot be read
	unreadableMistake = 0.03 // by who looks, of one that can
	unreadableBlind   = 0.1  // by who does not look, of either
)

// unreadableOdds are those before anybody votes, in 1/4096 nat.
var unreadableOdds = (logShare(shareOf(unreadableImages)) - logShare(shareOf(1-unreadableImages))).units()

// newLabelCell makes the table of somebody who selects so many of the matches,
// and leaves so many of the others.
func newLabelCell(right, rejected uint64) *labelTable {
	var t labelTable
	for z, r := range [2]uint64{rejected, right} {
		says := logShare(r)
		differs := logShare(oneShare - r)
		for d, g := range classExponents {
			a, b := nats(g*int64(says)/10), nats(g*int64(differs)/10)
			all := logSum(a, b)
			t.says[z][z][d], t.says[z][1-z][d] = int32((a - all).units()), int32((b - all).units())
		}
	}
	// Who does no better than a guess does not look; Youden's index says how far
	// somebody is from that.
	looks := float64(max(int64(right)+int64(rejected)-int64(oneShare), 0)) / float64(oneShare)
	rates := [2]float64{
		float64(looks*unreadableMistake) + float64((1-looks)*unreadableBlind),
		float64(looks*unreadableSaid) + float64((1-looks)*unreadableBlind),
	}
	t.unreadable[1] = int32((logShare(shareOf(rates[1])) - logShare(shareOf(rates[0]))).units())
	t.unreadable[0] = int32((logShare(shareOf(1-rates[1])) - logShare(shareOf(1-rates[0]))).units())
	return &t
}

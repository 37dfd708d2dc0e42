package consensus

import (
	"slices"
	"strings"
)

// mergeFrom is how many words a reading has at least where the words of all
// readings are voted on one by one. Shorter ones are right or wrong as a whole.
const mergeFrom = 4

// mostMerged bounds the readings that are aligned; the heaviest are taken. The
// work grows with their number times the square of their length.
const mostMerged = 24

// wordReading is a reading taken apart: its words as they were typed, and how
// much it weighs.
type wordReading struct {
	raw    []string
	normal []string
	weight int64
}

// place is one column of the alignment: the words that readings have in it, and
// the weight of those that have none.
type place struct {
	words []placed // in the order in which they came
	none  int64
}

type placed struct {
	normal string
	weight int64
	raw    []spelling
}

type spelling struct {
	text   string
	weight int64
}

// mergeWords aligns readings word by word and gives, column by column, the word
// with most weight: Recognizer Output Voting Error Reduction (Fiscus 1997), with
// voting by weight alone. The order of the readings decides the alignment, so it
// has to be the same for the same readings; the heaviest come first, which makes
// the first one's words the frame. Ties go to the word that came first, and to
// having one.
func mergeWords(readings []wordReading) string {
	var columns []place
	var seen int64
	for _, r := range readings[:min(len(readings), mostMerged)] {
		columns = alignWords(columns, r, seen)
		seen += r.weight
	}
	var b strings.Builder
	for _, c := range columns {
		best := -1
		for i, w := range c.words {
			if best < 0 || w.weight > c.words[best].weight {
				best = i
			}
		}
		if best < 0 || c.words[best].weight < c.none {
			continue
		}
		spelt := c.words[best].raw[0]
		for _, s := range c.words[best].raw {
			if s.weight > spelt.weight {
				spelt = s
			}
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(spelt.text)
	}
	return b.String()
}

// alignWords puts one more reading into the columns, with the fewest words
// inserted, deleted and replaced; a word that a column has already costs
// nothing.
func alignWords(columns []place, r wordReading, seen int64) []place {
	n, m := len(columns), len(r.normal)
	cost := make([]int32, (n+1)*(m+1))
	at := func(i, j int) *int32 { return &cost[i*(m+1)+j] }
	replace := func(i, j int) int32 {
		if columns[i].find(r.normal[j]) >= 0 {
			return 0
		}
		return 1
	}
	skip := func(i int) int32 {
		if columns[i].none > 0 {
			return 0
		}
		return 1
	}
	for i := range n {
		*at(i+1, 0) = *at(i, 0) + skip(i)
	}
	for j := range m {
		*at(0, j+1) = int32(j + 1)
	}
	for i := range n {
		for j := range m {
			*at(i+1, j+1) = min(*at(i, j)+replace(i, j), *at(i, j+1)+skip(i), *at(i+1, j)+1)
		}
	}
	joined := make([]place, 0, n+m)
	for i, j := n, m; i > 0 || j > 0; {
		switch {
		case i > 0 && j > 0 && *at(i, j) == *at(i-1, j-1)+replace(i-1, j-1):
			i, j = i-1, j-1
			columns[i].add(r.normal[j], r.raw[j], r.weight)
			joined = append(joined, columns[i])
		case i > 0 && *at(i, j) == *at(i-1, j)+skip(i-1):
			i--
			columns[i].none += r.weight
			joined = append(joined, columns[i])
		default:
			j--
			fresh := place{none: seen}
			fresh.add(r.normal[j], r.raw[j], r.weight)
			joined = append(joined, fresh)
		}
	}
	slices.Reverse(joined)
	return joined
}

func (p *place) find(normal string) int {
	return slices.IndexFunc(p.words, func(w placed) bool { return w.normal == normal })
}

func (p *place) add(normal, raw string, weight int64) {
	i := p.find(normal)
	if i < 0 {
		p.words = append(p.words, placed{normal: normal})
		i = len(p.words) - 1
	}
	w := &p.words[i]
	w.weight += weight
	j := slices.IndexFunc(w.raw, func(s spelling) bool { return s.text == raw })
	if j < 0 {
		w.raw = append(w.raw, spelling{text: raw})
		j = len(w.raw) - 1
	}
	w.raw[j].weight += weight
}

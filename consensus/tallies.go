package consensus

import (
	"bytes"
	"cmp"
	"slices"
	"unsafe"

	"ocapi/domain"
)

// Tallies counts the ballots on many questions, in some 100 bytes for a question
// with two votes and without pointers: the garbage collector, which would look at
// each of them again and again, has nothing to do with it. Questions have rows,
// numbered from 0 in the order in which they came. What is counted does not
// depend on the order of ballots. It is not safe for concurrent use.
type Tallies struct {
	images   nameTable
	first    []uint32 // of each image, its first question
	keywords nameTable
	texts    nameTable
	asked    []askedRow
	cells    []cell
	free     uint32 // the first of the cells that are not used
}

// nothing ends a list, and says that there is no row.
const nothing = ^uint32(0)

// askedRow is one question.
type askedRow struct {
	image, keyword uint32 // numbers of names
	next           uint32 // the image's next question
	cells          uint32 // the first one
}

// cell counts equal ballots on a question.
type cell struct {
	next uint32
	key  uint32 // labelKey, or textKey
	text uint32 // with texts
	n    int32
}

// textBit tells keys of votes on texts from those on keywords, whose keys end
// below it.
const textBit = 1 << 31

func cellKey(b *Ballot) uint32 {
	if b.Type == domain.TypeTranscription {
		return textBit | uint32(b.Gold.Text)<<6 | uint32(b.Kind)
	}
	return labelKey(Gold{Matches: b.Gold.Matches, Hits: b.Gold.Hits, NonMatches: b.Gold.NonMatches, FalseAlarms: b.Gold.FalseAlarms}, b.Kind)
}

func (c *cell) onText() bool { return c.key&textBit != 0 }

// vote is what the ballots of a cell said.
func (c *cell) vote() domain.VoteKind { return domain.VoteKind(c.key & (1<<6 - 1)) }

// textGold is how the known text of their challenges was typed.
func (c *cell) textGold() TextGold { return TextGold(c.key &^ textBit >> 6) }

// NewTallies makes one that has counted nothing.
func NewTallies() *Tallies {
	t := makeTallies()
	return &t
}

func makeTallies() Tallies {
	return Tallies{images: newNames(), keywords: newNames(), texts: newNames(), free: nothing}
}

// Len is how many questions there are.
func (t *Tallies) Len() int { return len(t.asked) }

// find gives a question's row, or nothing.
func (t *Tallies) find(image domain.ImageID, keyword string) uint32 {
	i, _, _, found := t.images.find(string(image))
	k, _, _, known := t.keywords.find(keyword)
	if !found || !known {
		return nothing
	}
	return t.under(i, k)
}

// under gives the row of an image under a keyword, or nothing.
func (t *Tallies) under(image, keyword uint32) uint32 {
	row := t.first[image]
	for row != nothing && t.asked[row].keyword != keyword {
		row = t.asked[row].next
	}
	return row
}

// Row gives a question's row, made where there is none. It keeps nothing of the
// texts that it is given.
func (t *Tallies) Row(image domain.ImageID, keyword string) uint32 {
	i, k := t.images.add(string(image)), t.keywords.add(keyword)
	if int(i) == len(t.first) {
		t.first = append(t.first, nothing)
	}
	if row := t.under(i, k); row != nothing {
		return row
	}
	row := uint32(len(t.asked))
	t.asked = append(t.asked, askedRow{image: i, keyword: k, next: t.first[i], cells: nothing})
	t.first[i] = row
	return row
}

// Question gives the question of a row.
func (t *Tallies) Question(row uint32) Question {
	return Question{domain.ImageID(t.images.get(t.asked[row].image)), t.keyword(row)}
}

func (t *Tallies) keyword(row uint32) string { return t.keywords.get(t.asked[row].keyword) }

// Count adds n equal ballots to a row's question; a negative n takes them back.
func (t *Tallies) Count(row uint32, b *Ballot, n int32) {
	text := uint32(0)
	if b.Kind == domain.VoteText {
		text = t.texts.add(b.Text)
	}
	t.add(row, cellKey(b), text, n)
}

func (t *Tallies) add(row, key, text uint32, n int32) {
	for at := &t.asked[row].cells; *at != nothing; at = &t.cells[*at].next {
		c := &t.cells[*at]
		if c.key != key || c.text != text {
			continue
		}
		if c.n += n; c.n == 0 {
			freed := *at
			*at = c.next
			c.next, t.free = t.free, freed
		}
		return
	}
	if n == 0 {
		return
	}
	made := cell{next: t.asked[row].cells, key: key, text: text, n: n}
	if t.free == nothing {
		t.cells = append(t.cells, made)
		t.asked[row].cells = uint32(len(t.cells) - 1)
		return
	}
	at := t.free
	t.free = t.cells[at].next
	t.cells[at] = made
	t.asked[row].cells = at
}

// each visits a question's cells, in no order.
func (t *Tallies) each(row uint32, visit func(c *cell)) {
	for at := t.asked[row].cells; at != nothing; at = t.cells[at].next {
		visit(&t.cells[at])
	}
}

// ballot fills in what a cell counts.
func (t *Tallies) ballot(c *cell, b *Ballot) {
	*b = Ballot{}
	if !c.onText() {
		b.Type = domain.TypeClassification
		b.Gold, b.Kind = labelCell{key: c.key}.parts()
		return
	}
	b.Type, b.Kind, b.Gold.Text = domain.TypeTranscription, c.vote(), c.textGold()
	if b.Kind == domain.VoteText {
		b.Text = t.texts.get(c.text)
	}
}

// Tally gives the tally of a row's question. It is the caller's own.
func (t *Tallies) Tally(row uint32) (tally Tally) {
	labels, texts := 0, 0
	for at := t.asked[row].cells; at != nothing; at = t.cells[at].next {
		if t.cells[at].onText() {
			texts++
		} else {
			labels++
		}
	}
	if labels > 0 {
		tally.labels.cells = t.labels(row, make([]labelCell, 0, labels))
	}
	if texts > 0 {
		tally.texts.packed = t.packed(row, texts)
	}
	return tally
}

// labels appends a question's votes on a keyword, as a [LabelTally] has them.
func (t *Tallies) labels(row uint32, list []labelCell) []labelCell {
	for at := t.asked[row].cells; at != nothing; at = t.cells[at].next {
		c := &t.cells[at]
		if v := c.vote(); !c.onText() && (v == domain.VoteFor || v == domain.VoteAgainst || v == domain.VoteUnreadable) {
			list = append(list, labelCell{c.key, c.n})
		}
	}
	slices.SortFunc(list, func(a, b labelCell) int { return cmp.Compare(a.key, b.key) })
	return list
}

// packed gives a question's n cells on a text as a [TextTally] has them. To add
// them one by one would look for each among all: where visitors type rubbish, a
// text gets another reading with each.
func (t *Tallies) packed(row uint32, n int) []byte {
	const few = 16
	cells := make([]cell, 0, few)
	size := 0
	for at := t.asked[row].cells; at != nothing; at = t.cells[at].next {
		c := t.cells[at]
		if !c.onText() {
			continue
		}
		cells = append(cells, c)
		size += 2 + int(GoldExact) + 1
		if c.vote() == domain.VoteText {
			size += len(t.texts.peek(c.text))
		}
	}
	marks := func(c *cell) bool { return c.vote() != domain.VoteText }
	slices.SortFunc(cells, func(a, b cell) int {
		if m, o := marks(&a), marks(&b); m || o {
			return bool2int(o) - bool2int(m) // marks come first
		}
		if a.text == b.text {
			return 0
		}
		return bytes.Compare(t.texts.peek(a.text), t.texts.peek(b.text))
	})
	packed := make([]byte, 0, size)
	for i := 0; i < len(cells); {
		e := entry{unreadable: marks(&cells[i])}
		if !e.unreadable {
			e.text = t.texts.peek(cells[i].text)
		}
		first := i
		for ; i < len(cells) && marks(&cells[i]) == e.unreadable && (e.unreadable || cells[i].text == cells[first].text); i++ {
			e.counts[cells[i].textGold()] += cells[i].n
		}
		if e.counts != (golds{}) {
			packed = e.append(packed)
		}
	}
	return packed
}

// Compare orders two rows by image, then by keyword, as [Question.Compare] does.
func (t *Tallies) Compare(a, b uint32) int {
	r, o := &t.asked[a], &t.asked[b]
	if r.image == o.image {
		return bytes.Compare(t.keywords.peek(r.keyword), t.keywords.peek(o.keyword))
	}
	return bytes.Compare(t.images.peek(r.image), t.images.peek(o.image))
}

// sorted gives all rows by image and keyword.
func (t *Tallies) sorted() []uint32 {
	order := make([]uint32, len(t.asked))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, t.Compare)
	return order
}

// Bytes is the memory that is reserved.
func (t *Tallies) Bytes() int {
	return t.images.bytes() + t.keywords.bytes() + t.texts.bytes() + cap(t.first)*int(unsafe.Sizeof(nothing)) +
		cap(t.asked)*int(unsafe.Sizeof(askedRow{})) + cap(t.cells)*int(unsafe.Sizeof(cell{}))
}

package consensus

import (
	"bytes"
	"hash/maphash"
	"slices"
	"unsafe"

	"ocapi/domain"
)

// nothing ends a list, and says that there is no row.
const nothing = ^uint32(0)

// nameTable holds distinct texts: all in one, where each ends, and an open-addressed
// index. A map of strings would be walked by the garbage collector, one by one.
type nameTable struct {
	seed  maphash.Seed
	text  []byte
	ends  []uint64
	slots []uint32 // number + 1; 0 where it is free; a power of two
}

func newNames() nameTable { return nameTable{seed: maphash.MakeSeed(), slots: make([]uint32, 1<<4)} }

func (n *nameTable) get(i uint32) string { return string(n.peek(i)) }

// peek is get without a copy, for looking only.
func (n *nameTable) peek(i uint32) []byte {
	begin := uint64(0)
	if i > 0 {
		begin = n.ends[i-1]
	}
	return n.text[begin:n.ends[i]]
}

// find gives a text's number, or the slot where it would be.
func (n *nameTable) find(s string) (i uint32, slot uint64, found bool) {
	mask := uint64(len(n.slots) - 1)
	for slot = maphash.String(n.seed, s) & mask; ; slot = (slot + 1) & mask {
		held := n.slots[slot]
		if held == 0 {
			return nothing, slot, false
		}
		if string(n.peek(held-1)) == s {
			return held - 1, slot, true
		}
	}
}

// add gives a text's number, made where there is none.
func (n *nameTable) add(s string) uint32 {
	i, slot, found := n.find(s)
	if found {
		return i
	}
	i = uint32(len(n.ends))
	n.text = append(n.text, s...)
	n.ends = append(n.ends, uint64(len(n.text)))
	n.slots[slot] = i + 1
	if len(n.ends)*4 > len(n.slots)*3 {
		n.slots = make([]uint32, 2*len(n.slots))
		for i := range n.ends {
			_, slot, _ := n.find(n.get(uint32(i)))
			n.slots[slot] = uint32(i) + 1
		}
	}
	return i
}

// questionRow is what is known of one question. It holds no pointers.
type questionRow struct {
	image, keyword, collection uint32 // numbers of names
	next                       uint32 // the image's next question
	cells                      uint32 // the first one
	record                     answer // truth on record; TruthNone where there is none
	accepted                   answer // with QuestionSettled
	prior                      float64
	decided                    domain.Sequence // of the last event about it; 0: there was none
	tried                      uint32          // answers since it was settled, or refuted
	status                     domain.QuestionStatus
	held                       bool // a person has decided
	dirty, asked               bool // it is in the state's list of that name
}

// answer is a truth whose text is a number.
type answer struct {
	kind  domain.TruthKind
	match bool
	text  uint32
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

// questions holds all questions by image and keyword.
type questions struct {
	images      nameTable
	first       []uint32 // of each image, its first question
	keywords    nameTable
	collections nameTable
	texts       nameTable
	rows        []questionRow
	cells       []cell
	free        uint32 // the first of the cells that are not used
}

func newQuestions() questions {
	return questions{images: newNames(), keywords: newNames(), collections: newNames(), texts: newNames(), free: nothing}
}

// find gives a question's row, or nothing.
func (q *questions) find(image domain.ImageID, keyword string) uint32 {
	i, _, found := q.images.find(string(image))
	k, _, known := q.keywords.find(keyword)
	if !found || !known {
		return nothing
	}
	for row := q.first[i]; row != nothing; row = q.rows[row].next {
		if q.rows[row].keyword == k {
			return row
		}
	}
	return nothing
}

// row gives a question's row, made where there is none.
func (q *questions) row(image domain.ImageID, keyword string) uint32 {
	if row := q.find(image, keyword); row != nothing {
		return row
	}
	i := q.images.add(string(image))
	if int(i) == len(q.first) {
		q.first = append(q.first, nothing)
	}
	row := uint32(len(q.rows))
	q.rows = append(q.rows, questionRow{image: i, keyword: q.keywords.add(keyword), collection: q.collections.add(""), next: q.first[i], cells: nothing})
	q.first[i] = row
	return row
}

func (q *questions) question(row uint32) Question {
	r := &q.rows[row]
	return Question{domain.ImageID(q.images.get(r.image)), q.keywords.get(r.keyword)}
}

func (q *questions) answer(t domain.Truth) answer {
	a := answer{kind: t.Kind, match: t.Match}
	if t.Kind == domain.TruthText {
		a.text = q.texts.add(t.Text)
	}
	return a
}

func (q *questions) truth(a answer) domain.Truth {
	t := domain.Truth{Kind: a.kind, Match: a.match}
	if a.kind == domain.TruthText {
		t.Text = q.texts.get(a.text)
	}
	return t
}

// count adds n equal ballots to a question.
func (q *questions) count(row uint32, b *Ballot, n int32) {
	text := uint32(0)
	if b.Kind == domain.VoteText {
		text = q.texts.add(b.Text)
	}
	q.add(row, cellKey(b), text, n)
}

func (q *questions) add(row, key, text uint32, n int32) {
	for at := &q.rows[row].cells; *at != nothing; at = &q.cells[*at].next {
		c := &q.cells[*at]
		if c.key != key || c.text != text {
			continue
		}
		if c.n += n; c.n == 0 {
			freed := *at
			*at = c.next
			c.next, q.free = q.free, freed
		}
		return
	}
	if n == 0 {
		return
	}
	made := cell{next: q.rows[row].cells, key: key, text: text, n: n}
	if q.free == nothing {
		q.cells = append(q.cells, made)
		q.rows[row].cells = uint32(len(q.cells) - 1)
		return
	}
	at := q.free
	q.free = q.cells[at].next
	q.cells[at] = made
	q.rows[row].cells = at
}

// each visits a question's cells, in no order.
func (q *questions) each(row uint32, visit func(c *cell)) {
	for at := q.rows[row].cells; at != nothing; at = q.cells[at].next {
		visit(&q.cells[at])
	}
}

// ballot fills in what a cell counts.
func (q *questions) ballot(c *cell, b *Ballot) {
	*b = Ballot{}
	if c.key&textBit == 0 {
		b.Type = domain.TypeClassification
		b.Gold, b.Kind = labelCell{key: c.key}.parts()
		return
	}
	b.Type, b.Kind, b.Gold.Text = domain.TypeTranscription, domain.VoteKind(c.key&(1<<6-1)), TextGold(c.key&^uint32(textBit)>>6)
	if b.Kind == domain.VoteText {
		b.Text = q.texts.get(c.text)
	}
}

// fewCells is up to how many cells a tally is made of one by one: each is looked
// for in the tally, so that many would take the square of their number.
const fewCells = 24

// tally gives the tally of a question.
func (q *questions) tally(row uint32, t *Tally) {
	*t = Tally{}
	cells := 0
	for at := q.rows[row].cells; at != nothing && cells <= fewCells; at = q.cells[at].next {
		cells++
	}
	if cells > fewCells && q.cells[q.rows[row].cells].key&textBit != 0 {
		q.longTally(row, &t.texts)
		return
	}
	var b Ballot
	q.each(row, func(c *cell) {
		q.ballot(c, &b)
		t.Add(&b, int(c.n))
	})
}

// longTally packs the tally of a text of which there are many readings, by a
// sort: where visitors type rubbish, a known text gets another one with each.
func (q *questions) longTally(row uint32, t *TextTally) {
	var cells []cell
	q.each(row, func(c *cell) { cells = append(cells, *c) })
	marks := func(c *cell) bool { return domain.VoteKind(c.key&(1<<6-1)) != domain.VoteText }
	slices.SortFunc(cells, func(a, b cell) int {
		if m, o := marks(&a), marks(&b); m || o {
			return bool2int(o) - bool2int(m) // marks come first
		}
		if a.text == b.text {
			return 0
		}
		return bytes.Compare(q.texts.peek(a.text), q.texts.peek(b.text))
	})
	for i := 0; i < len(cells); {
		e := entry{unreadable: marks(&cells[i])}
		if !e.unreadable {
			e.text = q.texts.peek(cells[i].text)
		}
		first := i
		for ; i < len(cells) && marks(&cells[i]) == e.unreadable && (e.unreadable || cells[i].text == cells[first].text); i++ {
			e.counts[cells[i].key&^uint32(textBit)>>6] += cells[i].n
		}
		if e.counts != (golds{}) {
			t.packed = e.append(t.packed)
		}
	}
}

// sorted gives all rows by image and keyword.
func (q *questions) sorted() []uint32 {
	order := make([]uint32, len(q.rows))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		r, o := &q.rows[a], &q.rows[b]
		if r.image == o.image {
			return bytes.Compare(q.keywords.peek(r.keyword), q.keywords.peek(o.keyword))
		}
		return bytes.Compare(q.images.peek(r.image), q.images.peek(o.image))
	})
	return order
}

func (n *nameTable) bytes() int {
	return cap(n.text) + cap(n.ends)*int(unsafe.Sizeof(uint64(0))) + cap(n.slots)*int(unsafe.Sizeof(nothing))
}

// bytes is the memory that is reserved.
func (q *questions) bytes() int {
	return q.images.bytes() + q.keywords.bytes() + q.collections.bytes() + q.texts.bytes() + cap(q.first)*int(unsafe.Sizeof(nothing)) +
		cap(q.rows)*int(unsafe.Sizeof(questionRow{})) + cap(q.cells)*int(unsafe.Sizeof(cell{}))
}

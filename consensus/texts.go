package consensus

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// nearEdits gives how many edits a known text of so many letters forgives as
// near: one, and from eight letters on a quarter of them.
func nearEdits(letters int) int { return max(1, letters/4) }

// GoldOf says how a known text was typed: exactly where both have the same
// [Normal] form, accents kept; near where few edits lie between. It is what a
// challenge's other answers are weighed by and lets nobody in: for that there is
// [domain.TextMatches].
func GoldOf(truth, typed string) TextGold {
	if truth == typed {
		return GoldExact
	}
	t, s := Normal(truth, AccentsKept), Normal(typed, AccentsKept)
	if t == s {
		return GoldExact
	}
	letters := utf8.RuneCountInString(t)
	allowed := nearEdits(letters)
	if d := letters - utf8.RuneCountInString(s); d > allowed || -d > allowed {
		return GoldWrong
	}
	if edits([]rune(t), []rune(s)) <= allowed {
		return GoldNear
	}
	return GoldWrong
}

// golds counts votes by how the known text of their challenge was typed.
type golds [GoldExact + 1]int32

func (g golds) sum() int { return int(g[GoldNone] + g[GoldWrong] + g[GoldNear] + g[GoldExact]) }

// TextTally counts what was typed for an image, to the letter, and who marked it
// unreadable, by how the known text of its challenge was typed. Like [Tally] it
// is a commutative group.
type TextTally struct {
	// packed has an entry for each reading that has votes, sorted by text, and
	// before them one for the marks: its length and one, the text, and the four
	// counts, all as varints. An image with two short readings takes 50 bytes
	// beside the header, where a slice of structs takes 150; there is one of these
	// for each image that anybody ever answered.
	packed []byte
}

// Add counts n votes; a negative n takes them back. With unreadable the text
// says nothing.
func (t *TextTally) Add(g TextGold, text string, unreadable bool, n int) {
	if n == 0 {
		return
	}
	if unreadable {
		text = ""
	}
	begin, end, counts := t.find(text, unreadable)
	counts[g] += int32(n)
	var packed []byte
	if counts != (golds{}) {
		e := entry{[]byte(text), unreadable, counts}
		packed = e.append(make([]byte, 0, len(text)+2*binary.MaxVarintLen32))
	}
	t.replace(begin, end, packed)
}

// Merge counts what another tally has n times; a negative n takes it back.
func (t *TextTally) Merge(o *TextTally, n int) {
	for e := range o.entries {
		for g, votes := range e.counts {
			t.Add(TextGold(g), string(e.text), e.unreadable, int(votes)*n)
		}
	}
}

// Equal reports whether two tallies have the same votes.
func (t *TextTally) Equal(o *TextTally) bool { return bytes.Equal(t.packed, o.packed) }

// entry is what a tally has of one reading.
type entry struct {
	text       []byte
	unreadable bool // there is no text: these are the marks
	counts     golds
}

func (e *entry) append(b []byte) []byte {
	if e.unreadable {
		b = append(b, 0)
	} else {
		b = binary.AppendUvarint(b, uint64(len(e.text))+1)
		b = append(b, e.text...)
	}
	for _, n := range e.counts {
		b = binary.AppendVarint(b, int64(n))
	}
	return b
}

// entries gives the readings in order. The texts are good until the tally
// changes.
func (t *TextTally) entries(yield func(entry) bool) {
	for b := t.packed; len(b) > 0; {
		var e entry
		e, b = firstEntry(b)
		if !yield(e) {
			return
		}
	}
}

// firstEntry takes the first entry off. What is packed was packed here, so it is
// whole.
func firstEntry(b []byte) (e entry, rest []byte) {
	length, n := binary.Uvarint(b)
	b = b[n:]
	if e.unreadable = length == 0; !e.unreadable {
		e.text, b = b[:length-1], b[length-1:]
	}
	for g := range e.counts {
		votes, n := binary.Varint(b)
		e.counts[g], b = int32(votes), b[n:]
	}
	return e, b
}

// find gives where a reading is, or is to be, and its counts.
func (t *TextTally) find(text string, unreadable bool) (begin, end int, counts golds) {
	for b := t.packed; len(b) > 0; {
		e, rest := firstEntry(b)
		begin, end = len(t.packed)-len(b), len(t.packed)-len(rest)
		switch {
		case e.unreadable && unreadable, !e.unreadable && !unreadable && string(e.text) == text:
			return begin, end, e.counts
		case !e.unreadable && (unreadable || string(e.text) > text):
			return begin, begin, golds{}
		}
		b = rest
	}
	return len(t.packed), len(t.packed), golds{}
}

// replace puts an entry in the place of another, and keeps no more room than is
// needed: most images come to rest after a few votes.
func (t *TextTally) replace(begin, end int, packed []byte) {
	size := len(t.packed) - (end - begin) + len(packed)
	switch {
	case size == 0:
		t.packed = nil
	case size <= cap(t.packed):
		t.packed = slices.Replace(t.packed, begin, end, packed...)
	default:
		grown := make([]byte, 0, size)
		grown = append(grown, t.packed[:begin]...)
		grown = append(grown, packed...)
		t.packed = append(grown, t.packed[end:]...)
	}
}

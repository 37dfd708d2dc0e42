package consensus

import (
	"math"
	"slices"
)

// edits counts the insertions, deletions and replacements of one letter that
// turn a into b (Levenshtein 1965), 64 cells at a time: Myers' bit vectors
// (1999) in blocks, as Hyyrö (2003) has them. Bounded by len(a) times len(b)
// over 64 steps.
func edits(a, b []rune) int {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) == 0 {
		return len(b)
	}
	if len(a) <= 64 {
		return editsShort(a, b)
	}
	return editsLong(a, b)
}

// mostBlocks is for how many letters editsLong has room at hand: more than any
// answer has.
const mostBlocks = 4

func editsLong(a, b []rune) int {
	blocks := (len(a) + 63) / 64
	var ascii [128][mostBlocks]uint64
	others := map[rune][]uint64{}
	for i, r := range a {
		if r >= 0 && r < 128 && blocks <= mostBlocks {
			ascii[r][i/64] |= 1 << (i % 64)
			continue
		}
		if others[r] == nil {
			others[r] = make([]uint64, blocks)
		}
		others[r][i/64] |= 1 << (i % 64)
	}
	none := make([]uint64, blocks)
	columns := make([]column, blocks)
	for i := range columns {
		columns[i].up = math.MaxUint64
	}
	score, bottom := len(a), uint64(1)<<((len(a)-1)%64)
	for _, r := range b {
		masks := none
		if r >= 0 && r < 128 && blocks <= mostBlocks {
			masks = ascii[r][:blocks]
		} else if there := others[r]; there != nil {
			masks = there
		}
		carry := 1
		for i := range blocks - 1 {
			carry = columns[i].advance(masks[i], 1<<63, carry)
		}
		score += columns[blocks-1].advance(masks[blocks-1], bottom, carry)
	}
	return score
}

// editsShort is the case of at most 64 letters that differ, which needs no
// memory of its own.
func editsShort(a, b []rune) int {
	var ascii [128]uint64
	for i, r := range a {
		if r < 128 && r >= 0 {
			ascii[r] |= 1 << i
		}
	}
	c := column{up: math.MaxUint64}
	last := uint64(1) << (len(a) - 1)
	score := len(a)
	for _, r := range b {
		var mask uint64
		if r < 128 && r >= 0 {
			mask = ascii[r]
		} else {
			for i, s := range a {
				if r == s {
					mask |= 1 << i
				}
			}
		}
		score += c.advance(mask, last, 1)
	}
	return score
}

// column holds 64 vertical differences of the matrix of distances: bits of up
// say +1, of down -1.
type column struct{ up, down uint64 }

// advance moves one letter on. mask has the rows whose letter it is, last is the
// bit of the last row; the horizontal differences above and in the last row come
// and go.
func (c *column) advance(mask, last uint64, carry int) int {
	vertical := mask | c.down
	if carry < 0 {
		mask |= 1
	}
	horizontal := (mask&c.up + c.up) ^ c.up | mask
	up := c.down | ^(horizontal | c.up)
	down := c.up & horizontal
	out := 0
	switch {
	case up&last != 0:
		out = 1
	case down&last != 0:
		out = -1
	}
	up, down = up<<1, down<<1
	switch {
	case carry > 0:
		up |= 1
	case carry < 0:
		down |= 1
	}
	c.up, c.down = down|^(vertical|up), up&vertical
	return out
}

// trigrams gives the runs of three letters of a text, sorted. A text of fewer
// than three is one run, with spaces. A rune has 21 bits.
func trigrams(text []rune) []uint64 {
	const mask = 1<<63 - 1
	grams := make([]uint64, 0, max(len(text)-2, 1))
	run := uint64(' ')<<42 | uint64(' ')<<21 | ' '
	for i, r := range text {
		run = (run<<21 | uint64(r)&(1<<21-1)) & mask
		if i >= 2 {
			grams = append(grams, run)
		}
	}
	if len(grams) == 0 {
		grams = append(grams, run)
	}
	slices.Sort(grams)
	return grams
}

// gramCosine gives the cosine between two texts' counts of trigrams, 0 to 1.
func gramCosine(a, b []uint64) float64 {
	dot, lengthA, lengthB := int64(0), int64(0), int64(0)
	for len(a) > 0 || len(b) > 0 {
		var n, m int
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			n = runLength(a)
		case len(a) == 0 || b[0] < a[0]:
			m = runLength(b)
		default:
			n, m = runLength(a), runLength(b)
		}
		a, b = a[n:], b[m:]
		dot += int64(n * m)
		lengthA += int64(n * n)
		lengthB += int64(m * m)
	}
	return float64(dot) / math.Sqrt(float64(lengthA*lengthB))
}

func runLength(sorted []uint64) int {
	n := 1
	for n < len(sorted) && sorted[n] == sorted[0] {
		n++
	}
	return n
}

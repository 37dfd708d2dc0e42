package corpus

import (
	"math/bits"

	"ocapi/domain"
)

// PictureHash is a difference hash: whether each of 64 places of a picture is
// darker than the place to its right. Another scan, size or compression of the
// same changes few bits of it.
type PictureHash uint64

// distance counts the bits in which two hashes differ.
func (h PictureHash) distance(other PictureHash) int { return bits.OnesCount64(uint64(h ^ other)) }

// hashOf takes the hash. What is written lies side by side, so a text is looked
// at in more columns than rows.
func hashOf(g grey, t domain.ChallengeType) PictureHash {
	columns, rows := 8, 8
	if t == domain.TypeTranscription {
		columns, rows = 16, 4
	}
	var h PictureHash
	bit := 0
	for row := range rows {
		left := g.mean(0, row, columns+1, rows)
		for c := 1; c <= columns; c++ {
			right := g.mean(c, row, columns+1, rows)
			if left < right {
				h |= 1 << bit
			}
			bit++
			left = right
		}
	}
	return h
}

// mean gives the mean luminance of one cell of a grid laid over the picture.
func (g *grey) mean(column, row, columns, rows int) float64 {
	x0, x1 := column*g.w/columns, max((column+1)*g.w/columns, column*g.w/columns+1)
	y0, y1 := row*g.h/rows, max((row+1)*g.h/rows, row*g.h/rows+1)
	sum, n := 0, 0
	for y := y0; y < min(y1, g.h); y++ {
		for _, p := range g.pix[y*g.w+min(x0, g.w-1) : y*g.w+min(x1, g.w)] {
			sum += int(p)
			n++
		}
	}
	return float64(sum) / float64(max(n, 1))
}

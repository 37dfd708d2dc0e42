package rendering

import "image"

// widened is a picture with each pixel's colours 16 bits apart in one number, so
// that one multiplication weighs all three.
type widened struct {
	pix []uint64
	w   int
}

const (
	// placeBits is how finely a place between two pixels is told: weights of both
	// directions multiplied make 8 bits, which beside a colour's 8 fill its 16.
	placeBits = 4

	// fixedBits are those after the point of a place on a row.
	fixedBits = 16

	// wideMargin keeps the four pixels around a place on the picture, and a little
	// more for what adding up rounds off along a row.
	wideMargin = 2.0

	// half of the last place of each colour, for rounding.
	halves = 0x0080_0080_0080
)

func widen(img *image.RGBA) widened {
	wide := widened{w: img.Rect.Dx()}
	wide.pix = make([]uint64, wide.w*img.Rect.Dy())
	for y := range img.Rect.Dy() {
		row := img.Pix[y*img.Stride:]
		for x := range wide.w {
			p := row[x*4 : x*4+3 : x*4+3]
			wide.pix[y*wide.w+x] = uint64(p[0]) | uint64(p[1])<<16 | uint64(p[2])<<32
		}
	}
	return wide
}

// paint fills part of a row, bilinearly, from a place on; each pixel is a step
// further. All places are at least wideMargin inside the picture.
func (wide widened) paint(row []uint8, tone *tone, x, y, stepX, stepY float64) {
	const one, mask = 1 << placeBits, 1<<placeBits - 1
	fixed := func(v float64) int { return int(v * (1 << fixedBits)) }
	fx, fy, dx, dy := fixed(x), fixed(y), fixed(stepX), fixed(stepY)
	for len(row) >= 4 {
		i := fy>>fixedBits*wide.w + fx>>fixedBits
		right, down := uint64(fx>>(fixedBits-placeBits))&mask, uint64(fy>>(fixedBits-placeBits))&mask
		left, up := one-right, one-down
		above, below := wide.pix[i:i+2:i+2], wide.pix[i+wide.w:i+wide.w+2]
		v := above[0]*(left*up) + above[1]*(right*up) + below[0]*(left*down) + below[1]*(right*down) + halves
		row[0], row[1], row[2], row[3] = tone.r[uint8(v>>8)], tone.g[uint8(v>>24)], tone.b[uint8(v>>40)], 255
		row = row[4:]
		fx += dx
		fy += dy
	}
}

package rendering

import (
	"image"
	"math"
)

// frame says how a picture of a certain size is laid into its shape.
type frame struct {
	w, h       float64 // served size
	srcW, srcH float64
	scale      float64 // served pixels per pixel of the picture

	allEdges bool // a test's: every place is treated as one near the edge
}

// squareEnough is how far from square a picture may be to fill a tile.
const squareEnough = 1.12

func frameOf(shape Shape, b image.Rectangle) frame {
	w, h, _ := shape.size()
	f := frame{w: float64(w), h: float64(h), srcW: float64(b.Dx()), srcH: float64(b.Dy())}
	sx, sy := f.w/f.srcW, f.h/f.srcH
	f.scale = min(sx, sy)
	if shape == ShapeTile && max(sx, sy)/f.scale < squareEnough {
		f.scale = max(sx, sy)
	}
	return f
}

// Scale says how many served pixels one pixel of a picture of that size becomes,
// before the small variations.
func (s Shape) Scale(picture image.Point) float64 {
	return frameOf(s, image.Rectangle{Max: picture}).scale
}

// paint fills dst with one variation of the picture; wide is the same picture.
func (f frame) paint(dst, src *image.RGBA, wide widened, paper ground, v variation, seed uint64) {
	scale := f.scale * v.zoom
	inv := 1 / scale
	sin, cos := math.Sincos(v.turn)
	// A source pixel is where the served pixel came from, turned about the
	// middle of both.
	ux, uy := cos*inv, sin*inv
	cx, cy := f.srcW/2, f.srcH/2
	tone := newTone(v)
	state := seed | 1
	fade := feather * inv
	for y := range int(f.h) {
		py := float64(y) + 0.5 - f.h/2 - v.dy
		row := dst.Pix[y*dst.Stride : y*dst.Stride+int(f.w)*4]
		at := func(x int) (sx, sy float64) {
			px := float64(x) + 0.5 - f.w/2 - v.dx
			return cx + px*ux + py*uy, cy - px*uy + py*ux
		}
		edge := func(x int) {
			sx, sy := at(x)
			inside := min(min(sx, f.srcW-sx), min(sy, f.srcH-sy))
			pix := row[x*4 : x*4+4 : x*4+4]
			switch {
			case inside >= fade:
				r, g, b := sample(src, sx-0.5, sy-0.5)
				tone.put(pix, r, g, b)
			case inside <= 0:
				r, g, b := paper.at(sx, sy)
				n := grain(&state)
				tone.put(pix, r+n, g+n, b+n)
			default:
				r, g, b := sample(src, sx-0.5, sy-0.5)
				pr, pg, pb := paper.at(sx, sy)
				n := grain(&state)
				t := float32(inside / fade)
				t = t * t * (3 - 2*t)
				tone.put(pix, pr+n+(r-pr-n)*t, pg+n+(g-pg-n)*t, pb+n+(b-pb-n)*t)
			}
		}
		// Most of a row is neither edge nor ground, and there it goes fast.
		from, to := f.inner(at, max(fade, wideMargin))
		for x := range from {
			edge(x)
		}
		if from < to {
			sx, sy := at(from)
			wide.paint(row[from*4:to*4], tone, sx-0.5, sy-0.5, ux, -uy)
		}
		for x := to; x < int(f.w); x++ {
			edge(x)
		}
	}
}

// inner gives the part of a row whose places are all at least a margin inside
// the picture. Places lie on a line, so it is one part or none.
func (f frame) inner(at func(x int) (sx, sy float64), margin float64) (from, to int) {
	inside := func(x int) bool {
		sx, sy := at(x)
		return min(min(sx, f.srcW-sx), min(sy, f.srcH-sy)) >= margin
	}
	if f.allEdges {
		return 0, 0
	}
	x0, y0 := at(0)
	x1, y1 := at(1)
	first, last := 0.0, f.w-1
	for _, line := range [2][3]float64{{x0, x1 - x0, f.srcW}, {y0, y1 - y0, f.srcH}} {
		start, step, size := line[0], line[1], line[2]
		if step == 0 {
			if start < margin || start > size-margin {
				return 0, 0
			}
			continue
		}
		a, b := (margin-start)/step, (size-margin-start)/step
		first, last = max(first, min(a, b)), min(last, max(a, b))
	}
	if !(first <= last) {
		return 0, 0
	}
	from, to = int(math.Ceil(first)), int(last)+1
	// What arithmetic rounded to the wrong side.
	for from < to && !inside(from) {
		from++
	}
	for from < to && !inside(to-1) {
		to--
	}
	if from >= to {
		return 0, 0
	}
	return from, to
}

// grain is a little noise, so that made-up ground does not look poured.
func grain(state *uint64) float32 {
	s := *state
	s ^= s << 13
	s ^= s >> 7
	s ^= s << 17
	*state = s
	const strength = 3.5 // of 255, about that of a scan
	return (float32(s>>40)/(1<<23) - 1) * strength
}

// sample reads a colour between pixels, bilinearly, clamped to the picture.
func sample(img *image.RGBA, x, y float64) (r, g, b float32) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	x, y = min(max(x, 0), float64(w-1)), min(max(y, 0), float64(h-1))
	x0, y0 := int(x), int(y)
	fx, fy := float32(x-float64(x0)), float32(y-float64(y0))
	dx, dy := 4, img.Stride
	if x0 == w-1 {
		dx = 0
	}
	if y0 == h-1 {
		dy = 0
	}
	i := y0*img.Stride + x0*4
	p := img.Pix
	mix := func(c int) float32 {
		a, b2 := float32(p[i+c]), float32(p[i+dx+c])
		d, e := float32(p[i+dy+c]), float32(p[i+dy+dx+c])
		top, bottom := a+(b2-a)*fx, d+(e-d)*fx
		return top + (bottom-top)*fy
	}
	return mix(0), mix(1), mix(2)
}

// tone maps each channel through a table: contrast, light and warmth.
type tone struct{ r, g, b [256]uint8 }

func newTone(v variation) *tone {
	t := new(tone)
	fill := func(table *[256]uint8, gain float64) {
		const pivot = 150 // between ink and paper, so that contrast moves both
		for i := range table {
			x := ((float64(i)-pivot)*v.contrast + pivot + v.light) * gain
			table[i] = uint8(min(max(x+0.5, 0), 255))
		}
	}
	fill(&t.r, 1+v.warm)
	fill(&t.g, 1+v.green)
	fill(&t.b, 1-v.warm)
	return t
}

func (t *tone) put(pix []uint8, r, g, b float32) {
	pix[0], pix[1], pix[2], pix[3] = t.r[index(r)], t.g[index(g)], t.b[index(b)], 255
}

func index(v float32) uint8 { return uint8(min(max(v+0.5, 0), 255)) }

// halve shrinks a picture to half its size, dropping an odd last row or column.
func halve(img *image.RGBA) *image.RGBA {
	w, h := img.Rect.Dx()/2, img.Rect.Dy()/2
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		a, b := img.Pix[2*y*img.Stride:], img.Pix[(2*y+1)*img.Stride:]
		for x := range w * 4 {
			i := x/4*8 + x%4
			sum := int(a[i]) + int(a[i+4]) + int(b[i]) + int(b[i+4])
			out.Pix[y*out.Stride+x] = uint8((sum + 2) / 4)
		}
	}
	return out
}

// soften blurs with the weights 1-2-1 in both directions, in place.
func soften(img *image.RGBA) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	n := w * 4
	row := make([]uint8, n)
	for y := range h {
		p := img.Pix[y*img.Stride : y*img.Stride+n]
		copy(row, p)
		for i := 4; i < n-4; i++ {
			p[i] = uint8((int(row[i-4]) + 2*int(row[i]) + int(row[i+4]) + 2) / 4)
		}
	}
	above, here := make([]uint8, n), make([]uint8, n)
	copy(above, img.Pix[:n])
	for y := 1; y < h-1; y++ {
		p := img.Pix[y*img.Stride : y*img.Stride+n]
		below := img.Pix[(y+1)*img.Stride:]
		copy(here, p)
		for i := range p {
			p[i] = uint8((int(above[i]) + 2*int(here[i]) + int(below[i]) + 2) / 4)
		}
		above, here = here, above
	}
}

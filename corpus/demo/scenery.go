package demo

import (
	"image"
	"math"
)

// What surrounds a subject: ground, water, sky, frame. Nothing here may be
// taken for one of the keywords.

// sky rules the air behind a landscape with broken horizontal lines, or leaves
// it bare.
func (p *plate) sky(top, bottom float64) {
	if chance(p.rng, 0.35) {
		return
	}
	step := p.tool.step * between(p.rng, 1.2, 2.2) / p.scale
	for y := top; y < bottom; y += step * between(p.rng, 0.8, 1.2) {
		x := -1.12 + 0.3*p.rng.Float64()
		for x < 1.1 {
			length := between(p.rng, 0.1, 0.7)
			p.stroke(0.55, point{x, y}, point{x + length/2, y + between(p.rng, -0.008, 0.008)}, point{min(x+length, 1.14), y})
			x += length + between(p.rng, 0.05, 0.9)
		}
	}
}

// lobes is an outline of n bulges round an ellipse, meeting in sharp corners:
// the edge of a cloud or of leaves. It starts and ends at the given angles.
func (p *plate) lobes(c point, rx, ry, from, to float64, n int) []point {
	var pts []point
	for i := range n {
		a0, a1 := lerp(from, to, float64(i)/float64(n)), lerp(from, to, float64(i+1)/float64(n))
		swell := between(p.rng, 0.13, 0.24)
		for k := range 5 {
			f := float64(k) / 5
			s, cos := math.Sincos(lerp(a0, a1, f))
			d := 0.88 + swell*math.Sin(math.Pi*f)
			pts = append(pts, point{c.x + rx*d*cos, c.y + ry*d*s})
		}
	}
	s, cos := math.Sincos(to)
	return append(pts, point{c.x + rx*0.88*cos, c.y + ry*0.88*s})
}

// cloud is a heap of curls, open below.
func (p *plate) cloud(c point, size float64) {
	pts := p.lobes(c, size*1.9, size*0.8, math.Pi, 2*math.Pi, 4+p.rng.IntN(3))
	base := size * 0.16
	p.poly(fall(0.02, 0.42), hatch{absolute: true, none: true}, append(append([]point(nil), pts...),
		point{c.x + size, c.y + base}, point{c.x - size*0.8, c.y + base})...)
	p.cut(p.pixels(pts), p.tool.line*0.8)
	for i := range 3 {
		y := c.y + base + 0.03*float64(i)
		d := size * between(p.rng, 0.8, 1.6)
		x := c.x + between(p.rng, -0.2, 0.2)*size
		p.stroke(0.6, point{x - d, y}, point{x, y + 0.006}, point{x + d, y})
	}
}

// field is what lies behind a single thing: nothing, evenly ruled lines up to
// the frame, or a patch of shade.
func (p *plate) field(turn float64) {
	r := p.rng
	if p.tool.ground == 0 || chance(r, 0.25) {
		return
	}
	centre, scale, step := p.centre, p.scale, p.tool.step
	p.centre, p.scale = point{float64(p.ink.w) / 2, float64(p.ink.h) / 2}, plateSide*0.405
	p.tool.step *= between(r, 0.85, 1.2)
	dark := between(r, 0.2, 0.38) / p.tool.heavy
	a := [...]float64{0, 0, 0.5, math.Pi / 2}[r.IntN(4)] + turn
	if p.tool.ground == 1 && p.tool.framing != 0 {
		light := p.tool.framing == 3 || chance(r, 0.5) // lighter about the middle
		const k = 1.15
		p.poly(func(u, v float64) float64 {
			if light {
				d := math.Hypot(u-0.5, v-0.5) * 2
				return dark * (0.55 + 0.6*d)
			}
			return dark
		}, hatch{absolute: true, angle: a, none: true}, point{-k, -k}, point{k, -k}, point{k, k}, point{-k, k})
	} else {
		patch := func(u, v float64) float64 {
			d := math.Hypot(u-0.5, v-0.5) * 2
			return dark * 1.25 * (1 - d*d*d)
		}
		p.ellipse(patch, hatch{absolute: true, angle: a, none: true}, point{0.05, 0.1}, between(r, 0.85, 1.05), between(r, 0.75, 1), 0)
	}
	p.centre, p.scale, p.tool.step = centre, scale, step
}

// bare clears the block, for a subject that brings its own surroundings.
func (p *plate) bare() { clear(p.ink.v) }

func (p *plate) clouds() {
	for range p.rng.IntN(3) {
		p.cloud(point{between(p.rng, -0.8, 0.8), between(p.rng, -0.85, -0.55)}, between(p.rng, 0.10, 0.19))
	}
}

// ground is a hill or plain at height y: long strokes that follow its rise and
// break off at the sides, with tufts between.
func (p *plate) ground(y float64) {
	r := p.rng
	rise, tilt := between(r, -0.03, 0.10), between(r, -0.05, 0.05)
	low := y + between(r, 0.24, 0.36)
	height := func(x float64) float64 { return y + 0.05 - rise*(1-x*x) + tilt*x + 0.02*math.Sin(x*7+rise*60) }
	if chance(r, 0.6) {
		p.hills(y)
	}
	step := p.tool.step * between(r, 0.75, 1.05) / p.scale
	rows := int((low - y) / step)
	for i := range rows {
		f := float64(i) / float64(max(rows-1, 1))
		side := 1.12 - 0.1*r.Float64() - 0.25*f*f*r.Float64()
		x := -side
		for x < side {
			end := min(x+between(r, 0.25, 1.1)*(1.2-f*0.7), side)
			if i == 0 {
				end = side
			}
			var pts []point
			for k := range 6 {
				q := lerp(x, end, float64(k)/5)
				pts = append(pts, point{q, height(q) + (low-y)*f + r.NormFloat64()*0.003})
			}
			p.stroke(lerp(1, 0.8, f)*between(r, 0.8, 1.4), pts...)
			x = end + between(r, 0.02, 0.12+0.25*f)
		}
	}
	for range 10 + r.IntN(12) {
		c := point{between(r, -1, 1), 0}
		c.y = height(c.x) + between(r, 0.02, low-y-0.02)
		for k := range 4 {
			d := (float64(k) - 1.5) * 0.02
			p.stroke(0.9, c, point{c.x + d*0.6, c.y - 0.03}, point{c.x + d*1.5, c.y - between(r, 0.03, 0.07)})
		}
	}
}

// hills are one or two far ridges, in thin lines.
func (p *plate) hills(y float64) {
	r := p.rng
	for range 1 + r.IntN(2) {
		c, half, tall := between(r, -0.9, 0.9), between(r, 0.35, 0.7), between(r, 0.08, 0.2)
		ridge := func(x float64) float64 {
			t := (x - c) / half
			return y + 0.06 - tall*math.Exp(-t*t*1.6) - 0.012*math.Sin(x*19+c*9)
		}
		var pts []point
		for k := range 13 {
			x := max(min(c+half*1.3*(float64(k)/6-1), 1.12), -1.12)
			pts = append(pts, point{x, ridge(x)})
		}
		p.stroke(0.7, pts...)
		for k := range 9 { // shade on the side away from the light
			x := c + half*lerp(0.0, 0.95, float64(k)/8)
			if x > 1.05 || x < -1.1 {
				continue
			}
			d := min(0.5*(y+0.05-ridge(x)), 0.1)
			p.stroke(0.55, point{x, ridge(x) + 0.01}, point{x + d*0.35, ridge(x) + 0.01 + d*0.5}, point{x + d*0.5, ridge(x) + 0.01 + d})
		}
	}
}

// water is rows of waves from y downwards.
func (p *plate) water(y, bottom float64) {
	p.poly(flat(0), hatch{none: true}, point{-1.12, y}, point{1.12, y}, point{1.12, bottom}, point{-1.12, bottom})
	rows := 6 + p.rng.IntN(4)
	length := between(p.rng, 0.12, 0.22)
	for i := range rows {
		f := float64(i) / float64(rows)
		yy := lerp(y, bottom, f)
		high := lerp(0.012, 0.034, f)
		x := -1.12 - p.rng.Float64()*length
		for x < 1.1 {
			n := length * between(p.rng, 0.8, 1.3)
			if chance(p.rng, 0.88) {
				a, b := max(x, -1.13), min(x+n, 1.13)
				p.stroke(0.9+0.5*f, point{a, yy}, point{(a + b) / 2, yy + high}, point{b, yy - high*0.3})
				if chance(p.rng, 0.6) {
					p.stroke(0.6, point{a + n*0.2, yy + high*1.2}, point{(a + b) / 2, yy + high*2.1}, point{b - n*0.1, yy + high*1.3})
				}
			}
			x += n
		}
	}
}

// shadowUnder is the few strokes that set a thing on a table or a page.
func (p *plate) shadowUnder(c point, half float64) {
	for i := range 4 + p.rng.IntN(4) {
		y := c.y + float64(i)*p.tool.step*0.9/p.scale
		d := half * between(p.rng, 0.6, 1.05)
		x := c.x + half*0.12*float64(i)
		p.stroke(0.8, point{x - d, y}, point{x, y + 0.006}, point{x + d, y})
	}
}

// frame draws the border that the workshop likes, and the mark of the plate.
func (p *plate) frame(page *sheet, img *image.RGBA) {
	r := between(p.rng, 1.13, 1.18)
	corner := func(k float64) []point {
		j := func() float64 { return between(p.rng, -0.008, 0.008) }
		return []point{{-k + j(), -k + j()}, {k + j(), -k + j()}, {k + j(), k + j()}, {-k + j(), k + j()}}
	}
	// The frame belongs to the picture's middle, wherever the subject is.
	p.centre = point{float64(p.ink.w) / 2, float64(p.ink.h) / 2}
	p.scale = plateSide * 0.405
	box := func(k, width float64) {
		c := p.pixels(corner(k))
		c = append(c, c[0])
		for i := 1; i < len(c); i++ {
			p.cut(divide(c[i-1], c[i], 6), p.tool.line*width)
		}
	}
	switch p.tool.framing {
	case 1:
		box(r, 1)
	case 2:
		box(r, 1.3)
		box(r-0.045, 0.6)
	case 3:
		px := spline(p.pixels(oval(point{}, r, r, 0, 24)), true, 5)
		p.outside(px)
		p.cut(px, p.tool.line*1.1)
	case 4:
		box(r, 2.6)
	}
	if p.tool.copper && p.tool.framing == 0 && chance(p.rng, 0.6) {
		mark := newLayer(p.ink.w, p.ink.h)
		c := p.pixels(corner(r))
		mark.polyline(append(c, c[0]), 1.2)
		mark.blur(1)
		page.soil(img, mark, rgb{0.5, 0.46, 0.4}, 0.35)
	}
}

// outside clears what lies beyond a closed path, as where a vignette ends.
func (p *plate) outside(px []point) {
	mask := fillPolygon(p.ink.w, p.ink.h, px)
	for i := range p.ink.v {
		p.ink.v[i] *= float32(mask.Pix[i]) / 255
	}
}

package demo

import "math"

func bird(p *plate) {
	r := p.rng
	p.scale *= between(r, 0.95, 1.1)
	switch r.IntN(3) {
	case 0:
		p.wader()
	default:
		p.songbird()
	}
}

// songbird stands upright on a mound or a post.
func (p *plate) songbird() {
	r := p.rng
	tilt := between(r, -0.12, 0.2)
	p.turn(math.Atan2(p.sin, p.cos) + tilt)
	plump := between(r, 0.9, 1.15)
	tail := between(r, 0.32, 0.55)
	// Legs and what it stands on.
	foot := 0.72
	for _, x := range []float64{-0.02, 0.14} {
		p.stroke(2, point{x, 0.36}, point{x + 0.01, 0.55}, point{x + 0.03, foot})
		for _, d := range []float64{-0.08, 0.05, 0.11} {
			p.stroke(1.6, point{x + 0.03, foot}, point{x + 0.03 + d*0.6, foot + 0.01}, point{x + 0.03 + d, foot + 0.03})
		}
	}
	p.blob(fall(0.15, 0.7), hatch{absolute: true, angle: 0.1}, point{-0.6, foot + 0.12}, point{-0.3, foot + 0.04}, point{0.1, foot + 0.02}, point{0.45, foot + 0.05}, point{0.7, foot + 0.13}, point{0.1, foot + 0.2})
	// Tail feathers.
	for i := range 4 {
		d := float64(i) * 0.05
		p.poly(slope(0.75, 0.35), hatch{absolute: true, angle: -0.5}, point{-0.34, 0.0 + d}, point{-0.5 - tail*0.9, 0.32 + d*1.5 + tail*0.1}, point{-0.46 - tail*0.9, 0.4 + d*1.5 + tail*0.1}, point{-0.26, 0.14 + d})
	}
	// Beak.
	long := between(r, 0.14, 0.3)
	hook := between(r, -0.02, 0.05)
	p.poly(fall(0.1, 0.7), hatch{}, point{0.56, -0.6}, point{0.62 + long, -0.53 + hook}, point{0.56, -0.46})
	p.bar(0.8, point{0.55, -0.53}, point{0.6 + long, -0.53 + hook})
	if chance(r, 0.3) { // crest
		// Swept well back: standing feathers would look like a little crown.
		for i := range 4 {
			d := float64(i) * 0.035
			p.stroke(2.2, point{0.42 - d, -0.70 + d*0.5}, point{0.28 - d, -0.80 + d}, point{0.08 - d*0.5, -0.82 + d*2})
		}
	}
	p.blob(ball(0.02, 0.8), hatch{angle: 0.5},
		point{0.6, -0.53}, point{0.53, -0.69}, point{0.38, -0.74}, point{0.22, -0.62}, point{0.1, -0.42}, point{-0.14, -0.24}, point{-0.38, 0.02},
		point{-0.42, 0.14}, point{-0.2, 0.34 * plump}, point{0.1, 0.44 * plump}, point{0.38, 0.3 * plump}, point{0.52, 0.02}, point{0.5, -0.28})
	p.plumage(point{0.36, -0.05}, 0.13, 7)
	p.wing()
	p.eye(point{0.42, -0.56})
}

// plumage is short strokes over the breast.
func (p *plate) plumage(c point, size float64, rows int) {
	for i := range rows * 4 {
		q := point{c.x + (float64(i%4)-1.5)*size*0.55 - 0.02*float64(i/4), c.y + (float64(i/4)-float64(rows)/2)*size*0.5}
		p.stroke(0.8, q, point{q.x - size*0.06, q.y + size*0.18}, point{q.x - size*0.2, q.y + size*0.28})
	}
}

// wing is folded: coverts in rows, then the long quills.
func (p *plate) wing() {
	r := p.rng
	tip := point{-0.62 + between(r, -0.06, 0.06), 0.3 + between(r, -0.05, 0.03)}
	p.blob(slope(0.75, 0.15), hatch{absolute: true, angle: -0.45}, point{0.3, -0.28}, point{0.08, -0.3}, point{-0.2, -0.1}, point{-0.45, 0.14}, tip, point{-0.36, 0.27}, point{0.04, 0.27}, point{0.28, 0.08}, point{0.36, -0.12})
	n := 5 + r.IntN(3)
	for i := range n {
		f := float64(i) / float64(n-1)
		from := point{lerp(-0.02, 0.26, f), lerp(-0.02, 0.08, f)}
		to := point{lerp(tip.x, 0.0, f*0.9), lerp(tip.y, 0.26, f)}
		p.stroke(1.1, from, point{(from.x + to.x) / 2, (from.y+to.y)/2 + 0.03}, to)
	}
	for row := range 2 {
		for k := range 4 {
			x, y := 0.28-0.11*float64(k)-0.04*float64(row), -0.16+0.02*float64(k)+0.1*float64(row)
			p.stroke(1.1, point{x + 0.06, y - 0.04}, point{x + 0.02, y + 0.05}, point{x - 0.05, y + 0.02})
		}
	}
}

func (p *plate) eye(c point) {
	p.ellipse(flat(0), hatch{thick: 1.1}, c, 0.042, 0.042, 0)
	p.ellipse(flat(1), hatch{none: true}, c, 0.02, 0.02, 0)
}

// wader has long legs and a long neck, as a heron or a stork.
func (p *plate) wader() {
	r := p.rng
	foot := 0.86
	bend := between(r, 0.06, 0.16)
	for i, x := range []float64{-0.02, 0.1} {
		knee := point{x - bend + 0.03*float64(i), 0.55}
		p.stroke(2.3, point{x, 0.2}, point{(x + knee.x) / 2, 0.38}, knee)
		p.stroke(2.0, knee, point{x - 0.01, 0.7}, point{x + 0.02, foot})
		for _, d := range []float64{-0.1, 0.07, 0.14} {
			p.stroke(1.5, point{x + 0.02, foot}, point{x + 0.02 + d, foot + 0.035})
		}
	}
	for range 9 { // the marsh
		x, y := between(r, -0.9, 0.6), foot+between(r, 0.02, 0.14)
		p.stroke(0.9, point{x, y}, point{x + 0.15, y + 0.012}, point{x + 0.3, y})
	}
	for range 3 + r.IntN(4) { // rushes
		x := [...]float64{-1, 1}[r.IntN(2)] * between(r, 0.6, 0.95)
		p.stroke(1.2, point{x, foot + 0.06}, point{x + 0.02, 0.5}, point{x + between(r, -0.1, 0.1), between(r, 0.05, 0.35)})
	}
	p.poly(slope(0.8, 0.4), hatch{absolute: true, angle: -0.4}, point{-0.34, -0.05}, point{-0.74, 0.22}, point{-0.68, 0.3}, point{-0.26, 0.15})
	high := between(r, -0.86, -0.74)
	long := between(r, 0.34, 0.5)
	dip := between(r, 0.0, 0.12)
	head := point{0.34, high + 0.02}
	p.poly(fall(0.1, 0.8), hatch{}, point{head.x + 0.08, head.y - 0.05}, point{head.x + 0.12 + long, head.y + dip}, point{head.x + 0.06, head.y + 0.06})
	if chance(r, 0.5) {
		p.stroke(1.8, point{head.x - 0.05, head.y - 0.06}, point{head.x - 0.2, head.y - 0.04}, point{head.x - 0.32, head.y + 0.05})
	}
	// Neck and body in one.
	p.blob(ball(0.02, 0.75), hatch{angle: 0.4},
		point{head.x + 0.13, head.y}, point{head.x + 0.05, head.y - 0.09}, point{head.x - 0.08, head.y - 0.07}, point{head.x - 0.13, head.y + 0.06}, point{head.x - 0.02, head.y + 0.24}, point{0.3, -0.4}, point{0.16, -0.24},
		point{-0.16, -0.16}, point{-0.44, 0.04}, point{-0.4, 0.16}, point{-0.1, 0.28}, point{0.2, 0.24}, point{0.38, 0.04}, point{0.42, -0.2}, point{head.x + 0.14, head.y + 0.42}, point{head.x + 0.12, head.y + 0.22}, point{head.x + 0.06, head.y + 0.1})
	p.wing()
	p.eye(point{head.x + 0.03, head.y - 0.01})
}

func butterfly(p *plate) {
	r := p.rng
	p.turn(between(r, -0.35, 0.35))
	p.scale *= between(r, 0.98, 1.12)
	span, tall := between(r, 0.82, 0.98), between(r, 0.6, 0.8)
	low, tailed := between(r, 0.55, 0.75), chance(r, 0.35)
	pattern := r.IntN(4)
	round := between(r, 0.0, 0.12)
	for _, s := range []float64{-1, 1} {
		hind := []point{{s * 0.05, 0.02}, {s * 0.35, 0.06}, {s * 0.62, 0.2}, {s * 0.66, low * 0.72}, {s * 0.45, low}, {s * 0.22, low * 0.9}, {s * 0.08, 0.4}}
		if tailed {
			hind = []point{{s * 0.05, 0.02}, {s * 0.35, 0.06}, {s * 0.6, 0.2}, {s * 0.6, low * 0.66}, {s * 0.48, low * 0.85}, {s * 0.5, low + 0.24}, {s * 0.42, low + 0.24}, {s * 0.36, low * 0.92}, {s * 0.18, low * 0.8}, {s * 0.08, 0.4}}
		}
		shade := func(u, v float64) float64 {
			if s < 0 {
				u = 1 - u
			}
			return 0.12 + 0.62*u*u
		}
		p.blob(shade, hatch{absolute: true, angle: s * 0.9}, hind...)
		p.veins(point{s * 0.06, 0.08}, []point{{s * 0.6, 0.26}, {s * 0.62, low * 0.62}, {s * 0.45, low * 0.9}, {s * 0.25, low * 0.84}})
		p.blob(shade, hatch{absolute: true, angle: s * -0.5},
			point{s * 0.04, -0.14}, point{s * 0.3, -tall * 0.7}, point{s * span * 0.85, -tall}, point{s * span, -tall * (0.86 - round)}, point{s * span * 0.92, -tall * 0.45}, point{s * span * 0.72, 0.02}, point{s * 0.4, 0.1}, point{s * 0.06, 0.04})
		p.veins(point{s * 0.06, -0.1}, []point{{s * span * 0.9, -tall * 0.86}, {s * span * 0.94, -tall * 0.6}, {s * span * 0.84, -tall * 0.26}, {s * span * 0.66, 0}, {s * 0.42, 0.06}})
		p.spots(s, span, tall, low, pattern)
	}
	for _, s := range []float64{-1, 1} {
		p.stroke(1.2, point{s * 0.02, -0.3}, point{s * 0.1, -0.5}, point{s * 0.26, -tall - 0.02})
		q := point{s * 0.26, -tall - 0.02}
		p.ellipse(flat(1), hatch{}, q, 0.025, 0.025, 0)
	}
	p.blob(ball(0.25, 1), hatch{absolute: true}, point{0, -0.22}, point{0.05, -0.1}, point{0.055, 0.1}, point{0.04, 0.36}, point{0, 0.5}, point{-0.04, 0.36}, point{-0.055, 0.1}, point{-0.05, -0.1})
	for i := range 6 {
		y := 0.08 + 0.06*float64(i)
		p.bar(0.8, point{-0.045, y}, point{0.045, y})
	}
	p.ellipse(ball(0.3, 1), hatch{}, point{0, -0.25}, 0.055, 0.055, 0)
}

func (p *plate) veins(from point, to []point) {
	for _, q := range to {
		p.stroke(0.8, from, point{(from.x+q.x)/2 + 0.02, (from.y+q.y)/2 - 0.02}, q)
	}
}

// spots are the marks of a kind of butterfly: eyes, a dark border, bands.
func (p *plate) spots(s, span, tall, low float64, pattern int) {
	eye := func(c point, size float64) {
		p.ellipse(flat(0), hatch{}, c, size, size, 0)
		p.ellipse(flat(1), hatch{}, c, size*0.55, size*0.55, 0)
	}
	switch pattern {
	case 0:
		eye(point{s * span * 0.72, -tall * 0.62}, 0.085)
		eye(point{s * 0.45, low * 0.6}, 0.095)
	case 1:
		for i := range 5 {
			f := float64(i) / 4
			p.ellipse(flat(0), hatch{}, point{s * span * lerp(0.86, 0.66, f), -tall * lerp(0.8, 0.06, f)}, 0.04, 0.045, 0)
		}
		for i := range 4 {
			f := float64(i) / 3
			p.ellipse(flat(0), hatch{}, point{s * lerp(0.56, 0.24, f), lerp(0.3, low*0.86, f)}, 0.035, 0.035, 0)
		}
	case 2:
		for _, k := range []float64{0.45, 0.62} {
			p.stroke(4, point{s * span * k, -tall * (k + 0.16)}, point{s * span * (k + 0.06), -tall * 0.3}, point{s * span * (k - 0.05), 0.03})
		}
		p.stroke(3, point{s * 0.5, 0.14}, point{s * 0.48, low * 0.5}, point{s * 0.28, low * 0.8})
	default:
		p.ellipse(flat(0.95), hatch{}, point{s * span * 0.55, -tall * 0.5}, 0.1, 0.07, s*0.6)
		p.ellipse(flat(0.0), hatch{}, point{s * span * 0.78, -tall * 0.74}, 0.06, 0.05, 0)
	}
}

package demo

import "math"

func tree(p *plate) {
	r := p.rng
	p.bare()
	p.sky(-1.0, 0.5)
	p.ground(0.66)
	p.scale *= between(r, 0.95, 1.08)
	p.centre.x += between(r, -0.1, 0.1) * p.scale
	switch r.IntN(5) {
	case 0:
		p.firTree()
	case 1:
		p.bareTree(point{0, 0.76}, -math.Pi/2+between(r, -0.08, 0.08), 0.46, between(r, 0.075, 0.1), 6)
	default:
		p.leafTree()
	}
}

// leafTree is a broad crown of leafy masses on a forked trunk.
func (p *plate) leafTree() {
	r := p.rng
	lean := between(r, -0.08, 0.08)
	trunk := between(r, 0.075, 0.12)
	crown := point{lean, between(r, -0.36, -0.22)}
	wide, high := between(r, 0.58, 0.82), between(r, 0.46, 0.62)
	p.blob(round(0.15, 0.95), hatch{absolute: true, angle: 1.4},
		point{-trunk * 2, 0.8}, point{-trunk * 1.05, 0.62}, point{-trunk*0.8 + lean*0.5, 0.3}, point{-trunk*2.2 + lean, -0.2}, point{-trunk*0.4 + lean, -0.02}, point{lean, -0.3},
		point{trunk*0.5 + lean, -0.02}, point{trunk*2.4 + lean, -0.2}, point{trunk*0.9 + lean*0.5, 0.3}, point{trunk * 1.1, 0.62}, point{trunk * 2.1, 0.8}, point{0, 0.77})
	n := 9 + r.IntN(6)
	for i := range n { // far masses first, round the rim, then the middle
		a := float64(i)/float64(n)*2*math.Pi + between(r, -0.2, 0.2)
		k := 0.72
		if i%3 == 2 {
			k = 0.3
		}
		p.foliage(point{crown.x + wide*k*math.Cos(a), crown.y + high*k*math.Sin(a)}, between(r, 0.2, 0.3))
	}
	p.foliage(point{crown.x - 0.1, crown.y - 0.1}, between(r, 0.26, 0.34))
	p.foliage(point{crown.x + 0.2, crown.y + 0.08}, between(r, 0.2, 0.28))
}

// foliage is one mass of leaves: a scalloped edge and curls inside.
func (p *plate) foliage(c point, size float64) {
	r := p.rng
	turn := r.Float64()
	pts := p.lobes(c, size*1.18, size, turn, turn+2*math.Pi, 8+r.IntN(5))
	p.poly(ball(0.02, 0.9), hatch{angle: between(r, -0.3, 0.3), thick: 0.9}, pts...)
	for range 6 {
		q := point{c.x + between(r, -0.6, 0.6)*size, c.y + between(r, -0.6, 0.6)*size}
		d := size * 0.16
		p.stroke(0.8, point{q.x - d, q.y}, point{q.x - d*0.4, q.y - d*0.8}, point{q.x + d*0.3, q.y - d*0.7}, point{q.x + d, q.y + d*0.1})
	}
}

// firTree is tiers of hanging boughs.
func (p *plate) firTree() {
	r := p.rng
	p.rod(round(0.2, 0.9), hatch{}, point{0, 0.8}, point{0, 0.3}, 0.08, 0.06)
	tiers := 5 + r.IntN(3)
	wide := between(r, 0.48, 0.66)
	for i := range tiers {
		f := float64(tiers-i) / float64(tiers) // widest first, at the bottom
		low := lerp(-0.72, 0.52, f)
		half := wide * f
		top := low - 0.5*(0.5+0.5*f)
		pts := []point{{0, top}}
		teeth := 4 + int(4*f)
		for k := range teeth + 1 {
			x := lerp(half, -half, float64(k)/float64(teeth))
			sag := 0.08 * (1 - (x/half)*(x/half))
			pts = append(pts, point{x, low + sag + between(r, 0, 0.04)})
			if k < teeth {
				pts = append(pts, point{x - half/float64(teeth), low + sag - 0.06})
			}
		}
		p.poly(round(0.12, 0.92), hatch{absolute: true, angle: 1.15}, pts...)
	}
}

// bareTree forks again and again, as in winter.
func (p *plate) bareTree(at point, angle, length, half float64, depth int) {
	r := p.rng
	s, c := math.Sincos(angle)
	end := point{at.x + c*length, at.y + s*length}
	bend := between(r, -0.1, 0.1) * length
	mid := point{(at.x+end.x)/2 - s*bend, (at.y+end.y)/2 + c*bend}
	if half > 0.016 {
		p.rod(slope(0.2, 0.85), hatch{absolute: true, angle: angle}, at, mid, half, half*0.85)
		p.rod(slope(0.2, 0.85), hatch{absolute: true, angle: angle}, mid, end, half*0.85, half*0.68)
	} else {
		w := max(half*p.scale/p.tool.line*1.3, 0.7)
		p.stroke(w, at, mid, end)
	}
	if depth == 0 {
		return
	}
	n := 2
	if chance(r, 0.35) {
		n = 3
	}
	for i := range n {
		spread := between(r, 0.32, 0.62) * (float64(i)*2/float64(n-1) - 1)
		p.bareTree(end, angle+spread+between(r, -0.12, 0.12), length*between(r, 0.66, 0.82), half*0.66, depth-1)
	}
}

func fish(p *plate) {
	r := p.rng
	p.turn(between(r, -0.16, 0.16))
	p.scale *= between(r, 0.98, 1.14)
	high := between(r, 0.24, 0.42) // half the height: from pike to bream
	tail := between(r, 0.24, 0.34)
	nose, blunt := between(r, 0.66, 0.82), between(r, 0.92, 1.15)
	body := func(t float64, s float64) point { // t from snout 0 to tail 1
		y := high * math.Pow(math.Sin(math.Pi*math.Pow(t, nose)), blunt)
		return point{lerp(0.92, -0.6, t), s*max(y, 0.07*t) + 0.02}
	}
	// Fins behind the body.
	ray := func(pts []point, t tone) { p.blob(t, hatch{absolute: true, angle: 1.9}, pts...) }
	d0, d1 := between(r, 0.3, 0.4), between(r, 0.62, 0.8)
	a, b := body(d0, -1), body(d1, -1)
	up := between(r, 0.12, 0.24)
	ray([]point{{a.x, a.y + 0.05}, {a.x - 0.05, a.y - up}, {(a.x+b.x)/2 - 0.05, (a.y+b.y)/2 - up*0.8}, {b.x - 0.08, b.y - up*0.35}, {b.x, b.y + 0.05}}, flat(0.4))
	a, b = body(0.66, 1), body(0.82, 1)
	ray([]point{{a.x, a.y - 0.04}, {a.x - 0.1, a.y + 0.17}, {b.x - 0.1, b.y + 0.09}, {b.x, b.y - 0.04}}, flat(0.4))
	a = body(0.42, 1)
	ray([]point{{a.x, a.y - 0.05}, {a.x - 0.06, a.y + 0.16}, {a.x - 0.2, a.y + 0.1}, {a.x - 0.14, a.y - 0.05}}, flat(0.4))
	// Tail: forked or fanned.
	notch := between(r, -0.02, 0.16)
	p.blob(slope(0.6, 0.25), hatch{absolute: true, angle: 0.05},
		point{-0.52, -0.06}, point{-0.68, -0.14}, point{-0.95, -tail}, point{-0.95 + notch*0.6, -tail * 0.4}, point{-0.95 + notch, 0.02}, point{-0.95 + notch*0.6, tail * 0.4}, point{-0.95, tail}, point{-0.68, 0.16}, point{-0.52, 0.1})
	for _, f := range []float64{-0.7, -0.35, 0, 0.35, 0.7} {
		p.stroke(0.7, point{-0.6, f * 0.12}, point{-0.74, f * tail * 0.6}, point{-0.88, f * tail * 0.95})
	}
	var outline []point
	for i := range 15 {
		outline = append(outline, body(float64(i)/14, -1))
	}
	for i := range 14 {
		outline = append(outline, body(1-float64(i)/14, 1))
	}
	px := spline(p.pixels(outline), true, 4)
	belly := func(_, v float64) float64 { return 0.62 - 1.0*v + 0.75*v*v*v }
	p.lay(belly, hatch{absolute: true, angle: 0.03}, px)
	if chance(r, 0.8) {
		p.scales(px, body, between(r, 0.075, 0.11))
	} else { // stripes, as on a perch
		for i := range 6 {
			t := 0.36 + 0.09*float64(i)
			u, d := body(t, -1), body(t, 1)
			p.stroke(2.6, point{u.x, u.y + 0.02}, point{u.x - 0.03, lerp(u.y, d.y, 0.3)}, point{u.x, lerp(u.y, d.y, 0.62)})
		}
	}
	p.lay(flat(0), hatch{none: true}, spline(p.pixels(head(body)), true, 4))
	p.lay(fall(0.55, 0.1), hatch{absolute: true, angle: 0.7}, spline(p.pixels(head(body)), true, 4))
	g := body(0.27, 0)
	p.stroke(1.6, point{g.x + 0.02, body(0.27, -1).y * 0.75}, point{g.x - 0.05, 0}, point{g.x + 0.03, body(0.27, 1).y * 0.8})
	e := body(0.13, -0.42)
	p.ellipse(flat(0), hatch{thick: 1.1}, e, 0.055, 0.055, 0)
	p.ellipse(flat(1), hatch{}, e, 0.022, 0.022, 0)
	m := body(0.0, 1)
	p.stroke(1.3, point{m.x - 0.01, 0.04}, point{m.x - 0.08, 0.075}, point{m.x - 0.14, 0.07})
	f := body(0.36, 0.3)
	p.blob(slope(0.55, 0.2), hatch{absolute: true, angle: 0.5}, f, point{f.x - 0.12, f.y - 0.03}, point{f.x - 0.27, f.y + 0.07}, point{f.x - 0.2, f.y + 0.14}, point{f.x - 0.06, f.y + 0.09})
}

// head is the part of the fish before the gills.
func head(body func(t, s float64) point) []point {
	var pts []point
	for i := range 7 {
		pts = append(pts, body(0.26*float64(i)/6, -0.985))
	}
	pts = append(pts, point{body(0.29, 0).x, 0.02})
	for i := range 6 {
		pts = append(pts, body(0.26*(1-float64(i)/6), 0.985))
	}
	return pts
}

// scales covers the body with rows of little arcs.
func (p *plate) scales(px []point, body func(t, s float64) point, size float64) {
	mask := fillPolygon(p.ink.w, p.ink.h, px)
	over := newLayer(p.ink.w, p.ink.h)
	keep := p.ink
	p.ink = over
	row := 0
	for x := 0.42; x > -0.6; x -= size * 0.72 {
		row++
		for k := -8; k <= 8; k++ {
			y := (float64(k) + 0.5*float64(row%2)) * size
			if math.Abs(y) > math.Abs(body((0.92-x)/1.52, 1).y) {
				continue
			}
			p.stroke(0.75, point{x, y - size*0.5}, point{x - size*0.45, y - size*0.28}, point{x - size*0.55, y}, point{x - size*0.45, y + size*0.28}, point{x, y + size*0.5})
		}
	}
	p.ink = keep
	for i, v := range over.v {
		if m := float32(mask.Pix[i]) / 255; v > 0 && m > 0 {
			keep.v[i] = max(keep.v[i], v*m)
		}
	}
}

func sun(p *plate) {
	r := p.rng
	p.turn(between(r, -0.2, 0.2))
	p.scale *= between(r, 0.95, 1.12)
	disc := between(r, 0.34, 0.46)
	n := []int{12, 16, 16, 20, 24}[r.IntN(5)]
	style := r.IntN(3)
	phase := r.Float64()
	for i := range n {
		a := (float64(i) + phase) / float64(n) * 2 * math.Pi
		wide := math.Pi / float64(n) * 0.92
		long := 0.98
		if i%2 == 1 {
			long = between(r, 0.74, 0.8)
		}
		at := func(d, turn float64) point {
			s, c := math.Sincos(a + turn)
			return point{c * d, s * d}
		}
		if style == 1 || (style == 2 && i%2 == 1) { // flames
			p.blob(slope(0.05, 0.5), hatch{absolute: true, angle: a}, at(disc*0.9, -wide), at(lerp(disc, long, 0.35), -wide*0.2), at(lerp(disc, long, 0.7), -wide*0.75), at(long, -wide*0.1),
				at(lerp(disc, long, 0.75), -wide*0.1), at(lerp(disc, long, 0.4), wide*0.75), at(disc*0.9, wide))
			continue
		}
		p.poly(flat(0), hatch{}, at(disc*0.9, -wide), at(long, 0), at(disc*0.9, wide))
		p.poly(flat(0.6), hatch{absolute: true, angle: a, none: true}, at(disc*0.9, 0), at(long, 0), at(disc*0.9, wide)) // the side in shade
		p.bar(0.7, at(disc, 0), at(long, 0))
	}
	p.ellipse(ball(0.0, 0.62), hatch{thick: 1.3, angle: 0.3}, point{}, disc, disc, 0)
	if chance(r, 0.8) {
		p.face(disc)
	} else {
		p.ellipse(ball(0.0, 0.5), hatch{}, point{}, disc*0.82, disc*0.82, 0)
	}
}

// face is the calm face that almanacs give the sun.
func (p *plate) face(d float64) {
	r := p.rng
	for _, s := range []float64{-1, 1} {
		x := s * d * 0.36
		p.blob(flat(0), hatch{thick: 1.1}, point{x - d*0.17, -d * 0.12}, point{x, -d * 0.22}, point{x + d*0.17, -d * 0.12}, point{x, -d * 0.05})
		p.ellipse(flat(1), hatch{}, point{x, -d * 0.13}, d*0.055, d*0.06, 0)
		p.stroke(1.7, point{x - d*0.22, -d * 0.3}, point{x, -d * 0.42}, point{x + d*0.22, -d * 0.31})
		p.stroke(0.8, point{s * d * 0.62, d * 0.18}, point{s * d * 0.5, d * 0.3}, point{s * d * 0.52, d * 0.42})
	}
	p.stroke(1.3, point{d * 0.07, -d * 0.3}, point{d * 0.1, 0}, point{d * 0.16, d * 0.2}, point{0, d * 0.27}, point{-d * 0.12, d * 0.2})
	smile := between(r, 0.0, 0.1)
	p.stroke(1.8, point{-d * 0.28, d * 0.46}, point{-d * 0.1, d * (0.47 + smile*0.6)}, point{0, d * (0.49 + smile*0.6)}, point{d * 0.1, d * (0.47 + smile*0.6)}, point{d * 0.28, d * 0.46})
	p.stroke(1.1, point{-d * 0.13, d * 0.6}, point{0, d * (0.64 + smile*0.4)}, point{d * 0.13, d * 0.6})
}

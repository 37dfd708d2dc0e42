package demo

import "math"

func windmill(p *plate) {
	r := p.rng
	p.bare()
	p.sky(-1.05, 0.45)
	p.clouds()
	p.ground(0.62)
	p.scale *= between(r, 0.94, 1.08)
	p.centre.x += between(r, -0.14, 0.14) * p.scale
	hub := point{between(r, -0.06, 0.06), between(r, -0.42, -0.28)}
	if chance(r, 0.4) {
		hub = p.postMill(hub)
	} else {
		hub = p.towerMill(hub)
	}
	p.sails(hub)
}

// towerMill is a tapering tower of stone or thatch with a cap.
func (p *plate) towerMill(hub point) point {
	r := p.rng
	foot, head := between(r, 0.34, 0.46), between(r, 0.19, 0.25)
	top, low := hub.y+0.06, 0.74
	bow := hatch{absolute: true, angle: 0.02, bow: 0.10}
	if chance(r, 0.4) {
		bow = hatch{absolute: true, angle: math.Pi/2 - 0.05}
	}
	p.poly(round(0.08, 0.85), bow, point{-head, top}, point{head, top}, point{foot, low}, point{0, low + 0.05}, point{-foot, low})
	// Cap: a boat turned over, or a cone.
	if chance(r, 0.5) {
		p.blob(round(0.2, 0.85), hatch{angle: 0.6}, point{-head * 1.2, top + 0.02}, point{-head * 0.9, top - 0.2}, point{0, top - 0.3}, point{head * 0.9, top - 0.2}, point{head * 1.2, top + 0.02}, point{0, top + 0.06})
	} else {
		p.poly(round(0.2, 0.9), hatch{angle: 0.6}, point{-head * 1.25, top + 0.02}, point{0, top - 0.36}, point{head * 1.25, top + 0.02}, point{0, top + 0.06})
	}
	at := func(f, x float64) point { return point{x * lerp(head, foot, f), lerp(top, low, f)} }
	if chance(r, 0.5) { // gallery
		a, b := at(0.55, -1.5), at(0.55, 1.5)
		p.poly(fall(0.1, 0.6), hatch{absolute: true}, a, b, point{b.x, b.y + 0.045}, point{a.x, a.y + 0.045})
		for i := range 9 {
			x := lerp(a.x, b.x, float64(i)/8)
			p.bar(0.7, point{x, a.y}, point{x, a.y - 0.09})
		}
		p.bar(0.9, point{a.x, a.y - 0.09}, point{b.x, b.y - 0.09})
		for _, s := range []float64{-1, 1} {
			p.bar(1.1, at(0.56, 1.4*s), at(0.72, s))
		}
	}
	door := at(1, -0.2)
	p.blob(flat(0.9), hatch{}, point{door.x - 0.07, low + 0.02}, point{door.x - 0.07, low - 0.2}, point{door.x, low - 0.25}, point{door.x + 0.07, low - 0.2}, point{door.x + 0.07, low + 0.02})
	for i := range 1 + r.IntN(3) {
		q := at(0.35+0.17*float64(i), 0.35-0.5*float64(i%2))
		p.poly(flat(0.95), hatch{}, point{q.x - 0.035, q.y - 0.05}, point{q.x + 0.035, q.y - 0.05}, point{q.x + 0.035, q.y + 0.05}, point{q.x - 0.035, q.y + 0.05})
	}
	return point{hub.x * 0.5, top - 0.06}
}

// postMill is a wooden house that turns on a trestle.
func (p *plate) postMill(hub point) point {
	r := p.rng
	half, top, low := between(r, 0.24, 0.31), hub.y-0.06, 0.32
	for _, x := range []float64{-1, -0.35, 0.35, 1} {
		p.rod(flat(0.5), hatch{}, point{x * 0.06, 0.3}, point{x * half * 1.25, 0.76}, 0.03, 0.035)
	}
	p.rod(slope(0.2, 0.8), hatch{}, point{0, 0.25}, point{0, 0.78}, 0.05, 0.06)
	p.bar(3, point{-half * 1.3, 0.76}, point{half * 1.3, 0.76})
	p.poly(slope(0.05, 0.45), hatch{absolute: true, angle: math.Pi / 2}, point{-half, top}, point{half * 0.75, top}, point{half * 0.75, low}, point{-half, low})
	p.poly(flat(0.75), hatch{absolute: true, angle: math.Pi / 2}, point{half * 0.75, top}, point{half * 1.15, top - 0.02}, point{half * 1.15, low - 0.04}, point{half * 0.75, low})
	p.poly(slope(0.35, 0.8), hatch{angle: 0.5}, point{-half * 1.12, top + 0.02}, point{-half * 0.5, top - 0.26}, point{half * 0.7, top - 0.26}, point{half * 1.22, top + 0.02})
	for i := range 5 {
		x := lerp(-half, half*0.75, float64(i+1)/6)
		p.bar(0.6, point{x, top + 0.02}, point{x, low})
	}
	p.rod(flat(0.4), hatch{}, point{half * 0.9, low - 0.02}, point{half*0.9 + 0.42, 0.8}, 0.03, 0.03) // tail pole
	p.poly(flat(0.95), hatch{}, point{-half * 0.5, 0.02}, point{-half * 0.1, 0.02}, point{-half * 0.1, 0.14}, point{-half * 0.5, 0.14})
	return point{-half * 0.12, top - 0.02}
}

// sails draws four arms with lattice or cloth.
func (p *plate) sails(hub point) {
	r := p.rng
	turn := between(r, 0, math.Pi/2)
	reach, wide := between(r, 0.66, 0.8), between(r, 0.13, 0.19)
	squash := between(r, 0.82, 1) // seen a little from the side
	cloth, rungs := r.IntN(3), 6+r.IntN(4)
	for arm := range 4 {
		s, c := math.Sincos(turn + float64(arm)*math.Pi/2)
		at := func(along, across float64) point {
			return point{hub.x + (c*along-s*across)*squash, hub.y + s*along + c*across}
		}
		from := 0.16
		shade := flat(0)
		if cloth == 1 || (cloth == 2 && arm%2 == 0) {
			shade = slope(0.15, 0.5)
		}
		p.poly(shade, hatch{thick: 0.9, angle: 0.4}, at(from, 0), at(reach, 0), at(reach, wide), at(from, wide))
		for i := 1; i < rungs; i++ {
			f := lerp(from, reach, float64(i)/float64(rungs))
			p.bar(0.75, at(f, -0.02), at(f, wide))
		}
		p.bar(0.7, at(from, wide*0.5), at(reach, wide*0.5))
		p.bar(2.4, hub, at(reach+0.03, 0))
	}
	p.ellipse(ball(0.1, 0.9), hatch{}, hub, 0.055, 0.055, 0)
}

func castle(p *plate) {
	r := p.rng
	p.bare()
	p.sky(-1.05, 0.4)
	p.clouds()
	p.ground(0.58)
	p.scale *= between(r, 0.95, 1.08)
	base := 0.66
	tiles := chance(r, 0.6)
	// A keep behind, wings, and a gate in front, in varying number and height.
	if chance(r, 0.65) {
		p.tower(between(r, -0.2, 0.2), 0.5, between(r, 0.17, 0.25), between(r, -0.55, -0.35), chance(r, 0.4))
	}
	wall := between(r, 0.02, 0.2)
	reach := between(r, 0.62, 0.78)
	p.battlement(-reach, reach, wall, base, slope(0.12, 0.5), 9+r.IntN(5))
	p.courses(-reach, reach, wall+0.08, base)
	side := between(r, 0.14, 0.2)
	for _, s := range []float64{-1, 1} {
		if chance(r, 0.9) {
			p.tower(s*reach, base+0.02, side*between(r, 0.9, 1.15), between(r, -0.42, -0.05), tiles)
		}
	}
	gate := between(r, -0.25, 0.25)
	if chance(r, 0.5) {
		p.tower(gate-0.24, base+0.03, 0.12, wall-between(r, 0.1, 0.25), tiles)
		p.tower(gate+0.24, base+0.03, 0.12, wall-between(r, 0.1, 0.25), tiles)
	}
	p.arch(gate, base+0.02, between(r, 0.09, 0.12), between(r, 0.26, 0.34))
}

// battlement is a wall from x0 to x1 with merlons on top.
func (p *plate) battlement(x0, x1, top, low float64, t tone, merlons int) {
	n := 2*merlons + 1
	pts := make([]point, 0, 2*n+2)
	for i := range n {
		y := top
		if i%2 == 1 {
			y = top + 0.07
		}
		pts = append(pts, point{lerp(x0, x1, float64(i)/float64(n)), y}, point{lerp(x0, x1, float64(i+1)/float64(n)), y})
	}
	pts = append(pts, point{x1, low}, point{x0, low})
	p.poly(t, hatch{angle: 0.3}, pts...)
}

// courses are the joints of some stones, where the mason's work shows.
func (p *plate) courses(x0, x1, top, low float64) {
	for range 10 + p.rng.IntN(14) {
		x, y := between(p.rng, x0+0.04, x1-0.12), between(p.rng, top, low-0.05)
		w := between(p.rng, 0.05, 0.09)
		p.bar(0.6, point{x, y}, point{x + w, y})
		p.bar(0.6, point{x, y}, point{x, y + 0.04})
		p.bar(0.6, point{x + w, y}, point{x + w, y + 0.04})
	}
}

// tower is round, with a crown of merlons or a pointed roof, and perhaps a flag.
func (p *plate) tower(x, low, half, top float64, roofed bool) {
	r := p.rng
	tip := point{x, top - 0.1}
	if roofed {
		tip.y = top - between(r, 0.28, 0.46)
	}
	if chance(r, 0.45) {
		p.bar(0.9, point{x, tip.y + 0.05}, point{x, tip.y - 0.22})
		s := between(r, 0.13, 0.2)
		p.poly(slope(0.1, 0.7), hatch{}, point{x, tip.y - 0.22}, point{x + s, tip.y - 0.17}, point{x, tip.y - 0.11})
	}
	p.poly(round(0.08, 0.88), hatch{absolute: true, bow: 0.09}, point{x - half, top + 0.05}, point{x + half, top + 0.05}, point{x + half*1.04, low}, point{x, low + 0.04}, point{x - half*1.04, low})
	over := half * 1.2
	if roofed {
		p.poly(round(0.25, 0.95), hatch{angle: 0.7}, point{x - over, top + 0.06}, tip, point{x + over, top + 0.06}, point{x, top + 0.1})
	} else {
		p.battlement(x-over, x+over, top-0.06, top+0.13, round(0.05, 0.7), 3)
		p.bar(1, point{x - over, top + 0.13}, point{x + over, top + 0.13})
	}
	for i := range 1 + r.IntN(3) {
		y := top + 0.24 + 0.2*float64(i)
		if y > low-0.12 {
			break
		}
		wx := x + between(r, -0.35, 0.15)*half
		p.blob(flat(0.98), hatch{}, point{wx - 0.022, y - 0.05}, point{wx + 0.022, y - 0.05}, point{wx + 0.022, y + 0.05}, point{wx - 0.022, y + 0.05})
	}
}

// arch is a gate with a portcullis.
func (p *plate) arch(x, low, half, tall float64) {
	p.poly(flat(0.96), hatch{thick: 1.6}, point{x - half, low}, point{x - half, low - tall*0.6}, point{x - half*0.7, low - tall*0.86}, point{x, low - tall}, point{x + half*0.7, low - tall*0.86}, point{x + half, low - tall*0.6}, point{x + half, low})
	for i := range 4 {
		f := -0.6 + 0.4*float64(i)
		p.ink0(0.5, point{x + f*half, low - 0.02}, point{x + f*half, low - tall*0.5}, point{x + f*half, low - tall*0.8})
	}
}

func ship(p *plate) {
	r := p.rng
	p.bare()
	p.sky(-1.05, 0.5)
	p.clouds()
	p.scale *= between(r, 0.94, 1.06)
	heel := r.NormFloat64() * 0.04
	base := math.Atan2(p.sin, p.cos)
	sea := between(r, 0.56, 0.64)
	p.turn(base + heel)
	masts := 1 + r.IntN(3)
	long := []float64{0.58, 0.72, 0.82}[masts-1] * between(r, 0.94, 1.06)
	deck := sea - between(r, 0.2, 0.28)
	stern := deck - between(r, 0.08, 0.24)
	// Bowsprit and stays first, the hull stands before them.
	p.rod(flat(0.5), hatch{}, point{long * 0.85, deck - 0.02}, point{long + 0.32, deck - 0.24}, 0.022, 0.012)
	tops := []float64{-0.92, -0.98, -0.8}
	at := [][]float64{{0.05}, {-0.32, 0.32}, {-0.52, 0.02, 0.5}}[masts-1]
	for i, f := range at {
		x := f * long
		top := tops[(i+masts)%3] * between(r, 0.9, 1)
		p.bar(0.6, point{x, top + 0.1}, point{x - 0.26, deck})
		p.bar(0.6, point{x, top + 0.1}, point{x - 0.18, deck})
		p.rod(slope(0.2, 0.8), hatch{}, point{x, deck + 0.05}, point{x, top}, 0.026, 0.012)
		p.pennant(point{x, top})
	}
	lateen := masts == 1 && chance(r, 0.5)
	for i, f := range at {
		x := f * long
		top := tops[(i+masts)%3] * 0.9
		room := deck - 0.08 - top
		half := long * []float64{0.52, 0.34, 0.235}[masts-1]
		if lateen {
			p.bar(1.6, point{x - 0.62*long, deck - 0.2}, point{x + 0.62*long, top - 0.02})
			p.blob(slope(0.05, 0.55), hatch{absolute: true, angle: 1.2, bow: 0.1}, point{x - 0.6*long, deck - 0.2}, point{x, (deck+top)/2 - 0.1}, point{x + 0.6*long, top}, point{x + 0.5*long, (deck+top)/2 + 0.1}, point{x + 0.2*long, deck - 0.07}, point{x - 0.2*long, deck - 0.1})
			continue
		}
		n := 2 + r.IntN(2)
		for k := range n {
			y0 := top + 0.08 + room*0.93*float64(k)/float64(n)
			y1 := top + 0.08 + room*0.93*float64(k+1)/float64(n) - 0.04
			p.squareSail(x, y0, y1, half*(0.68+0.32*float64(k)/float64(n-1)), half*(0.80+0.32*float64(k)/float64(n-1)))
		}
	}
	if chance(r, 0.75) { // a jib to the bowsprit
		m := at[len(at)-1] * long
		p.blob(slope(0.05, 0.45), hatch{angle: 0.7}, point{m + 0.1, tops[0] * 0.6}, point{m + 0.3, deck - 0.35}, point{long + 0.26, deck - 0.22}, point{m + 0.32, deck - 0.14}, point{m + 0.2, deck - 0.3})
	}
	p.hull(long, deck, stern, sea)
	p.turn(base)
	p.water(sea, between(r, 0.95, 1.08))
}

func (p *plate) pennant(top point) {
	l := between(p.rng, 0.14, 0.3)
	p.blob(slope(0.1, 0.8), hatch{}, point{top.x, top.y - 0.01}, point{top.x + l*0.5, top.y - 0.035}, point{top.x + l, top.y + 0.01}, point{top.x + l*0.5, top.y + 0.02}, point{top.x, top.y + 0.06})
}

// squareSail hangs from a yard, swollen by the wind.
func (p *plate) squareSail(x, y0, y1, upper, lower float64) {
	belly := between(p.rng, 0.05, 0.1)
	var pts []point
	for i := range 7 { // down the right side, which swells
		t := float64(i) / 6
		pts = append(pts, point{x + lerp(upper, lower, t) + belly*math.Sin(t*math.Pi), lerp(y0, y1, t)})
	}
	for i := range 7 {
		t := float64(i) / 6
		pts = append(pts, point{x + lerp(lower, -lower, t), y1 - 0.07*math.Sin(t*math.Pi)})
	}
	for i := range 7 {
		t := float64(i) / 6
		pts = append(pts, point{x - lerp(lower, upper, t) + belly*0.6*math.Sin(t*math.Pi), lerp(y1, y0, t)})
	}
	p.poly(func(u, v float64) float64 { return 0.04 + 0.55*u*u + 0.25*v*v*u }, hatch{absolute: true, angle: math.Pi/2 - 0.12, bow: 0.05}, pts...)
	p.bar(2, point{x - upper - 0.04, y0}, point{x + upper + 0.05, y0})
}

// hull carries a raised stern on the left and the bow on the right.
func (p *plate) hull(long, deck, stern, sea float64) {
	r := p.rng
	p.poly(fall(0.25, 0.9), hatch{absolute: true, angle: 0.03, bow: -0.04},
		point{-long * 1.02, stern}, point{-long * 0.62, stern + 0.03}, point{-long * 0.58, deck + 0.02}, point{0, deck + 0.05}, point{long * 0.6, deck + 0.01}, point{long * 1.05, deck - 0.07},
		point{long * 0.96, deck + 0.1}, point{long * 0.8, sea + 0.08}, point{-long * 0.84, sea + 0.08}, point{-long * 0.95, deck + 0.08})
	p.ink0(1.2, point{-long * 0.92, deck + 0.09}, point{0, deck + 0.12}, point{long * 0.9, deck + 0.07})
	if chance(r, 0.6) {
		n := 5 + r.IntN(4)
		for i := range n {
			x := lerp(-long*0.7, long*0.7, float64(i)/float64(n-1))
			p.poly(flat(0), hatch{}, point{x - 0.024, deck + 0.13}, point{x + 0.024, deck + 0.13}, point{x + 0.024, deck + 0.17}, point{x - 0.024, deck + 0.17})
		}
	}
	for i := range 3 {
		x := -long * (0.68 + 0.11*float64(i))
		p.poly(flat(0), hatch{}, point{x - 0.022, stern + 0.06}, point{x + 0.022, stern + 0.06}, point{x + 0.022, stern + 0.12}, point{x - 0.022, stern + 0.12})
	}
}

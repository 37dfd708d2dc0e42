package demo

import "math"

// subjects gives the drawing of every keyword. A drawing fills about -1 to 1,
// leaves nothing open to doubt, and shows no other keyword.
func subjects() map[string]func(*plate) {
	return map[string]func(*plate){
		"windmill": windmill, "ship": ship, "fish": fish, "bird": bird, "tree": tree, "key": key,
		"crown": crown, "castle": castle, "anchor": anchor, "sun": sun, "bell": bell,
		"hourglass": hourglass, "butterfly": butterfly,
	}
}

func key(p *plate) {
	r := p.rng
	// Held in any direction that a plate of ironwork may show it.
	p.turn([...]float64{0, math.Pi / 2, -math.Pi / 2, math.Pi / 4, -math.Pi / 4, math.Pi}[r.IntN(6)] + between(r, -0.12, 0.12))
	p.scale *= between(r, 0.92, 1.12)
	if chance(r, 0.15) {
		a := between(r, 0.55, 0.75)
		base := math.Atan2(p.sin, p.cos)
		p.turn(base - a)
		oneKey(p)
		p.turn(base + a)
		oneKey(p)
		return
	}
	oneKey(p)
}

func oneKey(p *plate) {
	r := p.rng
	shaft := between(r, 0.045, 0.075)
	bow := between(r, 0.25, 0.34)
	end := 0.95
	metal := fall(0.08, 0.75)
	// Bit: a plate with slots cut out of it.
	deep, wide := between(r, 0.26, 0.4), between(r, 0.22, 0.34)
	x1 := end - between(r, 0.03, 0.12)
	x0 := x1 - wide
	p.poly(slope(0.2, 0.55), hatch{}, point{x0, 0}, point{x1, 0}, point{x1, deep}, point{x0, deep})
	slots := 1 + r.IntN(3)
	for i := range slots {
		x := x0 + wide*(float64(i)+0.5)/float64(slots)
		s := wide * 0.10
		top := deep * between(r, 0.35, 0.6)
		p.poly(flat(0), hatch{}, point{x - s, deep + 0.02}, point{x - s, top}, point{x + s, top}, point{x + s, deep + 0.02})
		p.poly(flat(0), hatch{none: true}, point{x - s*0.8, deep - 0.02}, point{x + s*0.8, deep - 0.02}, point{x + s*0.8, deep + 0.06}, point{x - s*0.8, deep + 0.06})
	}
	if chance(r, 0.5) {
		y := deep * 0.5
		p.poly(flat(0), hatch{}, point{x0 - 0.01, y - 0.025}, point{x0 + wide*0.3, y - 0.025}, point{x0 + wide*0.3, y + 0.025}, point{x0 - 0.01, y + 0.025})
	}
	p.rod(metal, hatch{absolute: true, angle: math.Atan2(p.sin, p.cos)}, point{-0.5, 0}, point{end, 0}, shaft, shaft*0.92)
	// Collars.
	for _, x := range []float64{-0.36, -0.36 + between(r, 0.1, 0.2)} {
		p.blob(metal, hatch{}, point{x - 0.04, -shaft * 1.9}, point{x + 0.04, -shaft * 1.9}, point{x + 0.05, 0}, point{x + 0.04, shaft * 1.9}, point{x - 0.04, shaft * 1.9}, point{x - 0.05, 0})
	}
	c := point{-0.4 - bow, 0}
	ring := bow * between(r, 0.52, 0.66)
	switch r.IntN(4) {
	case 0: // plain ring
		p.ellipse(ball(0.1, 0.8), hatch{}, c, bow, bow, 0)
		p.ellipse(flat(0), hatch{}, c, ring, ring, 0)
	case 1: // kidney or oval
		p.ellipse(ball(0.1, 0.8), hatch{}, c, bow*0.8, bow*1.2, 0)
		p.ellipse(flat(0), hatch{}, c, ring*0.72, ring*1.22, 0)
	case 2: // trefoil
		for _, a := range []float64{math.Pi, 2.0, -2.0} {
			q := point{c.x + 0.15 + bow*0.62*math.Cos(a), bow * 0.75 * math.Sin(a)}
			p.ellipse(ball(0.1, 0.8), hatch{}, q, bow*0.56, bow*0.56, 0)
			p.ellipse(flat(0), hatch{}, q, bow*0.27, bow*0.27, 0)
		}
	case 3: // lozenge with four eyes
		p.poly(ball(0.1, 0.7), hatch{thick: 1.2}, point{c.x - bow, 0}, point{c.x, -bow}, point{c.x + bow, 0}, point{c.x, bow})
		for _, a := range []float64{0, 1, 2, 3} {
			s, k := math.Sincos(a * math.Pi / 2)
			q := point{c.x + bow*0.42*k, bow * 0.42 * s}
			p.ellipse(flat(0), hatch{}, q, bow*0.17, bow*0.17, 0)
		}
	}
}

func crown(p *plate) {
	r := p.rng
	p.turn(between(r, -0.13, 0.13))
	p.scale *= between(r, 0.95, 1.15)
	half, flare := between(r, 0.6, 0.74), between(r, 0.06, 0.2)
	base, band := between(r, 0.42, 0.6), between(r, 0.18, 0.26)
	points := []int{5, 5, 7, 9}[r.IntN(4)]
	height := between(r, 0.45, 0.75)
	style, arched := r.IntN(3), chance(r, 0.4)
	sag := 0.12
	edge := func(f, y float64) point { // f from -1 to 1 along the band
		return point{f * (half + flare*(base-y)), y + sag*(1-f*f)}
	}
	// The inside, dark, seen over the band.
	top := base - band
	p.ellipse(flat(0.75), hatch{}, point{0, top + 0.01}, half+flare*band, sag*0.9, 0)
	if arched {
		for _, f := range []float64{-1, -0.45, 0.45, 1} {
			x := f * half
			p.stroke(6.5, point{x, top}, point{x * 1.25, top - height*0.7}, point{x * 0.6, top - height*1.12}, point{0, top - height*1.05})
			p.ink0(3.6, point{x, top}, point{x * 1.25, top - height*0.7}, point{x * 0.6, top - height*1.12}, point{0, top - height*1.05})
		}
		p.ellipse(ball(0.05, 0.8), hatch{}, point{0, top - height*1.16}, 0.1, 0.1, 0)
		p.bar(2.4, point{0, top - height*1.26}, point{0, top - height*1.26 - 0.17})
		p.bar(2.4, point{-0.065, top - height*1.26 - 0.1}, point{0.065, top - height*1.26 - 0.1})
		height *= 0.62
	}
	for i := range points {
		f := -1 + 2*float64(i)/float64(points-1)
		a, b := edge(max(f-0.9/float64(points), -1), top), edge(min(f+0.9/float64(points), 1), top)
		tip := edge(f, top-height*(1-0.12*f*f))
		if style != 1 && i%2 == 1 {
			tip = edge(f, top-height*0.6)
		}
		a.y, b.y = a.y+0.05, b.y+0.05
		p.poly(slope(0.08, 0.5), hatch{}, a, tip, b)
		switch {
		case style == 0: // pearls
			p.ellipse(ball(0.0, 0.7), hatch{}, tip, 0.06, 0.06, 0)
		case style == 1: // strawberry leaves
			for _, d := range []point{{-0.085, 0.03}, {0.085, 0.03}, {0, -0.08}} {
				p.ellipse(ball(0.05, 0.6), hatch{}, point{tip.x + d.x, tip.y + d.y}, 0.07, 0.07, 0)
			}
		default:
			p.ellipse(ball(0.1, 0.6), hatch{}, point{tip.x, tip.y + 0.02}, 0.045, 0.09, 0)
		}
	}
	// Band: bowed downwards, as seen from a little above.
	var ring []point
	for i := range 13 {
		ring = append(ring, edge(-1+float64(i)/6, top))
	}
	for i := range 13 {
		ring = append(ring, edge(1-float64(i)/6, base))
	}
	p.poly(round(0.05, 0.7), hatch{absolute: true, angle: math.Pi / 2}, ring...)
	rim := func(y float64) {
		p.stroke(1, edge(-1, y), edge(-0.5, y), edge(0, y), edge(0.5, y), edge(1, y))
	}
	rim(top + 0.035)
	rim(base - 0.035)
	stones := 3 + 2*r.IntN(3)
	for i := range stones {
		f := -0.84 + 1.68*float64(i)/float64(stones-1)
		q := edge(f, (top+base)/2)
		if i%2 == 0 {
			p.ellipse(ball(0.2, 0.95), hatch{}, q, 0.05*(1.15-math.Abs(f)*0.5), 0.055, 0)
		} else {
			p.poly(ball(0.0, 0.5), hatch{}, point{q.x - 0.05, q.y}, point{q.x, q.y - 0.06}, point{q.x + 0.05, q.y}, point{q.x, q.y + 0.06})
		}
	}
	if chance(r, 0.5) {
		p.shadowUnder(point{0.08, base + sag + 0.06}, half*0.9)
	}
}

// ink0 takes ink away along a line: the bright middle of a band.
func (p *plate) ink0(width float64, pts ...point) {
	gap := newLayer(p.ink.w, p.ink.h)
	px := spline(p.pixels(pts), false, 3)
	gap.polyline(px, p.tool.line*width)
	for i, v := range gap.v {
		if v > 0 {
			p.ink.v[i] *= 1 - v
		}
	}
}

func anchor(p *plate) {
	r := p.rng
	p.turn([...]float64{0, 0, 0.35, -0.35, 0.7}[r.IntN(5)] + between(r, -0.1, 0.1))
	p.scale *= between(r, 0.92, 1.1)
	shank := between(r, 0.05, 0.085)
	reach, curve := between(r, 0.55, 0.74), between(r, 0.28, 0.42)
	iron := slope(0.1, 0.75)
	// Arms: a crescent with pointed bills.
	bottom := 0.86
	thick := between(r, 0.11, 0.16)
	p.blob(ball(0.1, 0.8), hatch{},
		point{-reach, bottom - curve - 0.04}, point{-reach * 0.8, bottom - curve*0.45}, point{-reach * 0.4, bottom - 0.06}, point{0, bottom + thick*0.4},
		point{reach * 0.4, bottom - 0.06}, point{reach * 0.8, bottom - curve*0.45}, point{reach, bottom - curve - 0.04},
		point{reach * 0.7, bottom - curve*0.62}, point{reach * 0.35, bottom - 0.06 - thick*0.9}, point{0, bottom - thick}, point{-reach * 0.35, bottom - 0.06 - thick*0.9}, point{-reach * 0.7, bottom - curve*0.62})
	fluke := between(r, 0.15, 0.22)
	for _, s := range []float64{-1, 1} {
		x, y := s*reach, bottom-curve
		p.poly(ball(0.15, 0.85), hatch{}, point{x + s*0.05, y - 0.13}, point{x + s*fluke*0.35, y + 0.16}, point{x - s*fluke*0.55, y + 0.2}, point{x - s*fluke*0.95, y - 0.02})
	}
	p.rod(iron, hatch{angle: 0, absolute: true}, point{0, -0.62}, point{0, bottom - thick*0.6}, shank*0.85, shank*1.35)
	p.ellipse(ball(0.1, 0.85), hatch{}, point{0, -0.78}, 0.16, 0.16, 0)
	p.ellipse(flat(0), hatch{}, point{0, -0.78}, 0.10, 0.10, 0)
	// Stock: wooden and thick, or an iron rod with balls.
	y := -0.5
	half := between(r, 0.42, 0.58)
	if chance(r, 0.5) {
		p.poly(fall(0.12, 0.65), hatch{absolute: true}, point{-half, y - 0.05}, point{0, y - 0.1}, point{half, y - 0.05}, point{half, y + 0.05}, point{0, y + 0.1}, point{-half, y + 0.05})
		for _, f := range []float64{-0.6, -0.25, 0.25, 0.6} {
			p.bar(1.6, point{f * half, y - 0.085}, point{f * half, y + 0.085})
		}
	} else {
		p.rod(fall(0.1, 0.7), hatch{absolute: true}, point{-half, y}, point{half, y}, 0.04, 0.04)
		for _, s := range []float64{-1, 1} {
			p.ellipse(ball(0.05, 0.85), hatch{}, point{s * half, y}, 0.08, 0.08, 0)
		}
	}
	if chance(r, 0.55) { // cable
		s := [...]float64{-1, 1}[r.IntN(2)]
		p.rope(point{0, -0.9}, point{s * 0.3, -0.82}, point{s * 0.34, -0.2}, point{-s * 0.22, 0.15}, point{-s * 0.2, 0.5}, point{s * 0.3, 0.55}, point{s * 0.62, 0.25}, point{s * 0.95, 0.3})
	}
}

// rope lays a twisted cord along a smooth line.
func (p *plate) rope(pts ...point) {
	const half = 0.032
	px := spline(p.pixels(pts), false, 2)
	w := half * p.scale
	p.ink.polyline(px, w)
	bare := newLayer(p.ink.w, p.ink.h)
	bare.polyline(px, w-p.tool.line*1.5)
	for i, v := range bare.v {
		if v > 0 {
			p.ink.v[i] *= 1 - v
		}
	}
	run := 0.0
	for i := 2; i < len(px)-2; i++ {
		d := dist(px[i-1], px[i])
		run += d
		if run < w*1.1 || d == 0 {
			continue
		}
		run = 0
		dx, dy := (px[i].x-px[i-1].x)/d, (px[i].y-px[i-1].y)/d
		c := px[i]
		p.ink.capsule(point{c.x - dy*w - dx*w*0.6, c.y + dx*w - dy*w*0.6}, point{c.x + dy*w + dx*w*0.6, c.y - dx*w + dy*w*0.6}, p.tool.line*0.7, p.tool.line*0.7, 1)
	}
}

func bell(p *plate) {
	r := p.rng
	p.turn(between(r, -0.3, 0.3))
	p.scale *= between(r, 0.95, 1.12)
	mouth, shoulder := between(r, 0.58, 0.74), between(r, 0.27, 0.36)
	low := 0.62
	if chance(r, 0.35) { // hung from a beam
		p.poly(fall(0.15, 0.7), hatch{absolute: true, angle: 0.02}, point{-0.85, -0.98}, point{0.85, -0.98}, point{0.85, -0.78}, point{-0.85, -0.78})
	}
	// Canons.
	for _, x := range []float64{-0.13, 0.13, 0} {
		p.ellipse(round(0.1, 0.7), hatch{}, point{x, -0.72}, 0.10, 0.14, 0)
		p.ellipse(flat(0.05), hatch{}, point{x, -0.72}, 0.05, 0.085, 0)
	}
	// Clapper, behind the lip.
	p.rod(slope(0.2, 0.7), hatch{}, point{0.02, 0.3}, point{0.05, 0.78}, 0.03, 0.04)
	p.ellipse(ball(0.1, 0.9), hatch{}, point{0.05, 0.8}, 0.10, 0.12, 0)
	bow := hatch{absolute: true, bow: 0.12}
	if chance(r, 0.4) {
		bow = hatch{absolute: true, angle: 1.35}
	}
	p.blob(round(0.04, 0.95), bow,
		point{0, -0.62}, point{shoulder * 0.8, -0.58}, point{shoulder * 1.08, -0.38}, point{shoulder * 1.2, 0}, point{shoulder*0.7 + mouth*0.42, 0.36}, point{mouth, low - 0.05}, point{mouth * 0.98, low + 0.03},
		point{mouth * 0.5, low + 0.12}, point{0, low + 0.14}, point{-mouth * 0.5, low + 0.12},
		point{-mouth * 0.98, low + 0.03}, point{-mouth, low - 0.05}, point{-shoulder*0.7 - mouth*0.42, 0.36}, point{-shoulder * 1.2, 0}, point{-shoulder * 1.08, -0.38}, point{-shoulder * 0.8, -0.58})
	hoop := func(y, half, sag, width float64) {
		p.stroke(width, point{-half, y}, point{-half * 0.5, y + sag*0.75}, point{0, y + sag}, point{half * 0.5, y + sag*0.75}, point{half, y})
	}
	for i := range 1 + r.IntN(3) {
		hoop(-0.36+float64(i)*0.05, shoulder*1.06, 0.05, 1.1)
	}
	hoop(low-0.14, mouth*0.9, 0.13, 1.6)
	hoop(low-0.07, mouth*0.97, 0.13, 0.9)
	if chance(r, 0.5) { // a band of ornament
		for i := range 7 {
			f := -0.75 + 0.25*float64(i)
			p.ellipse(flat(0.0), hatch{}, point{f * shoulder * 1.15, -0.14 + 0.055*(1-f*f)}, 0.03, 0.04, 0)
		}
	}
}

func hourglass(p *plate) {
	r := p.rng
	lean := [...]float64{0, 0, 0, 0.45, -0.45}[r.IntN(5)]
	upright := lean == 0
	p.turn(lean + between(r, -0.07, 0.07))
	p.scale *= between(r, 0.95, 1.1)
	half, tall := between(r, 0.42, 0.56), between(r, 0.72, 0.84)
	belly := half * between(r, 0.72, 0.84)
	level := between(r, 0.25, 0.75)
	post := between(r, 0.03, 0.055)
	for _, x := range []float64{-half * 0.55, half * 0.55} { // posts behind
		p.rod(flat(0.6), hatch{}, point{x, -tall}, point{x, tall}, post*0.7, post*0.7)
	}
	glass := func(s float64) {
		p.blob(round(0.0, 0.32), hatch{absolute: true, angle: 1.2},
			point{-0.025, 0}, point{-belly * 0.4, s * tall * 0.2}, point{-belly, s * tall * 0.52}, point{-belly * 0.86, s * tall * 0.9}, point{0, s * tall},
			point{belly * 0.86, s * tall * 0.9}, point{belly, s * tall * 0.52}, point{belly * 0.4, s * tall * 0.2}, point{0.025, 0})
	}
	glass(-1)
	glass(1)
	// Sand: sinking to a hollow above, heaped below.
	top := -tall * lerp(0.25, 0.6, level)
	wide := belly * lerp(0.5, 0.93, level)
	p.blob(flat(0.82), hatch{angle: 0.8}, point{-wide, top}, point{0, top + 0.07}, point{wide, top}, point{wide * 0.45, top * 0.45}, point{0.01, -0.03}, point{-wide * 0.45, top * 0.45})
	p.bar(0.9, point{0, -0.05}, point{0, tall * 0.9})
	heap := lerp(0.35, 0.75, 1-level) * tall
	p.blob(flat(0.82), hatch{angle: 0.8}, point{-belly * 0.84, tall * 0.93}, point{-belly * 0.45, tall - heap*0.5}, point{0, tall - heap}, point{belly * 0.45, tall - heap*0.5}, point{belly * 0.84, tall * 0.93}, point{0, tall * 0.97})
	// A glint down each bulb.
	for _, s := range []float64{-1, 1} {
		p.ink0(1.4, point{-belly * 0.72, s * tall * 0.42}, point{-belly * 0.78, s * tall * 0.6}, point{-belly * 0.68, s * tall * 0.78})
	}
	for _, s := range []float64{-1, 1} {
		y := s * tall
		p.poly(slope(0.08, 0.75), hatch{absolute: true}, point{-half * 1.22, y - 0.06}, point{half * 1.22, y - 0.06}, point{half * 1.22, y + 0.06}, point{-half * 1.22, y + 0.06})
		p.poly(slope(0.15, 0.7), hatch{absolute: true}, point{-half * 1.32, y + s*0.06 - 0.025}, point{half * 1.32, y + s*0.06 - 0.025}, point{half * 1.32, y + s*0.06 + 0.035}, point{-half * 1.32, y + s*0.06 + 0.035})
	}
	turned := chance(r, 0.6)
	for _, x := range []float64{-half * 1.06, half * 1.06} { // posts in front
		p.rod(slope(0.1, 0.7), hatch{}, point{x, -tall + 0.05}, point{x, tall - 0.05}, post, post)
		if turned {
			for _, y := range []float64{-0.5, 0, 0.5} {
				p.ellipse(ball(0.05, 0.75), hatch{}, point{x, y * tall}, post*1.8, post*1.5, 0)
			}
		}
	}
	if upright && chance(r, 0.5) {
		p.shadowUnder(point{0.06, tall + 0.13}, half*1.3)
	}
}

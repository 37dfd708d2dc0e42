package demo

import (
	"image"
	"math"
	"math/rand/v2"
)

// plateSide is the usual side of a classification picture in pixels.
const plateSide = 340

// plate is a block or copper being cut: shapes are laid over each other from
// back to front, each knocking out what is behind it, shaded with lines only.
//
// Subjects are drawn in units of their own: about -1 to 1 in both directions,
// y downwards, light from the upper left.
type plate struct {
	rng  *rand.Rand
	ink  *layer
	tool tool

	// Where the subject's units lie on the picture.
	centre   point
	scale    float64
	cos, sin float64
	flip     float64 // 1, or -1 when mirrored
}

// tool is how a workshop cuts: shared by the prints of one document.
type tool struct {
	step    float64 // pixels between hatching lines
	line    float64 // half width of an outline, pixels
	angle   float64 // usual direction of hatching
	cross   float64 // tone from which a second set of lines crosses the first
	heavy   float64 // factor on all tones
	wander  float64 // how far lines stray, pixels
	copper  bool    // fine lines, plate mark; otherwise a wood block
	ground  int     // behind things: 0 nothing, 1 ruled lines, 2 a patch of shade
	framing int     // 0 none, 1 rule, 2 double rule, 3 oval, 4 thick rule
}

func newTool(rng *rand.Rand) tool {
	t := tool{
		step: between(rng, 4.3, 6.4), line: between(rng, 1.0, 1.7),
		angle: between(rng, -0.9, 0.9), cross: between(rng, 0.55, 0.75), heavy: between(rng, 0.95, 1.3),
		wander: between(rng, 0.4, 1.5), framing: [...]int{0, 0, 0, 1, 1, 2, 3, 4}[rng.IntN(8)],
		ground: [...]int{0, 0, 1, 1, 2}[rng.IntN(5)],
	}
	if chance(rng, 0.4) {
		t.copper = true
		t.step, t.line = between(rng, 3.6, 4.6), between(rng, 0.9, 1.2)
	}
	return t
}

// drawPlate draws one print on the paper of its book.
func drawPlate(seed uint64, s Spec) *image.RGBA {
	subject := subjects()[s.Keyword]
	if subject == nil {
		panic("demo: no picture for keyword " + s.Keyword)
	}
	doc := newRand(seed, "document/"+s.Document)
	rng := newRand(seed, "plate/"+s.ID)
	st := newStock(doc)
	ink := newPress(doc)
	ink.spread = float32(between(doc, -0.02, 0.08))
	ink.rough *= 0.7
	ink.wear *= 0.6
	ink.depth = max(ink.depth, 0.86)
	through := float32(0)
	if chance(doc, 0.35) {
		through = float32(between(doc, 0.03, 0.10))
	}
	t := newTool(doc)

	w, h := plateSide+rng.IntN(17)-8, plateSide+rng.IntN(17)-8
	page := newSheet(rng, st, w, h)
	img := page.picture()
	if through > 0 {
		page.soil(img, verso(printedPage(doc, rng, w, h), 3), rgb{0.42, 0.34, 0.26}, through)
	}

	turn := rng.NormFloat64() * 0.02
	p := &plate{
		rng: rng, ink: newLayer(w, h), tool: t, flip: 1,
		centre: point{float64(w)/2 + between(rng, -9, 9), float64(h)/2 + between(rng, -9, 9)},
		scale:  float64(plateSide) * between(rng, 0.335, 0.405),
	}
	p.tool.angle += between(rng, -0.25, 0.25)
	p.tool.step *= between(rng, 0.92, 1.08)
	if chance(rng, 0.5) {
		p.flip = -1
	}
	p.turn(turn)
	p.field(turn)
	subject(p)
	p.flip = 1
	p.turn(turn)
	p.frame(page, img)

	ink.print(rng, p.ink)
	put(img, p.ink, image.Point{}, ink.colour)
	return img
}

// printedPage is a page of running text, to shine through from the back.
func printedPage(doc, rng *rand.Rand, w, h int) *layer {
	b := newBook(doc)
	b.em = between(doc, 20, 30)
	l := newLayer(w, h)
	flat := func(p point) point { return p }
	others := words()
	for y := -b.em * rng.Float64(); y < float64(h)+b.em; y += b.pitch() {
		writeLine(rng, b, l, others, point{-between(rng, 0, 60), y}, flat)
	}
	return l
}

// turn sets the rotation of what is drawn next, in radians.
func (p *plate) turn(a float64) { p.sin, p.cos = math.Sincos(a) }

// at maps the subject's units to pixels.
func (p *plate) at(q point) point {
	x, y := q.x*p.flip*p.scale, q.y*p.scale
	return point{p.centre.x + p.cos*x - p.sin*y, p.centre.y + p.sin*x + p.cos*y}
}

func (p *plate) pixels(pts []point) []point {
	out := make([]point, len(pts))
	for i, q := range pts {
		out[i] = p.at(q)
	}
	return out
}

// tone is how dark a shape is at a place of its bounding box, both coordinates
// from 0 to 1: 0 is bare paper, 1 black.
type tone func(u, v float64) float64

func flat(t float64) tone { return func(_, _ float64) float64 { return t } }

// slope goes from a on the left to b on the right.
func slope(a, b float64) tone { return func(u, _ float64) float64 { return lerp(a, b, u) } }

// fall goes from a at the top to b at the bottom.
func fall(a, b float64) tone { return func(_, v float64) float64 { return lerp(a, b, v) } }

// round is a column or a hull lit from the left.
func round(light, dark float64) tone {
	return func(u, _ float64) float64 {
		d := u - 0.32
		if d < 0 {
			return light + (dark-light)*0.35*(d/0.32)*(d/0.32)
		}
		return light + (dark-light)*math.Pow(d/0.68, 1.4)
	}
}

// ball is a sphere lit from the upper left.
func ball(light, dark float64) tone {
	return func(u, v float64) float64 {
		d := math.Hypot(u-0.34, v-0.3) / 0.85
		return light + (dark-light)*math.Pow(d, 1.6)
	}
}

// hatch is the direction of a shape's shading lines relative to the workshop's
// habit, and how far they bow like hoops round a barrel.
type hatch struct {
	angle    float64
	absolute bool    // angle is against the horizontal instead
	bow      float64 // sag of a line across the shape, in shape widths
	none     bool    // no outline
	thick    float64 // factor on the outline, zero for one
}

// blob lays a smooth closed shape.
func (p *plate) blob(t tone, h hatch, pts ...point) {
	p.lay(t, h, spline(p.pixels(pts), true, 4))
}

// poly lays a shape with straight sides.
func (p *plate) poly(t tone, h hatch, pts ...point) {
	px := p.pixels(pts)
	p.lay(t, h, append(px, px[0]))
}

// ellipse lays an ellipse.
func (p *plate) ellipse(t tone, h hatch, c point, rx, ry, turn float64) {
	p.blob(t, h, oval(c, rx, ry, turn, 14)...)
}

func oval(c point, rx, ry, turn float64, n int) []point {
	sin, cos := math.Sincos(turn)
	pts := make([]point, n)
	for i := range pts {
		s, k := math.Sincos(float64(i) / float64(n) * 2 * math.Pi)
		pts[i] = point{c.x + cos*k*rx - sin*s*ry, c.y + sin*k*rx + cos*s*ry}
	}
	return pts
}

// lay knocks the shape out of what is behind it, shades and outlines it.
func (p *plate) lay(t tone, h hatch, px []point) {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, q := range px {
		x0, y0, x1, y1 = min(x0, q.x), min(y0, q.y), max(x1, q.x), max(y1, q.y)
	}
	ox, oy := max(int(x0)-1, 0), max(int(y0)-1, 0)
	ex, ey := min(int(x1)+2, p.ink.w), min(int(y1)+2, p.ink.h)
	if ex <= ox || ey <= oy {
		return
	}
	local := make([]point, len(px))
	for i, q := range px {
		local[i] = point{q.x - float64(ox), q.y - float64(oy)}
	}
	mask := fillPolygon(ex-ox, ey-oy, local)
	lines := p.newLines(h, x0, y0, x1, y1)
	for y := oy; y < ey; y++ {
		for x := ox; x < ex; x++ {
			m := mask.Pix[(y-oy)*mask.Stride+x-ox]
			if m == 0 {
				continue
			}
			u, v := (float64(x)-x0)/(x1-x0+1), (float64(y)-y0)/(y1-y0+1)
			if p.flip < 0 {
				u = 1 - u // the tone belongs to the subject; its light is turned with it
			}
			ink := lines.at(float64(x), float64(y), t(u, v)*p.tool.heavy)
			i, a := y*p.ink.w+x, float32(m)/255
			p.ink.v[i] += (ink - p.ink.v[i]) * a
		}
	}
	if !h.none {
		thick := h.thick
		if thick == 0 {
			thick = 1
		}
		p.cut(px, p.tool.line*thick)
	}
}

// lines is a set of hatching lines, with a second set across it.
type lines struct {
	sin, cos, sin2, cos2 float64
	mx, my               float64
	bow                  float64
	step                 float64
	phase, phase2        float64
	wander, pace         float64
	cross                float64
}

func (p *plate) newLines(h hatch, x0, y0, x1, y1 float64) lines {
	a := p.tool.angle + h.angle
	if h.absolute {
		a = h.angle
	}
	a = a*p.flip + between(p.rng, -0.04, 0.04)
	l := lines{
		mx: (x0 + x1) / 2, my: (y0 + y1) / 2, step: p.tool.step,
		phase: p.rng.Float64(), phase2: p.rng.Float64(),
		wander: p.tool.wander, pace: between(p.rng, 0.02, 0.05), cross: p.tool.cross,
	}
	if half := max(x1-x0, 1) / 2; h.bow != 0 {
		l.bow = h.bow * 2 / half
	}
	l.sin, l.cos = math.Sincos(a)
	l.sin2, l.cos2 = math.Sincos(a + 1.05*p.flip)
	return l
}

// at is the ink at a pixel for the wanted tone: the darker, the broader the
// lines; bright places stay bare.
func (l *lines) at(x, y, t float64) float32 {
	const bare = 0.10
	if t <= bare {
		return 0
	}
	dx, dy := x-l.mx, y-l.my
	along, across := dx*l.cos+dy*l.sin, dy*l.cos-dx*l.sin
	across += l.wander*wave(along*l.pace+across*0.05) - l.bow*along*along*0.5
	ink := ruling(across/l.step+l.phase, t*0.86, l.step)
	if t > l.cross {
		across = dy*l.cos2 - dx*l.sin2 + l.wander*wave(x*l.pace)
		ink = max(ink, ruling(across/l.step+l.phase2, (t-l.cross)*1.7+0.1, l.step))
	}
	return ink
}

// wave is nearly a sine, of parabolas: it is asked for every pixel.
func wave(x float64) float64 {
	x *= 1 / math.Pi
	n := math.Floor(x)
	f := x - n
	v := 4 * f * (1 - f)
	if int(n)&1 != 0 {
		return -v
	}
	return v
}

// ruling is one pixel of evenly ruled lines that cover the share t.
func ruling(f, t, step float64) float32 {
	f -= math.Floor(f)
	d := math.Abs(f-0.5) * 2 // 0 in the middle of a line, 1 between two
	return float32(min(max((t-d)*step*0.5+0.5, 0), 1))
}

// cut engraves a path given in pixels; the burin goes deeper on the side away
// from the light, and never quite evenly.
func (p *plate) cut(px []point, width float64) {
	phase := p.rng.Float64() * 6
	run := 0.0
	prev := width
	for i := 1; i < len(px); i++ {
		a, b := px[i-1], px[i]
		d := dist(a, b)
		if d == 0 {
			continue
		}
		run += d
		shadow := ((b.y - a.y) - (b.x - a.x)) / d // shapes run clockwise or not: half of each
		r := width * (1 + 0.22*math.Abs(shadow)*0.7 + 0.16*math.Sin(run*0.07+phase))
		p.ink.capsule(a, b, prev, r, 1)
		prev = r
	}
}

// stroke engraves a smooth open line, width in outlines, with pointed ends.
func (p *plate) stroke(width float64, pts ...point) {
	px := spline(p.pixels(pts), false, 3)
	if len(px) == 2 {
		px = divide(px[0], px[1], 3)
	}
	n := float64(len(px) - 1)
	for i := 1; i < len(px); i++ {
		t := float64(i) / n
		taper := min(1, 0.45+4*min(t, 1-t)*0.55)
		r := p.tool.line * width * taper
		p.ink.capsule(px[i-1], px[i], r, r, 1)
	}
}

// bar engraves a straight line of even width with blunt ends.
func (p *plate) bar(width float64, a, b point) {
	q, r := p.at(a), p.at(b)
	p.ink.capsule(q, r, p.tool.line*width, p.tool.line*width, 1)
}

// rod lays a straight beam with an outline on both sides, half width in units.
func (p *plate) rod(t tone, h hatch, a, b point, ra, rb float64) {
	d := dist(a, b)
	if d == 0 {
		return
	}
	nx, ny := -(b.y-a.y)/d, (b.x-a.x)/d
	p.poly(t, h, point{a.x + nx*ra, a.y + ny*ra}, point{b.x + nx*rb, b.y + ny*rb},
		point{b.x - nx*rb, b.y - ny*rb}, point{a.x - nx*ra, a.y - ny*ra})
}

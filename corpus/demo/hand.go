package demo

import (
	"math"
	"math/rand/v2"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// nib is the kind of pen. The zero value is none.
type nib uint8

const (
	nibPointed nib = iota + 1 // swells on strokes drawn downwards
	nibBroad                  // thick or thin by the direction of the stroke
	nibBlunt                  // steel pen or reed, nearly even
)

// hand is one person's writing.
type hand struct {
	x         float64 // height of a small letter, pixels
	size      float64 // wanted height
	slant     float64 // shear to the right
	wide      float64 // width of letters
	gap       float64 // extra space between letters, in x
	tall      float64 // factor on what rises above small letters
	deep      float64 // factor on what hangs below the baseline
	loop      float64 // opening of the loops
	shake     float64 // carelessness, in x
	joined    float64 // probability that a letter is joined to the next
	nib       nib
	hair      float64 // thinnest stroke, in pixels at full size
	shade     float64 // what pressure adds to it
	nibAngle  float64
	printS    bool // s and r as in print rather than as in copybooks
	roundD    bool // d thrown back to the left, as in old hands
	crossHigh float64
	ink       rgb
	depth     float64
	dry       float64 // how much the ink thins before the next dip
}

// newHand makes a person's hand.
func newHand(rng *rand.Rand) *hand {
	h := &hand{
		size:  between(rng, 50, 59),
		slant: between(rng, 0.12, 0.58), wide: between(rng, 0.82, 1.16), gap: between(rng, 0.02, 0.16),
		tall: between(rng, 0.82, 1.12), deep: between(rng, 0.75, 1.1), loop: between(rng, 0.35, 1.15),
		shake: between(rng, 0.012, 0.036), joined: between(rng, 0.72, 1.0),
		nib: nibPointed, hair: between(rng, 2.0, 2.9), shade: between(rng, 2.2, 5.6),
		printS: chance(rng, 0.45), roundD: chance(rng, 0.2), crossHigh: between(rng, -0.08, 0.22),
		depth: between(rng, 0.72, 0.95), dry: between(rng, 0.1, 0.45),
	}
	switch p := rng.Float64(); {
	case p < 0.25:
		h.nib, h.nibAngle = nibBroad, between(rng, 0.5, 0.85)
		h.hair, h.shade = between(rng, 1.9, 2.5), between(rng, 4.0, 7.0)
		h.slant *= 0.5
		h.joined *= 0.75
	case p < 0.5:
		h.nib = nibBlunt
		h.hair, h.shade = between(rng, 3.0, 4.2), between(rng, 0.5, 1.6)
	}
	// Iron gall gone brown, iron gall still black, logwood, blue-black, pencil.
	inks := []rgb{
		{0.27, 0.18, 0.11}, {0.20, 0.14, 0.10}, {0.36, 0.24, 0.14}, {0.13, 0.12, 0.12},
		{0.16, 0.16, 0.20}, {0.15, 0.18, 0.30}, {0.10, 0.09, 0.09}, {0.22, 0.16, 0.20},
	}
	h.ink = inks[rng.IntN(len(inks))]
	return h
}

func (h *hand) fit(text string) float64 {
	const least = 36 // pixels; below this thin strokes drown when served
	h.x = h.size
	if w := h.measure(text); w > wordWidth-2*wordMargin {
		h.x = max(h.size*(wordWidth-2*wordMargin)/w, least)
	}
	return h.measure(text)
}

func (h *hand) pitch() float64 { return h.x * 3.25 }
func (h *hand) reach() float64 { return h.x * 0.46 }

func (h *hand) measure(text string) float64 {
	w := 0.0
	for _, r := range norm.NFD.String(text) {
		if g, ok := h.letter(r); ok {
			w += (g.width*h.wide + h.gap) * h.x
		}
	}
	return w + h.slant*h.x
}

// printed forms and variants that some hands use instead of the copybook's.
func (h *hand) letter(r rune) (glyph, bool) {
	switch {
	case r == 's' && h.printS:
		return glyph{width: .62, in: true, strokes: []stroke{{
			{.52, .84, false}, {.34, 1, false}, {.17, .8, false}, {.30, .56, false},
			{.48, .30, false}, {.33, .02, false}, {.06, .10, false},
		}}}, true
	case r == 'd' && h.roundD:
		return glyph{width: .86, in: true, strokes: []stroke{{
			{.68, .82, false}, {.42, 1, false}, {.13, .72, false}, {.08, .32, false}, {.30, 0, false},
			{.60, .22, false}, {.74, .85, false}, {.58, 1.6, false}, {.20, 1.98, false},
		}}}, true
	}
	g, ok := skeletons()[r]
	return g, ok
}

// trace is a path being written: its stations in pixels, ready to be smoothed.
type trace struct {
	pts     []point
	corners []bool
}

func (t *trace) add(p point, corner bool) {
	t.pts, t.corners = append(t.pts, p), append(t.corners, corner)
}

// write lays out the letters, joins them and draws the strokes in the order in
// which a writer makes them: the body of the word first, then dots and bars.
func (h *hand) write(rng *rand.Rand, l *layer, text string, start point, bend warp) {
	x := 0.0
	var main trace
	var later []trace
	drift, drive := rng.Float64()*6, between(rng, 0.012, 0.03)
	marks := accents()
	runes := []rune(norm.NFD.String(text))
	flow := newFlow(rng, h)

	place := func(s stroke, at, scaleX, scaleY float64, t *trace) {
		for _, st := range s {
			p := h.shape(rng, st, scaleX, scaleY)
			p.y += math.Sin(at*drive+drift) * 0.05 // the hand rides up and down
			t.add(bend(point{
				start.x + at + (p.x+h.slant*p.y)*h.x,
				start.y - p.y*h.x,
			}), st.corner)
		}
	}
	flush := func() {
		if len(main.pts) > 1 {
			flow.draw(l, main)
		}
		main = trace{}
	}

	prevOut, prevWidth := false, 0.0
	for i, r := range runes {
		if m, ok := marks[r]; ok {
			// An accent sits over the middle of the letter just written.
			at := x - (prevWidth*h.wide+h.gap)*h.x + prevWidth*h.wide*0.45*h.x
			for _, part := range splitMark(m) {
				var t trace
				place(part, at, h.wide, 1, &t)
				later = append(later, t)
			}
			continue
		}
		g, ok := h.letter(r)
		if !ok {
			continue
		}
		sx := h.wide * (1 + rng.NormFloat64()*h.shake*1.5)
		sy := 1 + rng.NormFloat64()*h.shake*1.5
		join := prevOut && g.in && chance(rng, h.joined)
		if !join {
			flush()
		}
		if join && strings.ContainsRune("acdgoq", r) {
			// Over the top and back: a straight join would cut through the bowl
			// and make a c or an o look like an e.
			place(overTop, x, sx, sy, &main)
		}
		place(g.strokes[0], x, sx, sy, &main)
		for _, s := range g.strokes[1:] {
			if (r == 'i' || r == 'j') && i+1 < len(runes) && marks[runes[i+1]] != nil {
				break // an accent replaces the dot
			}
			var t trace
			if r == 't' {
				s = h.bar(rng, s)
			}
			place(s, x, sx, sy, &t)
			later = append(later, t)
		}
		if !g.out {
			flush()
		}
		prevOut, prevWidth = g.out, g.width
		x += (g.width*h.wide + h.gap) * h.x * (1 + rng.NormFloat64()*h.shake)
	}
	flush()
	for _, t := range later {
		flow.draw(l, t)
	}
}

// overTop leads a join round the outside of a bowl to where the bowl begins.
var overTop = stroke{{.06, .5, false}, {.24, .90, false}, {.46, 1.01, false}, {.64, .90, true}}

// bar gives the crossing of a t the height and swing that this hand has.
func (h *hand) bar(rng *rand.Rand, s stroke) stroke {
	up := h.crossHigh + rng.NormFloat64()*0.04
	out := make(stroke, len(s))
	for i, st := range s {
		st.y += up
		st.x += float64(i) * 0.04
		out[i] = st
	}
	return out
}

// splitMark parts a mark of two strokes at its impossible station.
func splitMark(m stroke) []stroke {
	for i, st := range m {
		if st.x > 50 {
			return []stroke{m[:i], m[i+1:]}
		}
	}
	return []stroke{m}
}

// shape turns a station of the copybook into this person's, still upright.
func (h *hand) shape(rng *rand.Rand, s station, scaleX, scaleY float64) point {
	x, y := s.x, s.y
	// Loops open and close around the stem, which stands at about .2.
	if y > 1.2 || y < -0.2 {
		x = 0.22 + (x-0.22)*lerp(1, h.loop, 0.5)
	}
	switch {
	case y > 1:
		y = 1 + (y-1)*h.tall
	case y < 0:
		y *= h.deep
	}
	return point{
		x*scaleX + rng.NormFloat64()*h.shake,
		y*scaleY + rng.NormFloat64()*h.shake,
	}
}

// flow is the ink running out of the nib while a word is written.
type flow struct {
	h     *hand
	rng   *rand.Rand
	full  float64 // how full the nib is, 1 after a dip
	scale float64
}

func newFlow(rng *rand.Rand, h *hand) *flow {
	return &flow{h: h, rng: rng, full: between(rng, 0.55, 1), scale: h.x / 50}
}

// draw smooths a trace and inks it. The width follows the direction of the pen
// and lags a little, because fingers do.
func (f *flow) draw(l *layer, t trace) {
	path, sharp := t.smooth()
	if len(path) < 2 {
		return
	}
	h := f.h
	if len(t.pts) == 2 && dist(t.pts[0], t.pts[1]) < h.x*0.12 {
		// A dot is a push of the pen, and letters are told apart by it.
		r := max((h.hair+h.shade*0.55)*0.62, 2.3) * f.scale
		l.capsule(t.pts[0], t.pts[1], r, r*0.85, 0.95)
		return
	}
	press := 0.4
	prev := -1.0
	tremor := f.rng.Float64() * 6
	total := float64(len(path))
	for i := 1; i < len(path); i++ {
		a, b := path[i-1], path[i]
		d := dist(a, b)
		if d == 0 {
			continue
		}
		dx, dy := (b.x-a.x)/d, (b.y-a.y)/d
		var want float64
		switch h.nib {
		case nibBroad:
			// The edge of the nib lies at nibAngle; along it strokes are thin.
			want = math.Abs(dx*math.Sin(h.nibAngle) + dy*math.Cos(h.nibAngle))
		case nibBlunt:
			want = 0.5 + 0.5*dy
		default:
			want = math.Pow(max(0, dy+dx*0.2), 1.5)
		}
		lag := 1 - math.Exp(-d/4)
		if h.nib == nibBroad {
			lag = 1 - math.Exp(-d/1.5)
		}
		press += (want - press) * lag
		r := (h.hair + h.shade*press) * 0.5 * f.scale
		r *= 1 + 0.07*math.Sin(float64(i)*0.11+tremor)
		// Touching down and lifting off leave slimmer ends.
		end := min(float64(i), total-float64(i)) * 2
		if end < 5 {
			r *= 0.72 + 0.28*end/5
		}
		if prev < 0 {
			prev = r
		}
		f.full = max(f.full-d*0.00035*h.dry, 0.45)
		ink := 0.70 + 0.30*press*0.6 + 0.12*f.full
		l.capsule(a, b, prev, r, float32(min(ink*(0.75+0.25*f.full), 1)))
		prev = r
		if sharp[i] && f.rng.Float64() < 0.25 { // ink gathers where the pen turns
			l.capsule(b, b, r*1.25, r*1.25, float32(min(ink+0.1, 1)))
		}
	}
}

// smooth runs splines between the corners and tells where the corners are.
func (t trace) smooth() (path []point, sharp map[int]bool) {
	sharp = make(map[int]bool)
	from := 0
	for i := range t.pts {
		if i == len(t.pts)-1 || (t.corners[i] && i > from) {
			piece := spline(t.pts[from:i+1], false, 2.2)
			if len(piece) == 2 { // a straight line still needs steps for its width
				piece = divide(piece[0], piece[1], 2.2)
			}
			if len(path) > 0 {
				piece = piece[1:]
			}
			path = append(path, piece...)
			sharp[len(path)-1] = true
			from = i
		}
	}
	return path, sharp
}

func divide(a, b point, step float64) []point {
	n := max(1, int(dist(a, b)/step))
	out := make([]point, n+1)
	for i := range out {
		t := float64(i) / float64(n)
		out[i] = point{lerp(a.x, b.x, t), lerp(a.y, b.y, t)}
	}
	return out
}

// finish lets the ink sink in: edges feather a little along the fibres, the
// middle of a stroke is paler where the ink ran off, some fibres stay bare.
func (h *hand) finish(rng *rand.Rand, l *layer) rgb {
	body := l.clone()
	body.blur(2)
	l.blur(1)
	tooth := newLayer(l.w, l.h)
	tooth.addNoise(rng, 60, 50, 0.10)
	tooth.addNoise(rng, 11, 9, 0.10)
	tooth.addTexture(rng, fineTexture, 0.13)
	tooth.addGrain(rng, 0.10)
	depth := float32(h.depth)
	for i, v := range l.v {
		if v < 0.02 {
			l.v[i] = 0
			continue
		}
		n := tooth.v[i]
		ink := smoothstep(0.14+n*0.6, 0.62+n*0.6, v)
		l.v[i] = ink * depth * (0.72 + 0.28*body.v[i] - n*0.55)
	}
	return h.ink
}

package demo

import (
	"image"
	"math"
	"math/rand/v2"
)

// Measures of a transcription picture in pixels.
const (
	wordHeight = 220
	// wordWidth is the least width: with it a picture has the proportions in
	// which it will be served, so that no ground has to be made up beside it.
	wordWidth = 756
	// wordMargin is the least paper left and right of the word.
	wordMargin = 34
)

// style is the way a line of writing is put on a layer: type, machine or pen.
// Every style writes into a coverage layer and finishes it afterwards.
type style interface {
	// fit chooses the size for the text to be read and returns its width.
	fit(text string) float64
	// pitch is the distance to the next line, in pixels at the size chosen.
	pitch() float64
	// reach is how far the middle of a small letter is above the baseline.
	reach() float64
	// write puts text on the layer, its baseline starting at start.
	write(rng *rand.Rand, l *layer, text string, start point, bend warp)
	// finish turns coverage into ink and returns its colour.
	finish(rng *rand.Rand, l *layer) rgb
}

// drawWord draws one word on the paper of its document.
func drawWord(seed uint64, s Spec) *image.RGBA {
	doc := newRand(seed, "document/"+s.Document)
	rng := newRand(seed, "word/"+s.ID)
	st := newStock(doc)
	pen := newStyle(doc)
	rule := newRules(doc, pen)

	textWidth := pen.fit(s.Text)
	w, h := max(wordWidth, int(textWidth)+2*wordMargin), wordHeight
	slack := float64(w) - textWidth - 2*wordMargin
	start := point{
		x: wordMargin + slack*between(rng, 0.32, 0.68),
		y: float64(h)/2 + pen.reach() + between(rng, -6, 6),
	}
	bend := pageBend(rng, w, h)

	page := newSheet(rng, st, w, h)
	img := page.picture()
	rule.draw(rng, page, img, start.y, pen.pitch(), bend)

	ink := newLayer(w, h)
	others := words()
	if rule.verso > 0 {
		back := newLayer(w, h)
		writeLine(rng, pen, back, others, point{-between(rng, 0, 200), start.y + between(rng, -0.3, 0.3)*pen.pitch()}, bend)
		back = verso(back, 3)
		page.soil(img, back, rgb{0.45, 0.36, 0.26}, rule.verso)
	}
	// Lines above and below: only what hangs into the picture is seen.
	for _, side := range []float64{-1, 1} {
		if chance(rng, 0.8) {
			y := start.y + side*pen.pitch()
			if y-pen.reach()*2 < float64(h)-2 && y+pen.reach() > 0 {
				writeLine(rng, pen, ink, others, point{-between(rng, 0, 260), y}, bend)
			}
		}
	}
	pen.write(rng, ink, s.Text, start, bend)
	part, at := ink.inked(12)
	colour := pen.finish(rng, part)
	put(img, part, at, colour)
	return img
}

// writeLine fills a line with words from edge to edge.
func writeLine(rng *rand.Rand, hand style, l *layer, others []string, start point, bend warp) {
	x := start.x
	for x < float64(l.w)+20 {
		word := others[rng.IntN(len(others))]
		hand.write(rng, l, word, point{x, start.y}, bend)
		x += float64(len(word)+1) * hand.reach() * 1.15
	}
}

// pageBend is the lie of the page under the scanner: a little turned, a little
// bent towards the gutter, a little smaller on one side.
func pageBend(rng *rand.Rand, w, h int) warp {
	turn := rng.NormFloat64() * 0.011
	turn = min(max(turn, -0.026), 0.026)
	bow := rng.NormFloat64() * 5
	taper := rng.NormFloat64() * 0.018
	wave, phase := between(rng, 0, 2), rng.Float64()*6
	cx, cy := float64(w)/2, float64(h)/2
	return func(p point) point {
		x, y := p.x-cx, p.y-cy
		f := x / cx
		y *= 1 + taper*f
		return point{
			cx + x + turn*y,
			cy + y - turn*x + bow*(f*f-0.3) + wave*math.Sin(f*2.5+phase),
		}
	}
}

// newStyle chooses how a document is written.
func newStyle(rng *rand.Rand) style {
	switch p := rng.Float64(); {
	case p < 0.40:
		return newBook(rng)
	case p < 0.55:
		return newMachine(rng)
	default:
		return newHand(rng)
	}
}

// book is letterpress.
type book struct {
	line
	press press
	size  float64
}

func newBook(rng *rand.Rand) *book {
	b := &book{press: newPress(rng), size: between(rng, 118, 142)}
	b.font = bookFaces[rng.IntN(len(bookFaces))]()
	if chance(rng, 0.25) {
		b.track = between(rng, 0.02, 0.07)
	}
	return b
}

// fitLine sets the size so that the text stays within the usual picture, but
// never so small that it becomes tiring to read.
func (ln *line) fitLine(text string, size, least float64) float64 {
	ln.em = size
	if w := ln.measure(text); w > wordWidth-2*wordMargin {
		ln.em = max(size*(wordWidth-2*wordMargin)/w, least)
	}
	return ln.measure(text)
}

func (b *book) fit(text string) float64 { return b.fitLine(text, b.size, 88) }
func (b *book) pitch() float64          { return b.em * 1.16 }
func (b *book) reach() float64          { return b.em * 0.23 }

func (b *book) write(rng *rand.Rand, l *layer, text string, start point, bend warp) {
	ln := b.line
	ln.strikes = handSet(rng, b.em)
	ln.set(l, text, start, bend)
}

func (b *book) finish(rng *rand.Rand, l *layer) rgb {
	b.press.print(rng, l)
	return b.press.colour
}

// machine is a typewriter with a cloth ribbon.
type machine struct {
	line
	press  press
	size   float64
	weave  float64 // threads of the ribbon, pixels apart
	slack  float64 // how hard the ribbon shows
	colour rgb
}

func newMachine(rng *rand.Rand) *machine {
	m := &machine{size: between(rng, 104, 122), weave: between(rng, 3.4, 4.6), slack: between(rng, 0.15, 0.45)}
	m.font = machineFaces[rng.IntN(len(machineFaces))]()
	inks := []rgb{{0.13, 0.12, 0.13}, {0.17, 0.16, 0.18}, {0.24, 0.17, 0.36}, {0.14, 0.18, 0.34}, {0.13, 0.12, 0.11}}
	m.colour = inks[rng.IntN(len(inks))]
	m.press = press{
		spread: float32(between(rng, 0.02, 0.17)), rough: float32(between(rng, 0.14, 0.26)),
		wear: float32(between(rng, 0.2, 0.5)), uneven: float32(between(rng, 0.1, 0.2)),
		rim: float32(between(rng, 0.05, 0.3)), depth: float32(between(rng, 0.74, 0.92)),
	}
	return m
}

func (m *machine) fit(text string) float64 { return m.fitLine(text, m.size, 80) }
func (m *machine) pitch() float64          { return m.em * 1.28 }
func (m *machine) reach() float64          { return m.em * 0.22 }

func (m *machine) write(rng *rand.Rand, l *layer, text string, start point, bend warp) {
	ln := m.line
	ln.strikes = struck(rng, m.em)
	ln.set(l, text, start, bend)
}

// finish prints through the ribbon, whose threads leave the ink lighter between
// them.
func (m *machine) finish(rng *rand.Rand, l *layer) rgb {
	m.press.print(rng, l)
	lean, phase := between(rng, -0.2, 0.2), rng.Float64()*6
	row := make([]float64, l.h)
	for y := range row {
		row[y] = math.Sin(float64(y) * 2 * math.Pi / (m.weave * 0.9))
	}
	for y := range l.h {
		for x := range l.w {
			i := y*l.w + x
			if l.v[i] < 0.01 {
				continue
			}
			thread := row[y] * math.Sin((float64(x)+lean*float64(y))*2*math.Pi/m.weave+phase)
			l.v[i] *= float32(1 - m.slack*(0.5+0.5*thread)*0.6)
		}
	}
	return m.colour
}

// rules are what a document's pages carry besides the writing.
type rules struct {
	lines  bool
	margin bool
	colour rgb
	depth  float32
	verso  float32
}

func newRules(rng *rand.Rand, s style) rules {
	_, pen := s.(*hand)
	colours := []rgb{{0.45, 0.55, 0.72}, {0.52, 0.45, 0.55}, {0.55, 0.50, 0.42}, {0.74, 0.42, 0.40}}
	r := rules{colour: colours[rng.IntN(len(colours))], depth: float32(between(rng, 0.2, 0.5))}
	if pen {
		r.lines = chance(rng, 0.45)
		r.margin = chance(rng, 0.15)
	}
	if chance(rng, 0.6) {
		r.verso = float32(between(rng, 0.04, 0.15))
	}
	return r
}

// draw puts the ruled lines under the writing.
func (r rules) draw(rng *rand.Rand, page *sheet, img *image.RGBA, base, pitch float64, bend warp) {
	if !r.lines && !r.margin {
		return
	}
	l := newLayer(page.light.w, page.light.h)
	w, h := float64(l.w), float64(l.h)
	rule := func(a, b point, width float64) {
		prev := bend(a)
		for i := 1; i <= 24; i++ {
			t := float64(i) / 24
			p := bend(point{lerp(a.x, b.x, t), lerp(a.y, b.y, t)})
			l.capsule(prev, p, width, width, float32(between(rng, 0.6, 1)))
			prev = p
		}
	}
	if r.lines {
		drop := between(rng, 0, 6)
		for k := -2; k <= 2; k++ {
			y := base + drop + float64(k)*pitch
			rule(point{-20, y}, point{w + 20, y}, 0.8)
		}
	}
	if r.margin {
		x := between(rng, 4, 22)
		if chance(rng, 0.5) {
			x = w - x
		}
		rule(point{x, -20}, point{x, h + 20}, 1.1)
	}
	page.soil(img, l, r.colour, r.depth)
}

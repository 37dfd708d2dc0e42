package demo

import (
	"fmt"
	"image"
	"image/draw"
	"math/rand/v2"
	"sync"

	"github.com/go-fonts/latin-modern/lmmono10regular"
	"github.com/go-fonts/latin-modern/lmmonolt10bold"
	"github.com/go-fonts/latin-modern/lmroman10italic"
	"github.com/go-fonts/latin-modern/lmroman10regular"
	"github.com/go-fonts/latin-modern/lmroman12bold"
	"github.com/go-fonts/latin-modern/lmroman8regular"
	"github.com/go-fonts/latin-modern/lmromancaps10regular"
	"github.com/go-fonts/latin-modern/lmromandunh10regular"
	"github.com/go-fonts/liberation/liberationmonoregular"
	"github.com/go-fonts/liberation/liberationserifregular"
	"github.com/go-fonts/stix/stix2textitalic"
	"github.com/go-fonts/stix/stix2textmedium"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// face gives a typeface, parsed at first use: a process that only plans should
// not pay for a dozen fonts.
type face func() *sfnt.Font

// parsed holds faces and not fonts, so nothing happens when it is built.
var (
	bookFaces = []face{
		parse(lmroman10regular.TTF), parse(lmroman8regular.TTF), parse(lmroman12bold.TTF),
		parse(stix2textmedium.TTF), parse(liberationserifregular.TTF), parse(lmromandunh10regular.TTF),
		parse(lmroman10italic.TTF), parse(stix2textitalic.TTF), parse(lmromancaps10regular.TTF),
		parse(lmroman10regular.TTF),
	}
	machineFaces = []face{
		parse(lmmono10regular.TTF), parse(lmmonolt10bold.TTF), parse(liberationmonoregular.TTF),
		parse(lmmono10regular.TTF),
	}
)

func parse(data []byte) face {
	return sync.OnceValue(func() *sfnt.Font {
		f, err := sfnt.Parse(data)
		if err != nil {
			// The fonts are compiled in, so this is a broken build.
			panic(fmt.Sprintf("demo: parse built-in font: %v", err))
		}
		return f
	})
}

// warp moves a point of the flat picture to where the bent page has it.
type warp func(point) point

// strike is how one letter of a line is set: the accidents of the sort.
type strike struct {
	dx, dy   float64
	turn     float64
	pressure float32
}

// line is a line of type to be set.
type line struct {
	font    *sfnt.Font
	em      float64 // pixels
	track   float64 // extra space between letters, in em
	strikes func() strike
}

// measure returns the width of the text in pixels.
func (ln line) measure(text string) float64 {
	var b sfnt.Buffer
	width := 0.0
	ln.each(&b, text, func(_ sfnt.GlyphIndex, x float64, adv float64) { width = x + adv })
	return width
}

func (ln line) each(b *sfnt.Buffer, text string, f func(g sfnt.GlyphIndex, x, adv float64)) {
	ppem := fixed.Int26_6(ln.em * 64)
	x, prev := 0.0, sfnt.GlyphIndex(0)
	for _, r := range text {
		g, err := ln.font.GlyphIndex(b, r)
		if err != nil {
			continue
		}
		if prev != 0 {
			if k, err := ln.font.Kern(b, prev, g, ppem, font.HintingNone); err == nil {
				x += float64(k) / 64
			}
		}
		adv, err := ln.font.GlyphAdvance(b, g, ppem, font.HintingNone)
		if err != nil {
			continue
		}
		f(g, x, float64(adv)/64)
		x += float64(adv)/64 + ln.track*ln.em
		prev = g
	}
}

// set draws the text on the layer with its baseline starting at start. Letters
// keep their own pressure, which is why they are inked one by one.
func (ln line) set(l *layer, text string, start point, bend warp) {
	var b sfnt.Buffer
	ppem := fixed.Int26_6(ln.em * 64)
	r := vector.NewRasterizer(1, 1)
	var pix []uint8
	ln.each(&b, text, func(g sfnt.GlyphIndex, x, adv float64) {
		s := ln.strikes()
		at := point{start.x + x + s.dx, start.y + s.dy}
		// The letter is drawn in a window no larger than it needs: most letters
		// of the lines above and below are cut off by the picture's edge.
		ox, oy := max(int(at.x-ln.em*0.3), 0), max(int(at.y-ln.em*1.25), 0)
		window := image.Rect(0, 0, min(int(at.x+adv+ln.em*0.3), l.w)-ox, min(int(at.y+ln.em*0.6), l.h)-oy)
		if window.Dx() < 1 || window.Dy() < 1 || at.x > float64(l.w) || at.y-ln.em*1.25 > float64(l.h) {
			return
		}
		segs, err := ln.font.LoadGlyph(&b, g, ppem, nil)
		if err != nil || len(segs) == 0 {
			return
		}
		if n := window.Dx() * window.Dy(); n > len(pix) {
			pix = make([]uint8, n)
		}
		mask := &image.Alpha{Pix: pix[:window.Dx()*window.Dy()], Stride: window.Dx(), Rect: window}
		r.Reset(window.Dx(), window.Dy())
		mid := adv / 2
		put := func(p fixed.Point26_6) (float32, float32) {
			px, py := float64(p.X)/64, float64(p.Y)/64
			px, py = px-py*s.turn, py+(px-mid)*s.turn
			q := bend(point{at.x + px, at.y + py})
			return float32(q.x - float64(ox)), float32(q.y - float64(oy))
		}
		for i, seg := range segs {
			x1, y1 := put(seg.Args[0])
			switch seg.Op {
			case sfnt.SegmentOpMoveTo:
				if i > 0 {
					r.ClosePath()
				}
				r.MoveTo(x1, y1)
			case sfnt.SegmentOpLineTo:
				r.LineTo(x1, y1)
			case sfnt.SegmentOpQuadTo:
				x2, y2 := put(seg.Args[1])
				r.QuadTo(x1, y1, x2, y2)
			case sfnt.SegmentOpCubeTo:
				x2, y2 := put(seg.Args[1])
				x3, y3 := put(seg.Args[2])
				r.CubeTo(x1, y1, x2, y2, x3, y3)
			}
		}
		r.ClosePath()
		r.DrawOp = draw.Src // the window is used again for every letter
		r.Draw(mask, mask.Rect, image.Opaque, image.Point{})
		l.addAlpha(mask, ox, oy, s.pressure/255)
	})
}

// addAlpha puts a mask whose corner is at ox, oy over the layer.
func (l *layer) addAlpha(mask *image.Alpha, ox, oy int, scale float32) {
	mw := mask.Rect.Dx()
	for my := range mask.Rect.Dy() {
		y := oy + my
		if y < 0 || y >= l.h {
			continue
		}
		for mx, v := range mask.Pix[my*mask.Stride : my*mask.Stride+mw] {
			if x := ox + mx; v != 0 && x >= 0 && x < l.w {
				i := y*l.w + x
				l.v[i] = max(l.v[i], float32(v)*scale)
			}
		}
	}
}

// handSet returns the accidents of type set by hand: sorts stand a little high
// or low and take ink unevenly.
func handSet(rng *rand.Rand, em float64) func() strike {
	loose := between(rng, 0.3, 1)
	return func() strike {
		return strike{
			dx: rng.NormFloat64() * em * 0.004 * loose, dy: rng.NormFloat64() * em * 0.007 * loose,
			turn:     rng.NormFloat64() * 0.007 * loose,
			pressure: float32(1 - 0.12*loose*rng.Float64()),
		}
	}
}

// struck returns the accidents of a typewriter: bars out of line, keys hit hard
// or softly.
func struck(rng *rand.Rand, em float64) func() strike {
	loose := between(rng, 0.5, 1.2)
	return func() strike {
		return strike{
			dx: rng.NormFloat64() * em * 0.012 * loose, dy: rng.NormFloat64() * em * 0.018 * loose,
			turn:     rng.NormFloat64() * 0.012 * loose,
			pressure: float32(1 - 0.34*loose*rng.Float64()*rng.Float64()),
		}
	}
}

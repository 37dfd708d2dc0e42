package corpus

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"

	"golang.org/x/image/vector"
)

// Widths around an outline, as shares of the height of what is written there.
const (
	// outlineMargin is shown as it is: outlines cut through the tips of letters.
	outlineMargin = 0.12

	// outlineFade is over how much the page then fades into paper, so that no
	// edge is to be seen that is not the page's.
	outlineFade = 0.16

	leastFade = 2.5 // pixels

	// The paper has several colours along a line, because scans are lighter in the
	// middle than in the fold; but a letter's width of it may be all ink.
	paperBands = 16
	bandWidth  = 2 // heights of the writing, at least

	// trustedPaper is how light, against the whole, a band has to be to be
	// believed: below it the band knows more of ink than of paper.
	trustedPaper = 0.85
)

// cutOutline takes what is within an outline, with a margin, out of a page and
// lays it on paper, so that neither neighbour is to be read with it. The paper
// has the colour of what lies between the ink within the outline.
func cutOutline(page image.Image, outline []image.Point) (image.Image, error) {
	box := boundsOf(outline)
	reach := outlineReach(outline, box)
	// The box's own rules apply: that it is on the page and large enough.
	if _, err := cut(page, box); err != nil {
		return nil, err
	}
	bounds := page.Bounds()
	area := box.Add(bounds.Min).Inset(-int(math.Ceil(reach.margin + reach.fade/2))).Intersect(bounds)
	img := image.NewRGBA(image.Rect(0, 0, area.Dx(), area.Dy()))
	draw.Draw(img, img.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(img, img.Rect, page, area.Min, draw.Over)

	inside := maskOf(outline, bounds.Min.Sub(area.Min), img.Rect)
	paper := paperOf(img, inside, reach.height)
	away := distances(inside, img.Rect.Dx(), img.Rect.Dy())
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			i := y*img.Rect.Dx() + x
			shown := reach.shown(away[i])
			if shown >= 1 {
				continue
			}
			p := img.Pix[y*img.Stride+4*x:][:3:3]
			ground := paper.at(x)
			for c := range p {
				p[c] = uint8(ground[c] + (float32(p[c])-ground[c])*shown + 0.5)
			}
		}
	}
	return img, nil
}

// reach says how far beyond an outline something is shown, in pixels.
type reach struct{ height, margin, fade float64 }

// outlineReach takes the height of the writing from the outline's area and
// width: a long line that rises has a box much higher than it is itself.
func outlineReach(outline []image.Point, box image.Rectangle) reach {
	height := float64(box.Dy())
	if w := float64(box.Dx()); w > 0 {
		height = min(height, polygonArea(outline)/w)
	}
	return reach{height: height, margin: outlineMargin * height, fade: max(leastFade, outlineFade*height)}
}

// shown is how much of the page is to be seen at a distance from the outline.
func (r reach) shown(distance float32) float32 {
	t := (float64(distance) - r.margin) / r.fade
	switch {
	case t <= 0:
		return 1
	case t >= 1:
		return 0
	}
	return float32(1 - t*t*(3-2*t))
}

func boundsOf(points []image.Point) image.Rectangle {
	box := image.Rectangle{points[0], points[0]}
	for _, p := range points {
		box.Min.X, box.Min.Y = min(box.Min.X, p.X), min(box.Min.Y, p.Y)
		box.Max.X, box.Max.Y = max(box.Max.X, p.X), max(box.Max.Y, p.Y)
	}
	return box
}

func polygonArea(points []image.Point) float64 {
	sum := 0.0
	for i, p := range points {
		q := points[(i+1)%len(points)]
		sum += float64(p.X)*float64(q.Y) - float64(q.X)*float64(p.Y)
	}
	return math.Abs(sum) / 2
}

// maskOf says of every pixel whether it is inside of an outline.
func maskOf(outline []image.Point, shift image.Point, r image.Rectangle) []bool {
	raster := vector.NewRasterizer(r.Dx(), r.Dy())
	for i, p := range outline {
		x, y := float32(p.X+shift.X), float32(p.Y+shift.Y)
		if i == 0 {
			raster.MoveTo(x, y)
		} else {
			raster.LineTo(x, y)
		}
	}
	raster.ClosePath()
	alpha := image.NewAlpha(r)
	raster.Draw(alpha, r, image.Opaque, image.Point{})
	inside := make([]bool, r.Dx()*r.Dy())
	for y := range r.Dy() {
		for x := range r.Dx() {
			inside[y*r.Dx()+x] = alpha.Pix[y*alpha.Stride+x] >= 128
		}
	}
	return inside
}

// distances gives the distance in pixels of every pixel from the nearest one
// that is inside, within a tenth: steps to the neighbours, straight and
// diagonal, in two sweeps.
func distances(inside []bool, w, h int) []float32 {
	const straight, diagonal = 1, math.Sqrt2
	d := make([]float32, w*h)
	for i := range d {
		if !inside[i] {
			d[i] = math.MaxFloat32
		}
	}
	step := func(x, y, dx, dy int, length float32) {
		if nx, ny := x+dx, y+dy; nx >= 0 && nx < w && ny >= 0 && ny < h {
			d[y*w+x] = min(d[y*w+x], d[ny*w+nx]+length)
		}
	}
	for y := range h {
		for x := range w {
			step(x, y, -1, 0, straight)
			step(x, y, -1, -1, diagonal)
			step(x, y, 0, -1, straight)
			step(x, y, 1, -1, diagonal)
		}
	}
	for y := h - 1; y >= 0; y-- {
		for x := w - 1; x >= 0; x-- {
			step(x, y, 1, 0, straight)
			step(x, y, 1, 1, diagonal)
			step(x, y, 0, 1, straight)
			step(x, y, -1, 1, diagonal)
		}
	}
	return d
}

// paper is the colour of the ground along a line.
type paper struct {
	bands [][3]float32
	width float32 // of a band
}

// paperOf reads the paper's colour off what is inside and lighter than the mean
// of its band. A band without anything takes its neighbours'. height is the
// writing's.
func paperOf(img *image.RGBA, inside []bool, height float64) *paper {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	n := min(max(int(float64(w)/(bandWidth*max(height, 1))), 1), paperBands)
	p := &paper{bands: make([][3]float32, n), width: float32(w) / float32(n)}
	light, all := make([]struct{ n float32 }, n), make([]struct{ sum, n float32 }, n)
	band := func(x int) int { return min(int(float32(x)/p.width), n-1) }
	each := func(do func(b int, c [3]float32)) {
		for y := range h {
			for x := range w {
				if inside[y*w+x] {
					q := img.Pix[y*img.Stride+4*x:]
					do(band(x), [3]float32{float32(q[0]), float32(q[1]), float32(q[2])})
				}
			}
		}
	}
	each(func(b int, c [3]float32) { all[b].sum += lightness(c); all[b].n++ })
	each(func(b int, c [3]float32) {
		if all[b].n > 0 && lightness(c) < all[b].sum/all[b].n-0.5 { // so that an even band counts as light
			return
		}
		for i := range c {
			p.bands[b][i] += c[i]
		}
		light[b].n++
	})
	brightest := float32(0)
	for b := range p.bands {
		for i := range p.bands[b] {
			if light[b].n > 0 {
				p.bands[b][i] /= light[b].n
			}
		}
		brightest = max(brightest, lightness(p.bands[b]))
	}
	p.fill(func(b int) bool { return light[b].n > 0 && lightness(p.bands[b]) >= trustedPaper*brightest })
	p.smooth()
	return p
}

func lightness(c [3]float32) float32 { return 0.3*c[0] + 0.59*c[1] + 0.11*c[2] }

// fill gives every band without a colour that of the nearest one with it.
func (p *paper) fill(has func(band int) bool) {
	old, known := slices.Clone(p.bands), make([]bool, len(p.bands))
	for b := range known {
		known[b] = has(b)
	}
	for b := range p.bands {
		for away := range p.bands {
			if left := b - away; left >= 0 && known[left] {
				p.bands[b] = old[left]
				break
			}
			if right := b + away; right < len(p.bands) && known[right] {
				p.bands[b] = old[right]
				break
			}
		}
	}
}

func (p *paper) smooth() {
	old := slices.Clone(p.bands)
	for b := range p.bands {
		left, right := old[max(b-1, 0)], old[min(b+1, len(old)-1)]
		for i := range p.bands[b] {
			p.bands[b][i] = (left[i] + 2*old[b][i] + right[i]) / 4
		}
	}
}

// at gives the colour above and below a place of the line.
func (p *paper) at(x int) [3]float32 {
	last := len(p.bands) - 1
	f := min(max((float32(x)+0.5)/p.width-0.5, 0), float32(last))
	b := min(int(f), last)
	next, t := min(b+1, last), f-float32(b)
	var c [3]float32
	for i := range c {
		c[i] = p.bands[b][i] + (p.bands[next][i]-p.bands[b][i])*t
	}
	return c
}

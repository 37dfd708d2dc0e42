package demo

import (
	"image"
	"math"
	"math/rand/v2"

	"golang.org/x/image/vector"
)

// point is a place on a picture in pixels, y downwards.
type point struct{ x, y float64 }

// layer is one channel of a picture: usually coverage by ink, 0 to 1.
type layer struct {
	w, h int
	v    []float32
}

func newLayer(w, h int) *layer {
	return &layer{w: w, h: h, v: make([]float32, w*h)}
}

func (l *layer) clone() *layer {
	return &layer{w: l.w, h: l.h, v: append([]float32(nil), l.v...)}
}

// blur is two box blurs of the given radius in each direction, near enough to
// a Gaussian and independent of the radius in time.
func (l *layer) blur(radius int) {
	if radius < 1 {
		return
	}
	line := make([]float32, max(l.w, l.h))
	for range 2 {
		for y := range l.h {
			boxRow(l.v[y*l.w:(y+1)*l.w], line, radius)
		}
		l.boxColumns(radius)
	}
}

func boxRow(row, tmp []float32, r int) {
	n := len(row)
	copy(tmp, row)
	inv := 1 / float32(2*r+1)
	var sum float32
	for i := -r; i <= r; i++ {
		sum += tmp[min(max(i, 0), n-1)]
	}
	for i := range n {
		row[i] = sum * inv
		sum += tmp[min(i+r+1, n-1)] - tmp[max(i-r, 0)]
	}
}

// boxColumns goes row by row with one running sum for each column, which is
// several times faster than column by column.
func (l *layer) boxColumns(r int) {
	src := append([]float32(nil), l.v...)
	sum := make([]float32, l.w)
	row := func(y int) []float32 {
		y = min(max(y, 0), l.h-1)
		return src[y*l.w : (y+1)*l.w]
	}
	for y := -r; y <= r; y++ {
		for x, v := range row(y) {
			sum[x] += v
		}
	}
	inv := 1 / float32(2*r+1)
	for y := range l.h {
		dst := l.v[y*l.w : (y+1)*l.w]
		in, out := row(y+r+1), row(y-r)
		for x := range dst {
			dst[x] = sum[x] * inv
			sum[x] += in[x] - out[x]
		}
	}
}

// capsule inks the round-ended line from a to b whose width goes from 2*ra to
// 2*rb, with soft edges. Overlaps do not add up, so a path may cross itself.
func (l *layer) capsule(a, b point, ra, rb float64, ink float32) {
	r := max(ra, rb) + 1
	x0, x1 := max(int(min(a.x, b.x)-r), 0), min(int(max(a.x, b.x)+r)+1, l.w-1)
	y0, y1 := max(int(min(a.y, b.y)-r), 0), min(int(max(a.y, b.y)+r)+1, l.h-1)
	dx, dy := float32(b.x-a.x), float32(b.y-a.y)
	inv := float32(0)
	if d := dx*dx + dy*dy; d > 0 {
		inv = 1 / d
	}
	ax, ay, ra32, dr := float32(a.x), float32(a.y), float32(ra), float32(rb-ra)
	for y := y0; y <= y1; y++ {
		py := float32(y) + 0.5 - ay
		row := l.v[y*l.w:]
		for x := x0; x <= x1; x++ {
			px := float32(x) + 0.5 - ax
			t := min(max((px*dx+py*dy)*inv, 0), 1)
			ex, ey := px-t*dx, py-t*dy
			w := ra32 + t*dr + 0.5
			d2 := ex*ex + ey*ey
			if d2 >= w*w {
				continue
			}
			c := min(w-float32(math.Sqrt(float64(d2))), 1) * ink
			if c > row[x] {
				row[x] = c
			}
		}
	}
}

// polyline inks a path of constant width, wholly.
func (l *layer) polyline(pts []point, radius float64) {
	for i := 1; i < len(pts); i++ {
		l.capsule(pts[i-1], pts[i], radius, radius, 1)
	}
}

// fill returns the coverage of a closed polygon.
func fillPolygon(w, h int, pts []point) *image.Alpha {
	mask := image.NewAlpha(image.Rect(0, 0, w, h))
	r := vector.NewRasterizer(w, h)
	for i, p := range pts {
		if i == 0 {
			r.MoveTo(float32(p.x), float32(p.y))
			continue
		}
		r.LineTo(float32(p.x), float32(p.y))
	}
	r.ClosePath()
	r.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	return mask
}

// spline returns a smooth path through pts (a centripetal Catmull-Rom curve,
// which neither overshoots nor makes loops of its own), in steps of about step
// pixels.
func spline(pts []point, closed bool, step float64) []point {
	n := len(pts)
	if n < 3 {
		return append([]point(nil), pts...)
	}
	at := func(i int) point {
		if closed {
			return pts[(i%n+n)%n]
		}
		if i < 0 { // reflect, so that the ends run straight
			return point{2*pts[0].x - pts[1].x, 2*pts[0].y - pts[1].y}
		}
		if i >= n {
			return point{2*pts[n-1].x - pts[n-2].x, 2*pts[n-1].y - pts[n-2].y}
		}
		return pts[i]
	}
	segments := n - 1
	if closed {
		segments = n
	}
	out := make([]point, 0, segments*8)
	for i := range segments {
		p0, p1, p2, p3 := at(i-1), at(i), at(i+1), at(i+2)
		d1, d2, d3 := knot(p0, p1), knot(p1, p2), knot(p2, p3)
		m1x, m1y := tangent(p0.x, p1.x, p2.x, d1, d2), tangent(p0.y, p1.y, p2.y, d1, d2)
		m2x, m2y := tangent(p1.x, p2.x, p3.x, d2, d3), tangent(p1.y, p2.y, p3.y, d2, d3)
		steps := max(2, int(dist(p1, p2)/step))
		for s := range steps {
			t := float64(s) / float64(steps)
			t2, t3 := t*t, t*t*t
			h1, h2, h3, h4 := 2*t3-3*t2+1, t3-2*t2+t, -2*t3+3*t2, t3-t2
			out = append(out, point{
				h1*p1.x + h2*m1x*d2 + h3*p2.x + h4*m2x*d2,
				h1*p1.y + h2*m1y*d2 + h3*p2.y + h4*m2y*d2,
			})
		}
	}
	if closed {
		return append(out, out[0])
	}
	return append(out, pts[n-1])
}

func knot(a, b point) float64 { return max(math.Sqrt(dist(a, b)), 1e-3) }

func tangent(a, b, c, d1, d2 float64) float64 {
	return (b-a)/d1 - (c-a)/(d1+d2) + (c-b)/d2
}

func dist(a, b point) float64 { return math.Hypot(b.x-a.x, b.y-a.y) }

func lerp(a, b, t float64) float64 { return a + (b-a)*t }

// between returns a random number from a to b.
func between(rng *rand.Rand, a, b float64) float64 { return a + (b-a)*rng.Float64() }

// chance is true with probability p.
func chance(rng *rand.Rand, p float64) bool { return rng.Float64() < p }

func smoothstep(a, b, x float32) float32 {
	t := min(max((x-a)/(b-a), 0), 1)
	return t * t * (3 - 2*t)
}

// inked returns a copy of the part of the layer that holds ink, with a margin,
// and its place. Finishing only that part saves half the time of a short word.
func (l *layer) inked(margin int) (*layer, image.Point) {
	box := image.Rectangle{}
	for y := range l.h {
		row := l.v[y*l.w : (y+1)*l.w]
		first, last := -1, 0
		for x, v := range row {
			if v > 0 {
				if first < 0 {
					first = x
				}
				last = x
			}
		}
		if first >= 0 {
			box = box.Union(image.Rect(first, y, last+1, y+1))
		}
	}
	box = box.Inset(-margin).Intersect(image.Rect(0, 0, l.w, l.h))
	part := newLayer(box.Dx(), box.Dy())
	for y := range part.h {
		copy(part.v[y*part.w:(y+1)*part.w], l.v[(box.Min.Y+y)*l.w+box.Min.X:])
	}
	return part, box.Min
}

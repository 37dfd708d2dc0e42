package demo

import (
	"image"
	"math"
	"math/rand/v2"
)

// rgb is a colour with channels from 0 to 1.
type rgb struct{ r, g, b float32 }

// stock is the paper that the pictures of one document share.
type stock struct {
	base     rgb
	yellow   float32 // unevenness of the yellowing
	mottle   float32 // unevenness of the brightness
	grain    float32
	laid     bool // mould lines and chain lines
	laidStep float64
	fibres   int
	foxing   int // spots on a picture, at most
	vignette float32
}

// newStock makes a document's paper. Most is rag or wood pulp gone cream, beige
// or grey; a little is nearly white or brown, as in a real reading room.
func newStock(rng *rand.Rand) stock {
	grounds := []rgb{
		{0.93, 0.89, 0.80}, {0.90, 0.84, 0.72}, {0.95, 0.93, 0.88}, {0.87, 0.80, 0.68},
		{0.91, 0.87, 0.77}, {0.85, 0.83, 0.76}, {0.89, 0.82, 0.66}, {0.80, 0.71, 0.58},
		{0.93, 0.86, 0.76}, {0.84, 0.77, 0.67},
	}
	base := grounds[rng.IntN(len(grounds))]
	shift := float32(between(rng, -0.03, 0.03))
	base = rgb{base.r + shift, base.g + shift, base.b + shift*1.3}
	s := stock{
		base:     base,
		yellow:   float32(between(rng, 0.03, 0.10)),
		mottle:   float32(between(rng, 0.02, 0.055)),
		grain:    float32(between(rng, 0.022, 0.045)),
		laid:     chance(rng, 0.4),
		laidStep: between(rng, 4.2, 6.5),
		fibres:   20 + rng.IntN(70),
		vignette: float32(between(rng, 0.02, 0.12)),
	}
	if chance(rng, 0.65) {
		s.foxing = 1 + rng.IntN(7)
	}
	return s
}

// sheet is a piece of paper being drawn: light is a factor on the brightness
// and warm a shift towards brown, both about zero.
type sheet struct {
	stock       stock
	light, warm *layer
}

func newSheet(rng *rand.Rand, st stock, w, h int) *sheet {
	s := &sheet{stock: st, light: newLayer(w, h), warm: newLayer(w, h)}
	s.warm.addNoise(rng, 190, 150, st.yellow)
	s.warm.addNoise(rng, 45, 40, st.yellow*0.35)
	s.light.addNoise(rng, 130, 110, st.mottle)
	s.light.addNoise(rng, 24, 20, st.mottle*0.45)
	// Formation of the sheet: cloudy a few pixels wide, longer than high.
	s.light.addTexture(rng, mediumTexture, st.grain*0.7)
	s.light.addTexture(rng, fineTexture, st.grain*0.8)
	s.light.addGrain(rng, st.grain*0.8)
	if st.laid {
		s.addLaid(rng)
	}
	s.addFibres(rng)
	for range st.foxing {
		if chance(rng, 0.7) {
			s.addSpot(rng)
		}
	}
	s.addEdges(rng)
	if chance(rng, 0.16) {
		s.addTide(rng)
	}
	if chance(rng, 0.16) {
		s.addFold(rng)
	}
	return s
}

// addLaid adds the ribs of the mould and, across them, a chain line or two.
func (s *sheet) addLaid(rng *rand.Rand) {
	step, phase := s.stock.laidStep, rng.Float64()*6
	tilt := between(rng, -0.012, 0.012)
	amp := float32(between(rng, 0.008, 0.02))
	w := s.light.w
	for y := range s.light.h {
		row := s.light.v[y*w : (y+1)*w]
		for x := range row {
			f := (float64(y)+float64(x)*tilt)/step + phase
			t := float32(f-math.Floor(f))*2 - 1
			row[x] += (2*t*t - 1) * amp // a parabola is a good enough wave
		}
	}
	chains := newLayer(w, s.light.h)
	gap := between(rng, 150, 210)
	for x := rng.Float64() * gap; x < float64(w); x += gap {
		lean := between(rng, -3, 3)
		chains.capsule(point{x, -5}, point{x + lean, float64(s.light.h) + 5}, 1.4, 1.4, 1)
	}
	chains.blur(1)
	for i, v := range chains.v {
		s.light.v[i] -= v * amp * 1.6
	}
}

// addFibres strews short bent hairs, most of them hardly visible.
func (s *sheet) addFibres(rng *rand.Rand) {
	hairs := newLayer(s.light.w, s.light.h)
	for range s.stock.fibres {
		p := point{rng.Float64() * float64(s.light.w), rng.Float64() * float64(s.light.h)}
		a, bend := rng.Float64()*2*math.Pi, between(rng, -0.25, 0.25)
		ink := float32(between(rng, 0.2, 0.9))
		for range 4 + rng.IntN(8) {
			q := point{p.x + 3*math.Cos(a), p.y + 3*math.Sin(a)}
			hairs.capsule(p, q, 0.35, 0.35, ink)
			p, a = q, a+bend
		}
	}
	for i, v := range hairs.v {
		if v > 0 {
			s.light.v[i] -= v * 0.07
			s.warm.v[i] += v * 0.03
		}
	}
}

// addSpot adds one foxing spot: a rusty core in a pale halo of ragged outline.
func (s *sheet) addSpot(rng *rand.Rand) {
	c := point{rng.Float64() * float64(s.light.w), rng.Float64() * float64(s.light.h)}
	radius := between(rng, 3, 16)
	if chance(rng, 0.15) {
		radius *= 2.2
	}
	depth := float32(between(rng, 0.08, 0.30)) * float32(min(1, 9/radius))
	wobble, petals := between(rng, 0.1, 0.3), float64(3+rng.IntN(4))
	turn := rng.Float64() * 6
	s.each(c, radius*2.4, func(i int, dx, dy float64) {
		edge := radius * (1 + wobble*math.Sin(petals*math.Atan2(dy, dx)+turn))
		d := float32(math.Hypot(dx, dy) / edge)
		v := depth * (0.65*smoothstep(1.1, 0.1, d) + 0.35*smoothstep(2.2, 0.6, d))
		s.light.v[i] -= v * 0.55
		s.warm.v[i] += v
	})
}

// addTide adds the brown rim of an old wet stain, most of it off the picture.
func (s *sheet) addTide(rng *rand.Rand) {
	w, h := float64(s.light.w), float64(s.light.h)
	c := point{between(rng, 0, w), -between(rng, 0, h)}
	if chance(rng, 0.5) {
		c.y = h - c.y
	}
	radius := between(rng, 0.7, 1.5) * h
	a, b := rng.Float64()*6, rng.Float64()*6
	depth := float32(between(rng, 0.05, 0.12))
	s.each(c, radius*1.4, func(i int, dx, dy float64) {
		t := math.Atan2(dy, dx)
		edge := radius * (1 + 0.06*math.Sin(5*t+a) + 0.03*math.Sin(13*t+b))
		d := float32((edge - math.Hypot(dx, dy)) / radius)
		if d < -0.05 {
			return
		}
		rim := smoothstep(-0.02, 0.0, d) * (0.25 + 0.75*smoothstep(0.12, 0.0, d))
		s.light.v[i] -= rim * depth * 0.6
		s.warm.v[i] += rim * depth
	})
}

// each calls f for every pixel within radius of c.
func (s *sheet) each(c point, radius float64, f func(i int, dx, dy float64)) {
	for y := max(int(c.y-radius), 0); y < min(int(c.y+radius)+1, s.light.h); y++ {
		for x := max(int(c.x-radius), 0); x < min(int(c.x+radius)+1, s.light.w); x++ {
			dx, dy := float64(x)-c.x, float64(y)-c.y
			if dx*dx+dy*dy <= radius*radius {
				f(y*s.light.w+x, dx, dy)
			}
		}
	}
}

// addEdges darkens towards the borders and, in some, towards one side, as where
// the page turns into the gutter under the scanner.
func (s *sheet) addEdges(rng *rand.Rand) {
	w, h := s.light.w, s.light.h
	gutter, side := float32(0), float32(1)
	if chance(rng, 0.22) {
		gutter = float32(between(rng, 0.08, 0.28))
	}
	if chance(rng, 0.5) {
		side = -1
	}
	reach := between(rng, 0.08, 0.22) * float64(w)
	across := make([]float32, w)
	for x := range across {
		fx := float32(x)/float32(w)*2 - 1
		d := float64(x)
		if side < 0 {
			d = float64(w - x)
		}
		across[x] = s.stock.vignette*fx*fx*fx*fx + gutter*float32(math.Exp(-d/reach))
	}
	for y := range h {
		fy := float32(y)/float32(h)*2 - 1
		down := s.stock.vignette * 0.6 * fy * fy * fy * fy
		for x := range w {
			v := across[x] + down
			s.light.v[y*w+x] -= v
			s.warm.v[y*w+x] += v * 0.25
		}
	}
}

// addFold adds a crease: a light ridge beside a thin dark valley.
func (s *sheet) addFold(rng *rand.Rand) {
	w, h := float64(s.light.w), float64(s.light.h)
	a, b := point{rng.Float64() * w, -4}, point{0, h + 4}
	b.x = a.x + between(rng, -0.06, 0.06)*h
	if chance(rng, 0.35) {
		y := between(rng, 0.08, 0.92) * h
		a, b = point{-4, y}, point{w + 4, y + between(rng, -0.02, 0.02)*w}
	}
	dark, light := newLayer(s.light.w, s.light.h), newLayer(s.light.w, s.light.h)
	dark.capsule(a, b, 0.7, 0.9, 1)
	off := between(rng, 2, 4)
	light.capsule(point{a.x + off, a.y + off*0.4}, point{b.x + off, b.y + off*0.4}, 1.5, 2.2, 1)
	light.blur(1)
	depth := float32(between(rng, 0.06, 0.16))
	for i := range dark.v {
		s.light.v[i] += (light.v[i]*0.45 - dark.v[i]) * depth
	}
}

// soil adds a layer as a faint shade of the given colour: ruled lines, or what
// shines through from the other side.
func (s *sheet) soil(img *image.RGBA, l *layer, c rgb, depth float32) {
	for i, v := range l.v {
		if v > 0.004 {
			stain(img.Pix[i*4:i*4+3:i*4+3], c, v*depth)
		}
	}
}

// stain lets a little ink of colour c cover the pixel.
func stain(pix []uint8, c rgb, v float32) {
	pix[0] = uint8(float32(pix[0]) * (1 - v*(1-c.r)))
	pix[1] = uint8(float32(pix[1]) * (1 - v*(1-c.g)))
	pix[2] = uint8(float32(pix[2]) * (1 - v*(1-c.b)))
}

// picture returns the bare sheet as an opaque picture.
func (s *sheet) picture() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, s.light.w, s.light.h))
	b := s.stock.base
	for i, light := range s.light.v {
		f, warm := 255*(1+light), s.warm.v[i]
		pix := img.Pix[i*4 : i*4+4 : i*4+4]
		pix[0] = clampByte(b.r * f * (1 - 0.10*warm))
		pix[1] = clampByte(b.g * f * (1 - 0.45*warm))
		pix[2] = clampByte(b.b * f * (1 - 1.15*warm))
		pix[3] = 255
	}
	return img
}

func clampByte(v float32) uint8 {
	return uint8(min(max(v, 0), 255))
}

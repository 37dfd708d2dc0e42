package corpus

import (
	"image"
	"image/color"

	"ocapi/corpus/rendering"
	"ocapi/domain"
)

// look is what can be told of a cut picture by its light and dark alone. It is
// taken at the size in which the picture will be served.
type look struct {
	width, height int     // of the cut, in its own pixels
	contrast      float64 // luminance between ink and paper, 0 to 255
	letters       float64 // height of small letters in pixels of the visitor's page; 0: no ink was told from paper
	scale         float64 // served pixels per pixel of the cut
	hash          PictureHash
}

// lookAt measures a cut as it will look in its shape.
func lookAt(img image.Image, t domain.ChallengeType) look {
	b := img.Bounds()
	shape := shapeOf(t)
	scale := shape.Scale(b.Size())
	g := shrink(img, min(scale, 1))
	l := look{width: b.Dx(), height: b.Dy(), scale: scale, hash: hashOf(g, t)}
	ink, contrast := g.split()
	l.contrast = contrast
	if rows := g.letterRows(ink); rows > 0 {
		// Rows of a picture that is served larger than it is count for more.
		served := float64(rows) * scale / (float64(g.h) / float64(b.Dy()))
		l.letters = served / rendering.Density
	}
	return l
}

// grey is a picture's luminance, row by row.
type grey struct {
	pix  []uint8
	w, h int
}

// shrink takes the luminance of a picture, each pixel the mean of those that it
// stands for.
func shrink(img image.Image, scale float64) grey {
	b := img.Bounds()
	g := grey{w: max(1, int(float64(b.Dx())*scale+0.5)), h: max(1, int(float64(b.Dy())*scale+0.5))}
	sums := make([]uint32, g.w*g.h)
	counts := make([]uint32, g.w*g.h)
	column := make([]int, b.Dx())
	for x := range column {
		column[x] = x * g.w / b.Dx()
	}
	at := luminance(img)
	for y := range b.Dy() {
		row := y * g.h / b.Dy() * g.w
		for x, c := range column {
			sums[row+c] += uint32(at(b.Min.X+x, b.Min.Y+y))
			counts[row+c]++
		}
	}
	g.pix = make([]uint8, g.w*g.h)
	for i := range g.pix {
		if counts[i] > 0 {
			g.pix[i] = uint8(sums[i] / counts[i])
		}
	}
	return g
}

// luminance gives a picture's luminance by place, without a conversion of every
// pixel for the pictures that decoders mostly give.
func luminance(img image.Image) func(x, y int) uint8 {
	switch m := img.(type) {
	case *image.YCbCr:
		return func(x, y int) uint8 { return m.Y[m.YOffset(x, y)] }
	case *image.Gray:
		return func(x, y int) uint8 { return m.Pix[m.PixOffset(x, y)] }
	case *image.RGBA:
		return func(x, y int) uint8 {
			p := m.Pix[m.PixOffset(x, y):]
			return uint8((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
		}
	}
	return func(x, y int) uint8 { return color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y }
}

// split parts ink from paper where the two differ most within (Otsu's rule),
// and tells the luminance between their means.
func (g *grey) split() (ink uint8, contrast float64) {
	var histogram [256]int
	total, sum := len(g.pix), 0
	for _, p := range g.pix {
		histogram[p]++
		sum += int(p)
	}
	best, dark, darkSum := 0.0, 0, 0
	for level := range 255 {
		dark += histogram[level]
		darkSum += level * histogram[level]
		light := total - dark
		if dark == 0 || light == 0 {
			continue
		}
		between := float64(sum-darkSum)/float64(light) - float64(darkSum)/float64(dark)
		if v := float64(dark) * float64(light) * between * between; v > best {
			best, ink, contrast = v, uint8(level), between
		}
	}
	return ink, contrast
}

// letterRows counts the rows of small letters' bodies: those with at least as
// much ink as the mean of all that have any. Rows of ascenders and descenders
// have less; a ruled line has much, but is only a row or two.
func (g *grey) letterRows(ink uint8) int {
	counts := make([]int, g.h)
	rows, all := 0, 0
	for y := range counts {
		for _, p := range g.pix[y*g.w : (y+1)*g.w] {
			if p <= ink {
				counts[y]++
			}
		}
		if counts[y] > 0 {
			rows++
			all += counts[y]
		}
	}
	n := 0
	for _, c := range counts {
		if c > 0 && c*rows >= all {
			n++
		}
	}
	return n
}

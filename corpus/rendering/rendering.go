// Package rendering turns one picture of a collection, drawn or imported, into
// several slightly different pictures to be served. All pictures of a shape
// have the same size, so that nothing but what they show sets them apart, and
// no two carry the same bytes.
package rendering

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
)

// Shape is the form in which a picture is served. The zero value is invalid. A
// new shape must be added to String and size.
type Shape uint8

// The shapes.
const (
	// ShapeLine is for one written word: 825 by 240 pixels.
	ShapeLine Shape = iota + 1
	// ShapeTile is for a tile of a grid: 264 by 264 pixels.
	ShapeTile
)

// String returns the name of the shape in lower case, or "shape(n)" for a value
// that is none.
func (s Shape) String() string {
	switch s {
	case ShapeLine:
		return "line"
	case ShapeTile:
		return "tile"
	default:
		return fmt.Sprintf("shape(%d)", uint8(s))
	}
}

// Served sizes in pixels: two for each pixel of a page on which the widget has
// its full width, where it shows a line 412 wide and a tile 132. Screens with two
// pixels for one then show every letter as sharp as it is; a picture of half the
// size and better quality is as many bytes and looks blurred there.
const (
	lineWidth, lineHeight = 825, 240
	tileSide              = 264

	// Density is how many served pixels one pixel of the page shows.
	Density = 2
)

// Size gives the size of a shape's pictures in pixels; zero for no shape.
func (s Shape) Size() (w, h int) {
	w, h, _ = s.size()
	return w, h
}

func (s Shape) size() (w, h int, ok bool) {
	switch s {
	case ShapeLine:
		return lineWidth, lineHeight, true
	case ShapeTile:
		return tileSide, tileSide, true
	default:
		return 0, 0, false
	}
}

// Errors of Make, to be tested with errors.Is.
var (
	// ErrEmpty says that the picture has no pixels.
	ErrEmpty = errors.New("empty picture")
	// ErrCount says that fewer than one rendering was asked for.
	ErrCount = errors.New("fewer than one rendering")
	// ErrShape says that the shape is none of the constants.
	ErrShape = errors.New("unknown shape")
)

// Rendering is one picture as it is served.
type Rendering struct {
	// Bytes is a baseline JPEG without metadata, seldom above 12,000 bytes.
	Bytes []byte
	// Width and Height are its size in pixels, the same for every rendering of
	// a shape.
	Width, Height int
}

// Bounds of a rendering's bytes: quality is lowered until the picture is below
// byteBudget, but not under leastQuality, where letters begin to blur. With two
// pixels for one of the page nobody sees what a quality above 62 would add.
const (
	byteBudget    = 11_800
	bestQuality   = 62
	leastQuality  = 34
	qualityStep   = 2
	qualityJitter = 10
)

// feather is over how many served pixels content fades into ground.
const feather = 16.0

// Make returns k renderings of src, which differ a little in crop, scale,
// turn, tone and compression, but never so much that one is harder to read.
//
// The whole of src is shown, fitted by scale and centred; what is left of the
// frame is ground in the colour of the paper at the picture's edge, blended
// softly. For ShapeTile a picture that is nearly square fills the frame and
// loses a few percent of its edges. Transparent parts of src are taken as
// black.
//
// Make draws all variation from rng: the same picture and the same state of rng
// give the same bytes. It returns ErrEmpty, ErrCount or ErrShape, wrapped, for
// arguments it cannot use. It does not change src. Concurrent calls are safe as
// long as they do not share rng.
func Make(src image.Image, shape Shape, k int, rng *rand.Rand) ([]Rendering, error) {
	w, h, ok := shape.size()
	if !ok {
		return nil, fmt.Errorf("render picture as %v: %w", shape, ErrShape)
	}
	if k < 1 {
		return nil, fmt.Errorf("render picture %d times: %w", k, ErrCount)
	}
	if src == nil || src.Bounds().Empty() {
		return nil, fmt.Errorf("render picture: %w", ErrEmpty)
	}
	frame := frameOf(shape, src.Bounds())
	content := prepare(src, frame.scale)
	paper, wide := newGround(content), widen(content)
	frame = frameOf(shape, content.Bounds())

	out := make([]Rendering, 0, k)
	canvas := image.NewRGBA(image.Rect(0, 0, w, h))
	most := bestQuality
	for range k {
		v := vary(rng, shape)
		frame.paint(canvas, content, wide, paper, v, rng.Uint64())
		data, used, err := encode(canvas, min(v.quality, most))
		if err != nil {
			return nil, fmt.Errorf("encode rendering: %w", err)
		}
		// What did for one rendering nearly does for the next: encoding is most of
		// the work, and trying again is half of that.
		if used < v.quality {
			most = used + qualityStep
		}
		out = append(out, Rendering{Bytes: data, Width: w, Height: h})
	}
	return out, nil
}

// variation is what makes one rendering differ from the next.
type variation struct {
	dx, dy             float64 // shift in served pixels
	zoom               float64 // factor on the fitted scale
	turn               float64 // radians
	contrast           float64
	light, warm, green float64
	quality            int
}

func vary(rng *rand.Rand, shape Shape) variation {
	between := func(a, b float64) float64 { return a + (b-a)*rng.Float64() }
	v := variation{
		zoom: between(0.975, 1.005), dx: between(-9.4, 9.4), dy: between(-3, 3),
		turn: between(-0.009, 0.009), contrast: between(0.93, 1.07), light: between(-7, 7),
		warm: between(-0.03, 0.03), green: between(-0.008, 0.008),
		quality: bestQuality - rng.IntN(qualityJitter),
	}
	if shape == ShapeTile {
		v.zoom, v.dx, v.dy = between(0.985, 1.035), between(-4.4, 4.4), between(-4.4, 4.4)
		v.turn = between(-0.014, 0.014)
	}
	return v
}

// encode gives the picture's bytes, and the quality that the budget allowed.
func encode(img *image.RGBA, quality int) ([]byte, int, error) {
	var buf bytes.Buffer
	for {
		buf.Reset()
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, 0, err
		}
		if buf.Len() <= byteBudget || quality <= leastQuality {
			return bytes.Clone(buf.Bytes()), quality, nil
		}
		// Bytes go down about as quality does: one more encoding mostly does it.
		next := quality * byteBudget / buf.Len()
		quality = max(min(next, quality-qualityStep), leastQuality)
	}
}

// prepare returns a copy of src as RGBA that is smoothed as far as the scale
// asks for: shrinking a sharp picture would turn its grain into noise.
func prepare(src image.Image, scale float64) *image.RGBA {
	b := src.Bounds()
	img := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(img, img.Rect, src, b.Min, draw.Src)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	for scale < 0.5 && img.Rect.Dx() > 1 && img.Rect.Dy() > 1 {
		img = halve(img)
		scale *= 2
	}
	if scale < 0.85 {
		soften(img)
	}
	return img
}

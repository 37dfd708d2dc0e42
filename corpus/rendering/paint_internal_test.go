package rendering

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

// noise is a smooth picture of random colours.
func noise(rng *rand.Rand, w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			wave := func(n int) uint8 { // without a jump, back and forth
				n = (n + rng.IntN(9)) % 400
				return uint8(20 + max(n, 400-n) - 200)
			}
			img.SetRGBA(x, y, color.RGBA{wave(x * 5), wave(y * 7), wave((x + y) * 3), 255})
		}
	}
	return img
}

// TestPaintIsTheSameInside compares the fast way through a row with the slow
// one, pixel by pixel: pictures of all sizes and variations differ by no more
// than rounding does, and nothing is read beside the picture.
func TestPaintIsTheSameInside(t *testing.T) {
	t.Parallel()
	rng := newRand(3)
	fast := 0
	for i := range 120 {
		shape := []Shape{ShapeLine, ShapeTile}[i%2]
		src := noise(rng, 1+rng.IntN(400), 1+rng.IntN(300))
		f := frameOf(shape, src.Rect)
		content := prepare(src, f.scale)
		f = frameOf(shape, content.Rect)
		v := vary(rng, shape)
		v.turn *= 1 + 3*rng.Float64() // further than is served
		paper, seed := newGround(content), rng.Uint64()
		w, h := shape.Size()
		got, want := image.NewRGBA(image.Rect(0, 0, w, h)), image.NewRGBA(image.Rect(0, 0, w, h))
		f.paint(got, content, widen(content), paper, v, seed)
		slow := f
		slow.allEdges = true
		slow.paint(want, content, widened{}, paper, v, seed)
		for j := range got.Pix {
			// A sixteenth of a pixel beside its place, on a slope of 7, and rounding.
			if d := int(got.Pix[j]) - int(want.Pix[j]); d < -3 || d > 3 {
				t.Fatalf("picture %d of %v as %v: byte %d is %d, want %d", i, src.Rect.Size(), shape, j, got.Pix[j], want.Pix[j])
			}
			if got.Pix[j] != want.Pix[j] {
				fast++
			}
		}
	}
	if fast == 0 {
		t.Error("nothing differs at all: the fast way was not taken")
	}
}

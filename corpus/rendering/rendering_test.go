package rendering

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ocapi/corpus/demo"
)

// note is a stand-in for an imported crop: dark bars on paper of one colour.
func note(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{228, 214, 184, 255}
			if x > w/5 && x < w*4/5 && y > h/3 && y < h*2/3 && x/3%2 == 0 {
				c = color.RGBA{40, 32, 28, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func decode(t *testing.T, r Rendering) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(r.Bytes))
	if err != nil {
		t.Fatalf("decode rendering: %v", err)
	}
	return img
}

func newRand(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 1)) }

func TestMakeSizes(t *testing.T) {
	t.Parallel()
	sources := []struct {
		name string
		w, h int
	}{
		{"drawn word", 756, 220}, {"drawn plate", 340, 340}, {"small crop", 60, 30}, {"one pixel", 1, 1},
		{"one row", 300, 1}, {"one column", 1, 300}, {"wide", 2400, 90}, {"tall", 90, 1200}, {"page", 1900, 2500},
	}
	shapes := []struct {
		shape Shape
		w, h  int
	}{{ShapeLine, 825, 240}, {ShapeTile, 264, 264}}
	for _, src := range sources {
		for _, want := range shapes {
			t.Run(src.name+"/"+want.shape.String(), func(t *testing.T) {
				t.Parallel()
				out, err := Make(note(src.w, src.h), want.shape, 3, newRand(1))
				if err != nil {
					t.Fatal(err)
				}
				if len(out) != 3 {
					t.Fatalf("%d renderings, want 3", len(out))
				}
				for _, r := range out {
					b := decode(t, r).Bounds()
					if b.Dx() != want.w || b.Dy() != want.h || r.Width != want.w || r.Height != want.h {
						t.Errorf("picture is %v, said to be %d by %d, want %d by %d", b, r.Width, r.Height, want.w, want.h)
					}
				}
			})
		}
	}
}

// TestMakeKinds holds that other picture types, and windows into a larger
// picture, come out as the same picture.
func TestMakeKinds(t *testing.T) {
	t.Parallel()
	src := note(300, 120)
	gray := image.NewGray(src.Rect)
	big := image.NewRGBA(image.Rect(-40, -30, 400, 300))
	for y := range 120 {
		for x := range 300 {
			gray.Set(x, y, src.At(x, y))
			big.Set(x, y, src.At(x, y))
		}
	}
	want, err := Make(src, ShapeLine, 1, newRand(4))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Make(big.SubImage(src.Rect), ShapeLine, 1, newRand(4))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[0].Bytes, want[0].Bytes) {
		t.Error("a window into a larger picture is rendered differently")
	}
	if _, err := Make(gray, ShapeLine, 1, newRand(4)); err != nil {
		t.Errorf("gray picture: %v", err)
	}
}

// TestMakeGround holds that paper made up beside the content has the colour of
// the content's own paper.
func TestMakeGround(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{60, 60}, {100, 160}, {1200, 100}} {
		out, err := Make(note(size.X, size.Y), ShapeLine, 1, newRand(2))
		if err != nil {
			t.Fatal(err)
		}
		img := decode(t, out[0])
		for _, p := range []image.Point{{3, 3}, {820, 3}, {3, 235}, {820, 235}, {412, 3}, {412, 235}, {3, 120}, {820, 120}} {
			r, g, b, _ := img.At(p.X, p.Y).RGBA()
			got := [3]int{int(r >> 8), int(g >> 8), int(b >> 8)}
			for i, want := range [3]int{228, 214, 184} {
				// The tone varies by up to about 10 in 255.
				if d := got[i] - want; d < -26 || d > 26 {
					t.Errorf("source %v: colour at %v is %v, want about 228 214 184", size, p, got)
					break
				}
			}
		}
	}
}

func TestMakeVaries(t *testing.T) {
	t.Parallel()
	for _, tt := range specimens(2) {
		out, err := Make(tt.img, tt.shape, 4, newRand(9))
		if err != nil {
			t.Fatal(err)
		}
		for i := range out {
			for j := range i {
				if bytes.Equal(out[i].Bytes, out[j].Bytes) {
					t.Errorf("renderings %d and %d are the same bytes", j, i)
				}
				if d := difference(decode(t, out[i]), decode(t, out[j])); d < 0.3 || d > 22 {
					t.Errorf("renderings %d and %d differ by %.1f of 255 from afar, want 0.3 to 22", j, i, d)
				}
			}
		}
		again, err := Make(tt.img, tt.shape, 4, newRand(9))
		if err != nil {
			t.Fatal(err)
		}
		for i := range out {
			if !bytes.Equal(out[i].Bytes, again[i].Bytes) {
				t.Errorf("rendering %d differs under the same seed", i)
			}
		}
	}
}

// difference is the mean difference of two pictures seen from afar: in blocks,
// so that lines moved by a pixel or two count little.
func difference(a, b image.Image) float64 {
	const block = 16
	sum, n := 0.0, 0.0
	for y := 0; y+block <= a.Bounds().Dy(); y += block {
		for x := 0; x+block <= a.Bounds().Dx(); x += block {
			d := 0.0
			for i := range block * block {
				_, ga, _, _ := a.At(x+i%block, y+i/block).RGBA()
				_, gb, _, _ := b.At(x+i%block, y+i/block).RGBA()
				d += float64(ga>>8) - float64(gb>>8)
			}
			sum += max(d, -d) / (block * block)
			n++
		}
	}
	return sum / n
}

type specimen struct {
	img   image.Image
	shape Shape
}

// specimens are n pictures of each kind out of the demo collection.
func specimens(n int) []specimen {
	var out []specimen
	count := make(map[demo.Kind]int)
	for _, s := range demo.Plan(6, demo.DefaultCounts()) {
		if count[s.Kind] == n {
			continue
		}
		count[s.Kind]++
		shape := ShapeTile
		if s.Kind == demo.KindTranscription {
			shape = ShapeLine
		}
		out = append(out, specimen{demo.Draw(6, s), shape})
	}
	return out
}

func TestMakeBytes(t *testing.T) {
	t.Parallel()
	sizes := make(map[Shape][]int)
	for i, s := range specimens(20) {
		out, err := Make(s.img, s.shape, 2, newRand(uint64(i)))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out {
			sizes[s.shape] = append(sizes[s.shape], len(r.Bytes))
			// Quantisation, frame, Huffman tables, scan: what draws the picture, and
			// nothing that says where it comes from.
			if got := segments(r.Bytes); got != "db c0 c4 da" {
				t.Errorf("a rendering has the segments %s", got)
			}
		}
	}
	for shape, list := range sizes {
		slices.Sort(list)
		median, most := list[len(list)/2], list[len(list)-1]
		t.Logf("%v: median %d, most %d bytes", shape, median, most)
		if median > 12_000 || most > 20_000 {
			t.Errorf("%v: median %d, most %d bytes, want at most 12000 and 20000", shape, median, most)
		}
	}
}

// segments lists the kinds of segments of a JPEG up to its scan, each once.
func segments(b []byte) string {
	var kinds []string
	for b = b[2:]; len(b) >= 4 && b[0] == 0xff; {
		kind := fmt.Sprintf("%x", b[1])
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		if kind == "da" {
			break
		}
		b = b[2+int(binary.BigEndian.Uint16(b[2:])):]
	}
	return strings.Join(kinds, " ")
}

func TestMakeErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		src   image.Image
		shape Shape
		k     int
		want  error
	}{
		{"nil", nil, ShapeLine, 1, ErrEmpty},
		{"empty", image.NewRGBA(image.Rectangle{}), ShapeTile, 1, ErrEmpty},
		{"no height", image.NewRGBA(image.Rect(0, 0, 5, 0)), ShapeTile, 1, ErrEmpty},
		{"none asked", note(9, 9), ShapeLine, 0, ErrCount},
		{"negative", note(9, 9), ShapeLine, -2, ErrCount},
		{"zero shape", note(9, 9), 0, 1, ErrShape},
		{"strange shape", note(9, 9), 7, 1, ErrShape},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := Make(tt.src, tt.shape, tt.k, newRand(1))
			if !errors.Is(err, tt.want) || out != nil {
				t.Errorf("got %d renderings and %v, want %v", len(out), err, tt.want)
			}
		})
	}
}

func TestShapeString(t *testing.T) {
	t.Parallel()
	for shape, want := range map[Shape]string{ShapeLine: "line", ShapeTile: "tile", 0: "shape(0)", 8: "shape(8)"} {
		if got := shape.String(); got != want {
			t.Errorf("%d is %q, want %q", uint8(shape), got, want)
		}
	}
}

// BenchmarkMake renders one picture of each shape; a call gives one rendering.
func BenchmarkMake(b *testing.B) {
	for _, s := range specimens(1) {
		b.Run(s.shape.String(), func(b *testing.B) {
			rng := newRand(1)
			n := 0
			for b.Loop() {
				out, err := Make(s.img, s.shape, 4, rng)
				if err != nil {
					b.Fatal(err)
				}
				n += len(out)
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(n), "ms/rendering")
		})
	}
}

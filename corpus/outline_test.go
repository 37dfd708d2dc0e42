package corpus_test

import (
	"crypto/sha256"
	"image"
	"image/color"
	"image/draw"
	"slices"
	"testing"

	"ocapi/corpus"
	"ocapi/domain"
)

// lines draws a page with three bars of ink that rise to the right, 20 high and
// 50 apart, and gives the outline of the middle one.
func lines() (*image.RGBA, []image.Point) {
	page := image.NewRGBA(image.Rect(0, 0, 400, 220))
	draw.Draw(page, page.Rect, image.NewUniform(color.RGBA{220, 200, 170, 255}), image.Point{}, draw.Src)
	for _, top := range []int{50, 100, 150} {
		for x := 40; x < 360; x++ {
			for y := range 20 {
				if x%12 < 6 { // letters
					page.Set(x, top+y-(x-40)/8, color.RGBA{30, 20, 10, 255})
				}
			}
		}
	}
	return page, []image.Point{{40, 100}, {360, 60}, {360, 80}, {40, 120}}
}

func TestCutOutline(t *testing.T) {
	t.Parallel()
	page, outline := lines()
	got, err := corpus.CutOutline(page, outline)
	if err != nil {
		t.Fatal(err)
	}
	b := got.Bounds()
	if b.Dx() < 320 || b.Dx() > 330 || b.Dy() < 60 || b.Dy() > 70 {
		t.Errorf("the cut is %v", b)
	}
	dx, dy := b.Dx()/2-200, b.Dy()/2-90 // from the page to the cut
	light := func(x, y int) int {
		r, _, _, _ := got.At(x+dx, y+dy).RGBA()
		return int(r >> 8)
	}
	ink := 0
	for y := -dy; y < b.Dy()-dy; y++ {
		for x := -dx; x < b.Dx()-dx; x++ {
			top := 100 - (x-40)/8 // of the line, here
			inside := x >= 40 && x < 360 && y >= top && y < top+20
			switch v := light(x, y); {
			case inside && x%12 < 6 && v < 60:
				ink++
			case (y < top-8 || y > top+28) && (v < 190 || v > 230):
				t.Fatalf("at %d, %d, beside the line, it is %d light", x, y, v)
			}
		}
	}
	if want := 320 * 20 / 2 * 9 / 10; ink < want {
		t.Errorf("%d pixels of ink are left, want %d", ink, want)
	}
}

func TestCutOutlineRefuses(t *testing.T) {
	t.Parallel()
	page, _ := lines()
	for name, outline := range map[string][]image.Point{
		"beside the page": {{500, 10}, {600, 10}, {550, 40}},
		"too small":       {{10, 10}, {13, 10}, {12, 13}},
		"far away":        {{-1 << 20, -1 << 20}, {1 << 20, -1 << 20}, {1 << 20, 1 << 20}},
	} {
		if _, err := corpus.CutOutline(page, outline); err == nil {
			t.Errorf("what is %s was cut", name)
		}
	}
	// A line that crosses itself, and one that covers next to nothing.
	for _, outline := range [][]image.Point{{{40, 100}, {360, 120}, {360, 100}, {40, 120}}, {{40, 100}, {360, 100}, {40, 110}, {360, 101}}} {
		if _, err := corpus.CutOutline(page, outline); err != nil {
			t.Errorf("%v: %v", outline, err)
		}
	}
}

func TestScaled(t *testing.T) {
	t.Parallel()
	item := corpus.Item{Box: image.Rect(10, 20, 31, 41), Outline: []image.Point{{10, 20}, {31, 20}, {20, 41}}}
	for _, c := range []struct {
		name     string
		from, to image.Point
		box      image.Rectangle // empty: it is refused
		outline  []image.Point
	}{
		{"a size that is not said", image.Pt(0, 0), image.Pt(50, 30), item.Box, item.Outline},
		{"the same", image.Pt(50, 30), image.Pt(50, 30), item.Box, item.Outline},
		{"half", image.Pt(400, 200), image.Pt(200, 100), image.Rect(5, 10, 16, 21), []image.Point{{5, 10}, {16, 10}, {10, 21}}},
		{"twice, and a pixel off", image.Pt(400, 200), image.Pt(800, 401), image.Rect(20, 40, 62, 83), []image.Point{{20, 40}, {62, 40}, {40, 82}}},
		{"another shape", image.Pt(400, 200), image.Pt(400, 300), image.Rectangle{}, nil},
		{"another shape of a large page", image.Pt(4000, 2000), image.Pt(2000, 1030), image.Rectangle{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := corpus.Scaled([]corpus.Item{item}, c.from, c.to)
			switch {
			case c.box.Empty() && err == nil:
				t.Errorf("it was scaled to %+v", got)
			case !c.box.Empty() && (err != nil || got[0].Box != c.box || !slices.Equal(got[0].Outline, c.outline)):
				t.Errorf("got %v %v, %v", got[0].Box, got[0].Outline, err)
			}
		})
	}
	if item.Outline[0] != image.Pt(10, 20) {
		t.Error("the item that was given is changed")
	}
}

// TestImageIDsStay has an id that was given out before there were outlines:
// events name images by it.
func TestImageIDsStay(t *testing.T) {
	t.Parallel()
	file, box := sha256.Sum256([]byte("file")), image.Rect(1, 2, 30, 40)
	if id := corpus.ImageID("c", domain.TypeTranscription, file, box); id != "f5eofvjhwycaphhnk4vuktc7" {
		t.Errorf("the id is %s", id)
	}
	seen := map[domain.ImageID]bool{}
	for _, outline := range [][]image.Point{nil, {{1, 2}, {30, 2}, {30, 40}}, {{1, 2}, {30, 2}, {29, 40}}} {
		seen[corpus.ImageID("c", domain.TypeTranscription, file, box, outline...)] = true
	}
	if len(seen) != 3 {
		t.Errorf("three outlines have %d ids", len(seen))
	}
}

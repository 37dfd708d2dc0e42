package rendering

import (
	"image"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"os"
	"testing"
)

// TestContactSheet writes served pictures to look at, when OCAPI_DEMO_SHEETS
// names a folder for them. It checks nothing by itself.
func TestContactSheet(t *testing.T) {
	dir := os.Getenv("OCAPI_DEMO_SHEETS")
	if dir == "" {
		t.Skip("set OCAPI_DEMO_SHEETS to a folder to get contact sheets")
	}
	for _, shape := range []Shape{ShapeLine, ShapeTile} {
		w, h, _ := shape.size()
		columns := 1320 / w
		out := image.NewRGBA(image.Rect(0, 0, columns*(w+6), (40+columns-1)/columns*(h+6)))
		i := 0
		for n, s := range specimens(20) {
			if s.shape != shape {
				continue
			}
			made, err := Make(s.img, shape, 2, rand.New(rand.NewPCG(uint64(n), 2)))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range made {
				at := image.Pt(i%columns*(w+6), i/columns*(h+6))
				draw.Draw(out, image.Rectangle{at, at.Add(image.Pt(w, h))}, decode(t, r), image.Point{}, draw.Src)
				i++
			}
		}
		f, err := os.Create(dir + "/demo-served-" + shape.String() + ".png")
		if err != nil {
			t.Fatalf("create contact sheet: %v", err)
		}
		if err := png.Encode(f, out); err != nil {
			t.Fatalf("write contact sheet: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Fatalf("close contact sheet: %v", err)
		}
	}
}

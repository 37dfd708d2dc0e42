package demo

import (
	"image"
	"image/draw"
	"image/png"
	"os"
	"testing"
)

// TestContactSheet writes pictures to look at, when OCAPI_DEMO_SHEETS names a
// folder for them. It checks nothing by itself.
func TestContactSheet(t *testing.T) {
	dir := os.Getenv("OCAPI_DEMO_SHEETS")
	if dir == "" {
		t.Skip("set OCAPI_DEMO_SHEETS to a folder to get contact sheets")
	}
	var words []Spec
	plates := make(map[string][]Spec)
	for _, s := range Plan(1, DefaultCounts()) {
		if s.Kind == KindTranscription {
			words = append(words, s)
		} else {
			plates[s.Keyword] = append(plates[s.Keyword], s)
		}
	}
	writeSheet(t, dir+"/demo-words-1.png", words[:36], 3, 756, 220)
	writeSheet(t, dir+"/demo-words-2.png", words[36:72], 3, 756, 220)
	var mixed []Spec
	for _, k := range Keywords() {
		mixed = append(mixed, plates[k.ID][:5]...)
		writeSheet(t, dir+"/demo-plates-"+k.ID+".png", plates[k.ID][:12], 4, 340, 340)
	}
	writeSheet(t, dir+"/demo-plates.png", mixed, 5, 340, 340)
	var hands []Spec
	for _, s := range words {
		doc := newRand(1, "document/"+s.Document)
		newStock(doc)
		if _, ok := newStyle(doc).(*hand); ok && len(hands) < 48 {
			hands = append(hands, s)
		}
	}
	writeSheet(t, dir+"/demo-hands.png", hands, 4, 756, 220)
}

func writeSheet(t *testing.T, path string, specs []Spec, columns, w, h int) {
	t.Helper()
	rows := (len(specs) + columns - 1) / columns
	out := image.NewRGBA(image.Rect(0, 0, columns*(w+6), rows*(h+6)))
	for i, s := range specs {
		img := Draw(1, s)
		at := image.Pt(i%columns*(w+6), i/columns*(h+6))
		cell := image.Rectangle{at, at.Add(image.Pt(w, h))}
		draw.Draw(out, cell, img, image.Point{}, draw.Src)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatalf("create contact sheet: %v", err)
	}
	defer f.Close()
	if err := png.Encode(f, out); err != nil {
		t.Fatalf("write contact sheet %s: %v", path, err)
	}
}

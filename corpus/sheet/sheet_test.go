package sheet_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"strings"
	"testing"

	"ocapi/corpus/sheet"
)

func picture(t *testing.T, w, h int, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// count counts the pixels that are nearly of a colour.
func count(img *image.RGBA, c color.RGBA) int {
	n := 0
	for i := 0; i < len(img.Pix); i += 4 {
		near := func(a, b uint8) bool { return max(a, b)-min(a, b) < 12 }
		if near(img.Pix[i], c.R) && near(img.Pix[i+1], c.G) && near(img.Pix[i+2], c.B) {
			n++
		}
	}
	return n
}

// TestDraw holds that every picture is on the sheet, in its shape, marked with
// its group's colour and with writing below.
func TestDraw(t *testing.T) {
	t.Parallel()
	red, blue := color.RGBA{200, 30, 30, 255}, color.RGBA{30, 30, 200, 255}
	green, violet := color.RGBA{0, 120, 0, 255}, color.RGBA{120, 0, 120, 255}
	s := sheet.Sheet{Title: "T", Groups: []sheet.Group{
		{Title: "words", Colour: green}, {Title: "tiles", Colour: violet}, {Title: "none", Colour: violet},
	}}
	for i := range 3 {
		s.Groups[0].Cells = append(s.Groups[0].Cells, sheet.Cell{Picture: picture(t, 825, 240, red), Caption: fmt.Sprint("word ", i)})
	}
	for range 2 {
		s.Groups[1].Cells = append(s.Groups[1].Cells, sheet.Cell{Picture: picture(t, 264, 264, blue)})
	}
	img, err := sheet.Draw(&s)
	if err != nil {
		t.Fatal(err)
	}
	// A word is 258 pixels wide, a tile 156 by 156.
	if got, want := count(img, red), 3*258*75; got < want*98/100 || got > want*102/100 {
		t.Errorf("the words cover %d pixels, want about %d", got, want)
	}
	if got, want := count(img, blue), 2*156*156; got < want*98/100 || got > want*102/100 {
		t.Errorf("the tiles cover %d pixels, want about %d", got, want)
	}
	if got, want := count(img, green), 3*258*4+6*20; got != want {
		t.Errorf("the words' marks cover %d pixels, want %d", got, want)
	}
	if got, want := count(img, violet), 2*156*4+2*6*20; got != want {
		t.Errorf("the tiles' marks cover %d pixels, want %d", got, want)
	}
	dark := color.RGBA{0x22, 0x20, 0x1d, 0xff}
	before := count(img, dark)
	s.Groups[0].Cells[0].Caption = ""
	if img, err = sheet.Draw(&s); err != nil || count(img, dark) >= before {
		t.Errorf("a caption leaves no ink, %v", err)
	}
}

// TestDrawKeepsWritingInItsPlace has captions that are far too long: nothing is
// written beyond the margin.
func TestDrawKeepsWritingInItsPlace(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("abc \ue5d2\n東 ", 400)
	s := sheet.Sheet{Title: long, Subtitle: long, Groups: []sheet.Group{{
		Title: long, Note: long, Colour: color.White,
		Cells: []sheet.Cell{{Picture: picture(t, 264, 264, color.Gray{Y: 128}), Caption: long, Note: long}},
	}}}
	img, err := sheet.Draw(&s)
	if err != nil {
		t.Fatal(err)
	}
	corner := img.RGBAAt(0, 0)
	for y := range img.Rect.Dy() {
		for _, x := range []int{2, img.Rect.Dx() - 3} {
			if img.RGBAAt(x, y) != corner {
				t.Fatalf("something is drawn at %d, %d", x, y)
			}
		}
	}
}

func TestDrawErrors(t *testing.T) {
	t.Parallel()
	broken := sheet.Sheet{Groups: []sheet.Group{{Colour: color.Black, Cells: []sheet.Cell{{Picture: []byte("no picture"), Caption: "one"}}}}}
	if _, err := sheet.Draw(&broken); err == nil || !strings.Contains(err.Error(), `"one"`) {
		t.Errorf("a broken picture: %v", err)
	}
	many := sheet.Sheet{Groups: []sheet.Group{{Colour: color.Black, Cells: make([]sheet.Cell, 5000)}}}
	if _, err := sheet.Draw(&many); err == nil || !strings.Contains(err.Error(), "fewer") {
		t.Errorf("too many pictures: %v", err)
	}
	if img, err := sheet.Draw(&sheet.Sheet{Title: "empty"}); err != nil || img.Rect.Empty() {
		t.Errorf("an empty sheet: %v", err)
	}
}

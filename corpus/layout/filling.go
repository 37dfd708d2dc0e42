package layout

import (
	"fmt"
	"image"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filling is a text that is to be put in the place of a line or word.
type Filling struct {
	Content    string
	Confidence float64 // from 0 to 1; negative: not said
	Comment    string  // how it came about, for people
}

// Find says what is to be put at a place; nil: nothing. Places are those that
// reading the same file gives.
type Find func(place Area) *Filling

// Filled counts what became of the texts that were found for a page.
type Filled struct {
	Put     int // in their places
	There   int // that stood there already, to the letter
	Without int // that have no place of their own: their line is cut into other words
}

// Add adds the counts of another page.
func (f *Filled) Add(o Filled) {
	f.Put += o.Put
	f.There += o.There
	f.Without += o.Without
}

// SameText reports whether two texts are the same but for the amount of blanks.
func SameText(a, b string) bool { return slices.Equal(strings.Fields(a), strings.Fields(b)) }

// Draft is a page that is to be written anew.
type Draft struct {
	Picture       string    // the picture's file name
	Width, Height int       // the size that coordinates are of
	At            time.Time // of its last change
	Creator       string    // the program
	Comment       string    // rights and origin, for people
	Lines         []DraftLine
}

// DraftLine is one text with its place.
type DraftLine struct {
	ID string // of letters, digits, '-', '_' and '.', the first a letter or '_'
	Area
	Filling
}

// Bounds gives the box around all lines of a page.
func (d *Draft) Bounds() (box image.Rectangle) {
	for i := range d.Lines {
		box = box.Union(d.Lines[i].Box)
	}
	return box
}

// Corners gives the corners of an area: of its outline, where it has one.
func (a *Area) Corners() []image.Point {
	if a.Outline != nil {
		return a.Outline
	}
	b := a.Box
	return []image.Point{b.Min, {X: b.Max.X, Y: b.Min.Y}, b.Max, {X: b.Min.X, Y: b.Max.Y}}
}

// FormatPoints writes corners as "x,y x,y".
func FormatPoints(points []image.Point) string {
	var b strings.Builder
	for i, p := range points {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d,%d", p.X, p.Y)
	}
	return b.String()
}

// FormatConfidence writes a probability with four digits, never so that it
// claims more than it is.
func FormatConfidence(p float64) string {
	const digits = 10_000
	p = min(max(p, 0), 1)
	return strconv.FormatFloat(float64(int(p*digits))/digits, 'f', -1, 64)
}

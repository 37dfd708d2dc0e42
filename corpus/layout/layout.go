// Package layout says what a transcribed page looks like, whatever format
// describes it: where its lines and words are, and what is written there.
package layout

import (
	"errors"
	"fmt"
	"image"
	"math"
	"strconv"
	"strings"
)

// Sheet is one page as a file describes it.
type Sheet struct {
	Picture       string // the picture's file name, as it is written
	Width, Height int    // the size that coordinates are of; 0 where it is not said
	Unit          string // of the coordinates, where they are no pixels
	Lines         []Line // in the order of the file
	Problems      []Problem
}

// Area is a part of a page.
type Area struct {
	Box     image.Rectangle
	Outline []image.Point // nil: the box is all there is to say
}

// Line is one line of text.
type Line struct {
	ID string
	Area
	Text
	Words []Word // where the file has them
	At    int    // the line of the file, from 1
}

// Whole gives the line's text, put together from its words where the file has
// none of its own. It is as sure as its least sure word.
func (l *Line) Whole() Text {
	if l.Content != "" || len(l.Words) == 0 {
		return l.Text
	}
	t := Text{Confidence: -1}
	var words []string
	for _, w := range l.Words {
		words = append(words, w.Content)
		if w.Confidence >= 0 && (t.Confidence < 0 || w.Confidence < t.Confidence) {
			t.Confidence = w.Confidence
		}
	}
	t.Content = strings.Join(words, " ")
	return t
}

// Word is one word of a line.
type Word struct {
	ID string
	Area
	Text
	Whole string // with a word that goes on in the next line: all of it
	At    int
}

// Text is what is written, as it was transcribed or recognised.
type Text struct {
	Content    string
	Confidence float64 // from 0 to 1; negative where it is not said
}

// Problem is a part that cannot be read.
type Problem struct {
	At     int // the line of the file, from 1
	Reason string
}

// Bounds of one page.
const (
	MaxParts     = 200_000   // lines and words together, those with a problem too
	MaxPoints    = 4_000_000 // of all outlines
	maxOutline   = 20_000    // points of one outline
	maxMagnitude = 1 << 20   // pixels; no page is wider
)

// ErrTooMany says that a page has more parts or points than are read.
var ErrTooMany = fmt.Errorf("the page has more than %d lines and words, or %d points in their outlines", MaxParts, MaxPoints)

// Points reads the corners of an outline: pairs of numbers, separated by blanks
// or commas in any way. A rectangle's outline says no more than its box, and so
// does one of fewer than three corners.
func Points(s string) (Area, error) {
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
	switch {
	case len(fields) == 0:
		return Area{}, errors.New("the outline has no points")
	case len(fields)%2 != 0:
		return Area{}, fmt.Errorf("the outline has %d numbers, which are no pairs", len(fields))
	case len(fields) > 2*maxOutline:
		return Area{}, fmt.Errorf("the outline has more than %d points", maxOutline)
	}
	points := make([]image.Point, 0, len(fields)/2)
	for i := 0; i < len(fields); i += 2 {
		x, err := pixel(fields[i], math.Round)
		if err != nil {
			return Area{}, err
		}
		y, err := pixel(fields[i+1], math.Round)
		if err != nil {
			return Area{}, err
		}
		if p := image.Pt(x, y); len(points) == 0 || points[len(points)-1] != p {
			points = append(points, p)
		}
	}
	area := Area{Box: Bounds(points)}
	if area.Box.Empty() {
		return Area{}, errors.New("the outline is empty: its points lie on one line")
	}
	if !rectangle(points, area.Box) {
		area.Outline = points
	}
	return area, nil
}

// Bounds gives the box around points.
func Bounds(points []image.Point) image.Rectangle {
	if len(points) == 0 {
		return image.Rectangle{}
	}
	box := image.Rectangle{points[0], points[0]}
	for _, p := range points[1:] {
		box.Min.X, box.Min.Y = min(box.Min.X, p.X), min(box.Min.Y, p.Y)
		box.Max.X, box.Max.Y = max(box.Max.X, p.X), max(box.Max.Y, p.Y)
	}
	return box
}

// rectangle reports whether points are the corners of their box, or too few to
// be more than it.
func rectangle(points []image.Point, box image.Rectangle) bool {
	if len(points) < 3 {
		return true
	}
	for i, p := range points {
		q := points[(i+1)%len(points)]
		onCorner := (p.X == box.Min.X || p.X == box.Max.X) && (p.Y == box.Min.Y || p.Y == box.Max.Y)
		if !onCorner || p.X != q.X && p.Y != q.Y {
			return false
		}
	}
	return true
}

// Box reads a box of four numbers.
func Box(x, y, w, h string) (Area, error) {
	if x == "" && y == "" && w == "" && h == "" {
		return Area{}, errors.New("it is not said where it is")
	}
	left, err := pixel(x, math.Floor)
	if err != nil {
		return Area{}, err
	}
	top, err := pixel(y, math.Floor)
	if err != nil {
		return Area{}, err
	}
	width, err := pixel(w, math.Ceil)
	if err != nil {
		return Area{}, err
	}
	height, err := pixel(h, math.Ceil)
	if err != nil {
		return Area{}, err
	}
	if width <= 0 || height <= 0 {
		return Area{}, errors.New("the box is empty")
	}
	return Area{Box: image.Rect(left, top, left+width, top+height)}, nil
}

// pixel reads a number of pixels. Layout analysis oversteps the page by a few
// of them, so negative ones are numbers too.
func pixel(s string, round func(float64) float64) (int, error) {
	f, err := strconv.ParseFloat(strings.TrimSuffix(s, "px"), 64)
	// Put so that it refuses what is no number at all.
	if err != nil || !(math.Abs(f) <= maxMagnitude) {
		return 0, fmt.Errorf("%.40q is no number of pixels", s)
	}
	return int(round(f)), nil
}

// Size reads the width or height of a page; what is no number is not said.
func Size(s string) int {
	n, err := pixel(s, math.Round)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Confidence reads a probability; what is none is not said.
func Confidence(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return -1
	}
	return f
}

// Budget counts the parts of a page against its bounds; one that cannot be read
// counts with an empty area.
type Budget struct{ parts, points int }

// Add counts one part with its points; it gives [ErrTooMany] beyond a bound.
func (b *Budget) Add(a Area) error {
	b.parts++
	b.points += len(a.Outline)
	if b.parts > MaxParts || b.points > MaxPoints {
		return ErrTooMany
	}
	return nil
}

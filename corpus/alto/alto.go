// Package alto reads ALTO XML, versions 2 to 4: the lines and words of one
// page, with their boxes or outlines and texts.
//
// Outlines are read in both spellings, "x,y x,y" and "x y x y". A line whose
// one String holds the text of the whole line, as eScriptorium writes it, has no
// words. A word that goes on in the next line has its visible part, with the
// hyphen, as its text, and the whole in [layout.Word.Whole].
package alto

import (
	"fmt"
	"io"
	"strings"

	"ocapi/corpus/layout"
	"ocapi/corpus/markup"
)

// Root is the name of the outermost element.
const Root = "alto"

// Read reads one page. Its errors name a line; what is wrong with a part is
// among the sheet's problems, and the rest is read.
func Read(r io.Reader) (*layout.Sheet, error) {
	a := &reader{}
	if err := markup.Read(r, a); err != nil {
		return nil, err
	}
	return &a.sheet, nil
}

// reader takes the elements of a file one after the other.
type reader struct {
	sheet  layout.Sheet
	budget layout.Budget
	rooted bool
	pages  int

	line *line
	word *layout.Word
	// wrong says why the open word has no place.
	wrong  string
	glyphs int // signs within a word say nothing that the word does not
}

// line is a line on its way.
type line struct {
	id      string
	at      int
	area    layout.Area
	wrong   string
	words   []layout.Word
	reasons []string // of each word: why it has no place
}

var _ markup.Handler = (*reader)(nil)

// Start implements [markup.Handler].
func (a *reader) Start(e *markup.Element) error {
	if !a.rooted {
		if e.Name != Root {
			return &markup.Error{Line: e.Line, Reason: fmt.Sprintf("it is no ALTO XML: its outermost element is %.60q", e.Name)}
		}
		a.rooted = true
		return nil
	}
	switch e.Name {
	case "Page":
		// Coordinates are a page's own, and a file of several has one picture for each.
		if a.pages++; a.pages > 1 {
			return &markup.Error{Line: e.Line, Reason: "it has a second page; files of one page each are read"}
		}
		a.sheet.Width, a.sheet.Height = layout.Size(e.Get("WIDTH")), layout.Size(e.Get("HEIGHT"))
	case "TextLine":
		a.line = &line{id: e.Get("ID"), at: e.Line}
		var err error
		if a.line.area, err = box(e); err != nil {
			a.line.wrong = err.Error()
		}
	case "String":
		a.startWord(e)
	case "HYP":
		a.hyphen(e)
	case "Glyph":
		a.glyphs++
	case "Polygon":
		if a.glyphs == 0 {
			a.polygon(e)
		}
	}
	return nil
}

func box(e *markup.Element) (layout.Area, error) {
	return layout.Box(e.Get("HPOS"), e.Get("VPOS"), e.Get("WIDTH"), e.Get("HEIGHT"))
}

func (a *reader) startWord(e *markup.Element) {
	if a.line == nil {
		return
	}
	w := &layout.Word{ID: e.Get("ID"), At: e.Line, Whole: e.Get("SUBS_CONTENT")}
	w.Content, w.Confidence = e.Get("CONTENT"), layout.Confidence(e.Get("WC"))
	area, err := box(e)
	a.wrong = ""
	if err != nil {
		a.wrong = err.Error()
	}
	w.Area = area
	a.word = w
}

// hyphen adds the sign at the line's end to the last word: it is to be seen.
func (a *reader) hyphen(e *markup.Element) {
	if a.line == nil || len(a.line.words) == 0 {
		return
	}
	last := &a.line.words[len(a.line.words)-1]
	sign := e.Get("CONTENT")
	if sign == "" || sign == "\u00ad" { // a hyphen that may be, which here is
		sign = "-"
	}
	if !strings.HasSuffix(last.Content, sign) {
		last.Content += sign
	}
	if area, err := box(e); err == nil && last.Outline == nil && !last.Box.Empty() && near(last.Area, area) {
		last.Box = last.Box.Union(area.Box)
	}
}

// near reports whether a hyphen's box can be believed: it is of its word's
// line, and not further from it than the word is high.
func near(word, hyphen layout.Area) bool {
	gap := hyphen.Box.Min.X - word.Box.Max.X
	return gap <= word.Box.Dy() && hyphen.Box.Dx() <= 2*word.Box.Dy() &&
		hyphen.Box.Min.Y >= word.Box.Min.Y-word.Box.Dy() && hyphen.Box.Max.Y <= word.Box.Max.Y+word.Box.Dy()
}

// polygon takes the outline of the innermost line or word. Other shapes,
// ellipses and circles, leave the box.
func (a *reader) polygon(e *markup.Element) {
	if a.line == nil {
		return
	}
	area, err := layout.Points(e.Get("POINTS"))
	switch {
	case err != nil && a.word != nil:
		a.wrong = err.Error()
	case err != nil:
		a.line.wrong = err.Error()
	case a.word != nil:
		a.word.Area, a.wrong = area, ""
	default:
		a.line.area, a.line.wrong = area, ""
	}
}

// End implements [markup.Handler].
func (a *reader) End(name, text string) error {
	switch name {
	case "fileName":
		if a.sheet.Picture == "" {
			a.sheet.Picture = strings.TrimSpace(text)
		}
	case "MeasurementUnit":
		if unit := strings.TrimSpace(text); unit != "pixel" {
			a.sheet.Unit = unit
		}
	case "Glyph":
		a.glyphs--
	case "String":
		if a.word != nil && a.line != nil {
			a.line.words = append(a.line.words, *a.word)
			a.line.reasons = append(a.line.reasons, a.wrong)
		}
		a.word, a.wrong = nil, ""
	case "TextLine":
		l := a.line
		a.line, a.word = nil, nil
		if l != nil {
			return a.endLine(l)
		}
	}
	return nil
}

func (a *reader) endLine(l *line) error {
	done := layout.Line{ID: l.id, Area: l.area, At: l.at}
	done.Text = (&layout.Line{Words: l.words}).Whole()
	if !l.whole() {
		for i, w := range l.words {
			if w.Box.Empty() {
				if err := a.problem(w.At, "word", w.ID, l.reasons[i]); err != nil {
					return err
				}
				continue
			}
			done.Words = append(done.Words, w)
			if err := a.budget.Add(w.Area); err != nil {
				return err
			}
		}
	}
	if done.Box.Empty() {
		// Its words' places may be worth as much.
		for _, w := range l.words {
			done.Box = done.Box.Union(w.Box)
		}
	}
	if done.Box.Empty() {
		return a.problem(l.at, "line", l.id, l.wrong)
	}
	a.sheet.Lines = append(a.sheet.Lines, done)
	return a.budget.Add(done.Area)
}

// whole reports whether the line's one String is the line itself.
func (l *line) whole() bool {
	if len(l.words) != 1 {
		return false
	}
	w := &l.words[0]
	const rounding = 2 // pixels between a box and that of its outline
	same := !w.Box.Empty() && l.area.Box.In(w.Box.Inset(-rounding)) && w.Box.In(l.area.Box.Inset(-rounding))
	return w.Box.Empty() || same || strings.ContainsAny(w.Content, " \t\u00a0")
}

func (a *reader) problem(at int, what, id, reason string) error {
	if reason == "" {
		reason = "it is not said where it is"
	}
	a.sheet.Problems = append(a.sheet.Problems, layout.Problem{At: at, Reason: fmt.Sprintf("the %s %.60q: %s", what, id, reason)})
	return a.budget.Add(layout.Area{})
}

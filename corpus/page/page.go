// Package page reads PAGE XML, in all its versions from 2010 to 2019: the lines
// and words of one page, with their outlines and texts. Elements are told by
// their names, whatever the namespace: versions differ in little else that
// matters here.
package page

import (
	"fmt"
	"io"
	"strings"

	"ocapi/corpus/layout"
	"ocapi/corpus/markup"
)

// Root is the name of the outermost element.
const Root = "PcGts"

// Read reads one page. Its errors name a line; what is wrong with a part is
// among the sheet's problems, and the rest is read.
func Read(r io.Reader) (*layout.Sheet, error) {
	p := &reader{}
	if err := markup.Read(r, p); err != nil {
		return nil, err
	}
	return &p.sheet, nil
}

// reader takes the elements of a file one after the other.
type reader struct {
	sheet  layout.Sheet
	budget layout.Budget
	rooted bool
	pages  int
	at     int // where the element is that is being read

	// What is open: the innermost of these has the outline and the text.
	line, word *part
	glyphs     int // signs within a word say nothing that the word does not

	coords *coords
	equiv  *equiv
}

// part is a line or word on its way.
type part struct {
	id     string
	at     int
	area   layout.Area
	wrong  string // what is wrong with its outline
	text   layout.Text
	taken  bool // a text was taken
	order  int  // the index of the one that was
	within []layout.Word
}

// coords is an outline on its way; the version of 2010 has one element a point.
type coords struct {
	text   string
	points []string
}

// equiv is a text on its way; a part may have several, of which the one with
// the lowest index counts.
type equiv struct {
	order          int
	confidence     float64
	unicode, plain string
}

var _ markup.Handler = (*reader)(nil)

// Start implements [markup.Handler].
func (p *reader) Start(e *markup.Element) error {
	p.at = e.Line
	if !p.rooted {
		if e.Name != Root {
			return &markup.Error{Line: e.Line, Reason: fmt.Sprintf("it is no PAGE XML: its outermost element is %.60q", e.Name)}
		}
		p.rooted = true
		return nil
	}
	switch e.Name {
	case "Page":
		if p.pages++; p.pages > 1 {
			return &markup.Error{Line: e.Line, Reason: "it has a second page; PAGE XML has one a file"}
		}
		p.sheet.Picture = e.Get("imageFilename")
		p.sheet.Width, p.sheet.Height = layout.Size(e.Get("imageWidth")), layout.Size(e.Get("imageHeight"))
	case "TextLine":
		p.line = newPart(e)
	case "Word":
		p.word = newPart(e)
	case "Glyph", "Grapheme", "Graphemes":
		p.glyphs++
	case "Coords":
		p.coords = &coords{text: e.Get("points")}
	case "Point":
		if p.coords != nil {
			p.coords.points = append(p.coords.points, e.Get("x"), e.Get("y"))
		}
	case "TextEquiv":
		p.equiv = &equiv{confidence: layout.Confidence(e.Get("conf"))}
		if index := layout.Size(e.Get("index")); index > 0 {
			p.equiv.order = index
		}
	}
	return nil
}

func newPart(e *markup.Element) *part {
	return &part{id: e.Get("id"), at: e.Line, text: layout.Text{Confidence: -1}}
}

// End implements [markup.Handler].
func (p *reader) End(name, text string) error {
	switch name {
	case "Glyph", "Grapheme", "Graphemes":
		p.glyphs--
	case "Unicode":
		if p.equiv != nil {
			p.equiv.unicode = text
		}
	case "PlainText":
		if p.equiv != nil {
			p.equiv.plain = text
		}
	case "TextEquiv":
		if in := p.innermost(); in != nil && p.equiv != nil {
			in.take(p.equiv)
		}
		p.equiv = nil
	case "Coords":
		if in := p.innermost(); in != nil && p.coords != nil {
			in.outline(p.coords)
		}
		p.coords = nil
	case "Word":
		w := p.word
		p.word = nil
		return p.endWord(w)
	case "TextLine":
		l := p.line
		p.line, p.word = nil, nil
		return p.endLine(l)
	}
	return nil
}

// innermost gives the line or word that outlines and texts belong to now; nil
// in a region, whose own are of no use here, and in a sign.
func (p *reader) innermost() *part {
	switch {
	case p.glyphs > 0:
		return nil
	case p.word != nil:
		return p.word
	}
	return p.line
}

func (in *part) take(e *equiv) {
	if in.taken && e.order >= in.order {
		return
	}
	in.taken, in.order = true, e.order
	in.text.Content, in.text.Confidence = strings.TrimSpace(e.unicode), e.confidence
	if in.text.Content == "" {
		in.text.Content = strings.TrimSpace(e.plain)
	}
}

func (in *part) outline(c *coords) {
	if c.text == "" {
		c.text = strings.Join(c.points, " ")
	}
	area, err := layout.Points(c.text)
	if err != nil {
		in.wrong = err.Error()
		return
	}
	in.area = area
}

func (p *reader) endWord(w *part) error {
	if w == nil || p.line == nil {
		return nil // a word outside of every line is none of the format's
	}
	if w.area.Box.Empty() {
		return p.problem(w, "word")
	}
	p.line.within = append(p.line.within, layout.Word{ID: w.id, Area: w.area, Text: w.text, At: w.at})
	return p.budget.Add(w.area)
}

func (p *reader) endLine(l *part) error {
	if l == nil {
		return nil
	}
	if l.area.Box.Empty() {
		// Its words may be worth as much.
		for _, w := range l.within {
			l.area.Box = l.area.Box.Union(w.Box)
		}
	}
	if l.area.Box.Empty() {
		return p.problem(l, "line")
	}
	p.sheet.Lines = append(p.sheet.Lines, layout.Line{ID: l.id, Area: l.area, Text: l.text, Words: l.within, At: l.at})
	return p.budget.Add(l.area)
}

func (p *reader) problem(w *part, what string) error {
	reason := w.wrong
	if reason == "" {
		reason = "it is not said where it is"
	}
	p.sheet.Problems = append(p.sheet.Problems, layout.Problem{At: w.at, Reason: fmt.Sprintf("the %s %.60q: %s", what, w.id, reason)})
	return p.budget.Add(layout.Area{})
}

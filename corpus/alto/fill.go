package alto

import (
	"strings"

	"ocapi/corpus/layout"
	"ocapi/corpus/markup"
)

// Fill gives a file with texts put in their places, and all else as it was. A
// text that is there stays as an ALTERNATIVE. The text of a whole line that is cut
// into words goes to the words where there are as many, and has no place
// otherwise. Errors are those of [Read].
func Fill(data []byte, find layout.Find) ([]byte, layout.Filled, error) {
	doc, err := markup.Open(data)
	if err != nil {
		return nil, layout.Filled{}, err
	}
	f := &filler{doc: doc, find: find}
	if err := doc.Read(f); err != nil {
		return nil, layout.Filled{}, err
	}
	filled, err := doc.With(f.changes)
	return filled, f.filled, err
}

// filler reads a page as [Read] does and notes what is to be changed.
type filler struct {
	reader
	doc     *markup.Document
	find    layout.Find
	changes []markup.Change
	filled  layout.Filled

	tag   markup.Span // of the element that begins or ends
	depth int

	inLine, inString int // their depths; 0: none is open
	prefix           string
	lineTag          markup.Span
	lineEnd          int // of the line's start tag, or of its shape
	indent           string
	strings          []*content
	sign             string // the hyphen behind the last string
}

// content is a String of the line that is open.
type content struct {
	tag     markup.Span // its start tag
	end     int         // of its element
	inside  int         // where an alternative goes; 0: it has no inside
	content string
	put     bool
}

var _ markup.Placed = (*filler)(nil)

// Place implements [markup.Placed].
func (f *filler) Place(tag markup.Span) { f.tag = tag }

// Start implements [markup.Handler].
func (f *filler) Start(e *markup.Element) error {
	f.depth++
	switch {
	case e.Name == "TextLine":
		f.inLine, f.prefix, f.lineTag, f.lineEnd, f.indent = f.depth, e.Prefix, f.tag, f.tag.To, ""
		f.strings, f.sign = nil, ""
	case f.inLine == 0:
	case e.Name == "String" && f.inString == 0:
		f.inString = f.depth
		f.strings = append(f.strings, &content{tag: f.tag, inside: f.tag.To, content: e.Get("CONTENT")})
	case e.Name == "HYP":
		if f.sign = e.Get("CONTENT"); f.sign == "" || f.sign == "\u00ad" {
			f.sign = "-"
		}
	}
	if f.inLine > 0 && f.depth == f.inLine+1 && f.indent == "" {
		f.indent = f.doc.Indent(f.tag.From)
	}
	return f.reader.Start(e)
}

// End implements [markup.Handler].
func (f *filler) End(name, text string) error {
	depth := f.depth
	f.depth--
	line := f.line
	if err := f.reader.End(name, text); err != nil {
		return err
	}
	switch {
	case name == "String" && depth == f.inString:
		last := f.strings[len(f.strings)-1]
		f.inString, last.end = 0, f.tag.To
		if f.tag.From == f.tag.To {
			last.inside = 0
		}
	case name == "Shape" && f.inString > 0 && depth == f.inString+1:
		f.strings[len(f.strings)-1].inside = f.tag.To
	case name == "Shape" && f.inString == 0 && depth == f.inLine+1:
		f.lineEnd = f.tag.To
	case name == "TextLine" && line != nil:
		f.endLine(line)
		f.inLine = 0
	}
	return nil
}

// endLine puts texts into a line that has been read: its words' first.
func (f *filler) endLine(l *line) {
	area := l.area
	if !l.whole() {
		for i := range l.words {
			if w := &l.words[i]; !w.Box.Empty() {
				if text := f.find(w.Area); text != nil {
					f.put(i, text)
				}
			}
		}
	}
	if area.Box.Empty() {
		for _, w := range l.words {
			area.Box = area.Box.Union(w.Box)
		}
	}
	if area.Box.Empty() {
		return
	}
	text := f.find(area)
	if text == nil {
		return
	}
	words := strings.Fields(text.Content)
	switch {
	case len(f.strings) == 0:
		f.insert(area, text)
	case len(f.strings) == 1:
		if !f.strings[0].put {
			f.put(0, text)
		}
	case len(f.strings) != len(words):
		f.filled.Without++
	default:
		for i := range f.strings {
			if !f.strings[i].put {
				part := *text
				part.Content = words[i]
				f.put(i, &part)
			}
		}
	}
}

// put gives a String another text.
func (f *filler) put(i int, text *layout.Filling) {
	s := f.strings[i]
	s.put = true
	words := text.Content
	if i == len(f.strings)-1 && f.sign != "" && !strings.HasSuffix(s.content, f.sign) {
		words = strings.TrimSuffix(words, f.sign) // it stands in the HYP behind
	}
	if layout.SameText(words, s.content) {
		f.filled.There++
		return
	}
	f.filled.Put++
	tag := markup.SetAttribute(string(f.doc.Text[s.tag.From:s.tag.To]), "CONTENT", words)
	if text.Confidence < 0 {
		tag = markup.DropAttribute(tag, "WC")
	} else {
		tag = markup.SetAttribute(tag, "WC", layout.FormatConfidence(text.Confidence))
	}
	tag = markup.DropAttribute(tag, "CC") // how sure each sign was of what stood there
	name := qualified(f.prefix, "ALTERNATIVE")
	before := ""
	if s.content != "" {
		before = "<" + name + ` PURPOSE="before">` + markup.Escape(s.content) + "</" + name + ">"
	}
	switch {
	case before != "" && s.inside == 0:
		tag = opened(tag) + before + "</" + qualified(f.prefix, "String") + ">"
	case before != "" && s.inside == s.tag.To:
		tag += before
	case before != "":
		f.change(s.inside, s.inside, before)
	}
	f.change(s.tag.From, s.tag.To, tag)
	if text.Comment != "" {
		f.change(s.end, s.end, markup.Comment(text.Comment))
	}
}

// insert gives a line that has none its String. It lies where the line does, and
// so is the line when it is read again.
func (f *filler) insert(area layout.Area, text *layout.Filling) {
	f.filled.Put++
	with := f.indent + stringOf(f.prefix, area, text)
	if text.Comment != "" {
		with += markup.Comment(text.Comment)
	}
	if f.tag.From == f.tag.To { // the line has no inside yet
		tag := string(f.doc.Text[f.lineTag.From:f.lineTag.To])
		f.change(f.lineTag.From, f.lineTag.To, opened(tag)+with+"</"+qualified(f.prefix, "TextLine")+">")
		return
	}
	f.change(f.lineEnd, f.lineEnd, with)
}

func (f *filler) change(from, to int, with string) {
	f.changes = append(f.changes, markup.Change{Span: markup.Span{From: from, To: to}, With: with})
}

// opened makes a start tag of a tag that begins and ends an element.
func opened(tag string) string {
	return strings.TrimRight(strings.TrimSuffix(tag, "/>"), " \t\r\n") + ">"
}

func qualified(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + ":" + name
}

package page

import (
	"strconv"
	"strings"

	"ocapi/corpus/layout"
	"ocapi/corpus/markup"
)

// Fill gives a file with texts put in their places, and all else as it was. A
// text that is there stays as an alternative with a higher index, where the
// file's version of the format has alternatives (2016 and later), and in a
// comment where it has not. Errors are those of [Read].
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

	alternatives bool        // the version has several texts a place
	tag          markup.Span // of the element that begins or ends
	open         []*node
}

// node is an element that has begun and not ended.
type node struct {
	name, prefix string
	tag          markup.Span
	place        *place // of a line or word
	equiv        *standing
}

// place is a line or word: where a text goes, and what stands there.
type place struct {
	end      int    // where what comes before a text ends
	behind   bool   // what comes behind it has begun
	indent   string // of what is within
	standing []*standing
}

// standing is a text that stands in the file.
type standing struct {
	tag            markup.Span // its start tag
	end            int         // of its element
	unicode, plain markup.Span // those elements, empty where there are none
	order          int
	content        string // what is read of it
	plainText      string
}

var _ markup.Placed = (*filler)(nil)

// Place implements [markup.Placed].
func (f *filler) Place(tag markup.Span) { f.tag = tag }

// Start implements [markup.Handler].
func (f *filler) Start(e *markup.Element) error {
	if len(f.open) == 0 {
		namespace := e.Get("xmlns")
		if e.Prefix != "" {
			namespace = e.Get(e.Prefix)
		}
		// It ends with the version's date, as "…/pagecontent/2019-07-15".
		version := namespace[strings.LastIndexByte(namespace, '/')+1:]
		f.alternatives = version >= "2016"
	}
	n := &node{name: e.Name, prefix: e.Prefix, tag: f.tag}
	if in := f.place(); in != nil {
		if in.end == f.open[len(f.open)-1].tag.To && in.indent == "" {
			in.indent = f.doc.Indent(f.tag.From)
		}
		switch e.Name {
		case "TextEquiv":
			n.equiv = &standing{tag: f.tag, order: max(0, layout.Size(e.Get("index")))}
			in.standing = append(in.standing, n.equiv)
			in.behind = true
		case "TextStyle", "UserDefined", "Labels":
			in.behind = true
		}
	}
	if e.Name == "TextLine" || e.Name == "Word" {
		n.place = &place{end: f.tag.To}
	}
	f.open = append(f.open, n)
	return f.reader.Start(e)
}

// place gives the line or word that the innermost element is.
func (f *filler) place() *place {
	if len(f.open) == 0 {
		return nil
	}
	return f.open[len(f.open)-1].place
}

// End implements [markup.Handler].
func (f *filler) End(name, text string) error {
	n := f.open[len(f.open)-1]
	f.open = f.open[:len(f.open)-1]
	line, word := f.line, f.word
	if err := f.reader.End(name, text); err != nil {
		return err
	}
	switch {
	case n.equiv != nil:
		n.equiv.end = f.tag.To
		if strings.TrimSpace(n.equiv.content) == "" {
			n.equiv.content = strings.TrimSpace(n.equiv.plainText)
		}
	case len(f.open) > 0 && f.open[len(f.open)-1].equiv != nil:
		whole := markup.Span{From: n.tag.From, To: f.tag.To}
		in := f.open[len(f.open)-1].equiv
		switch name {
		case "Unicode":
			in.unicode, in.content = whole, text
		case "PlainText":
			in.plain, in.plainText = whole, text
		}
	case name == "Word" && word != nil && line != nil && !word.area.Box.Empty():
		f.fill(n, word.area)
	case name == "TextLine" && line != nil && !line.area.Box.Empty():
		f.fill(n, line.area)
	}
	if in := f.place(); in != nil && !in.behind {
		in.end = f.tag.To
	}
	return nil
}

// fill puts the text of a place there, if there is one.
func (f *filler) fill(n *node, area layout.Area) {
	text := f.find(area)
	if text == nil {
		return
	}
	main := n.place.main()
	switch {
	case main != nil && layout.SameText(main.content, text.Content):
		f.filled.There++
		return
	case main == nil:
		f.change(n.place.end, n.place.end, n.place.indent+f.element(n, text, false))
	case main.content == "" || !f.alternatives:
		f.replace(n, main, text)
	default:
		first := n.place.standing[0]
		f.change(first.tag.From, first.tag.From, f.element(n, text, true)+f.doc.Indent(first.tag.From))
		// The lowest index counts, and none counts as 0.
		for _, s := range n.place.standing {
			tag := string(f.doc.Text[s.tag.From:s.tag.To])
			f.change(s.tag.From, s.tag.To, markup.SetAttribute(tag, "index", strconv.Itoa(s.order+1)))
		}
	}
	f.filled.Put++
}

// main gives the text that counts: of those with the lowest index the first.
func (p *place) main() *standing {
	var main *standing
	for _, s := range p.standing {
		if main == nil || s.order < main.order {
			main = s
		}
	}
	return main
}

// element writes a text as a new element.
func (f *filler) element(n *node, text *layout.Filling, index bool) string {
	tag := "<" + qualified(n.prefix, "TextEquiv") + ">"
	if index {
		tag = markup.SetAttribute(tag, "index", "0")
	}
	return f.attributes(tag, text) + f.unicode(n, text) + "</" + qualified(n.prefix, "TextEquiv") + ">"
}

// attributes says in a start tag how sure a text is and how it came about.
func (f *filler) attributes(tag string, text *layout.Filling) string {
	if text.Confidence < 0 {
		tag = markup.DropAttribute(tag, "conf")
	} else {
		tag = markup.SetAttribute(tag, "conf", f.confidence(text.Confidence))
	}
	if f.alternatives && text.Comment != "" {
		tag = markup.SetAttribute(tag, "comments", text.Comment)
	}
	return tag
}

// confidence is between 0 and 1; before 2016 neither of the two was allowed.
func (f *filler) confidence(p float64) string {
	if !f.alternatives {
		p = min(max(p, 0.0001), 0.9999)
	}
	return layout.FormatConfidence(p)
}

func (f *filler) unicode(n *node, text *layout.Filling) string {
	name := qualified(n.prefix, "Unicode")
	return "<" + name + ">" + markup.Escape(text.Content) + "</" + name + ">"
}

// replace puts a text where an empty one stands, or one that cannot stay beside
// it.
func (f *filler) replace(n *node, s *standing, text *layout.Filling) {
	if s.unicode.To == 0 {
		f.change(s.tag.From, s.end, f.element(n, text, false))
		return
	}
	tag := string(f.doc.Text[s.tag.From:s.tag.To])
	f.change(s.tag.From, s.tag.To, f.attributes(tag, text))
	if s.plain.To > 0 {
		f.change(s.plain.From, s.plain.To, "") // it would say something else
	}
	with := f.unicode(n, text)
	if s.content != "" {
		with += markup.Comment("before: " + s.content)
	}
	if !f.alternatives && text.Comment != "" {
		with += markup.Comment(text.Comment)
	}
	f.change(s.unicode.From, s.unicode.To, with)
}

func (f *filler) change(from, to int, with string) {
	if from == to && with == "" {
		return
	}
	f.changes = append(f.changes, markup.Change{Span: markup.Span{From: from, To: to}, With: with})
}

func qualified(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + ":" + name
}

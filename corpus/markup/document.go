package markup

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Span is a part of a document's text: the bytes from From up to, but not
// including, To.
type Span struct{ From, To int }

// Placed is a [Handler] that wants to know where things stand.
type Placed interface {
	Handler
	// Place is called before each Start and End with where the tag stands. An
	// element that is begun and ended by one tag ends with an empty span.
	Place(tag Span)
}

// Document is an XML file in memory that is to be changed in places and kept as
// it is everywhere else: blanks, comments, prefixes, the order of attributes, and
// the encoding.
type Document struct {
	Text []byte // in UTF-8; spans are of it

	data     []byte            // the file
	mark     bool              // it begins with a byte order mark of UTF-8
	encoding encoding.Encoding // of the file; nil: UTF-8
}

// Open takes a file. Its errors are of type [*Error].
func Open(data []byte) (*Document, error) {
	if len(data) > MaxBytes {
		return nil, &Error{1, errTooLarge.Error()}
	}
	d := &Document{data: data, Text: data}
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		d.mark, d.Text = true, data[3:]
	case bytes.HasPrefix(data, []byte{0, 0}), bytes.HasPrefix(data, []byte{0xff, 0xfe, 0, 0}):
		return nil, &Error{1, "it is written in UTF-32; save it as UTF-8"}
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		d.encoding = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		d.encoding = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case bytes.HasPrefix(data, []byte{'<', 0}):
		d.encoding = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case bytes.HasPrefix(data, []byte{0, '<'}):
		d.encoding = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	default:
		d.encoding = declared(data)
	}
	if d.encoding == nil {
		return d, nil
	}
	var err error
	if d.Text, err = d.encoding.NewDecoder().Bytes(data); err != nil {
		return nil, &Error{1, "it is not written in the encoding that it names"}
	}
	// What is not to be changed would be: a byte that stands for nothing.
	if again, err := d.encode(d.Text); err != nil || !bytes.Equal(again, data) {
		return nil, &Error{1, "it is not written in the encoding that it names"}
	}
	return d, nil
}

// declared gives the encoding that a file says it is written in; nil for UTF-8
// and what is part of it. What is wrong with the file is said when it is read.
func declared(data []byte) encoding.Encoding {
	var found encoding.Encoding
	_ = read(bytes.NewReader(data), func(label string, input io.Reader) (io.Reader, error) {
		switch strings.ToLower(label) {
		case "iso-8859-1", "latin1", "latin-1", "l1":
			found = charmap.ISO8859_1
		case "windows-1252", "cp1252":
			found = charmap.Windows1252
		default:
			return charset(label, input)
		}
		return input, errFound
	}, new(root))
	return found
}

// Read tells the handler of everything in the document. Its own errors are of
// type [*Error].
func (d *Document) Read(h Handler) error {
	same := func(label string, input io.Reader) (io.Reader, error) {
		if d.encoding != nil {
			return input, nil // it is UTF-8 by now
		}
		return charset(label, input)
	}
	return read(bytes.NewReader(d.Text), same, h)
}

// Change is one part of a document and what is to stand there instead.
type Change struct {
	Span
	With string // XML, in UTF-8
}

// With gives the file with changes made to it. They must not overlap; those at
// one place come in their order. Characters that the file's encoding lacks are
// written as references. Without changes the file comes back as it was.
func (d *Document) With(changes []Change) ([]byte, error) {
	if len(changes) == 0 {
		return bytes.Clone(d.data), nil
	}
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(a, b Change) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	var text bytes.Buffer
	at := 0
	for _, c := range sorted {
		if c.From < at || c.To < c.From || c.To > len(d.Text) {
			return nil, fmt.Errorf("the change of bytes %d to %d overlaps another or is not within the document", c.From, c.To)
		}
		text.Write(d.Text[at:c.From])
		text.WriteString(c.With)
		at = c.To
	}
	text.Write(d.Text[at:])
	return d.encode(text.Bytes())
}

func (d *Document) encode(text []byte) ([]byte, error) {
	switch {
	case d.mark:
		return slices.Concat([]byte("\xef\xbb\xbf"), text), nil
	case d.encoding == nil:
		return bytes.Clone(text), nil
	}
	return encoding.HTMLEscapeUnsupported(d.encoding.NewEncoder()).Bytes(text)
}

// Indent gives the blanks before the tag that begins at a place, from the end of
// what precedes it; "" where that is no blank.
func (d *Document) Indent(at int) string {
	from := at
	for from > 0 && strings.ContainsRune(" \t\r\n", rune(d.Text[from-1])) {
		from--
	}
	if from == 0 || d.Text[from-1] != '>' {
		return ""
	}
	return string(d.Text[from:at])
}

// Escape writes a text so that it can stand between tags and in an attribute.
// What XML cannot hold at all is replaced by U+FFFD.
func Escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\t' || r == '\n' || r == '\r':
			fmt.Fprintf(&b, "&#%d;", r)
		case r < ' ' || r == 0xfffe || r == 0xffff:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Comment writes a text as a comment.
func Comment(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xfffe || r == 0xffff {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	for strings.Contains(text, "--") { // which no comment may hold
		text = strings.ReplaceAll(text, "--", "- -")
	}
	return "<!-- " + strings.TrimSuffix(text, "-") + " -->"
}

// SetAttribute gives a start tag with an attribute set to a value; its place
// and its quotation marks stay, and a new one comes last. The tag has to be one
// that was read.
func SetAttribute(tag, name, value string) string {
	if span, found := attribute(tag, name); found {
		return tag[:span.From] + "=\"" + Escape(value) + "\"" + tag[span.To:]
	}
	end := len(tag) - 1 // of ">"
	if strings.HasSuffix(tag, "/>") {
		end--
	}
	for end > 0 && strings.ContainsRune(" \t\r\n", rune(tag[end-1])) {
		end--
	}
	return tag[:end] + " " + name + "=\"" + Escape(value) + "\"" + tag[end:]
}

// DropAttribute gives a start tag without an attribute.
func DropAttribute(tag, name string) string {
	span, found := attribute(tag, name)
	if !found {
		return tag
	}
	from := strings.LastIndex(tag[:span.From], name)
	for from > 0 && strings.ContainsRune(" \t\r\n", rune(tag[from-1])) {
		from--
	}
	return tag[:from] + tag[span.To:]
}

// attribute finds what follows an attribute's name, the sign of equality, the
// quotation marks and what is between them.
func attribute(tag, name string) (Span, bool) {
	const blanks = " \t\r\n"
	at := strings.IndexAny(tag, blanks+"/>")
	for at >= 0 && at < len(tag) {
		at += len(tag[at:]) - len(strings.TrimLeft(tag[at:], blanks))
		length := strings.IndexAny(tag[at:], blanks+"=/>")
		if length <= 0 {
			return Span{}, false
		}
		found := tag[at : at+length]
		from := at + length
		quote := strings.IndexAny(tag[from:], `"'`)
		if quote < 0 {
			return Span{}, false
		}
		end := strings.IndexByte(tag[from+quote+1:], tag[from+quote])
		if end < 0 {
			return Span{}, false
		}
		at = from + quote + 1 + end + 1
		if found == name {
			return Span{from, at}, true
		}
	}
	return Span{}, false
}

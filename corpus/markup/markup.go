// Package markup reads XML that strangers wrote: element by element, with its
// line, and within bounds. No entity is ever expanded and nothing outside of
// the file is looked at.
package markup

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Bounds of a file. The largest page known to us, a newspaper's with all its
// glyphs, has 30 MB, 600,000 elements and a depth of 11.
const (
	MaxBytes      = 64 << 20
	maxDepth      = 64
	maxElements   = 1_000_000
	maxAttributes = 64
	maxAttribute  = 1 << 20 // bytes; an outline of 100,000 points
	maxText       = 64 << 10
)

// Error says what is wrong with a file, and where.
type Error struct {
	Line   int // from 1
	Reason string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Element is the beginning of an element.
type Element struct {
	Name       string // without its namespace
	Prefix     string // of its namespace, as it is written; "" where there is none
	Line       int    // from 1, where it begins
	attributes []xml.Attr
}

// Get gives an attribute by its name without a namespace, trimmed; "" where
// there is none.
func (e *Element) Get(name string) string {
	for _, a := range e.attributes {
		if a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// Handler is told of a file's content, in its order. An error ends the reading
// and is given back.
type Handler interface {
	// Start is called where an element begins.
	Start(e *Element) error
	// End is called where it ends, with the text directly within it.
	End(name, text string) error
}

// Read tells the handler of everything in an XML file. Its own errors are of
// type [*Error].
func Read(r io.Reader, h Handler) error {
	limited := &limit{r: r, left: MaxBytes}
	decoded, err := decoded(limited)
	if err != nil {
		return &Error{1, err.Error()}
	}
	return read(decoded, charset, h)
}

// read tells the handler of everything in a file whose encoding is made UTF-8
// by charset, where the file says that it is another.
func read(r io.Reader, charset func(string, io.Reader) (io.Reader, error), h Handler) error {
	w := &walk{handler: h}
	w.placed, _ = h.(Placed)
	w.decoder = xml.NewDecoder(r)
	w.decoder.CharsetReader = charset
	for {
		before, _ := w.decoder.InputPos()
		w.from = w.decoder.InputOffset()
		token, err := w.decoder.RawToken()
		if errors.Is(err, io.EOF) && len(w.open) == 0 && w.elements > 0 {
			return nil
		}
		if err != nil {
			return w.failed(err)
		}
		if err := w.take(token, before); err != nil {
			return err
		}
	}
}

// Root gives the name of a file's outermost element, without its namespace. It
// reads no further.
func Root(r io.Reader) (string, error) {
	h := new(root)
	if err := Read(r, h); !errors.Is(err, errFound) {
		return "", err
	}
	return h.name, nil
}

var errFound = errors.New("found")

type root struct{ name string }

func (h *root) Start(e *Element) error   { h.name = e.Name; return errFound }
func (h *root) End(string, string) error { return nil }

// walk is the reading of one file.
type walk struct {
	decoder  *xml.Decoder
	handler  Handler
	placed   Placed // the handler, where it asks for places
	from     int64  // where the token begins that is being read
	open     []opened
	elements int
	ended    bool
}

// opened is an element that has begun and not ended.
type opened struct {
	name xml.Name // with the prefix as it is written
	text []byte
}

// take handles one token, which begins in a line.
func (w *walk) take(token xml.Token, line int) error {
	switch t := token.(type) {
	case xml.StartElement:
		return w.start(t, line)
	case xml.EndElement:
		if len(w.open) == 0 || w.open[len(w.open)-1].name != t.Name {
			return w.fail("the element %.60q ends, but has not begun", t.Name.Local)
		}
		last := w.open[len(w.open)-1]
		w.open = w.open[:len(w.open)-1]
		w.ended = len(w.open) == 0
		w.tellPlace()
		return w.handler.End(t.Name.Local, string(last.text))
	case xml.CharData:
		if len(w.open) == 0 {
			if len(bytes.TrimSpace(t)) > 0 {
				return w.fail("there is text outside of the outermost element")
			}
			return nil
		}
		last := &w.open[len(w.open)-1]
		if len(bytes.TrimSpace(t)) == 0 && len(last.text) == 0 {
			return nil
		}
		if last.text = append(last.text, t...); len(last.text) > maxText {
			return w.fail("a text is longer than %d bytes", maxText)
		}
	case xml.Directive:
		// Entities are never expanded; but who declares some means something by it.
		if bytes.Contains(bytes.ToUpper(t), []byte("ENTITY")) {
			return w.fail("it declares entities, which are not read")
		}
	}
	return nil
}

func (w *walk) start(t xml.StartElement, line int) error {
	w.elements++
	switch {
	case w.ended:
		return w.fail("there is a second outermost element, %.60q", t.Name.Local)
	case len(w.open) == maxDepth:
		return w.fail("elements are nested deeper than %d", maxDepth)
	case w.elements > maxElements:
		return w.fail("there are more than %d elements", maxElements)
	case len(t.Attr) > maxAttributes:
		return w.fail("the element %.60q has more than %d attributes", t.Name.Local, maxAttributes)
	}
	for _, a := range t.Attr {
		if len(a.Value) > maxAttribute {
			return w.fail("the attribute %.60q is longer than %d bytes", a.Name.Local, maxAttribute)
		}
	}
	w.open = append(w.open, opened{name: t.Name})
	w.tellPlace()
	return w.handler.Start(&Element{Name: t.Name.Local, Prefix: t.Name.Space, Line: line, attributes: t.Attr})
}

func (w *walk) tellPlace() {
	if w.placed != nil {
		w.placed.Place(Span{int(w.from), int(w.decoder.InputOffset())})
	}
}

func (w *walk) fail(format string, args ...any) error {
	line, _ := w.decoder.InputPos()
	return &Error{line, fmt.Sprintf(format, args...)}
}

// failed says what the decoder found, without the words it says it in.
func (w *walk) failed(err error) error {
	line, _ := w.decoder.InputPos()
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		if strings.Contains(syntax.Msg, "invalid character entity") {
			return &Error{syntax.Line, "it refers to an entity, which is not read"}
		}
		return &Error{syntax.Line, "it is no well-formed XML: " + syntax.Msg}
	}
	switch {
	case errors.Is(err, errTooLarge):
		return &Error{line, err.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{line, "it ends early"}
	}
	return &Error{line, "it cannot be read: " + err.Error()}
}

var errTooLarge = fmt.Errorf("it is larger than %d bytes, of which no more are read", MaxBytes)

// limit ends with an error where a file is too large, and not as if it ended.
type limit struct {
	r    io.Reader
	left int64
}

func (l *limit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// decoded makes UTF-8 of UTF-16, which begins with a mark or with a "<" of two
// bytes. All else is left to what the file itself says.
func decoded(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	start, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	order := unicode.BigEndian
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		_, err := b.Discard(3)
		return b, err
	case bytes.HasPrefix(start, []byte{0, 0}), bytes.HasPrefix(start, []byte{0xff, 0xfe, 0, 0}):
		return nil, errors.New("it is written in UTF-32; save it as UTF-8")
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}), bytes.HasPrefix(start, []byte{'<', 0}):
		order = unicode.LittleEndian
	case bytes.HasPrefix(start, []byte{0xfe, 0xff}), bytes.HasPrefix(start, []byte{0, '<'}):
	default:
		return b, nil
	}
	return transform.NewReader(b, unicode.UTF16(order, unicode.UseBOM).NewDecoder()), nil
}

// charset makes UTF-8 of what a file says that it is written in.
func charset(label string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii":
		// UTF-16 is decoded already; who only says so fails at the first odd byte.
		return input, nil
	case "iso-8859-1", "latin1", "latin-1", "l1":
		return charmap.ISO8859_1.NewDecoder().Reader(input), nil
	case "windows-1252", "cp1252":
		return charmap.Windows1252.NewDecoder().Reader(input), nil
	}
	return nil, fmt.Errorf("the encoding %.40q is not read; save the file as UTF-8", label)
}

package iiif

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a document. A manifest of 3,000 canvases has 6 MB and 150,000 values.
const (
	MaxBytes  = 32 << 20
	maxDepth  = 64
	maxValues = 2_000_000
	maxText   = 64 << 10 // bytes of one string
)

// Error says what is wrong with a document, and where.
type Error struct {
	Line   int // from 1
	Reason string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// value is one value of a JSON document with its place. Presentation API
// documents write one thing in many ways, so it is asked for what it can give
// instead of being decoded into types. A nil value gives nothing.
type value struct {
	line   int
	text   string // of a string, or of a number as it is written
	kind   kind
	list   []*value
	keys   []string // of an object, in their order
	fields []*value
}

type kind uint8

const (
	kindNull kind = iota
	kindText
	kindNumber
	kindList
	kindObject
)

// parser builds values of a document's tokens.
type parser struct {
	data    []byte
	decoder *json.Decoder
	values  int
	// Lines are counted along, not anew for each value.
	line, counted int
}

func parse(data []byte) (*value, error) {
	if len(data) > MaxBytes {
		return nil, &Error{1, fmt.Sprintf("it is larger than %d bytes, of which no more are read", MaxBytes)}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, &Error{1, "it is not valid UTF-8"}
	}
	p := &parser{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	p.decoder.UseNumber()
	v, err := p.value(0)
	if err != nil {
		return nil, p.failed(err)
	}
	if _, err := p.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, p.failed(errors.New("there is more after its end"))
	}
	return v, nil
}

func (p *parser) failed(err error) error {
	line := p.at()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line = 1 + bytes.Count(p.data[:min(int(syntax.Offset), len(p.data))], []byte("\n"))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends early")
	}
	return &Error{line, "it is no JSON that can be read: " + err.Error()}
}

// at gives the line that the reading has come to.
func (p *parser) at() int {
	offset := min(int(p.decoder.InputOffset()), len(p.data))
	p.line += bytes.Count(p.data[p.counted:offset], []byte("\n"))
	p.counted = offset
	return p.line
}

func (p *parser) value(depth int) (*value, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, err
	}
	if p.values++; p.values > maxValues {
		return nil, fmt.Errorf("it holds more than %d values", maxValues)
	}
	v := &value{line: p.at()}
	switch t := token.(type) {
	case string:
		if len(t) > maxText {
			return nil, fmt.Errorf("a text has more than %d bytes", maxText)
		}
		v.kind, v.text = kindText, t
	case json.Number:
		v.kind, v.text = kindNumber, t.String()
	case json.Delim:
		if depth == maxDepth {
			return nil, fmt.Errorf("it is nested deeper than %d", maxDepth)
		}
		return v, p.inside(v, t, depth+1)
	}
	return v, nil
}

// inside reads what is in a list or object, up to its end.
func (p *parser) inside(v *value, open json.Delim, depth int) error {
	v.kind = kindList
	if open == '{' {
		v.kind = kindObject
	}
	for p.decoder.More() {
		if v.kind == kindObject {
			key, err := p.decoder.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			v.keys = append(v.keys, name)
		}
		inner, err := p.value(depth)
		if err != nil {
			return err
		}
		if v.kind == kindObject {
			v.fields = append(v.fields, inner)
		} else {
			v.list = append(v.list, inner)
		}
	}
	_, err := p.decoder.Token()
	return err
}

// get gives a field of an object by the first of several names that it has.
func (v *value) get(names ...string) *value {
	if v == nil || v.kind != kindObject {
		return nil
	}
	for _, name := range names {
		if i := slices.Index(v.keys, name); i >= 0 {
			return v.fields[i]
		}
	}
	return nil
}

// all gives what may be one or a list of them as a list.
func (v *value) all() []*value {
	switch {
	case v == nil || v.kind == kindNull:
		return nil
	case v.kind == kindList:
		return v.list
	}
	return []*value{v}
}

func (v *value) first() *value {
	if list := v.all(); len(list) > 0 {
		return list[0]
	}
	return nil
}

// plain gives a text as it is written.
func (v *value) plain() string {
	if v == nil || v.kind != kindText && v.kind != kindNumber {
		return ""
	}
	return v.text
}

// id gives the address of what may be an address or an object that has one.
func (v *value) id() string {
	if v = v.first(); v == nil {
		return ""
	}
	if v.kind == kindText {
		return strings.TrimSpace(v.text)
	}
	return strings.TrimSpace(v.get("id", "@id").plain())
}

// is reports whether an object is of one of several types, which version 2
// writes with a prefix.
func (v *value) is(types ...string) bool {
	for _, t := range v.get("type", "@type").all() {
		name := t.plain()
		if i := strings.LastIndexByte(name, ':'); i >= 0 {
			name = name[i+1:]
		}
		if slices.Contains(types, name) {
			return true
		}
	}
	return false
}

// preferred are the languages that a text for people is taken in, where it is
// there in several; "" is none in particular.
var preferred = []string{"en", "", "none", "@none", "de", "fr"}

// people gives a text for people in one language, without markup: a string, a
// list of them, {"@value", "@language"}, or {"en": ["…"]}.
func (v *value) people() string {
	byLanguage := map[string][]string{}
	var order []string
	take := func(language, text string) {
		if i := strings.IndexByte(language, '-'); i > 0 {
			language = language[:i]
		}
		if text = withoutMarkup(text); text == "" {
			return
		}
		if byLanguage[language] == nil {
			order = append(order, language)
		}
		byLanguage[language] = append(byLanguage[language], text)
	}
	for _, part := range v.all() {
		switch {
		case part.kind != kindObject:
			take("", part.plain())
		case part.get("@value") != nil:
			take(part.get("@language").plain(), part.get("@value").plain())
		default:
			for i, language := range part.keys {
				for _, text := range part.fields[i].all() {
					take(language, text.plain())
				}
			}
		}
	}
	for _, language := range append(slices.Clone(preferred), order...) {
		if texts := byLanguage[language]; len(texts) > 0 {
			return strings.Join(texts, "; ")
		}
	}
	return ""
}

// withoutMarkup drops tags, opens entities and makes one line of the rest.
func withoutMarkup(s string) string {
	var b strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '<':
			depth++
			b.WriteByte(' ')
		case r == '>' && depth > 0:
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	if depth > 0 { // a sign, not a tag
		return strings.Join(strings.Fields(html.UnescapeString(s)), " ")
	}
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}

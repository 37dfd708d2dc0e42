package http

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"ocapi/domain"
)

// fieldBody is the field of a problem that is about the body as a whole.
const fieldBody = "body"

// maxFieldRunes bounds how much of an unknown field's name is said back.
const maxFieldRunes = 40

// DecodeAnswer reads the JSON of an answer. A field that is absent stays nil
// in the answer, one that is there and empty does not. Whether the fields suit
// the challenge is not looked at; domain.CheckAnswer does that.
//
// Positions that no challenge has are refused here already, so that the answer
// is refused as openapi.yaml says, whatever has become of the challenge.
//
// Everything that could be read in two ways is refused, with a [domain.Error]
// of CodeInvalid that names the field: unknown fields (a misspelt one would
// count as absent), a field given twice, null, positions that are not plain
// whole numbers, anything after the object, and text that is not Unicode (the
// log keeps answers to the letter, so none may be repaired on the way).
func DecodeAnswer(body []byte) (domain.Answer, error) {
	if answer, plain := plainAnswer(body); plain {
		return answer, nil
	}
	return decodeAnswer(body)
}

// decodeAnswer reads answers that are not plain, and says what is wrong with one.
func decodeAnswer(body []byte) (domain.Answer, error) {
	if err := checkJSON(body); err != nil {
		return domain.Answer{}, err
	}
	d := answerDecoder{tokens: json.NewDecoder(bytes.NewReader(body))}
	d.tokens.UseNumber()
	if err := d.object(); err != nil {
		return domain.Answer{}, err
	}
	return d.answer, nil
}

// checkJSON refuses what encoding/json would refuse late or repair silently.
func checkJSON(body []byte) error {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return domain.Invalid(fieldBody, "the body is empty; it holds the answer as a JSON object")
	case !utf8.Valid(body):
		return domain.Invalid(fieldBody, "the body is not valid UTF-8")
	case !json.Valid(body):
		return domain.Invalid(fieldBody, "the body is not valid JSON")
	case loneSurrogate(body):
		return domain.Invalid(fieldBody, "the body has an escape \\u that is half of a character")
	}
	return nil
}

// loneSurrogate looks for an escaped surrogate without its other half in valid
// JSON, where a backslash stands in strings only.
func loneSurrogate(body []byte) bool {
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 {
			return false
		}
		if body[i+1] != 'u' {
			body = body[i+2:]
			continue
		}
		first := hexRune(body[i+2:])
		body = body[i+6:]
		if !utf16.IsSurrogate(first) {
			continue
		}
		if !bytes.HasPrefix(body, []byte(`\u`)) || utf16.DecodeRune(first, hexRune(body[2:])) == utf8.RuneError {
			return true
		}
		body = body[6:]
	}
}

// hexRune reads the four digits of an escape.
func hexRune(b []byte) rune {
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	if err != nil {
		panic("http: a malformed escape in valid JSON") // the caller checked the JSON
	}
	return rune(n)
}

// answerDecoder reads one answer, token by token.
type answerDecoder struct {
	tokens *json.Decoder
	answer domain.Answer
	seen   []string
}

func (d *answerDecoder) object() error {
	start, err := d.next()
	if err != nil {
		return err
	}
	if start != json.Delim('{') {
		return domain.Invalid(fieldBody, "the body is %s; an answer is an object", nameOf(start))
	}
	for d.tokens.More() {
		if err := d.member(); err != nil {
			return err
		}
	}
	if _, err := d.next(); err != nil { // the closing brace
		return err
	}
	if _, err := d.tokens.Token(); err != io.EOF {
		return domain.Invalid(fieldBody, "there is something after the answer")
	}
	return nil
}

func (d *answerDecoder) member() error {
	token, err := d.next()
	if err != nil {
		return err
	}
	field, ok := token.(string)
	if !ok {
		return domain.Invalid(fieldBody, "the body is not valid JSON")
	}
	switch field {
	case "texts", "selected", "text", "unreadable":
	default:
		return unknownField(field)
	}
	for _, s := range d.seen {
		if s == field {
			return domain.Invalid(field, "the field is given twice")
		}
	}
	d.seen = append(d.seen, field)
	switch field {
	case "texts":
		d.answer.Texts, err = d.strings(field)
	case "selected":
		d.answer.Selected, err = d.positions(field)
	case "unreadable":
		d.answer.Unreadable, err = d.positions(field)
	case "text":
		d.answer.Text, err = d.text(field)
	}
	return err
}

// unknownField refuses a field by its name, so far as it has one.
func unknownField(field string) error {
	named := shortened(field)
	if named == "" {
		named = fieldBody
	}
	return domain.Invalid(named, "an answer has no field %q; its fields are texts, selected, text and unreadable", shortened(field))
}

func (d *answerDecoder) strings(field string) ([]string, error) {
	texts := []string{} // never nil: the field is there
	err := d.array(field, func(token json.Token) error {
		text, ok := token.(string)
		if !ok {
			return domain.Invalid(field, "element %d is %s; it has to be a string", len(texts), nameOf(token))
		}
		texts = append(texts, text)
		return nil
	})
	return texts, err
}

func (d *answerDecoder) positions(field string) ([]uint32, error) {
	positions := []uint32{} // never nil: the field is there
	err := d.array(field, func(token json.Token) error {
		number, ok := token.(json.Number)
		if !ok {
			return domain.Invalid(field, "element %d is %s; it has to be a position", len(positions), nameOf(token))
		}
		p, err := strconv.ParseUint(number.String(), 10, 32)
		if err != nil {
			return domain.Invalid(field, "element %d is no position; positions are whole numbers from 0, written with digits only", len(positions))
		}
		if p >= domain.MaxPositions {
			return domain.Invalid(field, "element %d is the position %d; no challenge has more than %d images", len(positions), p, domain.MaxPositions)
		}
		positions = append(positions, uint32(p))
		return nil
	})
	return positions, err
}

func (d *answerDecoder) text(field string) (*string, error) {
	token, err := d.next()
	if err != nil {
		return nil, err
	}
	text, ok := token.(string)
	if !ok {
		return nil, domain.Invalid(field, "the field is %s; it has to be a string", nameOf(token))
	}
	return &text, nil
}

// array calls each with every element that is no array or object; those are
// refused by each, so nothing is ever nested.
func (d *answerDecoder) array(field string, each func(json.Token) error) error {
	start, err := d.next()
	if err != nil {
		return err
	}
	if start != json.Delim('[') {
		return domain.Invalid(field, "the field is %s; it has to be an array", nameOf(start))
	}
	for d.tokens.More() {
		token, err := d.next()
		if err != nil {
			return err
		}
		if err := each(token); err != nil {
			return err
		}
	}
	_, err = d.next() // the closing bracket
	return err
}

// next reads a token. The JSON was checked, so an error here is one of ours;
// the caller is told what it would be in any case.
func (d *answerDecoder) next() (json.Token, error) {
	token, err := d.tokens.Token()
	if err != nil {
		return nil, domain.Invalid(fieldBody, "the body is not valid JSON")
	}
	return token, nil
}

// nameOf says what a token is, in the words of a message.
func nameOf(token json.Token) string {
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			return "an array"
		}
		return "an object"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	}
	return "null"
}

func shortened(field string) string {
	runes := 0
	for i := range field {
		if runes == maxFieldRunes {
			return strings.TrimSpace(field[:i]) + "…"
		}
		runes++
	}
	return field
}

package consensus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// labelForm is the version of the stored form of a [LabelModel]: this byte, the
// weights of the classes, the types of all keywords, and for each keyword its
// name, its known images that show it, all its known images, and its types. Types
// are their number and three numbers each; all numbers are varints.
const labelForm = 1

// mostTypes bounds the types of a stored model.
const mostTypes = 64

// AppendTo appends the model's stored form, from which the same model is read.
// The same model has the same form.
func (m *LabelModel) AppendTo(b []byte) []byte {
	b = append(b, labelForm)
	for _, share := range m.classes {
		b = binary.AppendUvarint(b, uint64(share))
	}
	b = appendTypes(b, m.types)
	b = binary.AppendUvarint(b, uint64(len(m.keywords)))
	for _, k := range m.keywords {
		b = binary.AppendUvarint(b, uint64(len(k.keyword)))
		b = append(b, k.keyword...)
		b = binary.AppendUvarint(b, uint64(k.matches))
		b = binary.AppendUvarint(b, uint64(k.images))
		b = appendTypes(b, k.types)
	}
	return b
}

func appendTypes(b []byte, types []VisitorType) []byte {
	b = binary.AppendUvarint(b, uint64(len(types)))
	for _, t := range types {
		b = binary.AppendUvarint(b, uint64(t.Sensitivity))
		b = binary.AppendUvarint(b, uint64(t.Rejection))
		b = binary.AppendUvarint(b, uint64(t.Share))
	}
	return b
}

// decodeLabels reads a stored model of labels.
func decodeLabels(b []byte) (LabelModel, error) {
	var m LabelModel
	if len(b) == 0 {
		return m, errors.New("model of labels: there is nothing")
	}
	if b[0] != labelForm {
		return m, fmt.Errorf("model of labels: form %d, and this program knows form %d", b[0], labelForm)
	}
	r := formReader{rest: b[1:]}
	sum := 0
	for d := range m.classes {
		m.classes[d] = uint16(r.number("a class", 1<<16-1))
		sum += int(m.classes[d])
	}
	if sum > 1<<16 && r.err == nil {
		r.err = errors.New("the classes have more than all images")
	}
	m.types = r.types()
	before := ""
	for i := range r.number("keywords", uint64(len(b))) {
		k := keywordModel{keyword: r.text()}
		k.matches, k.images = uint32(r.number("matches", 1<<32-1)), uint32(r.number("images", 1<<32-1))
		k.types = r.types()
		switch {
		case r.err != nil:
		case k.matches > k.images:
			r.err = fmt.Errorf("keyword %q has %d matches among %d images", k.keyword, k.matches, k.images)
		case i > 0 && k.keyword <= before:
			r.err = fmt.Errorf("keyword %q is not in its place", k.keyword)
		}
		if r.err != nil {
			break
		}
		before = k.keyword
		m.keywords = append(m.keywords, k)
	}
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("there are %d bytes behind its end", len(r.rest))
	}
	if r.err != nil {
		return LabelModel{}, fmt.Errorf("model of labels: %w", r.err)
	}
	return newLabelModel(m), nil
}

// formReader reads numbers and texts until the first error.
type formReader struct {
	rest []byte
	err  error
}

func (r *formReader) number(what string, most uint64) uint64 {
	if r.err != nil {
		return 0
	}
	x, n := binary.Uvarint(r.rest)
	switch {
	case n <= 0:
		r.err = fmt.Errorf("cut off before %s", what)
		return 0
	case n > 1 && r.rest[n-1] == 0:
		r.err = fmt.Errorf("%s is written with more bytes than it needs", what) // one model, one form
		return 0
	case x > most:
		r.err = fmt.Errorf("%s is %d, and can be %d at most", what, x, most)
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *formReader) text() string {
	n := r.number("a keyword", uint64(len(r.rest)))
	if r.err == nil && n > uint64(len(r.rest)) {
		r.err = errors.New("cut off in a keyword")
	}
	if r.err != nil {
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	if !utf8.ValidString(s) {
		r.err = fmt.Errorf("keyword %q is no text", s)
	}
	return s
}

func (r *formReader) types() []VisitorType {
	n := r.number("types", mostTypes)
	if n == 0 {
		return nil
	}
	list := make([]VisitorType, 0, n)
	shares := 0
	for range n {
		var t VisitorType
		for _, into := range []*uint16{&t.Sensitivity, &t.Rejection, &t.Share} {
			*into = uint16(r.number("a type", 1<<16-1))
			if r.err == nil && *into == 0 {
				r.err = errors.New("a type has a rate of 0")
			}
		}
		shares += int(t.Share)
		list = append(list, t)
	}
	if r.err == nil && shares > 1<<16+int(n) { // each was rounded
		r.err = errors.New("the types are more than all visitors")
	}
	return list
}

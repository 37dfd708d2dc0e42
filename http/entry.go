package http

import (
	"net/http"
	"net/url"
	"strconv"

	"ocapi/domain"
)

// maxFormBytes bounds the form of an answer. The largest honest one, 36 texts
// of 100 characters of three bytes, has 33 KB, each byte being escaped.
const maxFormBytes = 48 << 10

// entry is what a visitor has put into the page's form. Its fields are named as
// those of the JSON answer.
type entry struct {
	texts      []string
	text       string
	selected   []uint32
	unreadable []uint32
}

// readEntry reads the posted form. What no browser would send for this form is
// refused, with a [domain.Error] of CodeInvalid or a problem; that something is
// missing is not looked at.
func readEntry(w http.ResponseWriter, r *http.Request) (entry, error) {
	tooLarge := &problem{kind: kindTooLarge, detail: "an answer is at most " + strconv.Itoa(maxFormBytes) + " bytes long"}
	if r.ContentLength > maxFormBytes {
		return entry{}, tooLarge
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	if err := r.ParseForm(); err != nil {
		if errorIsTooLarge(err) {
			return entry{}, tooLarge
		}
		// The error may hold the visitor's address: it goes nowhere.
		return entry{}, domain.Invalid(fieldBody, "the form could not be read")
	}
	e := entry{texts: r.PostForm["texts"], text: r.PostForm.Get("text")}
	var err error
	if e.selected, err = formPositions(r.PostForm, "selected"); err != nil {
		return entry{}, err
	}
	if e.unreadable, err = formPositions(r.PostForm, "unreadable"); err != nil {
		return entry{}, err
	}
	return e, nil
}

func formPositions(form url.Values, field string) ([]uint32, error) {
	positions := []uint32{} // never nil: a form without a tick has the field all the same
	for _, value := range form[field] {
		n, ok := parsePosition(value)
		if !ok {
			return nil, domain.Invalid(field, "%.40q is no position of an image", value)
		}
		positions = append(positions, uint32(n))
	}
	return positions, nil
}

// incomplete reports whether something is missing that the page asks for. That
// nothing is selected would be an answer, and a wrong one; to people it is one
// that was sent too early.
func (e *entry) incomplete(v *domain.ChallengeView) bool {
	return v.Type == domain.TypeClassification && len(e.selected) == 0
}

// answer makes of the form what the challenge's type asks for. An image that is
// ticked as unreadable has no text, whatever is typed there, as in the widget:
// the field is shown struck through.
func (e *entry) answer(v *domain.ChallengeView) domain.Answer {
	switch v.Type {
	case domain.TypeTranscription:
		texts := make([]string, len(e.texts))
		for i, text := range e.texts {
			if !e.marked(i) {
				texts[i] = text
			}
		}
		a := domain.Answer{Texts: texts}
		if len(e.unreadable) > 0 {
			a.Unreadable = e.unreadable
		}
		return a
	case domain.TypeClassification:
		return domain.Answer{Selected: e.selected}
	case domain.TypeAudio:
		return domain.Answer{Text: &e.text}
	case domain.TypeInvalid:
	}
	return domain.Answer{}
}

// marked reports whether an image is ticked as unreadable.
func (e *entry) marked(n int) bool { return hasPosition(e.unreadable, n) }

// chosen reports whether an image is selected.
func (e *entry) chosen(n int) bool { return hasPosition(e.selected, n) }

func hasPosition(positions []uint32, n int) bool {
	for _, p := range positions {
		if int(p) == n {
			return true
		}
	}
	return false
}

// typed gives the text at a position.
func (e *entry) typed(n int) string {
	if n < len(e.texts) {
		return e.texts[n]
	}
	return ""
}

// field is a field of a form and its value.
type field struct{ Name, Value string }

// fields gives the form as it was posted.
func (e *entry) fields() []field {
	var list []field
	for _, text := range e.texts {
		list = append(list, field{"texts", text})
	}
	for _, p := range e.selected {
		list = append(list, field{"selected", strconv.Itoa(int(p))})
	}
	for _, p := range e.unreadable {
		list = append(list, field{"unreadable", strconv.Itoa(int(p))})
	}
	if e.text != "" {
		list = append(list, field{"text", e.text})
	}
	return list
}

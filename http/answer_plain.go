package http

import (
	"unicode/utf8"

	"ocapi/domain"
)

// plainAnswer reads an answer as the widget writes it: an object of known fields,
// each at most once, without escapes. It says yes or nothing: everything else is
// for decodeAnswer, which reads what is read here alike (FuzzDecodeAnswer
// compares them), with eight times the allocations.
func plainAnswer(body []byte) (domain.Answer, bool) {
	if !utf8.Valid(body) {
		return domain.Answer{}, false
	}
	s := plainScanner{rest: body, wide: true}
	var a domain.Answer
	if !s.symbol('{') {
		return domain.Answer{}, false
	}
	for {
		field, ok := s.text()
		if !ok || !s.symbol(':') || !s.answerField(&a, string(field)) {
			return domain.Answer{}, false
		}
		if !s.symbol(',') {
			return a, s.symbol('}') && s.ended()
		}
	}
}

// answerField reads a field that was not there before.
func (s *plainScanner) answerField(a *domain.Answer, field string) (ok bool) {
	switch {
	case field == "texts" && a.Texts == nil:
		a.Texts, ok = s.texts()
	case field == "selected" && a.Selected == nil:
		a.Selected, ok = s.positions()
	case field == "unreadable" && a.Unreadable == nil:
		a.Unreadable, ok = s.positions()
	case field == "text" && a.Text == nil:
		var text []byte
		text, ok = s.text()
		copied := string(text)
		a.Text = &copied
	}
	return ok
}

// texts reads a list of strings; an empty one is not nil.
func (s *plainScanner) texts() ([]string, bool) {
	list := make([]string, 0, 2) // as many as a transcription has
	ok := s.list(func() bool {
		text, ok := s.text()
		list = append(list, string(text))
		return ok
	})
	return list, ok
}

// positions reads a list of positions that a challenge can have; an empty one is
// not nil.
func (s *plainScanner) positions() ([]uint32, bool) {
	list := make([]uint32, 0, 9) // as many as a classification has
	ok := s.list(func() bool {
		s.space()
		digits := s.digits()
		if len(digits) == 0 || len(digits) > 2 { // [domain.MaxPositions] has two
			return false
		}
		n := uint32(0)
		for _, d := range digits {
			n = n*10 + uint32(d-'0')
		}
		list = append(list, n)
		return n < domain.MaxPositions
	})
	return list, ok
}

// list reads a list whose elements are read by each.
func (s *plainScanner) list(each func() bool) bool {
	if !s.symbol('[') {
		return false
	}
	if s.symbol(']') {
		return true
	}
	for each() {
		if !s.symbol(',') {
			return s.symbol(']')
		}
	}
	return false
}

package domain

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxAnswerRunes bounds one typed text. A word is far shorter; the bound keeps
// a hostile answer from filling the log.
const MaxAnswerRunes = 100

// Answer is what a visitor sent, untouched. A nil slice means that the field
// was absent, an empty one that it was there and empty.
type Answer struct {
	Texts      []string // transcription: one for each position
	Selected   []uint32 // classification: the positions that were chosen
	Text       *string  // audio
	Unreadable []uint32 // positions that the visitor could not read
}

// CheckAnswer reports whether an answer has the shape that a challenge asks
// for. A malformed answer is an [Error] of CodeInvalid and leaves the
// challenge open; a well-formed one, even empty, gets a verdict.
func CheckAnswer(c *ChallengeCreated, a Answer) error {
	n := len(c.Positions)
	if err := checkPositions("unreadable", a.Unreadable, n); err != nil {
		return err
	}
	switch c.Type {
	case TypeTranscription:
		return a.checkTexts(n)
	case TypeClassification:
		return a.checkSelected(n)
	case TypeAudio:
		return a.checkAudio()
	case TypeInvalid:
	}
	return Invalid("type", "the challenge has no type that can be answered")
}

func (a Answer) checkTexts(n int) error {
	if a.Selected != nil || a.Text != nil {
		return Invalid("texts", "a transcription is answered with \"texts\" and, where needed, \"unreadable\" only")
	}
	if a.Texts == nil {
		return Invalid("texts", "the field is missing; it holds one text for each image, and the challenge has %s", count(n, "image"))
	}
	if len(a.Texts) != n {
		return Invalid("texts", "%s; the challenge has %s", thereAre(len(a.Texts), "text"), count(n, "image"))
	}
	for i, text := range a.Texts {
		if err := checkText("texts", i, text, slices.Contains(a.Unreadable, uint32(i))); err != nil {
			return err
		}
	}
	return nil
}

func checkText(field string, i int, text string, unreadable bool) error {
	blank := Blank(text)
	switch {
	case !utf8.ValidString(text):
		return Invalid(field, "text %d is not valid UTF-8", i)
	case utf8.RuneCountInString(text) > MaxAnswerRunes:
		return Invalid(field, "text %d is longer than %d characters", i, MaxAnswerRunes)
	case unreadable && !blank:
		return Invalid(field, "position %d has both a text and \"unreadable\"", i)
	case !unreadable && blank:
		return Invalid(field, "text %d is blank; an image that cannot be read is named in \"unreadable\"", i)
	}
	return nil
}

// Blank reports whether a text shows nothing at all, so that no image could
// be answered by it.
func Blank(text string) bool { return strings.IndexFunc(text, visible) < 0 }

// visible reports whether a character shows anything: a text of spaces, of
// control characters or of zero-width ones is blank.
func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

func (a Answer) checkSelected(n int) error {
	if a.Texts != nil || a.Text != nil {
		return Invalid("selected", "a classification is answered with \"selected\" and, where needed, \"unreadable\" only")
	}
	if a.Selected == nil {
		return Invalid("selected", "the field is missing; it holds the positions that were chosen, or is empty")
	}
	if err := checkPositions("selected", a.Selected, n); err != nil {
		return err
	}
	for _, p := range a.Selected {
		if slices.Contains(a.Unreadable, p) {
			return Invalid("selected", "position %d is both selected and \"unreadable\"", p)
		}
	}
	return nil
}

func (a Answer) checkAudio() error {
	if a.Texts != nil || a.Selected != nil || len(a.Unreadable) > 0 {
		return Invalid("text", "an audio challenge is answered with \"text\" only")
	}
	if a.Text == nil {
		return Invalid("text", "the field is missing; it holds what was heard")
	}
	return checkText("text", 0, *a.Text, false)
}

// checkPositions refuses positions out of range and positions named twice.
func checkPositions(field string, positions []uint32, n int) error {
	if len(positions) > n {
		return Invalid(field, "%s; the challenge has %s", thereAre(len(positions), "position"), count(n, "image"))
	}
	var seen uint64
	for _, p := range positions {
		if p >= uint32(n) || p >= 64 {
			return Invalid(field, "position %d is out of range; positions go from 0 to %d", p, n-1)
		}
		if seen&(1<<p) != 0 {
			return Invalid(field, "position %d is named twice", p)
		}
		seen |= 1 << p
	}
	return nil
}

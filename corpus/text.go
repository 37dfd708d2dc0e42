package corpus

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"ocapi/domain"
)

// ReasonUntypeable begins the reason for leaving out a text that has characters
// which no keyboard types and judging does not open.
const ReasonUntypeable = untypeable

// recordedText checks a text on record. note says what an archivist may not
// expect of it, though it is taken.
func recordedText(text string) (note string, err error) {
	folded := utf8.RuneCountInString(domain.Fold(text))
	switch {
	case text == "":
		return "", errors.New("the text is missing; a known transcription needs one")
	case folded == 0:
		return "", fmt.Errorf("the text %.40q has no letter or digit to compare an answer with", text)
	case utf8.RuneCountInString(text) > domain.MaxAnswerRunes:
		return "", fmt.Errorf("the text is longer than %d characters, which is the longest answer", domain.MaxAnswerRunes)
	case folded < judgedLetters:
		note = fmt.Sprintf("the text %q is too short to be asked as a known one; it takes %d letters or digits", text, judgedLetters)
	}
	return note, nil
}

// diplomatic checks a text as scholars transcribe it, sign by sign.
func diplomatic(text string) (note string, err error) {
	if c, found := domain.Untypeable(text); found {
		return "", fmt.Errorf("%s: the text %q has %U", ReasonUntypeable, text, c)
	}
	return recordedText(text)
}

// acceptable tells the sink what is wrong with a text as scholars transcribe it,
// and reports whether it can be asked for all the same.
func acceptable(text string, origin Origin, sink Sink) bool {
	note, err := diplomatic(text)
	if err != nil {
		sink.Skip(Problem{origin, err.Error()})
		return false
	}
	if note != "" {
		sink.Note(Problem{origin, note})
	}
	return true
}

// oneLine makes one blank of every run of blanks and line breaks, and drops
// what is not to be seen.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\ufffd")), " ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u00ad' || r == '\u200b' || r == '\ufeff' {
			return -1
		}
		return r
	}, s)
}

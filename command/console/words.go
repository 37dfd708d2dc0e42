package console

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"ocapi/domain"
)

// Plainly is an error's text without the codes of domain errors, which are for
// programs.
func Plainly(err error) string {
	text := err.Error()
	var strip func(error)
	strip = func(err error) {
		if e, ok := err.(*domain.Error); ok { //nolint:errorlint // each link of the chain is looked at by itself
			text = strings.Replace(text, e.Code.String()+": "+e.Message, e.Message, 1)
		}
		switch e := err.(type) { //nolint:errorlint // as above
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				strip(inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				strip(inner)
			}
		}
	}
	strip(err)
	return text
}

// Count names a number of things.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Grouped writes a number with its thousands apart.
func Grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Counted names a number of things, with its thousands apart.
func Counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Grouped(n) + " " + noun + "s"
}

// OrDash joins words by commas, and shows a dash where there are none.
func OrDash(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}

// Shortened cuts a text that has more characters than longest, which is at least 1,
// and says so by an ellipsis.
func Shortened(s string, longest int) string {
	if utf8.RuneCountInString(s) <= longest {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:longest-1])) + "…"
}

// Dashed shows that there is nothing where there is nothing.
func Dashed(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Moment writes a moment, which has to be in UTC, for people.
func Moment(t time.Time) string { return t.Format("2006-01-02 15:04 UTC") }

// Stamp writes a moment for programs.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

package consensus

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Accents says what marks above and below letters are to the comparison of
// readings.
type Accents uint8

// What accents are. By default they make a difference, as they do in a
// transcription; a collection whose visitors' keyboards lack them may fold them.
const (
	AccentsKept Accents = iota
	AccentsFolded
)

// Normal gives the form under which readings of a text are the same: Unicode's
// NFKC with case folded, and with runs of white space made one space. Nothing is
// published in this form. It is finer than [domain.Fold], by which visitors are
// judged: punctuation and accents stay. The normal form of a normal form is
// itself.
func Normal(text string, accents Accents) string {
	if s, ok := plainNormal(text); ok {
		return s
	}
	s := strings.ToValidUTF8(text, "\ufffd")
	if accents == AccentsFolded {
		s = withoutMarks(s)
	}
	// Folding can take composed letters apart and the other way round, and
	// compatible forms can be upper case. A second round is enough: Unicode's
	// definition of a caseless compatibility match (D146) has no third.
	for range 2 {
		s = cases.Fold().String(norm.NFKC.String(s))
		if accents == AccentsFolded {
			s = withoutMarks(s)
		}
	}
	s = norm.NFKC.String(strings.Map(visible, s))
	return strings.Join(strings.Fields(s), " ")
}

// plainNormal does the same for texts in ASCII, which most are, at a hundredth
// of the price. What is normal already is not copied.
func plainNormal(text string) (string, bool) {
	normal, space := true, true
	for i := range len(text) {
		c := text[i]
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\v' && c != '\f' || c >= 0x7f {
			return "", false
		}
		blank := c <= ' '
		if c >= 'A' && c <= 'Z' || blank && (space || c != ' ') {
			normal = false
		}
		space = blank
	}
	if normal && !space {
		return text, true
	}
	b := make([]byte, 0, len(text))
	for i := range len(text) {
		c := text[i]
		switch {
		case c > ' ':
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			b = append(b, c)
		case len(b) > 0 && b[len(b)-1] != ' ':
			b = append(b, ' ')
		}
	}
	if n := len(b); n > 0 && b[n-1] == ' ' {
		b = b[:n-1]
	}
	return string(b), true
}

// withoutMarks takes accents away.
func withoutMarks(s string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(s)))
}

// visible drops what nobody sees or types on purpose: controls, soft hyphens,
// spaces without width, marks of direction and order. The joiners stay, which
// some scripts are spelt with.
func visible(r rune) rune {
	const joiner, nonJoiner = '\u200d', '\u200c'
	switch {
	case r == joiner, r == nonJoiner, unicode.IsSpace(r):
		return r
	case r < utf8.RuneSelf && r >= ' ' && r != 0x7f:
		return r
	case unicode.In(r, unicode.Cc, unicode.Cf):
		return -1
	}
	return r
}

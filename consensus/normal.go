package consensus

import (
	"bytes"
	"strings"
	"sync"
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
	if s, ok := normalASCII(text); ok {
		return s
	}
	if s, ok := normalLatin(text, accents); ok {
		return s
	}
	return normalAny(text, accents)
}

func normalAny(text string, accents Accents) string {
	s := strings.ToValidUTF8(text, "\ufffd")
	if accents == AccentsFolded {
		s = withoutMarks(s)
	}
	s = cases.Fold().String(norm.NFKC.String(s))
	s = norm.NFKC.String(strings.Map(tidy, s))
	return strings.Join(strings.Fields(s), " ")
}

// normalASCII is for texts that are in ASCII and in the form already, or nearly.
// What is in the form is not copied.
func normalASCII(text string) (string, bool) {
	normal, space := true, true
	for i := range len(text) {
		c := text[i]
		if !blank(c) && c < ' ' || c >= 0x7f {
			return "", false
		}
		if c >= 'A' && c <= 'Z' || blank(c) && (space || c != ' ') {
			normal = false
		}
		space = blank(c)
	}
	if normal && (!space || text == "") {
		return text, true
	}
	b := make([]byte, 0, len(text))
	for i := range len(text) {
		b = appendASCII(b, text[i])
	}
	return string(bytes.TrimSuffix(b, []byte(" "))), true
}

func blank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func appendASCII(b []byte, c byte) []byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return append(b, c+'a'-'A')
	case !blank(c):
		return append(b, c)
	case len(b) > 0 && b[len(b)-1] != ' ':
		return append(b, ' ')
	}
	return b
}

// latin has the forms of the letters and signs that most European texts make do
// with, where they stay apart from their neighbours: a tenth of the price.
var latin = sync.OnceValue(func() *[AccentsFolded + 1][2][latinSize]string {
	var forms [AccentsFolded + 1][2][latinSize]string
	for accents := range forms {
		for row, first := range latinRows {
			for i := range latinSize {
				form := normalAny(string(first+rune(i)), Accents(accents))
				if !strings.ContainsFunc(form, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsMark(r) }) {
					forms[accents][row][i] = form
				}
			}
		}
	}
	return &forms
})

const latinSize = 0x100

// latinRows is where the tables begin: Latin with its supplements, and general
// punctuation.
var latinRows = [2]rune{0x80, 0x2000}

func normalLatin(text string, accents Accents) (string, bool) {
	if accents > AccentsFolded {
		return "", false
	}
	forms := &latin()[accents]
	b := make([]byte, 0, len(text)+len(text)/4)
	for _, r := range text {
		if r < utf8.RuneSelf {
			if c := byte(r); c == 0x7f || !blank(c) && c < ' ' {
				return "", false
			}
			b = appendASCII(b, byte(r))
			continue
		}
		form := ""
		for row, first := range latinRows {
			if r >= first && r < first+latinSize {
				form = forms[row][r-first]
			}
		}
		if form == "" {
			return "", false
		}
		b = append(b, form...)
	}
	return string(bytes.TrimSuffix(b, []byte(" "))), true
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

// tidy drops what nobody sees or types on purpose: controls, soft hyphens,
// spaces without width, marks of direction and order. The joiners stay, which
// some scripts are spelt with. It also folds Cherokee, whose capitals are what
// its small letters fold to; the library has it the other way round for one and
// the right way for the other, so that they never meet.
func tidy(r rune) rune {
	const joiner, nonJoiner = '\u200d', '\u200c'
	switch {
	case r == joiner, r == nonJoiner, unicode.IsSpace(r):
		return r
	case r < utf8.RuneSelf && r >= ' ' && r != 0x7f:
		return r
	case r >= '\uab70' && r <= '\uabbf':
		return r - '\uab70' + '\u13a0'
	case r >= '\u13f8' && r <= '\u13fd':
		return r - '\u13f8' + '\u13f0'
	case unicode.In(r, unicode.Cc, unicode.Cf):
		return -1
	}
	return r
}

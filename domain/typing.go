package domain

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Untypeable finds the first character of a known text that nobody can be
// expected to type: neither [Fold] opens it into letters that keyboards have,
// nor may an answer leave it out. Such a text cannot be asked for: whoever
// reads it rightly would be judged wrong. Marks, spaces and punctuation are
// left out by everybody's answers alike.
func Untypeable(text string) (rune, bool) {
	if !validText(text) {
		return unicode.ReplacementChar, true
	}
	for _, r := range text {
		// One by one, because the character as it stands in the text is what tells
		// the archivist where to look.
		for _, part := range norm.NFKD.String(opener.Replace(string(r))) {
			if !typeable(part) {
				return r, true
			}
		}
	}
	return 0, false
}

// validText refuses broken UTF-8 and the character that stands for it.
func validText(text string) bool { return !strings.ContainsRune(text, unicode.ReplacementChar) }

func typeable(r rune) bool {
	r = unicode.ToLower(r)
	switch {
	case r < unicode.MaxASCII:
		return !unicode.IsControl(r)
	case opened[r] != "":
		return true
	case unicode.IsLetter(r) && !sign(r):
		return onKeyboards(r)
	case r == '\u204a':
		// The Tironian sign for "and" counts as punctuation, and some type "et" for
		// it, some "und", some nothing.
		return false
	case unicode.Is(unicode.Cf, r), sign(r):
		return true // soft hyphens, joiners, apostrophes that are letters
	}
	return unicode.In(r, unicode.M, unicode.P, unicode.Z, unicode.Nd, unicode.Sk, unicode.Sc)
}

// onKeyboards reports whether a folded letter is typed by those who read its
// script. Of the alphabets of the manuscripts that most archives here hold,
// only today's letters are; in other scripts that are in everyday use, which
// have many letters more, all are taken to be.
func onKeyboards(r rune) bool {
	switch {
	case unicode.Is(unicode.Latin, r):
		return false // a to z are ASCII, and what folds into them is listed with Fold
	case unicode.Is(unicode.Greek, r):
		return r >= 'α' && r <= 'ω'
	case unicode.Is(unicode.Cyrillic, r):
		return r >= 'а' && r <= 'џ' || r == 'ґ'
	}
	return unicode.In(r, unicode.Arabic, unicode.Armenian, unicode.Bengali, unicode.Devanagari, unicode.Ethiopic,
		unicode.Georgian, unicode.Gujarati, unicode.Gurmukhi, unicode.Han, unicode.Hangul, unicode.Hebrew,
		unicode.Hiragana, unicode.Kannada, unicode.Katakana, unicode.Khmer, unicode.Lao, unicode.Malayalam,
		unicode.Myanmar, unicode.Oriya, unicode.Sinhala, unicode.Tamil, unicode.Telugu, unicode.Thai, unicode.Tibetan)
}

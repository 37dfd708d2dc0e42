package domain

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold gives the form in which texts are compared when judging: compatibility
// decomposition (NFKD), lower case, no accents, ligatures opened, long s = s,
// and neither punctuation nor spaces. Only letters and ASCII digits remain.
// What a visitor typed is never stored in this form.
func Fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	// First: decomposition knows nothing of private-use code points, and leaves
	// whole what follows a broken one.
	s = opener.Replace(strings.ToValidUTF8(s, " "))
	for _, r := range norm.NFKD.String(s) {
		r = unicode.ToLower(r)
		switch {
		case r < unicode.MaxASCII:
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				b.WriteByte(byte(r))
			}
		case unicode.IsDigit(r):
			b.WriteByte('0' + decimal(r))
		case unicode.IsLetter(r) && !sign(r):
			if plain, ok := opened[r]; ok {
				b.WriteString(plain)
			} else {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// decimal gives the value of a decimal digit of any script. Unicode lays each
// script's ten digits out in a row that begins at the zero; where rows touch,
// the next begins after ten.
func decimal(r rune) byte {
	first := r
	for unicode.IsDigit(first - 1) {
		first--
	}
	return byte((r - first) % 10)
}

// sign reports whether a rune that Unicode counts among the letters is a sign
// beside a letter to those who type: an apostrophe, a breathing, a stress, the
// line that stretches an Arabic word.
func sign(r rune) bool { return r >= '\u02b0' && r <= '\u02ff' || r == '\u0640' }

// opened are letters that decomposition leaves whole and that people type in
// their plain form.
var opened = map[rune]string{
	'æ': "ae", 'œ': "oe", 'ß': "ss", 'ø': "o", 'đ': "d", 'ð': "d", 'ł': "l",
	'ς': "σ", 'þ': "th", 'ħ': "h", 'ı': "i", 'ŧ': "t", 'ĸ': "k", 'ŋ': "ng",
	'ꝛ': "r", 'ꜩ': "tz", 'ꝑ': "p", 'ꝓ': "p", 'ꝗ': "q", 'ꝯ': "con", 'ꝝ': "rum", 'ꝫ': "et", 'ꜳ': "aa",
}

// opener opens what decomposition would get wrong: the private-use code points
// of the Medieval Unicode Font Initiative that early printed books need, read
// off their contexts in real transcriptions.
var opener = strings.NewReplacer(
	"\uf502", "ch", "\ueada", "st", "\ueba2", "si", "\ueba6", "ss", "\ueba7", "ssi",
	"\uf4f9", "ll", "\ueec4", "ck", "\ueedc", "tz", "\ueec5", "ct", "\ueba5", "sp",
	"\ue42c", "a", "\ue644", "o", "\ue72b", "u",
	// Decomposition takes the raised sign for "us" to be the one for "con".
	"\ua770", "us",
	"\ue8bf", "que", "\uf534", "us", "\uf533", "is", "\uf532", "as", "\uf535", "qu", "\uf537", "ta", "\uf519", "mm",
)

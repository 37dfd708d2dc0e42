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
	// Letters outside Unicode's own tables first: decomposition knows nothing
	// of the private-use code points that scholarly fonts give to ligatures.
	s = opener.Replace(s)
	for _, r := range norm.NFKD.String(s) {
		r = unicode.ToLower(r)
		switch {
		case r < unicode.MaxASCII:
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				b.WriteByte(byte(r))
			}
		case unicode.IsDigit(r):
			b.WriteByte('0' + decimal(r))
		case unicode.IsLetter(r):
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
// script's ten digits out in a row that begins at the zero.
func decimal(r rune) byte {
	for v := byte(0); v < 9; v++ {
		if !unicode.IsDigit(r - 1 - rune(v)) {
			return v
		}
	}
	// Rows that touch (mathematical digits) are multiples of ten from the start
	// of their block, and NFKD has already turned those into ASCII.
	return 9
}

// opened are letters that decomposition leaves whole and that people type in
// their plain form.
var opened = map[rune]string{
	'æ': "ae", 'œ': "oe", 'ß': "ss", 'ø': "o", 'đ': "d", 'ð': "d", 'ł': "l",
	'þ': "th", 'ħ': "h", 'ı': "i", 'ŧ': "t", 'ĸ': "k", 'ŋ': "ng",
	'ꝛ': "r", 'ꜩ': "tz", 'ꝑ': "p", 'ꝓ': "p", 'ꝗ': "q", 'ꝯ': "con", 'ꝝ': "rum", 'ꝫ': "et", 'ꜳ': "aa",
}

// opener opens the private-use code points of the Medieval Unicode Font
// Initiative that early printed books need, read off their contexts in real
// transcriptions.
var opener = strings.NewReplacer(
	"\uf502", "ch", "\ueada", "st", "\ueba2", "si", "\ueba6", "ss", "\ueba7", "ssi",
	"\uf4f9", "ll", "\ueec4", "ck", "\ueedc", "tz", "\ueec5", "ct", "\ueba5", "sp",
	"\ue42c", "a", "\ue644", "o", "\ue72b", "u",
	"\ue8bf", "que", "\uf534", "us", "\uf533", "is", "\uf532", "as", "\uf535", "qu", "\uf537", "ta", "\uf519", "mm",
)

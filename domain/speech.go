package domain

import (
	"strings"
	"unicode"
)

// speech is what judging and composing need to know of a spoken language.
type speech struct {
	// letters and digits are those that are asked: signs whose names are not
	// taken for another's by somebody who hears them once, up to 5 kHz or less,
	// with noise.
	letters, digits string
	// names are what people type for a sign that they hear, besides the sign
	// itself; folded.
	names map[rune][]string
	// fillers are words between the symbols that mean nothing; folded.
	fillers []string
}

// speeches are the languages that are known. Signs are left out by family:
// whoever hears one of a family cannot know which others are never said. Most
// families rhyme; some pairs were found by a machine that compares recordings
// (package voices, BenchmarkAttack), as far as an ear agrees.
//
//	French   b c d g p t v (-é), m n, f s, a k: a, i j u 6 8: i j u, e 2: e, o,
//	         x 6: x, z 7: z, 1 5: 1, and g j besides, which trade names with English
//	English  b c d e g p t v z (-ee), m n, f s x 6: f s x, a h j k 8: a h j 8,
//	         i y: i, u q 2: u q, o 0: o ("oh" is a zero), 5 9
//
// Names are listed for all letters, so that what was asked once can be judged
// whatever is asked today.
var speeches = map[string]*speech{
	"fr": {
		letters: "hklqrwy", digits: "023456789",
		names: map[rune][]string{
			'0': {"zero"}, '1': {"un", "une"}, '2': {"deux"}, '3': {"trois"}, '4': {"quatre"},
			'5': {"cinq"}, '6': {"six"}, '7': {"sept"}, '8': {"huit"}, '9': {"neuf"},
			'a': {"ah"}, 'b': {"be"}, 'c': {"ce", "se"}, 'd': {"de"}, 'e': {"eu", "euh"}, 'f': {"ef", "effe"},
			'g': {"ge"}, 'h': {"ache", "hache"}, 'j': {"ji"}, 'k': {"ka"}, 'l': {"elle", "el"},
			'm': {"em", "emme", "aime"}, 'n': {"en", "enne"}, 'o': {"eau"}, 'p': {"pe"}, 'q': {"qu", "ku", "cu"},
			'r': {"er", "erre", "air"}, 's': {"es", "esse"}, 't': {"te"}, 'v': {"ve"},
			'w': {"doublev", "doubleve"}, 'x': {"ix", "ixe"}, 'y': {"igrec", "ygrec", "igrecque"}, 'z': {"zed", "zede"},
		},
		fillers: []string{"et", "puis"},
	},
	"en": {
		letters: "klrwy", digits: "0123467",
		names: map[rune][]string{
			'0': {"zero", "nought"}, '1': {"one", "won"}, '2': {"two", "to", "too"}, '3': {"three"}, '4': {"four", "for"},
			'5': {"five"}, '6': {"six"}, '7': {"seven"}, '8': {"eight", "ate"}, '9': {"nine"},
			'a': {"ay"}, 'b': {"be", "bee"}, 'c': {"cee", "see", "sea"}, 'd': {"dee"}, 'e': {"ee"}, 'f': {"ef", "eff"},
			'g': {"gee"}, 'h': {"aitch", "haitch"}, 'i': {"eye"}, 'j': {"jay"}, 'k': {"kay"}, 'l': {"el", "ell"},
			'm': {"em"}, 'n': {"en"}, 'o': {"oh"}, 'p': {"pee", "pea"}, 'q': {"queue", "cue"}, 'r': {"ar", "are"},
			's': {"es", "ess"}, 't': {"tee", "tea"}, 'u': {"you"}, 'v': {"vee"}, 'w': {"doubleu", "doubleyou"},
			'x': {"ex"}, 'y': {"why", "wye"}, 'z': {"zed", "zee"},
		},
		fillers: []string{"and", "then"},
	},
}

// unknownSpeech serves recordings in any other language. Its letters are those
// that belong to no large family of rhymes in the languages around us.
var unknownSpeech = &speech{letters: "hklqrwxy", digits: "0123456789"}

// speechOf finds a language by its tag, regions put aside.
func speechOf(language string) *speech {
	if s, ok := speeches[primaryTag(language)]; ok {
		return s
	}
	return unknownSpeech
}

// primaryTag gives the first part of a BCP 47 tag: the language itself.
func primaryTag(tag string) string {
	tag = strings.ToLower(strings.TrimSpace(tag))
	if end := strings.IndexAny(tag, "-_"); end >= 0 {
		tag = tag[:end]
	}
	return tag
}

// ChooseLanguage picks the language, of those that can be spoken, for somebody
// whose language has this BCP 47 tag: the same tag, else the same language in
// whatever region, else English, else the first. It is empty when there is
// none to choose from.
func ChooseLanguage(tag string, spoken []string) string {
	for _, same := range []func(string) bool{
		func(s string) bool { return strings.EqualFold(s, strings.TrimSpace(tag)) },
		func(s string) bool { return primaryTag(s) == primaryTag(tag) },
		func(s string) bool { return primaryTag(s) == "en" },
		func(string) bool { return true },
	} {
		for _, s := range spoken {
			if same(s) {
				return s
			}
		}
	}
	return ""
}

// asks reports whether a letter or digit is asked in the language. Letters of
// other scripts than the Latin one belong to no family that we know.
func (s *speech) asks(sign rune) bool {
	return strings.ContainsRune(s.letters, sign) || strings.ContainsRune(s.digits, sign) ||
		unicode.IsLetter(sign) && !unicode.Is(unicode.Latin, sign)
}

// signOf gives the letter or digit that a symbol is; false for a word.
func signOf(symbol string) (rune, bool) {
	folded := []rune(Fold(symbol))
	if len(folded) != 1 {
		return 0, false
	}
	return folded[0], true
}

// AskedSigns gives the letters and digits that are asked in a language, where
// there are recordings of them.
func AskedSigns(language string) string {
	s := speechOf(language)
	return s.letters + s.digits
}

package consensus_test

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ocapi/consensus"
)

func TestNormal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, kept, folded string }{
		"empty":                       {"", "", ""},
		"plain":                       {"london", "london", "london"},
		"case":                        {"New South WALES", "new south wales", "new south wales"},
		"spaces":                      {"  a\t\tb \r\n c ", "a b c", "a b c"},
		"one space of another kind":   {"a\tb", "a b", "a b"},
		"spaces of other scripts":     {"\u3000a\u00a0\u2009b\u2028", "a b", "a b"},
		"punctuation stays":           {"St. Mary's, 1s/4d", "st. mary's, 1s/4d", "st. mary's, 1s/4d"},
		"accents":                     {"Élève", "élève", "eleve"},
		"accents taken apart":         {"E\u0301le\u0300ve", "élève", "eleve"},
		"small letter above":          {"gru\u0364n", "gru\u0364n", "grun"},
		"ligature":                    {"ﬁſh", "fish", "fish"},
		"sharp s":                     {"Straße", "strasse", "strasse"},
		"Greek with a final sigma":    {"ΛΌΓΟς", "λόγοσ", "λογοσ"},
		"capital with a dot":          {"İ", "i\u0307", "i"},
		"Cherokee capitals":           {"ᎠᏰ", "Ꭰ\u13f0", "Ꭰ\u13f0"},
		"Cherokee, small":             {"ꭰᏸ", "Ꭰ\u13f0", "Ꭰ\u13f0"},
		"wide digits":                 {"１８３４", "1834", "1834"},
		"nothing to see":              {"a\u200bb\u00ad\ufeffc\u202ed\x00e", "abcde", "abcde"},
		"a joiner is spelling":        {"می\u200cخواهم", "می\u200cخواهم", "می\u200cخواهم"},
		"not UTF-8":                   {"a\xffb", "a\ufffdb", "a\ufffdb"},
		"a mark after what is unseen": {"e\u200b\u0301", "é", "e"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := consensus.Normal(tt.text, consensus.AccentsKept); got != tt.kept {
				t.Errorf("with accents kept: %+q, want %+q", got, tt.kept)
			}
			if got := consensus.Normal(tt.text, consensus.AccentsFolded); got != tt.folded {
				t.Errorf("with accents folded: %+q, want %+q", got, tt.folded)
			}
		})
	}
}

// TestNormalOfEveryRune holds that forms are stable, also of what folding or the
// loss of an invisible sign puts together; and that case is nothing.
func TestNormalOfEveryRune(t *testing.T) {
	t.Parallel()
	for r := range rune(0x20000) {
		if unicode.In(r, unicode.Han, unicode.Hangul) {
			continue // many, and of one kind
		}
		for _, around := range [][2]string{{"", ""}, {"", "\u0345\u0301"}, {"\u0301", "\u00ad\u030c"}} {
			text := around[0] + string(r) + around[1]
			for _, accents := range []consensus.Accents{consensus.AccentsKept, consensus.AccentsFolded} {
				normal := consensus.Normal(text, accents)
				if again := consensus.Normal(normal, accents); again != normal {
					t.Errorf("accents %d: %+q has the form %+q, and that has %+q", accents, text, normal, again)
				}
			}
		}
		if lower := unicode.ToLower(r); lower != r && r != 'İ' { // a dot stays
			a, b := consensus.Normal(string(r), consensus.AccentsKept), consensus.Normal(string(lower), consensus.AccentsKept)
			if a != b {
				t.Errorf("%c has the form %+q, its lower case %c %+q", r, a, lower, b)
			}
		}
	}
}

func FuzzNormal(f *testing.F) {
	for _, seed := range []string{"", " A  b", "Waſſer 1834", "E\u0301\u200b\u0301", "\u0345\u0301α", "ΐ Ϳ ẞ ŉ ǰ", "\xff\xed\xa0\x80", "ﷺ", "\u1e9b\u0323", "a\x00\x7f", "\u03d2\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, accents := range []consensus.Accents{consensus.AccentsKept, consensus.AccentsFolded} {
			normal := consensus.Normal(text, accents)
			if again := consensus.Normal(normal, accents); again != normal {
				t.Errorf("accents %d: %+q has the form %+q, and that has %+q", accents, text, normal, again)
			}
			if !utf8.ValidString(normal) || !norm.NFKC.IsNormalString(normal) {
				t.Errorf("accents %d: %+q is not in NFKC", accents, normal)
			}
			if composed := consensus.Normal(norm.NFC.String(text), accents); utf8.ValidString(text) && composed != normal {
				t.Errorf("accents %d: %+q has the form %+q, and composed %+q", accents, text, normal, composed)
			}
		}
	})
}

func BenchmarkNormal(b *testing.B) {
	for name, text := range map[string]string{"ascii": "Rheumatism 1834", "accents": "Élève à Besançon", "long s": "Waſſer-Straßen, Anno 1834"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				consensus.Normal(text, consensus.AccentsKept)
			}
		})
	}
}

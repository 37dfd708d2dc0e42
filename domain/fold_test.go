package domain_test

import (
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"ocapi/domain"
)

func TestFold(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"empty":                             {"", ""},
		"plain":                             {"haus", "haus"},
		"case":                              {"HaUs", "haus"},
		"accents composed":                  {"Ébène", "ebene"},
		"accents decomposed":                {"E\u0301be\u0300ne", "ebene"},
		"umlaut as a small e above":         {"gru\u0364n", "grun"},
		"capital with a dot":                {"İstanbul", "istanbul"},
		"dotless i":                         {"ısı", "isi"},
		"ligature of printers":              {"ﬁﬂﬀﬃﬄ", "fiflffffiffl"},
		"long s and t":                      {"ﬅern", "stern"},
		"s and t":                           {"ﬆern", "stern"},
		"long s":                            {"Waſſer", "wasser"},
		"sharp s":                           {"Straße", "strasse"},
		"capital sharp s":                   {"STRAẞE", "strasse"},
		"letters joined":                    {"Œuvre Æther", "oeuvreaether"},
		"letters with strokes":              {"Łódź Øre Đak", "lodzoredak"},
		"thorn and eth":                     {"Þórð", "thord"},
		"r rotunda":                         {"heꝛꝛ", "herr"},
		"q with a stroke":                   {"ꝗ", "q"},
		"con and us":                        {"ꝯtra", "contra"},
		"raised us is not con":              {"Christꝰ", "christus"},
		"final and inner sigma":             {"ΛΌΓΟΣ", "λογοσ"},
		"final sigma":                       {"λόγος", "λογοσ"},
		"punctuation":                       {"»A. B-c, d'e’f;\u00adg!« (h)", "abcdefgh"},
		"apostrophe that is a letter":       {"l\u02bcan", "lan"},
		"n after an apostrophe":             {"ŉ", "n"},
		"spaces of all kinds":               {" a\tb\nc\u00a0d\u2009e\u200bf ", "abcdef"},
		"symbols":                           {"5 £ + 3 § = ☃", "53"},
		"digits":                            {"Anno 1834", "anno1834"},
		"Arabic-Indic digits":               {"١٨٣٤", "1834"},
		"Persian digits":                    {"۱۸۳۴", "1834"},
		"Devanagari digits":                 {"१८३४", "1834"},
		"last of a row of digits":           {"٩", "9"},
		"bold mathematical digits":          {"𝟏𝟖𝟑𝟒", "1834"},
		"raised digits":                     {"m²", "m2"},
		"wide digits":                       {"１８３４", "1834"},
		"Roman number signs":                {"Ⅳ", "iv"},
		"a fraction falls apart":            {"½", "12"},
		"Greek":                             {"Ὅμηρος", "ομηροσ"},
		"Cyrillic":                          {"Ёлка", "елка"},
		"Hebrew without points":             {"שָׁלוֹם", "שלום"},
		"Arabic without points and stretch": {"كـــِتَاب", "كتاب"},
		"Han":                               {"東京", "東京"},
		"Hangul is taken apart":             {"한", "\u1112\u1161\u11ab"},
		"private use: ch":                   {"Bu\uf502", "buch"},
		"private use: st":                   {"Chri\ueadaus", "christus"},
		"private use: long s and i":         {"\ueba2ch", "sich"},
		"private use: long s twice":         {"Wa\ueba6er", "wasser"},
		"private use: long s twice and i":   {"e\ueba7g", "essig"},
		"private use: ll":                   {"a\uf4f9es", "alles"},
		"private use: ck":                   {"Ro\ueec4", "rock"},
		"private use: tz":                   {"Sa\ueedc", "satz"},
		"private use: ct":                   {"perfe\ueec5", "perfect"},
		"private use: sp":                   {"\ueba5iel", "spiel"},
		"private use: vowels with an e":     {"\ue42c\ue644\ue72b", "aou"},
		"private use: que":                  {"at\ue8bf", "atque"},
		"private use: endings":              {"\uf534\uf533\uf532", "usisas"},
		"private use: qu, ta, mm":           {"\uf535\uf537\uf519", "qutamm"},
		"private use without a meaning":     {"a\ue000b", "ab"},
		"not UTF-8":                         {"a\xff\xfeb", "ab"},
		"a broken sequence before a letter": {"\xf3\u03f9", "σ"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := domain.Fold(tt.text); got != tt.want {
				t.Errorf("Fold(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

// checkFolded fails when a folded form holds what it must not, or when
// folding it again changes it.
func checkFolded(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string,
) {
	t.Helper()
	folded := domain.Fold(text)
	for _, r := range folded {
		digit := r >= '0' && r <= '9'
		if !digit && !unicode.IsLetter(r) {
			t.Fatalf("Fold(%+q) = %+q: %U is neither a letter nor an ASCII digit", text, folded, r)
		}
		if unicode.ToLower(r) != r {
			t.Fatalf("Fold(%+q) = %+q: %U is not lower case", text, folded, r)
		}
	}
	if again := domain.Fold(folded); again != folded {
		t.Fatalf("Fold(%+q) = %+q, folded again %+q", text, folded, again)
	}
}

// runes gives every code point of which Unicode's tables say something of its
// own: ideographs and the unassigned planes are left out.
func runes(yield func(rune) bool) {
	for _, block := range [][2]rune{{0, 0x33ff}, {0xa000, 0xac00}, {0xd7a0, 0xd7ff}, {0xe000, 0x1ffff}, {0xe0000, 0xe01ff}} {
		for r := block[0]; r <= block[1]; r++ {
			if !yield(r) {
				return
			}
		}
	}
}

func TestFoldEveryRune(t *testing.T) {
	t.Parallel()
	for r := range runes {
		checkFolded(t, string(r))
	}
}

// TestFoldCase holds the two cases of every letter together.
func TestFoldCase(t *testing.T) {
	t.Parallel()
	for r := range runes {
		if lower := unicode.ToLower(r); lower != r {
			if a, b := domain.Fold(string(r)), domain.Fold(string(lower)); a != b {
				t.Errorf("%c (%U) folds to %q, its lower case %c to %q", r, r, a, lower, b)
			}
		}
	}
}

func TestFoldProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		checkFolded(t, text)
		if a, b := domain.Fold(text), domain.Fold(norm.NFC.String(text)); a != b {
			t.Fatalf("%+q folds to %+q, composed to %+q", text, a, b)
		}
	})
}

func FuzzFold(f *testing.F) {
	for _, seed := range []string{"", "Waſſer 1834", "\uf502\ueada", "شِعْر ١٢", "ᾳ ς Σ ŉ", "\xff\xed\xa0\x80", "\u0345\u0301a", "\xf3\u03f9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { checkFolded(t, text) })
}

func BenchmarkFold(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		domain.Fold("Waſſer-Straßen, Anno 1834")
	}
}

package domain_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ocapi/domain"
)

func TestHeard(t *testing.T) {
	t.Parallel()
	const french, english = "7 k forêt 2 w jardin", "7 k window 2 w garden"
	for _, tt := range []struct {
		language, want, got string
		right               bool
	}{
		{"fr", french, "7 k forêt 2 w jardin", true},
		{"fr", french, "7 K FORÊT 2 W JARDIN", true},
		{"fr", french, "7 k foret 2 w jardin", true},
		{"fr", french, "7kforêt2wjardin", true},
		{"fr", french, "  7,k;forêt / 2-w…\u00a0jardin. ", true},
		{"fr", french, "7 k f o r ê t 2 w j a r d i n", true},
		{"fr", french, "sept ka forêt deux double v jardin", true},
		{"fr", french, "sept, ka, forêt, deux, double vé et jardin", true},
		{"fr", french, "septkaforetdeuxdoublevejardin", true},
		{"fr", french, "7 k et forêt puis 2 w et jardin", true},
		{"fr", french, "et 7 k forêt 2 w jardin et", true},
		{"fr", french, "７ ｋ forêt ２ ｗ jardin", true},
		{"fr", french, "7 k forèt 2 w jardin", true},
		{"fr", french, "7 k forat 2 w jardin", true}, // one error
		{"fr", french, "7 k fort 2 w jardain", true}, // one in each word
		{"fr", french, "7kforat2wjardn", true},       // and no spaces
		{"fr", french, "7 k forêts 2 w jardins", true},
		{"fr", french, "7 k fot 2 w jardin", false}, // two errors
		{"fr", french, "7 k maison 2 w jardin", false},
		{"fr", french, "8 k forêt 2 w jardin", false},
		{"fr", french, "7 q forêt 2 w jardin", false},
		{"fr", french, "7 k forêt 2 v jardin", false},
		{"fr", french, "k 7 forêt 2 w jardin", false}, // another order
		{"fr", french, "7 k jardin 2 w forêt", false},
		{"fr", french, "7 k forêt 2 w", false},
		{"fr", french, "k forêt 2 w jardin", false},
		{"fr", french, "7 k forêt 22 w jardin", false},
		{"fr", french, "7 k forêt 2 w jardin 3", false},
		{"fr", french, "77 k forêt 2 w jardin", false},
		{"fr", french, "7 k forêt 2 w jardin jardin", false},
		{"fr", french, "72 k forêt w jardin", false},
		{"fr", french, "seven k forêt two w jardin", false},
		{"fr", french, "", false},
		{"fr", french, "et et et", false},
		{"fr", french, "forêt jardin", false},
		{"fr", french, strings.Repeat("7 k forêt 2 w jardin ", 5), false},
		{"fr", french, strings.Repeat("\ufdfa", 100), false}, // folds into 18 letters each
		{"fr-CA", french, "sept ka forêt deux double v jardin", true},
		{"fr", "h l r y 1 0", "hache elle erre i grec un zéro", true},
		{"fr", "h l r y 1 0", "ache el er y-grec une zero", true},
		{"fr", "q i o 4 6 8", "cu i o quatre six huit", true},
		{"fr", "q i o 4 6 8", "ku i eau 4 6 huit", true},

		{"en", english, "7 k window 2 w garden", true},
		{"en", english, "Seven kay window two double-u garden", true},
		{"en", english, "seven, kay, window, to, double you, and garden", true},
		{"en", english, "7 k windov 2 w gardn", true},
		{"en", english, "7 k wndov 2 w garden", false},
		{"en", english, "7 k window for w garden", false},
		{"en", english, "sept k window 2 w garden", false},
		{"en", "q y l r 8 4", "queue why ell are ate for", true},
		{"en", "q y l r 8 4", "cue wye el ar eight four", true},

		// Signs are exact, and a letter's name is not two letters' signs.
		{"fr", "e l 3 maison 4 table", "el 3 maison 4 table", true},
		{"fr", "l 3 maison 4 table", "el 3 maison 4 table", true},
		{"fr", "maison table", "maizon tablo", true},
		{"fr", french, "7 k forêty 2 w jardin", false}, // a sign at a word's end is a sign
		{"fr", french, "7 kk forêt 2 w jardin", false},
		{"fr", french, "7kkforêt2wjardin", false},
		// No error makes up for what is missing.
		{"fr", "hiver r 3 7 jardin k", "hiver 3 7 jardin k", false},
		{"fr", "hiver r 3 7 jardin k", "hive r 3 7 jardin k", true},
		{"fr", "r hiver 3 7 jardin k", "rhiver 3 7 jardin k", true},
		{"fr", "r hiver 3 7 jardin k", "hiver 3 7 jardin k", false},
		{"en", "bridge l 3 1 ocean 0", "bridge l l 3 1 ocean 0", false},
		{"en", "bridge l 3 1 ocean 0", "bridgell31ocean0", false},
		{"en", "l ocean 3 1 bridge 0", "l lbridge", false},
		{"fr", "k w 3 4 maison table", "kdouble v 3 4 maison table", true},
		{"en", "small l 3 1 ocean 0", "small 3 1 ocean 0", false},
		{"en", "small l 3 1 ocean 0", "smalll 3 1 ocean 0", true},
		{"en", "l llama 3 1 ocean 0", "llama 3 1 ocean 0", false},
		{"fr", "lapin i n 4 7 k", "lapin n 4 7 k", false},
		{"de", "7 k garten 2 w", "7 k garten 2 w", true},
		{"de", "7 k garten 2 w", "sieben ka garten 2 w", false}, // no names are known
		{"", "lande", "lande", true},
		{"", "", "", false},
		{"", "", "a", false},
	} {
		t.Run(tt.language+" "+tt.want+" as "+tt.got, func(t *testing.T) {
			t.Parallel()
			if got := domain.Heard(tt.language, tt.want, tt.got); got != tt.right {
				t.Errorf("it is %v", got)
			}
		})
	}
}

// names are the ways to type a sign that these properties try.
func names(language, sign string) []string {
	table := map[string]map[string][]string{
		"fr": {"7": {"sept"}, "2": {"deux"}, "0": {"zéro"}, "h": {"hache"}, "k": {"ka"}, "w": {"double v", "double vé"}, "y": {"i grec"}, "q": {"ku"}, "l": {"elle"}, "r": {"erre"}},
		"en": {"7": {"seven"}, "2": {"two", "too"}, "0": {"zero"}, "k": {"kay"}, "w": {"double u"}, "y": {"why"}, "q": {"queue"}, "l": {"ell"}, "r": {"are"}},
	}
	return append(table[language][sign], sign)
}

// typed types a challenge as people may: signs by name, words with an error,
// with or without spaces.
func typed(rng *rand.Rand, language string, symbols []string, glue string, errors bool) string {
	parts := make([]string, len(symbols))
	for i, s := range symbols {
		if len([]rune(s)) == 1 {
			ways := names(language, s)
			parts[i] = ways[rng.IntN(len(ways))]
			continue
		}
		r := []rune(s)
		if errors && rng.IntN(2) == 0 {
			at := rng.IntN(len(r))
			switch rng.IntN(3) {
			case 0:
				r = slices.Delete(r, at, at+1)
			case 1:
				r = slices.Insert(r, at, 'z')
			case 2:
				r[at] = 'z'
			}
		}
		parts[i] = string(r)
	}
	if glue == "" {
		return strings.ReplaceAll(strings.Join(parts, ""), " ", "")
	}
	return strings.Join(parts, glue)
}

// TestHeardProperties goes through many challenges: the lenient ways are
// right, and whatever is wrong in one symbol is wrong.
func TestHeardProperties(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"fr", "en"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			a := alphabet(t, language)
			rng := rand.New(rand.NewPCG(3, 4))
			draw := func() []string { return strings.Fields(a.Compose(rng).Positions[0].Expected.Text) }
			for range 100 {
				symbols := draw()
				want := strings.Join(symbols, " ")
				right := func(got string, is bool) {
					t.Helper()
					if domain.Heard(language, want, got) != is {
						t.Errorf("%q as %q is %v", want, got, !is)
					}
				}
				for _, glue := range []string{" ", ", ", map[string]string{"fr": " et ", "en": " and "}[language]} {
					right(typed(rng, language, symbols, glue, true), true)
				}
				right(typed(rng, language, symbols, "", false), true)
				for i := range symbols {
					for _, glue := range []string{" ", ""} {
						// One missing is never right, however it is typed.
						right(typed(rng, language, slices.Delete(slices.Clone(symbols), i, i+1), glue, false), false)
					}
					right(typed(rng, language, slices.Insert(slices.Clone(symbols), i, symbols[i]), " ", false), false)
					for _, other := range a.Symbols() {
						if other != symbols[i] {
							got := slices.Clone(symbols)
							got[i] = other
							right(strings.Join(got, " "), false)
						}
					}
					if i > 0 {
						got := slices.Clone(symbols)
						got[i-1], got[i] = got[i], got[i-1]
						right(strings.Join(got, " "), false)
					}
				}
			}
			// Somebody else's right answers: a guess as good as any.
			guesses := 20000
			if testing.Short() {
				guesses = 2000
			}
			for range guesses {
				want, got := draw(), draw()
				if domain.Heard(language, strings.Join(want, " "), strings.Join(got, " ")) && !slices.Equal(want, got) {
					t.Errorf("%v is a right answer to %v", got, want)
				}
			}
		})
	}
}

// TestNamesAreNoSpelling keeps the guard against missing symbols whole: the
// name of a sign that is asked is spelt with other letters too, so whoever
// types a name cannot have meant the letters one by one.
func TestNamesAreNoSpelling(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"fr", "en"} {
		asked := domain.AskedSigns(language)
		for _, sign := range asked {
			for _, way := range names(language, string(sign)) {
				if folded := domain.Fold(way); len(folded) > 1 && strings.Trim(folded, asked) == "" {
					t.Errorf("%s: %q is a name of %q and a row of signs", language, way, sign)
				}
			}
		}
	}
}

// FuzzHeard checks that no answer makes judging panic, that what was said is
// right as it was said, and that nothing is right for two challenges that
// differ in one sign.
func FuzzHeard(f *testing.F) {
	f.Add("7 k forêt 2 w jardin", "sept ka foret, deux double vé et jardn")
	f.Add("hiver r 3 7 jardin k", "hiver3 7jardink")
	f.Add("e l 3 maison 4 table", "elle 3 maison 4 table")
	f.Add("q y l r 8 4", "\xff\ufdfa\u0301 queue")
	f.Fuzz(func(t *testing.T, want, got string) {
		for _, language := range []string{"fr", "en", "xx"} {
			right := domain.Heard(language, want, got)
			other := strings.ReplaceAll(want, "7", "8")
			if right && other != want && !strings.Contains(want, "8") && domain.Heard(language, other, got) {
				t.Errorf("%q is right for %q and for %q", got, want, other)
			}
		}
	})
}

func BenchmarkHeard(b *testing.B) {
	for b.Loop() {
		if !domain.Heard("fr", "7 k forêt 2 w jardin", "sept ka foret deux double vé et jardn") {
			b.Fatal("it is wrong")
		}
	}
}

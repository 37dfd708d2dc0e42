package domain_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ocapi/domain"
)

// frenchWords and englishWords are words that tests ask; not those that come
// with the program, which have their own tests.
var (
	frenchWords  = []string{"jardin", "forêt", "école", "maison", "hiver", "table", "violon", "lapin", "montre", "soleil", "chapeau", "tomate", "neige", "fourmi"}
	englishWords = []string{"garden", "forest", "school", "window", "sugar", "thunder", "violin", "rabbit", "bridge", "october", "lemon", "ocean", "spider", "kitchen", "dolphin", "rainbow", "pencil", "music"}
)

func signs(s string) []string { return strings.Split(s, "") }

const everySign = "abcdefghijklmnopqrstuvwxyz0123456789"

func alphabet(t testing.TB, language string) *domain.Alphabet {
	t.Helper()
	words := frenchWords
	if language == "en" {
		words = englishWords
	}
	a, err := domain.NewAlphabet(domain.Voicing{Language: language, Voices: "voices/x", Credit: "An archive of sounds"}, append(signs(everySign), words...))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestNewAlphabet(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		language string
		symbols  []string
		asked    string // signs of those that are asked
		length   int
		bits     float64
		refused  string
	}{
		"French":             {"fr", append(signs(everySign), frenchWords...), "023456789hklqrwy", 6, math.Log2(15. * 14 * 13 * 16 * 15 * 14 * 13), ""},
		"English":            {"en-GB", append(signs(everySign), englishWords...), "0123467klrwy", 6, math.Log2(15. * 18 * 17 * 12 * 11 * 10 * 9), ""},
		"letters and digits": {"fr", signs(everySign), "023456789hklqrwy", 7, math.Log2(16. * 15 * 14 * 13 * 12 * 11 * 10), ""},
		"another language":   {"de", append(signs(everySign), frenchWords...), "0123456789hklqrwxy", 6, math.Log2(15. * 14 * 13 * 18 * 17 * 16 * 15), ""},
		"another script":     {"el", append(signs("αβγδε"), signs("0123456789")...), "0123456789αβγδε", 8, math.Log2(15. * 14 * 13 * 12 * 11 * 10 * 9 * 8), ""},
		"words alone":        {"fr", append(slices.Clone(frenchWords), "piano", "renard", "citron", "merci", "samedi", "octobre", "bonjour"), "", 6, math.Log2(21. * 20 * 19 * 18 * 17 * 16), ""},
		"a symbol twice":     {"fr", append(signs(everySign+everySign), frenchWords...), "023456789hklqrwy", 6, math.Log2(15. * 14 * 13 * 16 * 15 * 14 * 13), ""},
		"digits alone":       {"en", signs("0123456789"), "", 0, 0, "digits only"},
		"digits and letters that rhyme": {
			"en", signs("0123456789bcdegptvz"), "", 0, 0, "digits only"},
		"nothing":                        {"en", nil, "", 0, 0, "digits only"},
		"few words":                      {"fr", frenchWords[:5], "", 0, 0, "bits"},
		"too few":                        {"fr", signs("0123klqr"), "", 0, 0, "bits"},
		"no language":                    {"", signs(everySign), "", 0, 0, "language"},
		"capitals":                       {"fr", []string{"A"}, "", 0, 0, "lower case"},
		"empty":                          {"fr", []string{""}, "", 0, 0, "no symbol"},
		"two words":                      {"fr", []string{"la forêt"}, "", 0, 0, "' '"},
		"short word":                     {"fr", []string{"lu"}, "", 0, 0, "3 to 12"},
		"long word":                      {"fr", []string{"anticonstitutionnellement"}, "", 0, 0, "3 to 12"},
		"letters and digits in one":      {"fr", []string{"k7x9"}, "", 0, 0, "letters and digits"},
		"a letter's name":                {"fr", []string{"hache"}, "", 0, 0, "the name of 'h'"},
		"a digit's name":                 {"en", []string{"seven"}, "", 0, 0, "the name of '7'"},
		"a name elsewhere":               {"en", append([]string{"hache"}, append(signs(everySign), englishWords...)...), "0123467klrwy", 6, math.Log2(15. * 19 * 18 * 12 * 11 * 10 * 9), ""},
		"a word between":                 {"en", []string{"and"}, "", 0, 0, "left out"},
		"words too near":                 {"fr", []string{"maison", "raisin"}, "", 0, 0, "differ by less than 3"},
		"short words too near":           {"fr", []string{"lac", "sac"}, "", 0, 0, "differ by less than 2"},
		"words that differ by an accent": {"fr", []string{"peche", "pêche"}, "", 0, 0, "differ by less than 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := domain.NewAlphabet(domain.Voicing{Language: tt.language}, tt.symbols)
			if tt.refused != "" {
				if domain.CodeOf(err) != domain.CodeInvalid || !strings.Contains(err.Error(), tt.refused) {
					t.Fatalf("got %v; want a refusal that says %q", err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			asked := ""
			for _, s := range a.Symbols() {
				if len([]rune(s)) == 1 {
					asked += s
				}
			}
			if asked != tt.asked || a.Length() != tt.length || math.Abs(a.Bits()-tt.bits) > 1e-9 {
				t.Errorf("asks %q, %d of them, %f bits; want %q, %d, %f", asked, a.Length(), a.Bits(), tt.asked, tt.length, tt.bits)
			}
		})
	}
}

// TestAudioComposition composes many, and holds each to what Decide, the codec
// and the voices need.
func TestAudioComposition(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"fr", "en"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			a := alphabet(t, language)
			rng := rand.New(rand.NewPCG(1, 2))
			seen, texts, seeds := map[string]int{}, map[string]bool{}, map[uint32]bool{}
			const rounds = 4000
			for range rounds {
				c := a.Compose(rng)
				e, err := domain.Decide(domain.Challenge{}, domain.IssueChallenge{Composition: c}, morning, domain.EventID{})
				if err != nil {
					t.Fatal(err)
				}
				created := e.(*domain.ChallengeCreated)
				speech, ok := domain.SpeechOf(created)
				if !ok || speech.Language != language || speech.Voices != "voices/x" || created.Language != language || created.Credit != "An archive of sounds" {
					t.Fatalf("the speech is %+v of %+v", speech, created)
				}
				words := 0
				for i, s := range speech.Symbols {
					if slices.Contains(speech.Symbols[:i], s) {
						t.Fatalf("%v repeats a symbol", speech.Symbols)
					}
					if len(s) > 1 {
						words++
					}
					seen[s]++
				}
				if len(speech.Symbols) != 6 || words != 2 {
					t.Fatalf("%v has %d words", speech.Symbols, words)
				}
				texts[created.Positions[0].Expected.Text], seeds[speech.Seed] = true, true
				said := strings.Join(speech.Symbols, " ")
				if v := domain.Judge(created, domain.Answer{Text: &said}); v != domain.StatusValidated {
					t.Fatalf("%q is judged %v", said, v)
				}
			}
			if len(texts) < rounds-1 || len(seeds) < rounds-1 {
				t.Errorf("of %d challenges only %d differ, by %d seeds", rounds, len(texts), len(seeds))
			}
			// Every symbol of a kind comes as often as the others, give or take five
			// standard deviations.
			for _, s := range a.Symbols() {
				words := len(frenchWords)
				if language == "en" {
					words = len(englishWords)
				}
				of, asked := len(a.Symbols())-words, 4
				if len(s) > 1 {
					of, asked = words, 2
				}
				p := float64(asked) / float64(of)
				if d := math.Abs(float64(seen[s]) - rounds*p); d > 5*math.Sqrt(rounds*p*(1-p)) {
					t.Errorf("%q came %d times; expected %.0f", s, seen[s], rounds*p)
				}
			}
		})
	}
}

func TestAudioCompositionIsChecked(t *testing.T) {
	t.Parallel()
	good := func() domain.Composition { return alphabet(t, "fr").Compose(rand.New(rand.NewPCG(1, 2))) }
	for name, change := range map[string]func(*domain.Composition){
		"no language": func(c *domain.Composition) { c.Language = "" },
		"no position": func(c *domain.Composition) { c.Positions = nil },
		"two positions": func(c *domain.Composition) {
			c.Positions = append(c.Positions, domain.Position{Image: "b", Role: domain.RoleUnknown})
		},
		"unknown":           func(c *domain.Composition) { c.Positions[0].Role = domain.RoleUnknown },
		"a match":           func(c *domain.Composition) { c.Positions[0].Expected = domain.Truth{Kind: domain.TruthMatch} },
		"nothing said":      func(c *domain.Composition) { c.Positions[0].Expected.Text = " " },
		"little said":       func(c *domain.Composition) { c.Positions[0].Expected.Text = "1 2 3 4 5" },
		"much said":         func(c *domain.Composition) { c.Positions[0].Expected.Text = "1 2 3 4 5 6 7 8 9" },
		"images that speak": func(c *domain.Composition) { c.Type = domain.TypeTranscription },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := good()
			change(&c)
			if _, err := domain.Decide(domain.Challenge{}, domain.IssueChallenge{Composition: c}, morning, domain.EventID{}); domain.CodeOf(err) != domain.CodeInvalid {
				t.Errorf("it was taken: %v", err)
			}
		})
	}
}

func TestSpeechOfImages(t *testing.T) {
	t.Parallel()
	for _, c := range []*domain.ChallengeCreated{{}, {Type: domain.TypeTranscription, Positions: make([]domain.Position, 1)}, {Type: domain.TypeAudio}} {
		if s, ok := domain.SpeechOf(c); ok {
			t.Errorf("%+v says %+v", c, s)
		}
	}
}

func TestChooseLanguage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tag    string
		spoken string
		want   string
	}{
		{"fr", "en fr", "fr"}, {"fr-CA", "en fr", "fr"}, {"FR_be", "en fr", "fr"}, {" fr ", "en fr", "fr"},
		{"pt-BR", "en pt pt-BR", "pt-BR"}, {"pt-PT", "en pt pt-BR", "pt"}, {"pt-AO", "en pt-BR", "pt-BR"},
		{"de", "en fr", "en"}, {"", "en fr", "en"}, {"nonsense\x00", "en fr", "en"}, {"fry", "en fr", "en"},
		{"de", "fr it", "fr"}, {"de", "", ""},
	} {
		if got := domain.ChooseLanguage(tt.tag, strings.Fields(tt.spoken)); got != tt.want {
			t.Errorf("for %q out of %s: %q, want %q", tt.tag, tt.spoken, got, tt.want)
		}
	}
}

func ExampleAlphabet() {
	a, err := domain.NewAlphabet(domain.Voicing{Language: "fr"}, strings.Fields("0 1 2 3 4 5 6 7 8 9 h k l q r w y jardin forêt maison lapin soleil neige violon montre tomate école"))
	fmt.Println(a, err)
	// Output: fr: 16 letters and digits, 10 words, 6 asked, 25.8 bits <nil>
}

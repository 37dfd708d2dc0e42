package consensus

import (
	"testing"

	"pgregory.net/rapid"
)

// TestNormalTakesNoShortcut holds that texts for which there is a faster way
// get the form that they have without it.
func TestNormalTakesNoShortcut(t *testing.T) {
	t.Parallel()
	var runes []rune
	for r := range rune(0x180) {
		runes = append(runes, r)
	}
	for r := rune(0x2000); r < 0x2100; r++ {
		runes = append(runes, r)
	}
	runes = append(runes, '\u0301', '\u0345', '\u1100', '\u1161', 0xfffd)
	some := rapid.OneOf(
		rapid.StringOf(rapid.SampledFrom(runes)),
		rapid.StringOf(rapid.SampledFrom([]rune("aZ \t\n.éÉß’ſ"))),
		rapid.StringOf(rapid.SampledFrom([]rune("aZ \t\n."))),
	)
	rapid.Check(t, func(t *rapid.T) {
		text := some.Draw(t, "text")
		for _, accents := range []Accents{AccentsKept, AccentsFolded} {
			if got, want := Normal(text, accents), normalAny(text, accents); got != want {
				t.Fatalf("accents %d: %+q has the form %+q, want %+q", accents, text, got, want)
			}
		}
	})
	for _, r := range runes {
		for _, text := range []string{string(r), "a" + string(r), string(r) + "e\u0301", "a " + string(r) + " "} {
			for _, accents := range []Accents{AccentsKept, AccentsFolded} {
				if got, want := Normal(text, accents), normalAny(text, accents); got != want {
					t.Errorf("accents %d: %+q has the form %+q, want %+q", accents, text, got, want)
				}
			}
		}
	}
}

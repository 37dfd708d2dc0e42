package domain

import (
	"testing"

	"pgregory.net/rapid"
)

// levenshtein is the recurrence as it is defined, slow and plain.
func levenshtein(a, b []rune) int {
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	replace := levenshtein(a[1:], b[1:])
	if a[0] == b[0] {
		return replace
	}
	return 1 + min(replace, levenshtein(a[1:], b), levenshtein(a, b[1:]))
}

func TestEditsWithinAgreesWithLevenshtein(t *testing.T) {
	t.Parallel()
	word := rapid.SliceOfN(rapid.SampledFrom([]rune("abc")), 0, 6)
	rapid.Check(t, func(t *rapid.T) {
		a, b, limit := word.Draw(t, "a"), word.Draw(t, "b"), rapid.IntRange(0, 4).Draw(t, "limit")
		distance := levenshtein(a, b)
		if got := editsWithin(a, b, limit); got != (distance <= limit) {
			t.Fatalf("editsWithin(%q, %q, %d) = %v; their distance is %d", string(a), string(b), limit, got, distance)
		}
		if editsWithin(a, b, limit) != editsWithin(b, a, limit) {
			t.Fatalf("editsWithin(%q, %q, %d) depends on the order", string(a), string(b), limit)
		}
	})
}

func digitsOf(word []rune) string {
	var digits []rune
	for _, r := range word {
		if r >= '0' && r <= '9' {
			digits = append(digits, r)
		}
	}
	return string(digits)
}

func TestEditsWithinNeverTouchesDigits(t *testing.T) {
	t.Parallel()
	word := rapid.SliceOfN(rapid.SampledFrom([]rune("ab12")), 0, 7)
	rapid.Check(t, func(t *rapid.T) {
		a, b, limit := word.Draw(t, "a"), word.Draw(t, "b"), rapid.IntRange(0, 3).Draw(t, "limit")
		if !editsWithin(a, b, limit) {
			return
		}
		if digitsOf(a) != digitsOf(b) {
			t.Fatalf("%q became %q although their digits differ", string(a), string(b))
		}
		if levenshtein(a, b) > limit {
			t.Fatalf("%q became %q within %d edits", string(a), string(b), limit)
		}
	})
}

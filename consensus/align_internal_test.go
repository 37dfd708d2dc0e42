package consensus

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// levenshtein is the recurrence as it stands in books.
func levenshtein(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			replace := diagonal
			if x != y {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func TestEdits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("abcdefghij", 20)
	tests := map[string]struct {
		a, b string
		want int
	}{
		"nothing":                    {"", "", 0},
		"all inserted":               {"", "abc", 3},
		"same":                       {"abc", "abc", 0},
		"one replaced":               {"8996", "8986", 1},
		"kitten":                     {"kitten", "sitting", 3},
		"one moved":                  {"abcdef", "bcdefa", 2},
		"other scripts":              {"λόγος", "λογος", 1},
		"many blocks":                {long, "x" + long[:100] + long[101:] + "y", 3},
		"many blocks, all of it":     {strings.Repeat("a", 130), strings.Repeat("b", 150), 150},
		"as long as a block":         {strings.Repeat("a", 64), strings.Repeat("b", 64), 64},
		"one longer than a block":    {strings.Repeat("a", 65), strings.Repeat("b", 65), 65},
		"many blocks, other letters": {strings.Repeat("é", 70), strings.Repeat("ê", 70), 70},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := edits([]rune(tt.a), []rune(tt.b)); got != tt.want {
				t.Errorf("%d edits, want %d", got, tt.want)
			}
		})
	}
}

// TestEditsAreLevenshteins compares with the recurrence, over few letters so
// that much is alike.
func TestEditsAreLevenshteins(t *testing.T) {
	t.Parallel()
	letters := rapid.SliceOfN(rapid.SampledFrom([]rune("abé語")), 0, 200)
	rapid.Check(t, func(t *rapid.T) {
		a, b := letters.Draw(t, "a"), letters.Draw(t, "b")
		if got, want := edits(a, b), levenshtein(a, b); got != want {
			t.Fatalf("%q to %q: %d edits, want %d", string(a), string(b), got, want)
		}
	})
}

func FuzzEdits(f *testing.F) {
	for _, seed := range [][2]string{{"", ""}, {"London", "Lodnon"}, {strings.Repeat("ab", 50), strings.Repeat("ba", 50)}, {"\xff", "\u00ff"}, {"e\u0301", "é"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		a, b := []rune(one), []rune(other)
		a, b = a[:min(len(a), 300)], b[:min(len(b), 300)]
		if got, want := edits(a, b), levenshtein(a, b); got != want {
			t.Errorf("%q to %q: %d edits, want %d", string(a), string(b), got, want)
		}
		cos := gramCosine(trigrams(a), trigrams(b))
		if !(cos >= 0 && cos <= 1+1e-12) || string(a) == string(b) && math.Abs(cos-1) > 1e-12 {
			t.Errorf("%q and %q: cosine %v", string(a), string(b), cos)
		}
		merged := mergeWords([]wordReading{
			{strings.Fields(one), strings.Fields(one), 10}, {strings.Fields(other), strings.Fields(other), 7}, {strings.Fields(one + " " + other), strings.Fields(one + " " + other), 1},
		})
		if n := len(strings.Fields(merged)); n > 2*len(strings.Fields(one+" "+other)) {
			t.Errorf("%d words of %q and %q", n, one, other)
		}
	})
}

func TestGramCosine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		a, b string
		want float64
	}{
		"same":          {"london", "london", 1},
		"apart":         {"london", "paris", 0},
		"two of four":   {"abcdef", "abcdxy", 0.5},          // abc, bcd of four each
		"repeated":      {"aaaaa", "aaa", 1},                // three times aaa, once aaa
		"counts matter": {"aaaab", "aaa", 2 / math.Sqrt(5)}, // aaa twice and aab, against aaa
		"one letter":    {"a", "a", 1},
		"two others":    {"a", "b", 0},
		"nothing":       {"", "", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := gramCosine(trigrams([]rune(tt.a)), trigrams([]rune(tt.b))); math.Abs(got-tt.want) > 1e-12 {
				t.Errorf("cosine %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMergeWords(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		readings []string // of falling weight
		weights  []int64
		want     string
	}{
		"one":                     {[]string{"the Cat sat"}, []int64{1}, "the Cat sat"},
		"each wrong elsewhere":    {[]string{"teh cat sat down", "the cat sat dawn", "the cot sat down"}, []int64{3, 3, 3}, "the cat sat down"},
		"a word left out":         {[]string{"the cat down", "the cat sat down", "the cat sat down"}, []int64{3, 3, 3}, "the cat sat down"},
		"a word too many":         {[]string{"the big cat sat", "the cat sat", "the cat sat"}, []int64{3, 3, 3}, "the cat sat"},
		"weight, not number":      {[]string{"one two three", "one too three", "one too three"}, []int64{10, 4, 4}, "one two three"},
		"a tie has the word":      {[]string{"one three", "one two three"}, []int64{5, 5}, "one two three"},
		"a tie has the first":     {[]string{"one two", "one too"}, []int64{5, 5}, "one two"},
		"spelt as most spell":     {[]string{"the cat", "The cat", "The cat"}, []int64{5, 3, 3}, "The cat"},
		"two words and one":       {[]string{"air tight vessels", "airtight vessels", "air tight vessel"}, []int64{5, 5, 5}, "air tight vessels"},
		"nothing in common":       {[]string{"a b", "c d"}, []int64{6, 5}, "a b"},
		"an empty reading counts": {[]string{"", "", "word"}, []int64{5, 5, 5}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var readings []wordReading
			for i, r := range tt.readings {
				readings = append(readings, wordReading{strings.Fields(r), strings.Fields(strings.ToLower(r)), tt.weights[i]})
			}
			if got := mergeWords(readings); got != tt.want {
				t.Errorf("merged to %q, want %q", got, tt.want)
			}
		})
	}
}

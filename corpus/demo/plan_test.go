package demo

import (
	"maps"
	"slices"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold is the judge's view of a text, as far as this package's words need it.
func fold(text string) string {
	var out []rune
	for _, r := range norm.NFKD.String(text) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, unicode.ToLower(r))
		}
	}
	return string(out)
}

func TestPlanCounts(t *testing.T) {
	t.Parallel()
	keywords := len(Keywords())
	tests := []struct {
		name   string
		counts Counts
	}{
		{"default", DefaultCounts()},
		{"small", Counts{KnownTexts: 12, UnknownTexts: 7, KnownPerKeyword: 3, UnknownPerKeyword: 2}},
		{"texts only", Counts{KnownTexts: 30, UnknownTexts: 20}},
		{"plates only", Counts{KnownPerKeyword: 4, UnknownPerKeyword: 1}},
		{"none", Counts{}},
		{"negative", Counts{KnownTexts: -1, KnownPerKeyword: -5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got Counts
			ids := make(map[string]bool)
			for _, s := range Plan(3, tt.counts) {
				if ids[s.ID] {
					t.Fatalf("id %s comes twice", s.ID)
				}
				ids[s.ID] = true
				switch {
				case s.Kind == KindTranscription && s.Text != "" && s.Keyword == "" && s.Known:
					got.KnownTexts++
				case s.Kind == KindTranscription && s.Text != "" && s.Keyword == "":
					got.UnknownTexts++
				case s.Kind == KindClassification && s.Keyword != "" && s.Text == "" && s.Known:
					got.KnownPerKeyword++
				case s.Kind == KindClassification && s.Keyword != "" && s.Text == "":
					got.UnknownPerKeyword++
				default:
					t.Fatalf("spec of no sort: %+v", s)
				}
			}
			want := Counts{
				max(tt.counts.KnownTexts, 0), max(tt.counts.UnknownTexts, 0),
				max(tt.counts.KnownPerKeyword, 0) * keywords, max(tt.counts.UnknownPerKeyword, 0) * keywords,
			}
			if got != want {
				t.Errorf("plan holds %+v, want %+v", got, want)
			}
		})
	}
}

func TestPlanIsDeterministic(t *testing.T) {
	t.Parallel()
	a, b := Plan(11, DefaultCounts()), Plan(11, DefaultCounts())
	if !slices.Equal(a, b) {
		t.Error("the same seed gave two plans")
	}
	other := Plan(12, DefaultCounts())
	if a[0].ID == other[0].ID {
		t.Error("another seed gave the same ids")
	}
}

// TestPlanPrefixes holds that drawing may stop, or serving begin, anywhere.
func TestPlanPrefixes(t *testing.T) {
	t.Parallel()
	plan := Plan(5, DefaultCounts())
	whole := tally(plan)
	for _, n := range []int{200, 300, 700} {
		part := tally(plan[:n])
		for sort, total := range whole {
			want := float64(total) * float64(n) / float64(len(plan))
			if got := float64(part[sort]); got < want-1.5 || got > want+1.5 {
				t.Errorf("first %d hold %v of %q, want about %.1f", n, got, sort, want)
			}
		}
	}
}

func tally(specs []Spec) map[string]int {
	n := make(map[string]int)
	for _, s := range specs {
		role := "unknown"
		if s.Known {
			role = "known"
		}
		n[role+" "+s.Kind.String()+" "+s.Keyword]++
	}
	return n
}

func TestPlanDocuments(t *testing.T) {
	t.Parallel()
	perDocument := make(map[string][]Spec)
	var previous Spec
	for _, s := range Plan(5, DefaultCounts()) {
		perDocument[s.Document] = append(perDocument[s.Document], s)
		if s.Kind == KindTranscription {
			if s.Document == previous.Document {
				t.Errorf("neighbours %s and %s are from one document", previous.ID, s.ID)
			}
			previous = s
		}
	}
	for id, specs := range perDocument {
		least, most := 10, 20
		if specs[0].Kind == KindClassification {
			least, most = 1, 4
		}
		if len(specs) < least || len(specs) > most {
			t.Errorf("document %s holds %d pictures, want %d to %d", id, len(specs), least, most)
		}
		for _, s := range specs {
			if s.Kind != specs[0].Kind {
				t.Errorf("document %s mixes kinds", id)
			}
		}
	}
}

// TestTextsAreRare guards the rule that no folded text is more than 2 % of the
// known deck, else guessing it would pay.
func TestTextsAreRare(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		known, all := make(map[string]int), make(map[string]int)
		plan := Plan(seed, DefaultCounts())
		nKnown, nAll := 0, 0
		for _, s := range plan {
			if s.Kind != KindTranscription {
				continue
			}
			f := fold(s.Text)
			all[f]++
			nAll++
			if s.Known {
				known[f]++
				nKnown++
			}
		}
		for f, n := range all {
			if n*50 > nAll || known[f]*50 > nKnown {
				t.Errorf("seed %d: %q is %d of %d texts, %d of %d known ones", seed, f, n, nAll, known[f], nKnown)
			}
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	list := words()
	if len(list) < 700 {
		t.Errorf("%d words, want at least 700", len(list))
	}
	seen := make(map[string]string)
	letters := skeletons()
	for _, w := range list {
		f := fold(w)
		if len(f) < 3 || len([]rune(w)) > 14 {
			t.Errorf("%q is too short or too long", w)
		}
		if other, ok := seen[f]; ok {
			t.Errorf("%q and %q fold to the same letters", w, other)
		}
		seen[f] = w
		for _, r := range norm.NFD.String(w) {
			_, letter := letters[r]
			_, accent := accents()[r]
			if !letter && !accent {
				t.Errorf("%q holds %q, which no hand can write", w, r)
			}
		}
	}
	for n := range 10 {
		if _, ok := letters[rune('0'+n)]; !ok {
			t.Errorf("no hand can write %d", n)
		}
	}
}

func TestKeywords(t *testing.T) {
	t.Parallel()
	keywords := Keywords()
	if len(keywords) < 8 {
		t.Errorf("%d keywords, want at least 8", len(keywords))
	}
	drawings := subjects()
	for _, k := range keywords {
		if k.Labels["en"] != k.ID {
			t.Errorf("%s is called %q in English", k.ID, k.Labels["en"])
		}
		got := slices.Sorted(maps.Keys(k.Labels))
		if want := []string{"de", "en", "es", "fr", "it", "nl"}; !slices.Equal(got, want) {
			t.Errorf("%s has labels in %v, want %v", k.ID, got, want)
		}
		for lang, label := range k.Labels {
			if label == "" {
				t.Errorf("%s has an empty label in %s", k.ID, lang)
			}
		}
		if drawings[k.ID] == nil {
			t.Errorf("%s has no drawing", k.ID)
		}
	}
	if len(drawings) != len(keywords) {
		t.Errorf("%d drawings for %d keywords", len(drawings), len(keywords))
	}
}

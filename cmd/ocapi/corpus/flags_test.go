package corpus

import (
	"testing"

	"github.com/alecthomas/kong"

	"ocapi/corpus"
)

func TestCorpusSheetHasAName(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]corpusShowCmd{
		"letters-sheet.png":        {Name: "letters"},
		"letters-a-b-c-sheet.png":  {Name: "letters", Keyword: "a/b\nc"},
		"letters-moulin-sheet.png": {Name: "letters", Keyword: "moulin"},
		"/tmp/x.png":               {Name: "letters", Keyword: "moulin", Sheet: "/tmp/x.png"},
	} {
		if got := c.file(); got != want {
			t.Errorf("it is called %q, want %q", got, want)
		}
	}
}

// TestRuleFlags holds the flags' defaults to the rules'.
func TestRuleFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args   []string
		change func(*corpus.Rules)
	}{
		{nil, func(*corpus.Rules) {}},
		{[]string{"--min-length", "5"}, func(r *corpus.Rules) { r.MinLength = 5 }},
		{[]string{"--max-length", "50"}, func(r *corpus.Rules) { r.MaxLength = 50 }},
		{[]string{"--min-side", "0"}, func(r *corpus.Rules) { r.MinSide = 0 }},
		{[]string{"--min-letters", "7.5"}, func(r *corpus.Rules) { r.MinLetters = 7.5 }},
		{[]string{"--min-contrast", "12"}, func(r *corpus.Rules) { r.MinContrast = 12 }},
		{[]string{"--max-aspect", "0"}, func(r *corpus.Rules) { r.MaxAspect = 0 }},
		{[]string{"--untypeable"}, func(r *corpus.Rules) { r.Typeable = false }},
		{[]string{"--contradictions"}, func(r *corpus.Rules) { r.Consistent = false }},
	} {
		var flags ruleFlags
		parser, err := kong.New(&flags)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		want := corpus.DefaultRules()
		c.change(&want)
		if got := flags.rules(); got != want {
			t.Errorf("%v: got %+v, want %+v", c.args, got, want)
		}
	}
}

package consensus_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ocapi/consensus"
)

func TestGoldOf(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		truth, typed string
		want         consensus.TextGold
	}{
		"same":                      {"Rheumatism", "Rheumatism", consensus.GoldExact},
		"case and spaces":           {"Ulcered Leg", " ulcered  leg", consensus.GoldExact},
		"composed otherwise":        {"Élève", "E\u0301le\u0300ve", consensus.GoldExact},
		"an accent is an edit":      {"Élève", "Elève", consensus.GoldNear},
		"a digit":                   {"8996", "8986", consensus.GoldNear},
		"two digits":                {"8996", "8186", consensus.GoldWrong},
		"short, one edit":           {"a", "b", consensus.GoldNear},
		"short, two edits":          {"at", "on", consensus.GoldWrong},
		"a quarter of eight":        {"Greenock", "Gremnick", consensus.GoldNear},
		"more than a quarter":       {"Greenock", "Gremnicks", consensus.GoldWrong},
		"letters, not bytes, count": {"éééé", "éé", consensus.GoldWrong},
		"nothing like it":           {"Greenock", "x", consensus.GoldWrong},
		"much more":                 {"fall", strings.Repeat("fall", 20), consensus.GoldWrong},
		"empty":                     {"fall", "", consensus.GoldWrong},
		"the full stop is an edit":  {"St. Mary", "St Mary", consensus.GoldNear},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := consensus.GoldOf(tt.truth, tt.typed); got != tt.want {
				t.Errorf("%q for %q is %v, want %v", tt.typed, tt.truth, got, tt.want)
			}
		})
	}
}

// typed is one vote of a text.
type typed struct {
	gold       consensus.TextGold
	text       string
	unreadable bool
}

func (v typed) addTo(t *consensus.TextTally, n int) { t.Add(v.gold, v.text, v.unreadable, n) }

func typedTexts() *rapid.Generator[typed] {
	texts := []string{"", "London", "london", "Lodnon", "the cat sat down", "the cat sat dawn", "The cot sat down", "1834", "Élève", "élève", "\xff"}
	return rapid.Custom(func(t *rapid.T) typed {
		return typed{
			consensus.TextGold(rapid.IntRange(0, int(consensus.GoldExact)).Draw(t, "gold")),
			rapid.OneOf(rapid.SampledFrom(texts), rapid.String()).Draw(t, "text"),
			rapid.IntRange(0, 4).Draw(t, "kind") == 0,
		}
	})
}

func TestTextTallyIsAGroup(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		votes := rapid.SliceOfN(typedTexts(), 0, 30).Draw(t, "votes")
		var whole consensus.TextTally
		for _, v := range votes {
			v.addTo(&whole, 1)
		}
		belief := (&consensus.TextModel{}).Belief(&whole, consensus.Prior{})
		if belief.Votes != len(votes) {
			t.Fatalf("%d votes, want %d", belief.Votes, len(votes))
		}

		var shuffled consensus.TextTally
		for _, v := range rapid.Permutation(votes).Draw(t, "order") {
			v.addTo(&shuffled, 1)
		}
		if !shuffled.Equal(&whole) {
			t.Fatal("another order gives another tally")
		}
		if got := (&consensus.TextModel{}).Belief(&shuffled, consensus.Prior{}); got != belief {
			t.Fatalf("another order is believed otherwise:\n%+v\n%+v", got, belief)
		}

		// Some votes are taken back, before they were counted or after.
		left := rapid.IntRange(0, len(votes)).Draw(t, "left")
		var some, others consensus.TextTally
		for _, v := range votes[:left] {
			v.addTo(&some, 1)
		}
		for _, v := range votes[left:] {
			v.addTo(&others, 1)
		}
		less := shuffled
		less.Merge(&others, -1)
		if !less.Equal(&some) {
			t.Fatal("votes taken back are still there")
		}
		var owed consensus.TextTally
		owed.Merge(&others, -1)
		owed.Merge(&whole, 1)
		if !owed.Equal(&some) {
			t.Fatal("votes taken back before they were counted are there")
		}
		some.Merge(&others, 1)
		if !some.Equal(&whole) {
			t.Fatal("two halves are not the whole")
		}
		some.Merge(&whole, -1)
		if !some.Equal(&consensus.TextTally{}) {
			t.Fatal("a tally with everything taken back is not the empty one")
		}
	})
}

func TestTextTallyCountsTimes(t *testing.T) {
	t.Parallel()
	var a, b consensus.TextTally
	a.Add(consensus.GoldNear, "x", false, 1000)
	a.Add(consensus.GoldNear, "x", false, -997)
	a.Add(consensus.GoldExact, "ignored", true, 2)
	a.Add(consensus.GoldExact, "x", false, 0)
	for range 3 {
		b.Add(consensus.GoldNear, "x", false, 1)
	}
	for range 2 {
		b.Add(consensus.GoldExact, "", true, 1)
	}
	if !a.Equal(&b) {
		t.Error("votes counted together are not those counted one by one")
	}
}

func TestNegativeVotesDoNotCount(t *testing.T) {
	t.Parallel()
	var owing, plain consensus.TextTally
	for _, y := range []*consensus.TextTally{&owing, &plain} {
		y.Add(consensus.GoldExact, "London", false, 2)
	}
	owing.Add(consensus.GoldExact, "Paris", false, -3)
	owing.Add(consensus.GoldNear, "London", false, -1)
	owing.Add(consensus.GoldNear, "", true, -1)
	m := consensus.Builtin().Texts
	if got, want := m.Belief(&owing, consensus.Prior{}), m.Belief(&plain, consensus.Prior{}); got != want {
		t.Errorf("with votes owed %+v, want %+v", got, want)
	}
}

// TestTextModelIsStored holds that a model is the same after it was stored, to
// the last bit of what is believed by it.
func TestTextModelIsStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := consensus.BuiltinTexts()
		p.Slope = rapid.Float64Range(0.1, 3).Draw(t, "slope")
		p.Classes[0].Right[consensus.GoldExact] = rapid.Float64Range(0.5, 0.999).Draw(t, "right")
		if rapid.Bool().Draw(t, "one class") {
			p.Classes = p.Classes[:1]
			p.Classes[0].Share = 1
		}
		m, err := consensus.NewTextModel(p)
		if err != nil {
			t.Fatal(err)
		}
		const before, behind = "before", "behind"
		stored := append(m.AppendTo([]byte(before)), behind...)
		back, rest, err := consensus.ConsumeTextModel(stored[len(before):])
		if err != nil || string(rest) != behind {
			t.Fatalf("read back with %q left: %v", rest, err)
		}
		if again := back.AppendTo([]byte(before)); string(again)+behind != string(stored) {
			t.Fatal("stored again it is another")
		}
		var tally consensus.TextTally
		for _, v := range rapid.SliceOfN(typedTexts(), 0, 10).Draw(t, "votes") {
			v.addTo(&tally, 1)
		}
		if a, b := m.Belief(&tally, consensus.Prior{}), back.Belief(&tally, consensus.Prior{}); a != b {
			t.Fatalf("it believes %+v, and read back %+v", a, b)
		}
	})
}

func TestTextModelsThatAreNone(t *testing.T) {
	t.Parallel()
	good := consensus.Builtin().Texts.AppendTo(nil)
	for n := range good {
		if _, rest, err := consensus.ConsumeTextModel(good[:n]); err == nil || len(rest) != n {
			t.Fatalf("%d of %d bytes are a model, with %d left", n, len(good), len(rest))
		}
	}
	tests := map[string]struct {
		change func(*consensus.TextParams)
		want   string
	}{
		"no classes":       {func(p *consensus.TextParams) { p.Classes = nil }, "0 classes"},
		"too many":         {func(p *consensus.TextParams) { p.Classes = slices.Repeat(p.Classes, 3) }, "9 classes"},
		"shares":           {func(p *consensus.TextParams) { p.Classes[1].Share = 0.5 }, "add up to"},
		"certainty":        {func(p *consensus.TextParams) { p.Classes[2].Right[consensus.GoldExact] = 1 }, "class 2: right is 1"},
		"never":            {func(p *consensus.TextParams) { p.Classes[0].Mark[consensus.GoldNear] = 0 }, "class 0: mark is 0"},
		"spread":           {func(p *consensus.TextParams) { p.Classes[0].Spread = -1 }, "spread is -1"},
		"not a number":     {func(p *consensus.TextParams) { p.Slope = nan() }, "slope is NaN"},
		"uphill":           {func(p *consensus.TextParams) { p.Floor = 6 }, "floor is 6"},
		"all illegible":    {func(p *consensus.TextParams) { p.Illegible = 1 }, "illegible is 1"},
		"illegible, never": {func(p *consensus.TextParams) { p.IllegibleMark[1] = 0 }, "illegible mark is 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := consensus.BuiltinTexts()
			tt.change(&p)
			if _, err := consensus.NewTextModel(p); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want one with %q", err, tt.want)
			}
			if _, err := consensus.FitTextImages(nil, p); err == nil {
				t.Error("fitting starts with it")
			}
		})
	}
	if _, _, err := consensus.ConsumeTextModel([]byte{99, 3, 0, 0}); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("of another version: %v", err)
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func FuzzConsumeTextModel(f *testing.F) {
	f.Add(consensus.Builtin().Texts.AppendTo(nil))
	f.Add([]byte{1, 0})
	f.Add([]byte{1, 255, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, rest, err := consensus.ConsumeTextModel(b)
		if err != nil {
			return
		}
		if stored := m.AppendTo(nil); string(stored)+string(rest) != string(b) {
			t.Error("what was read is not what is stored")
		}
		var tally consensus.TextTally
		tally.Add(consensus.GoldExact, "London", false, 2)
		tally.Add(consensus.GoldNear, "Londen", false, 1)
		if b := m.Belief(&tally, consensus.Prior{}); !(b.Probability >= 0 && b.Probability <= 1) {
			t.Errorf("a probability of %v", b.Probability)
		}
	})
}

package consensus

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ocapi/domain"
)

// likelihoods gives the probabilities of readings by the formulas as they stand,
// in floating point and without tables: for each text, for none of them (""),
// and for an image that nobody can read ("?").
func likelihoods(p *TextParams, votes map[string]golds, marks golds) map[string]float64 {
	lgamma := func(x float64) float64 { l, _ := math.Lgamma(x); return l }
	misread := func(s, t string) float64 {
		return max(-p.Slope*float64(levenshtein([]rune(s), []rune(t))-1), p.Floor)
	}
	logs := map[string][]float64{}
	for truth := range votes {
		logs[truth] = nil
	}
	near := math.Inf(-1)
	for t := range votes {
		sum := 0.0
		for s := range votes {
			if s != t {
				sum += misread(s, t)
			}
		}
		near = max(near, sum)
	}
	if len(votes) == 0 {
		near = 0
	}
	restaurant := func(spread float64, truth string) float64 {
		tables, all, l := 0.0, 0.0, 0.0
		for s, n := range votes {
			if s != truth {
				tables++
				all += float64(n.sum())
				l += lgamma(float64(n.sum()))
			}
		}
		return l + tables*math.Log(spread) - lgamma(spread+all) + lgamma(spread)
	}
	for _, truth := range append(slices.Collect(keys(votes)), "") {
		for _, c := range p.Classes {
			l := math.Log(c.Share) + math.Log(1-p.Illegible) + restaurant(c.Spread, truth)
			for s, n := range votes {
				for g := range n {
					l += float64(n[g]) * math.Log(1-c.Mark[g])
					if s == truth {
						l += float64(n[g]) * math.Log(c.Right[g])
					} else {
						l += float64(n[g]) * math.Log(1-c.Right[g])
					}
				}
				if s != truth && truth != "" {
					l += misread(s, truth)
				}
			}
			if truth == "" {
				l += near
			}
			for g, n := range marks {
				l += float64(n) * math.Log(c.Mark[g])
			}
			logs[truth] = append(logs[truth], l)
		}
	}
	l := math.Log(p.Illegible) + restaurant(p.Classes[len(p.Classes)-1].Spread, "") + near
	for g := range marks {
		l += float64(marks[g]) * math.Log(p.IllegibleMark[g])
		for _, n := range votes {
			l += float64(n[g]) * math.Log(1-p.IllegibleMark[g])
		}
	}
	logs["?"] = []float64{l}
	total := 0.0
	found := map[string]float64{}
	for truth, ls := range logs {
		for _, l := range ls {
			found[truth] += math.Exp(l)
		}
		total += found[truth]
	}
	for truth := range found {
		found[truth] /= total
	}
	return found
}

func keys(m map[string]golds) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// TestBeliefIsTheFormula compares with the formula, in thousandths: that is what
// sums of rounded logarithms are exact to.
func TestBeliefIsTheFormula(t *testing.T) {
	t.Parallel()
	p := BuiltinTexts()
	m := builtinTexts()
	rapid.Check(t, func(t *rapid.T) {
		votes := map[string]golds{}
		var marks golds
		var tally TextTally
		for range rapid.IntRange(1, 12).Draw(t, "votes") {
			g := TextGold(rapid.IntRange(0, int(GoldExact)).Draw(t, "gold"))
			text := rapid.SampledFrom([]string{"london", "lodnon", "londen", "paris", "rheumatism", "leg"}).Draw(t, "text")
			if rapid.IntRange(0, 5).Draw(t, "kind") == 0 {
				marks[g]++
				tally.Add(g, "", true, 1)
				continue
			}
			n := votes[text]
			n[g]++
			votes[text] = n
			tally.Add(g, text, false, 1)
		}
		want := likelihoods(&p, votes, marks)
		b := m.Belief(&tally, Prior{})
		const exact = 2e-3
		if math.Abs(b.Unreadable-want["?"]) > exact {
			t.Fatalf("unreadable with %v, want %v", b.Unreadable, want["?"])
		}
		if len(votes) == 0 {
			return
		}
		if math.Abs(b.Probability-want[b.Truth.Text]) > exact {
			t.Fatalf("%q with %v, want %v", b.Truth.Text, b.Probability, want[b.Truth.Text])
		}
		for text, w := range want {
			if w > evident+exact && text != "" && text != "?" && text != b.Truth.Text {
				t.Fatalf("%q, though %q has %v", b.Truth.Text, text, w)
			}
		}
		if len(votes) > 1 && math.Abs(b.RunnerUpProbability-want[b.RunnerUp.Text]) > exact {
			t.Fatalf("then %q with %v, want %v", b.RunnerUp.Text, b.RunnerUpProbability, want[b.RunnerUp.Text])
		}
	})
}

func TestWeightOf(t *testing.T) {
	t.Parallel()
	for x := int64(0); x < 40*nat; x += 7 {
		got, want := float64(textWeight(x))/one, math.Exp(-float64(x)/nat)
		if math.Abs(got-want) > 1e-8 {
			t.Fatalf("exp(-%d/%d) is %v, want %v", x, nat, got, want)
		}
	}
	if textWeight(0) == 0 || textWeight(math.MaxInt64) != 0 {
		t.Error("the ends are wrong")
	}
}

func TestTablesGoOn(t *testing.T) {
	t.Parallel()
	c := newTextTables(BuiltinTexts()).classes[0]
	for n := range mostTabled + 5 {
		if got, want := c.rising(n), logRising(c.spread, n); got != want {
			t.Errorf("rising factorial of %d: %d, want %d", n, got, want)
		}
		if n > 0 && logGamma(n) != logRising(1, n-1) {
			t.Errorf("factorial below %d: %d", n, logGamma(n))
		}
	}
}

// TestManyReadings holds that neither many readings nor long ones make a belief
// wrong, whatever it has no room to compare.
func TestManyReadings(t *testing.T) {
	t.Parallel()
	var tally TextTally
	for i := range 300 {
		text := []rune("a text of a hundred letters, as long as an answer may ever be, with more words than anybody types")
		text[i%len(text)] = 'x'
		text[i*7%len(text)] = rune('a' + i%26)
		tally.Add(GoldExact, string(text), false, 1)
	}
	tally.Add(GoldExact, "Another text", false, 40)
	m := builtinTexts()
	b := m.Belief(&tally, Prior{})
	if b.Votes != 340 || b.Truth.Kind != domain.TruthText {
		t.Errorf("%+v", b)
	}
}

package consensus_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ocapi/consensus"
)

func mean(p *consensus.TextParams, g consensus.TextGold) float64 {
	m := 0.0
	for _, c := range p.Classes {
		m += c.Share * c.Right[g]
	}
	return m
}

func TestFitTextsWithoutPairs(t *testing.T) {
	t.Parallel()
	fitted := consensus.FitTexts(&consensus.TextPairs{})
	builtin := consensus.Builtin().Texts
	if got, want := fitted.AppendTo(nil), builtin.AppendTo(nil); string(got) != string(want) {
		// The mean over outcomes is found anew, so compare to the last digits.
		a, b := fitted.Params(), builtin.Params()
		for d := range a.Classes {
			for g := range a.Classes[d].Right {
				if math.Abs(a.Classes[d].Right[g]-b.Classes[d].Right[g]) > 1e-9 {
					t.Errorf("class %d, %v: %v without pairs, want %v", d, consensus.TextGold(g), a.Classes[d].Right[g], b.Classes[d].Right[g])
				}
			}
		}
	}
}

// TestFitTexts holds that many pairs move the share of right texts to where they
// say it is, few hardly, and that classes keep their order.
func TestFitTexts(t *testing.T) {
	t.Parallel()
	builtin := consensus.BuiltinTexts()
	for _, want := range []float64{0.2, 0.6, 0.97} {
		var many, few consensus.TextPairs
		const n = 100_000
		right := int(math.Round(n * want))
		// Both orders are counted: of exact texts those are right whose other is.
		many.Add(consensus.GoldExact, consensus.GoldExact, right/2)
		many.Add(consensus.GoldExact, consensus.GoldWrong, n-right)
		few.Add(consensus.GoldExact, consensus.GoldExact, 1)
		m := consensus.FitTexts(&many)
		p := m.Params()
		if got := mean(&p, consensus.GoldExact); math.Abs(got-want) > 2e-3 {
			t.Errorf("of many pairs %v are right, fitted %v", want, got)
		}
		for d := 1; d < len(p.Classes); d++ {
			if p.Classes[d].Right[consensus.GoldExact] >= p.Classes[d-1].Right[consensus.GoldExact] {
				t.Errorf("class %d is easier than the one before: %v", d, p.Classes)
			}
		}
		if got, was := mean(&p, consensus.GoldNear), mean(&builtin, consensus.GoldNear); math.Abs(got-was) > 1e-9 {
			t.Errorf("of near texts nothing was seen, and they went from %v to %v", was, got)
		}
		m = consensus.FitTexts(&few)
		p = m.Params()
		if got, was := mean(&p, consensus.GoldExact), mean(&builtin, consensus.GoldExact); got < was || got > was+0.01 {
			t.Errorf("one pair moved %v to %v", was, got)
		}
	}
}

func TestTextPairsTakenBack(t *testing.T) {
	t.Parallel()
	var p consensus.TextPairs
	p.Add(consensus.GoldExact, consensus.GoldNear, 3)
	p.Add(consensus.GoldExact, consensus.GoldNear, -3)
	if p != (consensus.TextPairs{}) {
		t.Errorf("%v is left", p)
	}
}

// TestFitTextImages holds that parameters are found again in texts made by them.
func TestFitTextImages(t *testing.T) {
	t.Parallel()
	truth := consensus.BuiltinTexts()
	truth.Classes[0].Share, truth.Classes[1].Share, truth.Classes[2].Share = 0.4, 0.35, 0.25
	truth.Classes[0].Right[consensus.GoldExact] = 0.95
	truth.Classes[1].Right[consensus.GoldExact] = 0.6
	truth.Classes[2].Right[consensus.GoldExact] = 0.1
	truth.Classes[1].Spread, truth.Classes[2].Spread = 0.6, 5
	random := rand.New(rand.NewPCG(1, 2))
	const images, votes = 4000, 10
	var known []consensus.KnownText
	for range images {
		d, u := 0, random.Float64()
		for u > truth.Classes[d].Share && d < len(truth.Classes)-1 {
			u -= truth.Classes[d].Share
			d++
		}
		c := truth.Classes[d]
		var tally consensus.TextTally
		var mistakes []string
		for range votes {
			switch {
			case random.Float64() < c.Right[consensus.GoldExact]:
				tally.Add(consensus.GoldExact, "The truth", false, 1)
				continue
			case random.Float64() < c.Spread/(c.Spread+float64(len(mistakes))):
				mistakes = append(mistakes, fmt.Sprint("mistake ", len(mistakes)))
			default:
				mistakes = append(mistakes, mistakes[random.IntN(len(mistakes))])
			}
			tally.Add(consensus.GoldExact, mistakes[len(mistakes)-1], false, 1)
		}
		known = append(known, consensus.KnownText{Truth: "the truth", Tally: &tally})
	}
	m, err := consensus.FitTextImages(known, consensus.BuiltinTexts())
	if err != nil {
		t.Fatal(err)
	}
	for d, c := range m.Params().Classes {
		want := truth.Classes[d]
		if math.Abs(c.Share-want.Share) > 0.05 || math.Abs(c.Right[consensus.GoldExact]-want.Right[consensus.GoldExact]) > 0.04 {
			t.Errorf("class %d: share %v, right %v; want %v, %v", d, c.Share, c.Right[consensus.GoldExact], want.Share, want.Right[consensus.GoldExact])
		}
		// Few mistakes are made in the first class, so its spread stays vague.
		if d > 0 && math.Abs(math.Log(c.Spread/want.Spread)) > 0.3 {
			t.Errorf("class %d: spread %v, want %v", d, c.Spread, want.Spread)
		}
	}
}

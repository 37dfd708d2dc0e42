package simulation

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAUC(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		scores []float64
		known  []bool
		want   AUC
	}{
		"told apart":         {[]float64{3, 4, 1, 2}, []bool{true, true, false, false}, AUC{1, 0}},
		"the other way":      {[]float64{1, 2, 3, 4}, []bool{true, true, false, false}, AUC{0, 0}},
		"all alike":          {[]float64{7, 7, 7, 7}, []bool{true, true, false, false}, AUC{0.5, 0}},
		"none known":         {[]float64{1, 2}, []bool{false, false}, AUC{0.5, 0}},
		"all known":          {[]float64{1, 2}, []bool{true, true}, AUC{0.5, 0}},
		"ties count half":    {[]float64{1, 2, 2, 3}, []bool{false, true, false, true}, AUC{0.875, math.Sqrt(0.03125/2 + 0.03125/2)}},
		"rounding is no lie": {[]float64{0.1 + 0.2, 0.3}, []bool{true, false}, AUC{0.5, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := make([]int, len(tt.scores))
			for i := range all {
				all[i] = i
			}
			if got := aucOf(tt.scores, tt.known, all); math.Abs(got.Value-tt.want.Value) > 1e-12 || math.Abs(got.Error-tt.want.Error) > 1e-12 {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestAUCError compares the error with what it is the error of: how far the AUC
// strays when the scores are drawn again and again.
func TestAUCError(t *testing.T) {
	t.Parallel()
	const known, unknown, draws = 60, 140, 400
	rng := rand.New(rand.NewPCG(1, 1))
	var values moments
	claimed := 0.0
	all, truth := make([]int, known+unknown), make([]bool, known+unknown)
	for i := range all {
		all[i], truth[i] = i, i < known
	}
	for range draws {
		scores := make([]float64, len(all))
		for i := range scores {
			if scores[i] = rng.NormFloat64(); truth[i] {
				scores[i] += 0.7
			}
		}
		a := aucOf(scores, truth, all)
		values.add(a.Value, 1)
		claimed += a.Error / draws
	}
	// For normal scores a distance d apart the AUC is Phi(d/sqrt 2).
	want := 0.5 * math.Erfc(-0.7/2)
	if got := values.sum / draws; math.Abs(got-want) > 0.01 {
		t.Errorf("the mean AUC is %.3f, want %.3f", got, want)
	}
	if is := math.Sqrt(values.variance()); math.Abs(is/claimed-1) > 0.15 {
		t.Errorf("it strays by %.4f, the error says %.4f", is, claimed)
	}
}

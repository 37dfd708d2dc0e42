package consensus_test

import (
	"math"
	"testing"

	"ocapi/consensus"
)

func TestAtMost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wrong, n         int
		confidence, want float64
	}{
		{0, 0, 0.95, 1},
		{0, 1, 0.95, 0.95},
		{1, 1, 0.95, 1},
		{0, 299, 0.95, 1 - math.Pow(0.05, 1.0/299)}, // none wrong: (1-p)^n = 0.05
		{1, 10, 0.95, 0.39416},                      // from tables of the binomial distribution
		{5, 100, 0.95, 0.10225},
		{0, 1_000_000, 0.99, 4.605e-6},
	} {
		if got := consensus.AtMost(tt.wrong, tt.n, tt.confidence); math.Abs(got-tt.want) > 1e-4*max(tt.want, 1e-3) {
			t.Errorf("%d wrong of %d at %g: at most %.6g, want %.6g", tt.wrong, tt.n, tt.confidence, got, tt.want)
		}
	}
	if got := consensus.AtMost(0, 299, 0.95); got > 0.01 {
		t.Errorf("0 of 299 are at most %.5f, and 1 %% is promised", got)
	}
}

func TestMeasures(t *testing.T) {
	t.Parallel()
	answers := []consensus.Scored{{0.9, true}, {0.9, true}, {0.8, false}, {0.5, true}}
	if got := consensus.Accuracy(answers); got != 0.75 {
		t.Errorf("the accuracy is %v", got)
	}
	if got, want := consensus.LogLoss(answers), -(2*math.Log(0.9)+math.Log(0.2)+math.Log(0.5))/4; math.Abs(got-want) > 1e-12 {
		t.Errorf("the log loss is %v, want %v", got, want)
	}
	if got, want := consensus.CalibrationError(answers), (0.2+0.8+0.5)/4; math.Abs(got-want) > 1e-12 {
		t.Errorf("the calibration error is %v, want %v", got, want)
	}
	if got := consensus.LogLoss([]consensus.Scored{{1, false}}); math.IsInf(got, 1) || got < 13 {
		t.Errorf("certainty that is wrong costs %v", got)
	}
}

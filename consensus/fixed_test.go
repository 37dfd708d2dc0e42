package consensus

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestLogarithmsInWholeNumbersAreLogarithms(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		x := random.Uint64()>>random.IntN(64) | 1
		if got, want := float64(logOf(x))/float64(oneNat), math.Log(float64(x)); math.Abs(got-want) > 1e-6 {
			t.Fatalf("ln %d is %v, want %v", x, got, want)
		}
	}
}

func TestExponentialsInWholeNumbersAreExponentials(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 20_000 {
		x := nats(random.Int64N(int64(negligible)))
		if i < natBits+5 {
			x = 1 << i
		}
		want := math.Exp(-float64(x) / float64(oneNat))
		if got := float64(expOf(x)) / float64(oneWeight); math.Abs(got-want) > 1e-9*want+1e-17 {
			t.Fatalf("exp(-%v) is %v, want %v", float64(x)/float64(oneNat), got, want)
		}
	}
	if got := expOf(0); got != oneWeight-1 {
		t.Errorf("exp(0) is %d, want one short of %d", got, oneWeight)
	}
	if got := expOf(negligible + 1); got != 0 {
		t.Errorf("what is negligible weighs %d", got)
	}
}

func TestSharesStayAwayFromCertainty(t *testing.T) {
	t.Parallel()
	for _, p := range []float64{math.NaN(), math.Inf(-1), -1, 0, 1e-9, 0.5, 1, 2, math.Inf(1)} {
		s := shareOf(p)
		if s == 0 || s >= oneShare || logShare(s) >= 0 || logShare(oneShare-s) >= 0 {
			t.Errorf("a probability of %v is a share of %d", p, s)
		}
	}
}

func TestSumsOfLogarithms(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		a, b := nats(random.Int64N(int64(20*oneNat)))-10*oneNat, nats(random.Int64N(int64(20*oneNat)))-10*oneNat
		want := math.Log(math.Exp(float64(a)/float64(oneNat)) + math.Exp(float64(b)/float64(oneNat)))
		if got := float64(logSum(a, b)) / float64(oneNat); math.Abs(got-want) > 1e-6 {
			t.Fatalf("ln(exp(%d) + exp(%d)) is %v, want %v", a, b, got, want)
		}
	}
}

//go:build linux

package serving

import (
	"slices"
	"strings"
	"testing"

	"ocapi/bench/figures"
)

func TestTokensReadGoTestsOutput(t *testing.T) {
	t.Parallel()
	out := `goos: linux
BenchmarkTokenCheck-2            100000      6900 ns/op    1200 B/op     30 allocs/op
BenchmarkTokenCheck-2            110000      6700.5 ns/op  1200 B/op     30 allocs/op
BenchmarkHMAC                    200000      2300 ns/op
BenchmarkTokenCheck/parsed-2     100000      1 ns/op
PASS
`
	r := tokensOf(parseGoBenchmarks([]byte(out)))
	check := r.of(tokenChecked)
	if !slices.Equal(check.Nanoseconds, []float64{6900, 6700.5}) || !slices.Equal(check.Allocations, []float64{30, 30}) || !slices.Equal(check.Runs, []int{100000, 110000}) {
		t.Errorf("read %+v", check)
	}
	goals := r.Goals()
	if g := goals[0]; !g.Reached || g.Ratio != (figures.Spread{Median: 3, Min: 3, Max: 3}) { // there is one round of the ceiling
		t.Errorf("the ratio is %+v", g)
	}
	if goals[1].Reached || goals[2].Reached {
		t.Errorf("goals are reached that are missed or were not measured: %+v", goals[1:])
	}
	if text := r.Text(false); !strings.Contains(text, "Package http has no BenchmarkTokenRemembered.") {
		t.Errorf("it does not say what is missing:\n%s", text)
	}
}

// TestTokensAsPartsOfOneBenchmark: they may as well be told so.
func TestTokensAsPartsOfOneBenchmark(t *testing.T) {
	t.Parallel()
	r := tokensOf(parseGoBenchmarks([]byte(`BenchmarkTokenCheck/HMAC_and_base64_alone-2  10  1000 ns/op  8 B/op  5 allocs/op
BenchmarkTokenCheck/parsed-2      10  9000 ns/op  8 B/op  40 allocs/op
BenchmarkTokenCheck/plain-2       10  2000 ns/op  8 B/op  7 allocs/op
BenchmarkTokenCheck/remembered-2  10  60.5 ns/op  0 B/op  0 allocs/op
BenchmarkTokenCheck/remembered,_parallel-2  10  30 ns/op
`)))
	for i, g := range r.Goals() {
		if want := []float64{2, 7, 60.5}[i]; g.Ratio.Median != want || !g.Reached {
			t.Errorf("%s is %v, want %v", g.What, g.Ratio.Median, want)
		}
	}
	if r.NotThere != "" {
		t.Errorf("it misses%s", r.NotThere)
	}
}

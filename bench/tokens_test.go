//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
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
	r := &tokens{Of: parseGoBenchmarks([]byte(out)), NotThere: " BenchmarkTokenRemembered"}
	check := r.of(tokenChecked)
	if !slices.Equal(check.Nanoseconds, []float64{6900, 6700.5}) || !slices.Equal(check.Allocations, []float64{30, 30}) || !slices.Equal(check.Runs, []int{100000, 110000}) {
		t.Errorf("read %+v", check)
	}
	goals := r.goals()
	if g := goals[0]; !g.Reached || g.Ratio != (spread{3, 3, 3}) { // there is one round of the ceiling
		t.Errorf("the ratio is %+v", g)
	}
	if goals[1].Reached || goals[2].Reached {
		t.Errorf("goals are reached that are missed or were not measured: %+v", goals[1:])
	}
	if text := r.text(false); !strings.Contains(text, "Package http has no BenchmarkTokenRemembered.") {
		t.Errorf("it does not say what is missing:\n%s", text)
	}
}

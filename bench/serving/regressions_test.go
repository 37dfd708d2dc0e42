//go:build linux

package serving

import (
	"strings"
	"testing"
)

func TestRegressionsTakeTheBestRound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		hold     func(r *regressions)
		wantFail bool
	}{
		{"one round of three is enough", func(r *regressions) { r.least("x", 0.3, []float64{0.1, 0.31, 0.2}) }, false},
		{"none is", func(r *regressions) { r.least("x", 0.3, []float64{0.1, 0.29, 0.2}) }, true},
		{"small is good", func(r *regressions) { r.most("x", 3, []float64{9, 2.9, 5}) }, false},
		{"none is small", func(r *regressions) { r.most("x", 3, []float64{9, 3.1, 5}) }, true},
		{"nothing was measured", func(r *regressions) { r.most("x", 3, nil) }, true},
		{"one of two", func(r *regressions) { r.least("y", 1, []float64{2}); r.least("x", 1, []float64{0}) }, true},
	}
	for _, test := range tests {
		r := &regressions{}
		test.hold(r)
		err := r.err()
		if (err != nil) != test.wantFail || err != nil && !strings.Contains(err.Error(), "out of bounds: x;") {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}

//go:build linux

package figures

import (
	"slices"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	tests := []struct {
		name   string
		sorted []time.Duration
		q      float64
		want   time.Duration
	}{
		{"none", nil, 0.5, 0},
		{"one", []time.Duration{7}, 0.99, 7},
		{"median of a hundred", hundred, 0.50, 50},
		{"p99 of a hundred", hundred, 0.99, 99},
		{"least", hundred, 0, 1},
		{"most", hundred, 1, 100},
		{"p99 of few is the worst", hundred[:10], 0.99, 10},
	}
	for _, test := range tests {
		if got := Quantile(test.sorted, test.q); got != test.want {
			t.Errorf("%s: quantile(%v) is %v, want %v", test.name, test.q, got, test.want)
		}
	}
}

func TestSpreadOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		values []float64
		want   Spread
	}{
		{"none", nil, Spread{}},
		{"one", []float64{3}, Spread{3, 3, 3}},
		{"odd", []float64{9, 1, 4}, Spread{4, 1, 9}},
		{"even", []float64{8, 2, 4, 100}, Spread{6, 2, 100}},
	}
	for _, test := range tests {
		before := slices.Clone(test.values)
		if got := SpreadOf(test.values); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
		if !slices.Equal(before, test.values) {
			t.Errorf("%s: the values were changed to %v", test.name, test.values)
		}
	}
}

func TestRatiosAreTakenRoundByRound(t *testing.T) {
	t.Parallel()
	got := Ratios([]float64{10, 30, 5, 1}, []float64{20, 30, 0})
	if want := []float64{0.5, 1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	tab := Table{Head: []string{"a", "µs"}}
	tab.Add("long", "1")
	if got, want := tab.Text(false), "a     µs\n----  --\nlong   1\n"; got != want {
		t.Errorf("plain: got %q, want %q", got, want)
	}
	if got, want := tab.Text(true), "| a    | µs |\n| ---- | -: |\n| long |  1 |\n"; got != want {
		t.Errorf("Markdown: got %q, want %q", got, want)
	}
}

//go:build linux

package serving

import "testing"

func TestBenchmarksOfFigures(t *testing.T) {
	t.Parallel()
	b := &bench{Measurements: []measurement{
		{Figure: createInterval, Round: 1, Requests: 100, Rate: 5000, P50: 900, P99: 4000, ServerCPU: 160},
		{Figure: serialFlush, Round: 1, Requests: 110, Rate: 5500, P50: 800, P99: 3000},
	}}
	want := []string{
		"BenchmarkServer/create-interval/conns=64 100 5000 per-s 900 p50-us 4000 p99-us 160 server-cpu-us",
		"BenchmarkServer/fdatasync/conns=1 110 5500 per-s 800 p50-us 3000 p99-us",
	}
	for i, one := range b.Benchmarks() {
		if got := one.Text(); got != want[i] {
			t.Errorf("got %q, want %q", got, want[i])
		}
	}
}

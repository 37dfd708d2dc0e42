//go:build linux

package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestResultsAreWhatBenchstatReads(t *testing.T) {
	t.Parallel()
	b := &bench{Measurements: []measurement{
		{Figure: createInterval, Round: 1, Requests: 100, Rate: 5000, P50: 900, P99: 4000, ServerCPU: 160},
		{Figure: createInterval, Round: 2, Requests: 110, Rate: 5500, P50: 800, P99: 3000, ServerCPU: 150},
	}}
	r := report{
		Machine: facts{Date: time.Date(2026, 11, 26, 4, 0, 0, 0, time.UTC), Commit: "0123456789ab with changes", CPU: "Some CPU", Cores: 2},
		Goals:   []goal{atLeast("creates/s, interval, 64 / chi", 0.35, "", []float64{0.2, 0.25}), atMost("something of 64", 3, "ms", []float64{1})},
		Parts:   map[string]result{"server": b}, order: []string{"server"},
	}
	folder := t.TempDir()
	file, err := r.writeResults(folder)
	if err != nil || !strings.HasSuffix(file, "/2026-11-26-0123456789ab-with-changes.txt") {
		t.Fatalf("wrote %q: %v", file, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, want := range []string{
		"cpu: Some CPU, 2 cores",
		"BenchmarkGoal/creates-per-s-interval-64-of-chi 1 0.2 ratio",
		"BenchmarkGoal/creates-per-s-interval-64-of-chi 1 0.25 ratio",
		"BenchmarkGoal/something-of/64 1 1 ms-at-most",
		"BenchmarkServer/create-interval/conns=64 100 5000 per-s 900 p50-us 4000 p99-us 160 server-cpu-us",
		"BenchmarkServer/create-interval/conns=64 110 5500 per-s 800 p50-us 3000 p99-us 150 server-cpu-us",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("there is no line %q in\n%s", want, text)
		}
	}
}

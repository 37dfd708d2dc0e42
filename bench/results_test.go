//go:build linux

package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/machine"
	"ocapi/bench/part"
)

// twice is a result with two lines of its own.
type twice struct{}

func (twice) Text(bool) string      { return "" }
func (twice) Goals() []figures.Goal { return nil }
func (twice) Benchmarks() []figures.Benchmark {
	line := func(requests int, rate float64) figures.Benchmark {
		return figures.Benchmark{Name: "Server/create/conns=64", N: requests, Values: []figures.Value{{Number: rate, Unit: "per-s"}}}
	}
	return []figures.Benchmark{line(100, 5000), line(110, 5500)}
}

func TestResultsAreWhatBenchstatReads(t *testing.T) {
	t.Parallel()
	r := report{
		Machine: machine.Facts{Date: time.Date(2026, 11, 26, 4, 0, 0, 0, time.UTC), Commit: "0123456789ab with changes", CPU: "Some CPU", Cores: 2},
		Goals:   []figures.Goal{figures.AtLeast("creates/s, interval, 64 / chi", 0.35, "", []float64{0.2, 0.25}), figures.AtMost("something of 64", 3, "ms", []float64{1})},
		Parts:   map[string]part.Result{"server": twice{}}, order: []string{"server"},
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
		"BenchmarkServer/create/conns=64 100 5000 per-s",
		"BenchmarkServer/create/conns=64 110 5500 per-s",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("there is no line %q in\n%s", want, text)
		}
	}
}

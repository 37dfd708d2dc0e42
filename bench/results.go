//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"ocapi/bench/figures"
)

// benchmarked is a result that has more to tell benchstat than its goals.
type benchmarked interface {
	Benchmarks() []figures.Benchmark
}

// units tells benchstat which of two is better, of units that it does not know.
const units = `Unit per-s better=higher
Unit ratio better=higher
Unit ratio-at-most better=lower
`

// benchstat gives the whole run in benchstat's form. What may differ between two
// runs that are compared stands in comments: benchstat compares only lines under
// the same keys, and cpu is one.
func (r *report) benchstat() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", r.Machine)
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: ocapi/bench\ncpu: %s, %d cores\n%s", runtime.GOOS, runtime.GOARCH, r.Machine.CPU, r.Machine.Cores, units)
	for i := range r.Goals {
		for _, one := range r.Goals[i].Benchmarks() {
			fmt.Fprintln(&b, one.Text())
		}
	}
	for _, name := range r.order {
		if part, ok := r.Parts[name].(benchmarked); ok {
			for _, one := range part.Benchmarks() {
				fmt.Fprintln(&b, one.Text())
			}
		}
	}
	return b.String()
}

// writeResults writes DATE-COMMIT.txt into a folder.
func (r *report) writeResults(folder string) (file string, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for results: %w", err)
	}
	commit := strings.ReplaceAll(r.Machine.Commit, " ", "-")
	file = filepath.Join(folder, r.Machine.Date.Format("2006-01-02")+"-"+commit+".txt")
	if err := os.WriteFile(file, []byte(r.benchstat()), 0o644); err != nil {
		return "", fmt.Errorf("write the results: %w", err)
	}
	return file, nil
}

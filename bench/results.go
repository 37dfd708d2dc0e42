//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// benchmark is one line of what benchstat reads; rounds are lines of one name.
type benchmark struct {
	name   string // without "Benchmark", and without spaces
	n      int    // how often it was done
	values []value
}

type value struct {
	number float64
	unit   string
}

// benchmarked is a result that has more to tell benchstat than its goals.
type benchmarked interface {
	benchmarks() []benchmark
}

// trailing is a number that benchstat would take for GOMAXPROCS.
var trailing = regexp.MustCompile(`-(\d+)$`)

// text is a line of the format in which go test tells of benchmarks.
func (b *benchmark) text() string {
	line := "Benchmark" + trailing.ReplaceAllString(b.name, "/$1") + " " + strconv.Itoa(max(b.n, 1))
	for _, v := range b.values {
		line += " " + strconv.FormatFloat(v.number, 'g', 6, 64) + " " + v.unit
	}
	return line
}

// benchmarks gives a line for each round of a goal.
func (g *goal) benchmarks() []benchmark {
	unit := "ratio"
	if g.Unit != "" {
		unit = strings.ReplaceAll(g.Unit, " ", "-")
	}
	if g.AtMost {
		unit += "-at-most"
	}
	var out []benchmark
	for _, r := range g.Rounds {
		out = append(out, benchmark{name: "Goal/" + benchName(g.What), n: 1, values: []value{{r, unit}}})
	}
	return out
}

// benchName makes one word of a title; a slash would begin a part of a name.
func benchName(title string) string {
	title = strings.NewReplacer("/s,", " per s", "/s ", " per s ", "/", " of ").Replace(title)
	return strings.Join(strings.FieldsFunc(title, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.')
	}), "-")
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
		for _, one := range r.Goals[i].benchmarks() {
			fmt.Fprintln(&b, one.text())
		}
	}
	for _, name := range r.order {
		if part, ok := r.Parts[name].(benchmarked); ok {
			for _, one := range part.benchmarks() {
				fmt.Fprintln(&b, one.text())
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

// benchmarks gives each round of each figure.
func (b *bench) benchmarks() []benchmark {
	var out []benchmark
	for _, m := range b.Measurements {
		one := benchmark{name: "Server/" + trailing.ReplaceAllString(m.Figure, "/conns=$1"), n: m.Requests, values: []value{{m.Rate, "per-s"}, {m.P50, "p50-us"}, {m.P99, "p99-us"}}}
		if m.ServerCPU > 0 {
			one.values = append(one.values, value{m.ServerCPU, "server-cpu-us"})
		}
		out = append(out, one)
	}
	return out
}

//go:build linux

package serving

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ocapi/bench/figures"
	"ocapi/bench/part"
)

// What a partner's token costs.
const (
	tokenChecked    = "TokenCheck"      // one that was not seen before
	tokenRemembered = "TokenRemembered" // one that was
	tokenHMAC       = "HMAC"            // the ceiling: HMAC and base64 alone
)

// tokenBenchmarks are package http's benchmarks of that. The first that is there
// counts.
var tokenBenchmarks = map[string][]string{
	tokenChecked:    {"TokenCheck", "TokenCheck/plain", "TokenCheck/parsed"},
	tokenRemembered: {"TokenRemembered", "TokenCheck/remembered"},
	tokenHMAC:       {"HMAC", "TokenCheck/HMAC_and_base64_alone"},
}

// tokenTime is how long each benchmark takes at least, each time.
const tokenTime = "0.2s"

// goBenchmark is what go test told of one benchmark, each time it ran.
type goBenchmark struct {
	Runs        []int     `json:"runs"`
	Nanoseconds []float64 `json:"ns"`
	Allocations []float64 `json:"allocs"`
}

// tokens is the part's result.
type tokens struct {
	Of       map[string]*goBenchmark `json:"of"`
	NotThere string                  `json:"not_there,omitempty"`
}

// MeasureTokens runs the benchmarks of package http.
func MeasureTokens(ctx context.Context, r *part.Run) (part.Result, error) {
	pattern := fmt.Sprintf("^Benchmark(%s|%s|%s)$", tokenChecked, tokenRemembered, tokenHMAC)
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern, "-benchmem", "-benchtime", tokenTime, "-count", strconv.Itoa(r.Rounds), "./http")
	cmd.Dir = r.Module
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("run package http's benchmarks: %w\n%.2000s", err, out)
	}
	return tokensOf(parseGoBenchmarks(out)), nil
}

// tokensOf picks what is to be told.
func tokensOf(all map[string]*goBenchmark) *tokens {
	t := &tokens{Of: map[string]*goBenchmark{}}
	for _, what := range []string{tokenChecked, tokenRemembered, tokenHMAC} {
		for _, name := range slices.Backward(tokenBenchmarks[what]) {
			if all[name] != nil {
				t.Of[what] = all[name]
			}
		}
		if t.Of[what] == nil {
			t.NotThere += " Benchmark" + what
		}
	}
	return t
}

// goBenchmarkLine is a benchmark's line, with -benchmem.
var goBenchmarkLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+(\d+)\s+([\d.]+) ns/op(?:.*?\s(\d+) allocs/op)?`)

// parseGoBenchmarks reads what go test prints.
func parseGoBenchmarks(out []byte) map[string]*goBenchmark {
	found := map[string]*goBenchmark{}
	for line := range bytes.Lines(out) {
		m := goBenchmarkLine.FindSubmatch(line)
		if m == nil {
			continue
		}
		name := string(m[1])
		if found[name] == nil {
			found[name] = &goBenchmark{}
		}
		runs, _ := strconv.Atoi(string(m[2])) // digits, as the pattern has it
		ns, _ := strconv.ParseFloat(string(m[3]), 64)
		b := found[name]
		b.Runs, b.Nanoseconds = append(b.Runs, runs), append(b.Nanoseconds, ns)
		if len(m[4]) > 0 {
			allocs, _ := strconv.ParseFloat(string(m[4]), 64)
			b.Allocations = append(b.Allocations, allocs)
		}
	}
	return found
}

func (t *tokens) of(name string) *goBenchmark {
	if b := t.Of[name]; b != nil {
		return b
	}
	return &goBenchmark{}
}

func (t *tokens) Goals() []figures.Goal {
	check := t.of(tokenChecked)
	return []figures.Goal{
		figures.AtMost("token check / HMAC and base64 alone", 3, "", figures.Ratios(check.Nanoseconds, t.of(tokenHMAC).Nanoseconds)),
		figures.AtMost("token check, allocations", 8, "", check.Allocations),
		figures.AtMost("token remembered", 100, "ns", t.of(tokenRemembered).Nanoseconds),
	}
}

func (t *tokens) Benchmarks() []figures.Benchmark {
	var out []figures.Benchmark
	for _, name := range []string{tokenChecked, tokenRemembered, tokenHMAC} {
		b := t.of(name)
		for i, ns := range b.Nanoseconds {
			one := figures.Benchmark{Name: name, N: b.Runs[i], Values: []figures.Value{{Number: ns, Unit: "ns/op"}}}
			if i < len(b.Allocations) {
				one.Values = append(one.Values, figures.Value{Number: b.Allocations[i], Unit: "allocs/op"})
			}
			out = append(out, one)
		}
	}
	return out
}

func (t *tokens) Text(markdown bool) string {
	tab := figures.Table{Head: []string{"a partner's token", "ns", "allocations"}}
	for _, l := range []struct{ title, name string }{
		{"checked", tokenChecked}, {"remembered", tokenRemembered}, {"HMAC and base64 alone", tokenHMAC},
	} {
		b := t.of(l.name)
		if len(b.Nanoseconds) == 0 {
			continue
		}
		ns := figures.SpreadOf(b.Nanoseconds)
		allocs := ""
		if len(b.Allocations) > 0 {
			allocs = fmt.Sprintf("%.0f", figures.SpreadOf(b.Allocations).Median)
		}
		tab.Add(l.title, fmt.Sprintf("%.0f (%.0f-%.0f)", ns.Median, ns.Min, ns.Max), allocs)
	}
	text := tab.Text(markdown)
	if t.NotThere != "" {
		text += "\nPackage http has no" + strings.ReplaceAll(t.NotThere, " B", ", B")[1:] + ".\n"
	}
	return text
}

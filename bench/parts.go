//go:build linux

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// part is one kind of measurement. Parts are made one after the other, so that
// nothing else uses the machine; -only makes some of them.
type part struct {
	name    string
	measure func(ctx context.Context, r *run) (result, error)
	apart   bool // it is made only where it is named
	slow    bool // it takes many minutes: it is made where it is named, or with -long
}

// parts are all of them, in the order in which they are made and printed.
func parts() []part {
	return []part{
		{name: "server", measure: measureServer},
		{name: "open", measure: measureOpen},
		{name: "stages", measure: measureStages},
		{name: "alternatives", measure: measureAlternatives},
		{name: "tokens", measure: measureTokens},
		{name: "commits", measure: measureCommits},
		{name: "imports", measure: measureImports},
		{name: "consensus", measure: measureAgreement},
		{name: "replay", measure: measureReplays},
		{name: "postgres-append", measure: measurePostgresAppend},
		{name: "postgres-reading", measure: measurePostgresReading},
		{name: "postgres-streams", measure: measurePostgresStreams},
		{name: "widget", measure: measureWidget},
		{name: "memory", measure: measureMemory},
		{name: "start", measure: measureStarts},
		{name: "flatness", measure: measureFlatness, slow: true},
		{name: "nodes", measure: measureNodes, slow: true},
		{name: "steady", measure: measureSteadiness, slow: true},
		{name: "regressions", measure: measureRegressions, apart: true},
	}
}

// run is what a part is given.
type run struct {
	config
	module   string // the folder of the module
	binary   string // the program that is measured
	folder   string // for what the part leaves behind: it is there, empty, on a disk, and removed afterwards
	progress func(format string, args ...any)
}

// result is what a part found. -json writes it as it is.
type result interface {
	// text gives its tables and what has to be said of them.
	text(markdown bool) string
	// goals compares it with what is to be reached; they are printed together.
	goals() []goal
}

// goal is a figure to be reached, as a rule a ratio of two of the same round.
type goal struct {
	What    string    `json:"what"`
	Bound   float64   `json:"bound"`
	AtMost  bool      `json:"at_most"`        // otherwise the bound is the least
	Unit    string    `json:"unit,omitempty"` // of the bound and of what was measured; none of ratios
	Ratio   spread    `json:"ratio"`
	Reached bool      `json:"reached"`
	Rounds  []float64 `json:"rounds"` // what the ratio is of
}

// atLeast and atMost hold what rounds gave against a bound.
func atLeast(what string, bound float64, unit string, rounds []float64) goal {
	s := spreadOf(rounds)
	return goal{What: what, Bound: bound, Unit: unit, Ratio: s, Rounds: rounds, Reached: len(rounds) > 0 && s.Median >= bound}
}

func atMost(what string, bound float64, unit string, rounds []float64) goal {
	s := spreadOf(rounds)
	return goal{What: what, Bound: bound, AtMost: true, Unit: unit, Ratio: s, Rounds: rounds, Reached: len(rounds) > 0 && s.Median <= bound}
}

// goalTable puts goals into rows.
func goalTable(goals []goal, commit string) table {
	t := table{head: []string{"figure", "goal", "here", "reached", "commit"}}
	for _, g := range goals {
		sign, reached, unit := "≥", "no", ""
		if g.AtMost {
			sign = "≤"
		}
		if g.Reached {
			reached = "yes"
		}
		if g.Unit != "" {
			unit = " " + g.Unit
		}
		number := func(v float64) string {
			if v >= 100 {
				return fmt.Sprintf("%.0f", v)
			}
			return fmt.Sprintf("%.2f", v)
		}
		if len(g.Rounds) == 0 && g.Ratio == (spread{}) {
			t.add(g.What, fmt.Sprintf("%s %s%s", sign, number(g.Bound), unit), "not measured", reached, commit)
			continue
		}
		t.add(g.What, fmt.Sprintf("%s %s%s", sign, number(g.Bound), unit),
			fmt.Sprintf("%s (%s-%s)%s", number(g.Ratio.Median), number(g.Ratio.Min), number(g.Ratio.Max), unit), reached, commit)
	}
	return t
}

// chosen gives the parts that are named; where none is, all that are not apart,
// those that are slow only where long is set.
func chosen(names string, long bool) ([]part, error) {
	all := parts()
	if names == "" {
		return slices.DeleteFunc(all, func(p part) bool { return p.apart || p.slow && !long }), nil
	}
	var out []part
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(p part) bool { return p.name == name })
		if i < 0 {
			var known []string
			for _, p := range all {
				known = append(known, p.name)
			}
			return nil, fmt.Errorf("-only: there is no part %q; there are %s", name, strings.Join(known, ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}

// folderOf is where a part leaves what it leaves.
func folderOf(folder string, p part) string { return filepath.Join(folder, p.name) }

//go:build linux

package main

import (
	"fmt"
	"strings"
)

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

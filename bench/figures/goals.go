//go:build linux

package figures

import (
	"fmt"
	"strings"
)

// Goal is a figure to be reached, as a rule a ratio of two of the same round.
type Goal struct {
	What    string    `json:"what"`
	Bound   float64   `json:"bound"`
	AtMost  bool      `json:"at_most"`        // otherwise the bound is the least
	Unit    string    `json:"unit,omitempty"` // of the bound and of what was measured; none of ratios
	Ratio   Spread    `json:"ratio"`
	Reached bool      `json:"reached"`
	Rounds  []float64 `json:"rounds"` // what the ratio is of
}

// AtLeast holds the median of what rounds gave against the least that it is to be.
func AtLeast(what string, bound float64, unit string, rounds []float64) Goal {
	s := SpreadOf(rounds)
	return Goal{What: what, Bound: bound, Unit: unit, Ratio: s, Rounds: rounds, Reached: len(rounds) > 0 && s.Median >= bound}
}

// AtMost holds it against the most.
func AtMost(what string, bound float64, unit string, rounds []float64) Goal {
	s := SpreadOf(rounds)
	return Goal{What: what, Bound: bound, AtMost: true, Unit: unit, Ratio: s, Rounds: rounds, Reached: len(rounds) > 0 && s.Median <= bound}
}

// GoalTable puts goals into rows.
func GoalTable(goals []Goal, commit string) Table {
	t := Table{Head: []string{"figure", "goal", "here", "reached", "commit"}}
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
		if len(g.Rounds) == 0 && g.Ratio == (Spread{}) {
			t.Add(g.What, fmt.Sprintf("%s %s%s", sign, number(g.Bound), unit), "not measured", reached, commit)
			continue
		}
		t.Add(g.What, fmt.Sprintf("%s %s%s", sign, number(g.Bound), unit),
			fmt.Sprintf("%s (%s-%s)%s", number(g.Ratio.Median), number(g.Ratio.Min), number(g.Ratio.Max), unit), reached, commit)
	}
	return t
}

// Benchmarks gives a line for each round of a goal.
func (g *Goal) Benchmarks() []Benchmark {
	unit := "ratio"
	if g.Unit != "" {
		unit = strings.ReplaceAll(g.Unit, " ", "-")
	}
	if g.AtMost {
		unit += "-at-most"
	}
	var out []Benchmark
	for _, r := range g.Rounds {
		out = append(out, Benchmark{Name: "Goal/" + BenchName(g.What), N: 1, Values: []Value{{r, unit}}})
	}
	return out
}

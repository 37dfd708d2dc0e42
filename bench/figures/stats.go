//go:build linux

// Package figures makes what a run measured fit for print: medians with their
// extremes, ratios round by round, goals and whether they are reached, tables, and
// the lines that benchstat reads.
package figures

import (
	"math"
	"slices"
	"time"
)

// Quantile gives the q-quantile (0 to 1) of sorted durations: the smallest that
// at least that share is not above. Zero when there are none.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// Spread is what is printed of one figure's rounds.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// SpreadOf gives the median and the extremes. All are zero when there are no
// values.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return Spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// Ratios divides round by round, as far as both have rounds. A round whose
// divisor is zero is left out.
func Ratios(over, under []float64) []float64 {
	var out []float64
	for i := range min(len(over), len(under)) {
		if under[i] != 0 {
			out = append(out, over[i]/under[i])
		}
	}
	return out
}

// Microseconds gives a duration as a number of them.
func Microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// Milliseconds gives a duration as a number of them.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

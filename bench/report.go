//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// report is all that a run found; -json writes it.
type report struct {
	Machine      facts         `json:"machine"`
	Goals        []goal        `json:"goals"`
	Audits       []audit       `json:"audits"`
	Failed       int           `json:"failed_requests"`
	Measurements []measurement `json:"measurements"`
	Imports      []importing   `json:"imports"`
	Agreement    *agreement    `json:"consensus"`
	Replays      []replaying   `json:"replays"`

	bench *bench
}

// goal is a ratio to be reached.
type goal struct {
	What    string  `json:"what"`
	Bound   float64 `json:"bound"`
	AtMost  bool    `json:"at_most"` // otherwise the bound is the least
	Ratio   spread  `json:"ratio"`
	Reached bool    `json:"reached"`
}

// Properties of a measurement.
func rateOf(m *measurement) float64 { return m.Rate }
func p50Of(m *measurement) float64  { return m.P50 }
func p99Of(m *measurement) float64  { return m.P99 }
func cpuOf(m *measurement) float64  { return m.ServerCPU }

// goals compares the run with what is to be reached. All are ratios of two
// figures of the same round.
func (b *bench) goals() []goal {
	var out []goal
	add := func(what string, of func(*measurement) float64, over, under string, bound float64, atMost bool) {
		ratio := spreadOf(ratios(b.values(over, of), b.values(under, of)))
		reached := ratio.Median >= bound
		if atMost {
			reached = ratio.Median <= bound
		}
		out = append(out, goal{What: what, Bound: bound, AtMost: atMost, Ratio: ratio, Reached: reached})
	}
	add("creates/s, interval, 64 / chi", rateOf, createInterval, chiFew, 0.35, false)
	add("creates/s, fsync, 256 / chi", rateOf, createFsyncMany, chiMany, 0.30, false)
	add("creates/s, fsync, 64 / serial fdatasync", rateOf, createFsyncFew, serialFlush, 1.3, false)
	add("create p50, fsync, 64 / one fdatasync's", p50Of, createFsyncFew, serialFlush, 40, true)
	add("answers/s, interval, 64 / chi", rateOf, answerInterval, chiFew, 0.30, false)
	add("answers/s, fsync, 256 / chi", rateOf, answerFsyncMany, chiMany, 0.30, false)
	add("answers/s, fsync, 64 / serial fdatasync", rateOf, answerFsyncFew, serialFlush, 1.3, false)
	add("states/s, token remembered, 64 / chi", rateOf, stateRemembered, chiFew, 0.70, false)
	add("pictures/s, 64 / chi writing the same bytes", rateOf, picture, pictureBare, 0.75, false)
	add("create p99, interval, 64 / chi's", p99Of, createInterval, chiFew, 3, true)
	add("CPU per create, interval, 64 / per chi request", cpuOf, createInterval, chiFew, 3.5, true)
	add("CPU per create, fsync, 256 / per chi request", cpuOf, createFsyncMany, chiMany, 3.5, true)
	return out
}

// line is a row of the table of figures.
type line struct {
	title, figure, base string
}

func lines() []line {
	return []line{
		{"chi handler, 64 conn.", chiFew, ""},
		{"create, fsync, 64", createFsyncFew, chiFew},
		{"create, interval, 64", createInterval, chiFew},
		{"answer, fsync, 64", answerFsyncFew, chiFew},
		{"answer, interval, 64", answerInterval, chiFew},
		{"state, token remembered, 64", stateRemembered, chiFew},
		{"state, token new each time, 64", stateFresh, chiFew},
		{"chi handler, pictures, 64", pictureBare, ""},
		{"picture, 64", picture, pictureBare},
		{"chi handler, 256 conn.", chiMany, ""},
		{"create, fsync, 256", createFsyncMany, chiMany},
		{"answer, fsync, 256", answerFsyncMany, chiMany},
		{"append + fdatasync, serial", serialFlush, ""},
	}
}

// text is what is printed: medians, with the least and the most of the rounds
// in parentheses.
func (r *report) text(markdown bool) string {
	var b strings.Builder
	figures := table{head: []string{"figure", "per second", "of chi", "p50 ms", "p99 ms", "p99 / chi's", "CPU µs each", "of chi's"}}
	behind := 0.0
	for _, l := range lines() {
		of := func(property func(*measurement) float64) spread { return spreadOf(r.bench.values(l.figure, property)) }
		against := func(property func(*measurement) float64, decimals int, alone bool) string {
			if l.base == "" {
				return ""
			}
			s := spreadOf(ratios(r.bench.values(l.figure, property), r.bench.values(l.base, property)))
			if alone {
				return fmt.Sprintf("%.*f", decimals, s.Median)
			}
			return fmt.Sprintf("%.*f (%.*f-%.*f)", decimals, s.Median, decimals, s.Min, decimals, s.Max)
		}
		rate := of(rateOf)
		cpu := ""
		if c := of(cpuOf).Median; c > 0 {
			cpu = fmt.Sprintf("%.0f", c)
		}
		figures.add(l.title, fmt.Sprintf("%.0f (%.0f-%.0f)", rate.Median, rate.Min, rate.Max), against(rateOf, 2, false),
			fmt.Sprintf("%.2f", of(p50Of).Median/1000), fmt.Sprintf("%.2f", of(p99Of).Median/1000), against(p99Of, 1, true), cpu, against(cpuOf, 1, true))
		behind = max(behind, of(func(m *measurement) float64 { return float64(m.Behind) }).Max)
	}
	fmt.Fprintf(&b, "%s\n\n%s\n", r.Machine, figures.text(markdown))
	fmt.Fprintf(&b, "Medians of %d rounds (least-most); ratios are taken within each round. Every creation and answer includes its durable append. "+
		"CPU is the server's, archiving included; the load generator took %.0f µs a request of chi's and shares the cores. The archive was at most %.0f events behind when a load ended.\n\n",
		r.bench.rounds, spreadOf(r.bench.values(chiFew, func(m *measurement) float64 { return m.ClientCPU })).Median, behind)
	goals := table{head: []string{"goal", "bound", "measured", "reached"}}
	for _, g := range r.Goals {
		sign, reached := "≥", "no"
		if g.AtMost {
			sign = "≤"
		}
		if g.Reached {
			reached = "yes"
		}
		goals.add(g.What, fmt.Sprintf("%s %.2f", sign, g.Bound), fmt.Sprintf("%.2f (%.2f-%.2f)", g.Ratio.Median, g.Ratio.Min, g.Ratio.Max), reached)
	}
	fmt.Fprintf(&b, "%s\n", goals.text(markdown))
	imports := importTable(r.Imports)
	fmt.Fprintf(&b, "%s\n", imports.text(markdown))
	if r.Agreement != nil {
		fmt.Fprintf(&b, "%s\n", r.Agreement.text(markdown))
	}
	replays := replayTable(r.Replays)
	fmt.Fprintf(&b, "%s\n", replays.text(markdown))
	for _, a := range r.Audits {
		verdict := "Everything acknowledged is in the archive, once"
		if a.Missing+a.Unexpected > 0 {
			verdict = "THE ARCHIVE DIFFERS from what was acknowledged"
		}
		fmt.Fprintf(&b, "%s. %s.\n", verdict, a)
		if markdown {
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(&b, "Failed requests: %d.\n", r.Failed)
	return b.String()
}

func (r *report) writeJSON(file string) error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.WriteFile(file, append(body, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

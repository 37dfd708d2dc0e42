//go:build linux

package serving

import (
	"fmt"
	"strings"

	"ocapi/bench/figures"
)

// Goals compares the run with what is to be reached. All are ratios of two
// figures of the same round.
func (b *bench) Goals() []figures.Goal {
	var out []figures.Goal
	add := func(what string, of func(*measurement) float64, over, under string, bound float64, most bool) {
		hold := figures.AtLeast
		if most {
			hold = figures.AtMost
		}
		out = append(out, hold(what, bound, "", figures.Ratios(b.values(over, of), b.values(under, of))))
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

// Text gives medians, with the least and the most of the rounds
// in parentheses.
func (b *bench) Text(markdown bool) string {
	var out strings.Builder
	rows := figures.Table{Head: []string{"figure", "per second", "of chi", "p50 ms", "p99 ms", "p99 / chi's", "CPU µs each", "of chi's"}}
	behind := 0.0
	for _, l := range lines() {
		of := func(property func(*measurement) float64) figures.Spread {
			return figures.SpreadOf(b.values(l.figure, property))
		}
		against := func(property func(*measurement) float64, decimals int, alone bool) string {
			if l.base == "" {
				return ""
			}
			s := figures.SpreadOf(figures.Ratios(b.values(l.figure, property), b.values(l.base, property)))
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
		rows.Add(l.title, fmt.Sprintf("%.0f (%.0f-%.0f)", rate.Median, rate.Min, rate.Max), against(rateOf, 2, false),
			fmt.Sprintf("%.2f", of(p50Of).Median/1000), fmt.Sprintf("%.2f", of(p99Of).Median/1000), against(p99Of, 1, true), cpu, against(cpuOf, 1, true))
		behind = max(behind, of(func(m *measurement) float64 { return float64(m.Behind) }).Max)
	}
	fmt.Fprintf(&out, "%s\n", rows.Text(markdown))
	fmt.Fprintf(&out, "Medians of %d rounds (least-most); ratios are taken within each round. Every creation and answer includes its durable append. "+
		"CPU is the server's, archiving included; the load generator took %.0f µs a request of chi's and shares the cores. The archive was at most %.0f events behind when a load ended.\n\n",
		b.rounds, figures.SpreadOf(b.values(chiFew, func(m *measurement) float64 { return m.ClientCPU })).Median, behind)
	for _, a := range b.Audits {
		fmt.Fprintf(&out, "%s.\n", a.Verdict())
		if markdown {
			out.WriteByte('\n')
		}
	}
	fmt.Fprintf(&out, "Failed requests: %d.\n", b.Failed)
	return out.String()
}

// Benchmarks gives each round of each figure.
func (b *bench) Benchmarks() []figures.Benchmark {
	var out []figures.Benchmark
	for _, m := range b.Measurements {
		at := strings.LastIndexByte(m.Figure, '-') // behind it stands over how many connections
		one := figures.Benchmark{Name: "Server/" + m.Figure[:at] + "/conns=" + m.Figure[at+1:], N: m.Requests, Values: []figures.Value{{Number: m.Rate, Unit: "per-s"}, {Number: m.P50, Unit: "p50-us"}, {Number: m.P99, Unit: "p99-us"}}}
		if m.ServerCPU > 0 {
			one.Values = append(one.Values, figures.Value{Number: m.ServerCPU, Unit: "server-cpu-us"})
		}
		out = append(out, one)
	}
	return out
}

// Properties of a measurement.
func rateOf(m *measurement) float64 { return m.Rate }

func p50Of(m *measurement) float64 { return m.P50 }

func p99Of(m *measurement) float64 { return m.P99 }

func cpuOf(m *measurement) float64 { return m.ServerCPU }

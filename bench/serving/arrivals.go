//go:build linux

package serving

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/load"
	"ocapi/bench/part"
	"ocapi/bench/service"
)

// Challenges are asked for at constant rates, by visitors who do not wait for
// each other.
const (
	arrivalsInterval = 2000 // a second
	arrivalsFsync    = 1000
	arrivalsFor      = 60 * time.Second
	arrivalsShort    = 5 * time.Second
	arrivalsWarm     = 2 * time.Second // before that at the same rate, not counted: heaps grow
	arrivalsWindows  = 5               // of equal length, whose spread is told
	arrivalsCeiling  = 6               // so much shorter is the bare handler asked
	arrivalsBound    = 15.0            // ms, of the 99th percentile
)

// arrivals is what came of one constant rate.
type arrivals struct {
	Durability string    `json:"durability"`
	Rate       int       `json:"per_second"`
	Seconds    float64   `json:"seconds"`
	Requests   int       `json:"requests"`
	Failed     int       `json:"failed"`
	P50        float64   `json:"p50_ms"`
	P99        float64   `json:"p99_ms"`
	P999       float64   `json:"p999_ms"`
	Max        float64   `json:"max_ms"`
	Windows    []float64 `json:"p99_ms_by_window"`
	Late       float64   `json:"generator_late_p99_ms"`
	Conns      int       `json:"connections"`
	ServerCPU  float64   `json:"server_cpu_us_per_request"`
	Behind     int       `json:"archive_behind_events"`
}

// open is the part's result. The ceiling is the bare handler at the first rate:
// what machine and generator take by themselves.
type open struct {
	Ceiling arrivals        `json:"ceiling"`
	Rates   []arrivals      `json:"rates"`
	Audits  []service.Audit `json:"audits"`
}

// MeasureOpen asks for challenges at a constant rate, with each durability.
func MeasureOpen(ctx context.Context, r *part.Run) (part.Result, error) {
	b, err := prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	defer b.abandon()
	length := arrivalsFor
	if r.Short {
		length = arrivalsShort
	}
	out := &open{}
	var failures []error
	ceiling, failure, err := constant(ctx, b.bare.Addr, arrivalsInterval, length/arrivalsCeiling, load.ExpectOK)
	if err = errors.Join(err, failure); err != nil {
		return nil, fmt.Errorf("the bare handler: %w", err)
	}
	out.Ceiling = ceiling
	for _, one := range []struct {
		server *service.Ocapi
		rate   int
	}{{b.interval, arrivalsInterval}, {b.fsync, arrivalsFsync}} {
		if _, _, err := arrive(ctx, one.server, one.rate, arrivalsWarm); err != nil {
			return nil, err
		}
		a, failure, err := arrive(ctx, one.server, one.rate, length)
		if err != nil {
			return nil, err
		}
		if failure != nil {
			failures = append(failures, fmt.Errorf("durability %s at %d/s: %d of %d requests failed, the first so: %w", a.Durability, a.Rate, a.Failed, a.Requests, failure))
		}
		out.Rates = append(out.Rates, a)
		r.Progress("%d challenges/s with %s for %.0f s: p99 %.1f ms", a.Rate, a.Durability, a.Seconds, a.P99)
	}
	err = b.finish(ctx)
	out.Audits = b.Audits
	return out, errors.Join(append(failures, err, service.Differences(b.Audits))...)
}

// arrive asks the service for challenges at a constant rate. failure is the first
// request's that failed, if any did.
func arrive(ctx context.Context, s *service.Ocapi, rate int, length time.Duration) (a arrivals, failure, err error) {
	before, err := s.CPU()
	if err != nil {
		return a, nil, err
	}
	ids := make([]service.ChallengeID, requestsOf(rate, length))
	a, failure, err = constant(ctx, s.Addr, rate, length, func(n, status int, body []byte) error {
		id, ok := service.ChallengeOf(body)
		if status != http.StatusOK || !ok {
			return load.Unexpected(status, body)
		}
		ids[n] = id
		return nil
	})
	if err != nil {
		return a, nil, err
	}
	ids = slices.DeleteFunc(ids, func(id service.ChallengeID) bool { return id == service.ChallengeID{} })
	s.Acked.Add(service.AckedCreated, ids)
	s.Appended += len(ids)
	if a.Behind, err = s.Drain(ctx); err != nil {
		return a, nil, err
	}
	cpu, err := s.CPU()
	if err != nil {
		return a, nil, err
	}
	a.Durability = s.Durability
	a.ServerCPU = figures.Microseconds(cpu-before) / float64(len(ids))
	return a, failure, nil
}

func requestsOf(rate int, length time.Duration) int { return int(length.Seconds() * float64(rate)) }

// constant asks for challenges at a constant rate, whoever serves them.
func constant(ctx context.Context, addr string, rate int, length time.Duration, check func(n, status int, body []byte) error) (a arrivals, failure, err error) {
	total := requestsOf(rate, length)
	request := service.AskChallenge()
	l := load.Open{Addr: addr, Rate: rate, Total: total, Check: check, Next: func(_ int, dst []byte) []byte { return append(dst, request...) }}
	o, err := l.Run(ctx)
	if err != nil {
		return a, nil, err
	}
	good := o.Within(0, total)
	if len(good) == 0 {
		return a, nil, fmt.Errorf("no request went well: %w", o.Failure)
	}
	slices.Sort(o.Late)
	a = arrivals{
		Rate: rate, Seconds: length.Seconds(), Requests: total, Failed: o.Failed,
		P50: figures.Milliseconds(figures.Quantile(good, 0.50)), P99: figures.Milliseconds(figures.Quantile(good, 0.99)), P999: figures.Milliseconds(figures.Quantile(good, 0.999)), Max: figures.Milliseconds(figures.Quantile(good, 1)),
		Late: figures.Milliseconds(figures.Quantile(o.Late, 0.99)), Conns: o.Conns,
	}
	for w := range arrivalsWindows {
		a.Windows = append(a.Windows, figures.Milliseconds(figures.Quantile(o.Within(total*w/arrivalsWindows, total*(w+1)/arrivalsWindows), 0.99)))
	}
	return a, o.Failure, nil
}

// Goals: the 99th percentile of the whole time decides, not the windows' median.
func (o *open) Goals() []figures.Goal {
	var out []figures.Goal
	for _, a := range o.Rates {
		what := fmt.Sprintf("%d challenges/s for %.0f s, %s (open model): ", a.Rate, a.Seconds, a.Durability)
		p99 := figures.AtMost(what+"p99", arrivalsBound, "ms", a.Windows)
		p99.Ratio.Median, p99.Reached = a.P99, a.P99 <= arrivalsBound
		out = append(out, p99, figures.AtMost(what+"errors", 0, "", []float64{float64(a.Failed)}))
	}
	return out
}

func (o *open) Benchmarks() []figures.Benchmark {
	var out []figures.Benchmark
	for _, a := range o.Rates {
		out = append(out, figures.Benchmark{Name: fmt.Sprintf("Open/%s/%d", a.Durability, a.Rate), N: a.Requests, Values: []figures.Value{
			{Number: a.P50, Unit: "p50-ms"}, {Number: a.P99, Unit: "p99-ms"}, {Number: a.P999, Unit: "p99.9-ms"}, {Number: a.Max, Unit: "max-ms"}, {Number: float64(a.Failed), Unit: "errors"}, {Number: a.ServerCPU, Unit: "server-cpu-us"},
		}})
	}
	return out
}

func (o *open) Text(markdown bool) string {
	t := figures.Table{Head: []string{"constant rate (open model)", "requests", "errors", "p50 ms", "p99 ms", "of five parts", "p99.9 ms", "most ms", "connections", "CPU µs each"}}
	number := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	late, behind := 0.0, 0
	add := func(title string, a *arrivals) {
		s, cpu := figures.SpreadOf(a.Windows), ""
		if a.ServerCPU > 0 {
			cpu = fmt.Sprintf("%.0f", a.ServerCPU)
		}
		t.Add(fmt.Sprintf("%s, %d/s for %.0f s", title, a.Rate, a.Seconds), strconv.Itoa(a.Requests), strconv.Itoa(a.Failed), number(a.P50), number(a.P99),
			fmt.Sprintf("%.2f-%.2f", s.Min, s.Max), number(a.P999), number(a.Max), strconv.Itoa(a.Conns), cpu)
		late, behind = max(late, a.Late), max(behind, a.Behind)
	}
	add("chi handler", &o.Ceiling)
	for i := range o.Rates {
		add("create, "+o.Rates[i].Durability, &o.Rates[i])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nRequests are sent on schedule whatever comes back; latency counts from the moment one was due, what the generator was late by included (its p99: %.2f ms). "+
		"The archive was at most %d events behind at the end.\n", t.Text(markdown), late, behind)
	for _, a := range o.Audits {
		fmt.Fprintf(&b, "\n%s.\n", a.Verdict())
	}
	return b.String()
}

//go:build linux

package serving

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ocapi/bench/events"
	"ocapi/bench/figures"
	"ocapi/bench/part"
	"ocapi/bench/service"
)

// The short version runs after every test run, on machines that others use too.
// It looks at ratios alone, takes the best of its rounds, and its bounds are about
// half (of what must be small: twice) of what bench measures on a machine of two
// cores with nothing else to do: what became twice as slow is seen, noise is not.
// Whoever makes something faster for good sets its bound anew.
const (
	regressionRounds = 3
	regressionLimit  = 400 * time.Millisecond
	regressionEvents = 300_000

	leastCreates = 0.13
	leastAnswers = 0.12
	leastStates  = 0.37
	leastImages  = 0.36
	leastFlushes = 0.60
	leastReplay  = 0.20
	mostCPU      = 11.0
)

// regressions is the part's result.
type regressions struct {
	Ratios []figures.Goal `json:"ratios"`
}

// MeasureRegressions fails where a ratio is out of its bounds.
func MeasureRegressions(ctx context.Context, r *part.Run) (part.Result, error) {
	b, err := prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	defer b.abandon()
	b.limit, b.rounds = regressionLimit, regressionRounds
	for b.round = 0; b.round <= b.rounds; b.round++ {
		if err := b.regressionRound(ctx); err != nil {
			return nil, fmt.Errorf("round %d: %w", b.round, err)
		}
		r.Progress("round %d of %d", b.round, b.rounds)
	}
	if err := errors.Join(append(b.failures, b.finish(ctx), service.Differences(b.Audits))...); err != nil {
		return nil, err
	}
	short := *r
	short.Short, short.ReplayEvents = false, regressionEvents
	replayed, err := events.MeasureReplays(ctx, &short)
	if err != nil {
		return nil, err
	}
	rounds, ok := replayed.(events.Replays)
	if !ok {
		return nil, fmt.Errorf("the replay's result is a %T", replayed)
	}
	out := &regressions{}
	per := func(over, under string, of func(*measurement) float64) []float64 {
		return figures.Ratios(b.values(over, of), b.values(under, of))
	}
	out.least("creates/s, interval, 64 / chi", leastCreates, per(createInterval, chiFew, rateOf))
	out.least("answers/s, interval, 64 / chi", leastAnswers, per(answerInterval, chiFew, rateOf))
	out.least("states/s, token remembered, 64 / chi", leastStates, per(stateRemembered, chiFew, rateOf))
	out.least("pictures/s, 64 / chi writing the same bytes", leastImages, per(picture, pictureBare, rateOf))
	out.least("creates/s, fsync, 64 / serial fdatasync", leastFlushes, per(createFsyncFew, serialFlush, rateOf))
	out.least("events replayed/s / bare scan", leastReplay, rounds.Values((*events.Replaying).Share))
	out.most("CPU per create, interval, 64 / per chi request", mostCPU, per(createInterval, chiFew, cpuOf))
	return out, out.err()
}

// regressionRound is a round of the server's part without what is not looked at.
func (b *bench) regressionRound(ctx context.Context) error {
	limit := b.limit
	if b.round == 0 {
		limit /= 2
	}
	st := stages{bench: b, limit: limit, began: time.Now()}
	st.bareChallenges(ctx, chiFew, fewConns)
	intervalFew := st.create(ctx, b.interval, createInterval, fewConns)
	st.answer(ctx, b.interval, answerInterval, fewConns, intervalFew)
	st.flushes()
	fsyncFew := st.create(ctx, b.fsync, createFsyncFew, fewConns)
	open := fsyncFew[:min(openChallenges, len(fsyncFew))]
	final := st.answer(ctx, b.fsync, answerFsyncFew, fewConns, fsyncFew[len(open):])
	st.states(ctx, stateRemembered, final, false)
	st.barePictures(ctx)
	st.pictures(ctx, open)
	return st.err
}

// least and most hold the best round against a bound.
func (r *regressions) least(what string, bound float64, rounds []float64) {
	g := figures.AtLeast(what, bound, "", rounds)
	if len(rounds) > 0 {
		g.Ratio.Median = slices.Max(rounds)
		g.Reached = g.Ratio.Median >= bound
	}
	r.Ratios = append(r.Ratios, g)
}

func (r *regressions) most(what string, bound float64, rounds []float64) {
	g := figures.AtMost(what, bound, "", rounds)
	if len(rounds) > 0 {
		g.Ratio.Median = slices.Min(rounds)
		g.Reached = g.Ratio.Median <= bound
	}
	r.Ratios = append(r.Ratios, g)
}

// err names what is out of its bounds.
func (r *regressions) err() error {
	var out []string
	for _, g := range r.Ratios {
		if !g.Reached {
			out = append(out, g.What)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return fmt.Errorf("out of bounds: %s; where the machine was busy, run it again; bench/serving/regressions.go says where the bounds come from", strings.Join(out, "; "))
}

func (r *regressions) Goals() []figures.Goal { return r.Ratios }

func (r *regressions) Text(bool) string {
	return fmt.Sprintf("Best of %d rounds (least-most) beside bounds of about half of what is usual. make bench measures in full.\n", regressionRounds)
}

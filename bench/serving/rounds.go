//go:build linux

package serving

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/load"
	"ocapi/bench/machine"
	"ocapi/bench/service"
)

const (
	fewConns, manyConns = 64, 256
	// warmShare is how much shorter the first round is, which is not counted:
	// heaps grow and caches fill in it.
	warmShare = 5
	// openChallenges of each round stay unanswered, for their pictures.
	openChallenges = 50
)

// The figures, by what is loaded.
const (
	chiFew          = "chi-64"
	chiMany         = "chi-256"
	createFsyncFew  = "create-fsync-64"
	createFsyncMany = "create-fsync-256"
	createInterval  = "create-interval-64"
	answerFsyncFew  = "answer-fsync-64"
	answerFsyncMany = "answer-fsync-256"
	answerInterval  = "answer-interval-64"
	stateRemembered = "state-remembered-64"
	stateFresh      = "state-fresh-64"
	pictureBare     = "picture-chi-64"
	picture         = "picture-64"
	serialFlush     = "fdatasync-1"
)

// measurement is one figure in one round.
type measurement struct {
	Figure    string  `json:"figure"`
	Round     int     `json:"round"`
	Requests  int     `json:"requests"`
	Rate      float64 `json:"per_second"`
	P50       float64 `json:"p50_us"`
	P99       float64 `json:"p99_us"`
	ServerCPU float64 `json:"server_cpu_us_per_request"`
	ClientCPU float64 `json:"client_cpu_us_per_request"`
	Behind    int     `json:"archive_behind_events"`
}

// bench is three servers and what was measured of them.
type bench struct {
	limit           time.Duration // of one stage
	rounds          int
	folder          string
	bare            *service.Process
	fsync, interval *service.Ocapi

	round        int             // from 1; 0 warms up and is not recorded
	Measurements []measurement   `json:"measurements"`
	Failed       int             `json:"failed_requests"`
	Audits       []service.Audit `json:"audits"`
	failures     []error         // one a stage
}

// run measures round by round, always in the same order.
func (b *bench) run(ctx context.Context, progress func(format string, args ...any)) error {
	for b.round = 0; b.round <= b.rounds; b.round++ {
		began := time.Now()
		if err := b.oneRound(ctx); err != nil {
			return fmt.Errorf("round %d: %w", b.round, err)
		}
		if b.round == 0 {
			progress("warmed up after %.0f s", time.Since(began).Seconds())
			continue
		}
		progress("round %d of %d took %.0f s", b.round, b.rounds, time.Since(began).Seconds())
	}
	return nil
}

func (b *bench) oneRound(ctx context.Context) error {
	limit := b.limit
	if b.round == 0 {
		limit /= warmShare
	}
	st := stages{bench: b, limit: limit, began: time.Now()}
	st.bareChallenges(ctx, chiFew, fewConns)
	st.flushes() // right before what is compared with it: disks are moody
	fsyncFew := st.create(ctx, b.fsync, createFsyncFew, fewConns)
	intervalFew := st.create(ctx, b.interval, createInterval, fewConns)
	open := fsyncFew[:min(openChallenges, len(fsyncFew))]
	final := st.answer(ctx, b.fsync, answerFsyncFew, fewConns, fsyncFew[len(open):])
	st.answer(ctx, b.interval, answerInterval, fewConns, intervalFew)
	st.states(ctx, stateRemembered, final, false)
	st.states(ctx, stateFresh, final, true)
	st.barePictures(ctx)
	st.pictures(ctx, open)
	st.bareChallenges(ctx, chiMany, manyConns)
	fsyncMany := st.create(ctx, b.fsync, createFsyncMany, manyConns)
	st.answer(ctx, b.fsync, answerFsyncMany, manyConns, fsyncMany)
	return st.err
}

// measure runs one load and records it. The server's CPU time is taken when its
// archive has caught up, so that it includes all that the load caused. settle
// notes what was acknowledged and gives the service to wait for, if any.
func (b *bench) measure(ctx context.Context, figure string, server *service.Process, l *load.Closed, settle func() *service.Ocapi) error {
	cpuBefore, err := server.CPU()
	if err != nil {
		return fmt.Errorf("%s: %w; the server's last words:\n%s", figure, err, server.Tail())
	}
	ownBefore := machine.OwnCPU()
	o, err := l.Run(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", figure, err)
	}
	own := machine.OwnCPU() - ownBefore
	behind := 0
	if service := settle(); service != nil {
		if behind, err = service.Drain(ctx); err != nil {
			return fmt.Errorf("%s: %w", figure, err)
		}
	}
	cpu, err := server.CPU()
	if err != nil {
		return fmt.Errorf("%s: %w; the server's last words:\n%s", figure, errors.Join(err, o.Failure), server.Tail())
	}
	if o.Failed > 0 {
		b.Failed += o.Failed
		b.failures = append(b.failures, fmt.Errorf("%s, round %d: %d requests failed, the first so: %w", figure, b.round, o.Failed, o.Failure))
	}
	if len(o.Latencies) == 0 {
		return fmt.Errorf("%s: no request went well: %w", figure, errors.Join(o.Failure, ctx.Err()))
	}
	b.record(figure, &o, cpu-cpuBefore, own, behind)
	return nil
}

func (b *bench) record(figure string, o *load.Outcome, server, client time.Duration, behind int) {
	if b.round == 0 || len(o.Latencies) == 0 {
		return
	}
	n := float64(len(o.Latencies))
	b.Measurements = append(b.Measurements, measurement{
		Figure: figure, Round: b.round, Requests: len(o.Latencies), Rate: o.Rate(),
		P50: figures.Microseconds(figures.Quantile(o.Latencies, 0.50)), P99: figures.Microseconds(figures.Quantile(o.Latencies, 0.99)),
		ServerCPU: figures.Microseconds(server) / n, ClientCPU: figures.Microseconds(client) / n, Behind: behind,
	})
}

// values gives one property of a figure, round by round.
func (b *bench) values(figure string, of func(*measurement) float64) []float64 {
	var out []float64
	for i := range b.Measurements {
		if m := &b.Measurements[i]; m.Figure == figure {
			out = append(out, of(m))
		}
	}
	return out
}

// finish stops the servers and compares their archives with what they
// acknowledged.
func (b *bench) finish(ctx context.Context) error {
	for _, s := range []*service.Ocapi{b.fsync, b.interval} {
		if err := s.Stop(); err != nil {
			return fmt.Errorf("stop ocapi: %w\n%s", err, s.Tail())
		}
		a, err := s.Audit(ctx)
		if err != nil {
			return err
		}
		b.Audits = append(b.Audits, a)
	}
	return b.bare.Stop()
}

// profileFor is how long each profile is taken.
const profileFor = 8 * time.Second

// profiles takes CPU profiles of the service under load, after the rounds, and
// what it has allocated since its start.
func (b *bench) profiles(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the folder for profiles: %w", err)
	}
	b.round = 0 // as in the warm-up nothing is recorded: profiling costs
	st := stages{bench: b, limit: profileFor + time.Second, began: time.Now()}
	taking := func(s *service.Ocapi, name string, load func()) {
		taken := make(chan error, 1)
		go func() {
			seconds := int(profileFor.Seconds())
			taken <- s.Profile(ctx, fmt.Sprintf("profile?seconds=%d", seconds), fmt.Sprintf("%s/%s.pprof", folder, name))
		}()
		load()
		st.err = errors.Join(st.err, <-taken)
	}
	var ids, final []service.ChallengeID
	taking(b.fsync, createFsyncMany, func() { st.create(ctx, b.fsync, createFsyncMany, manyConns) })
	taking(b.fsync, createFsyncFew, func() { ids = st.create(ctx, b.fsync, createFsyncFew, fewConns) })
	taking(b.interval, createInterval, func() { st.create(ctx, b.interval, createInterval, fewConns) })
	taking(b.fsync, answerFsyncFew, func() { final = st.answer(ctx, b.fsync, answerFsyncFew, fewConns, ids) })
	taking(b.fsync, stateRemembered, func() { st.states(ctx, stateRemembered, final, false) })
	st.err = errors.Join(st.err, b.fsync.Profile(ctx, "allocs", folder+"/allocs-fsync.pprof"))
	st.err = errors.Join(st.err, b.interval.Profile(ctx, "allocs", folder+"/allocs-interval.pprof"))
	return st.err
}

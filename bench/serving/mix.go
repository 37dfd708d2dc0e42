//go:build linux

package serving

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"ocapi/bench/figures"
	"ocapi/bench/load"
	"ocapi/bench/part"
	"ocapi/bench/profile"
	"ocapi/bench/service"
)

// A full round is what a form costs that is sent: a challenge, all its pictures,
// an answer, and the partner's question for its state. Its answer is to a
// challenge that was created before, for the answers have to be computed.
const (
	mixRounds      = 12_000
	mixRoundsShort = 1_500
	mixProfile     = 10 * time.Second // about as long as the rounds take; idle time is not in a profile
	stageBound     = 0.30
)

// mixed is a full round split by stage, with one durability.
type mixed struct {
	Durability string               `json:"durability"`
	Rounds     int                  `json:"rounds"`
	Rate       float64              `json:"rounds_per_second"`
	Requests   int                  `json:"requests"`
	CPU        float64              `json:"server_cpu_us_per_round"` // archiving included
	Stages     []profile.StageShare `json:"stages"`
}

// mix is the part's result.
type mix struct {
	Of     []mixed         `json:"of"`
	Audits []service.Audit `json:"audits"`
}

// MeasureStages takes CPU profiles of the service under full rounds.
func MeasureStages(ctx context.Context, r *part.Run) (part.Result, error) {
	b, err := prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	defer b.abandon()
	rounds := mixRounds
	if r.Short {
		rounds = mixRoundsShort
	}
	out := &mix{}
	for _, s := range []*service.Ocapi{b.interval, b.fsync} {
		one, err := b.mixed(ctx, s, rounds, cmp.Or(r.Profile, r.Folder))
		if err != nil {
			return nil, fmt.Errorf("durability %s: %w", s.Durability, err)
		}
		out.Of = append(out.Of, one)
		r.Progress("%d full rounds with %s", one.Rounds, s.Durability)
	}
	err = b.finish(ctx)
	out.Audits = b.Audits
	return out, errors.Join(append(b.failures, err, service.Differences(b.Audits))...)
}

// mixed plays rounds while a profile is taken, into a folder.
func (b *bench) mixed(ctx context.Context, s *service.Ocapi, rounds int, folder string) (mixed, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return mixed{}, fmt.Errorf("make the folder for profiles: %w", err)
	}
	b.round = 0 // what is created for the answers is not recorded
	st := stages{bench: b, limit: time.Minute, began: time.Now()}
	solutions, err := st.solutions(ctx, s, rounds)
	if err != nil {
		return mixed{}, err
	}
	tokens := make([]string, fewConns) // a partner's server signs anew from time to time
	for i := range tokens {
		if tokens[i], err = service.Token(s.Secret, i); err != nil {
			return mixed{}, err
		}
	}
	visitors := make([]visitor, fewConns)
	var turn atomic.Int64
	for i := range visitors {
		visitors[i] = visitor{turn: &turn, solutions: solutions, token: tokens[i]}
	}
	l := &load.Closed{
		Addr: s.Addr, Conns: fewConns, Limit: time.Minute,
		Next:  func(conn int, dst []byte) ([]byte, bool) { return visitors[conn].next(dst) },
		Check: func(conn, status int, body []byte) error { return visitors[conn].check(status, body) },
	}
	seconds := int(mixProfile.Seconds())
	file := filepath.Join(folder, "round-"+s.Durability+".pprof")
	profiling, stop := context.WithTimeout(ctx, mixProfile+load.Grace)
	defer stop()
	taken := make(chan error, 1)
	go func() {
		taken <- s.Profile(profiling, fmt.Sprintf("profile?seconds=%d", seconds), file)
	}()
	before, err := s.CPU()
	if err != nil {
		return mixed{}, err
	}
	o, err := l.Run(ctx)
	if err != nil {
		return mixed{}, err
	}
	var created, answered []service.ChallengeID
	out := mixed{Durability: s.Durability, Requests: len(o.Latencies)}
	for i := range visitors {
		v := &visitors[i]
		created, answered = append(created, v.created...), append(answered, v.answered...)
		out.Rounds += v.done
	}
	s.Acked.Add(service.AckedCreated, created)
	s.Acked.Add(service.AckedAnswered, answered)
	s.Appended += len(created) + len(answered)
	if _, err := s.Drain(ctx); err != nil {
		return mixed{}, err
	}
	after, err := s.CPU()
	if err != nil {
		return mixed{}, err
	}
	if o.Failed > 0 {
		return mixed{}, fmt.Errorf("%d requests failed, the first so: %w", o.Failed, o.Failure)
	}
	if out.Rounds == 0 {
		return mixed{}, errors.New("no round was completed")
	}
	out.Rate = float64(out.Rounds) / o.Elapsed.Seconds()
	out.CPU = figures.Microseconds(after-before) / float64(out.Rounds)
	if err := <-taken; err != nil {
		return mixed{}, err
	}
	packed, err := os.ReadFile(file)
	if err != nil {
		return mixed{}, fmt.Errorf("read the profile: %w", err)
	}
	samples, err := profile.ReadProfile(packed)
	if err != nil {
		return mixed{}, err
	}
	out.Stages = profile.Shares(samples, out.CPU)
	return out, nil
}

// solutions creates challenges and gives their right answers.
func (st *stages) solutions(ctx context.Context, s *service.Ocapi, count int) ([]service.Solution, error) {
	var turn atomic.Int64
	request := service.AskChallenge()
	all := st.creations(ctx, s, "challenges to be answered", fewConns, func(_ int, dst []byte) ([]byte, bool) {
		return append(dst, request...), turn.Add(1) <= int64(count)
	})
	if st.err != nil {
		return nil, st.err
	}
	return s.Solve(ctx, st.began, all)
}

// visitor plays rounds over one connection.
type visitor struct {
	turn      *atomic.Int64 // of the solutions, shared by all
	solutions []service.Solution
	token     string

	step              visitorStep
	shown             service.ChallengeID // the challenge of this round
	pictures, picture int                 // that it has, and that were seen
	solved            *service.Solution   // the one that is answered in this round
	created, answered []service.ChallengeID
	done              int // rounds
}

type visitorStep int

const (
	stepCreate visitorStep = iota
	stepPicture
	stepAnswer
	stepState
)

// next gives the visitor's next request, until nothing is left to be answered.
func (v *visitor) next(dst []byte) ([]byte, bool) {
	switch v.step {
	case stepPicture:
		return load.Get(dst, "/challenge/"+service.ClientName+"/"+v.shown.String()+"/images/"+strconv.Itoa(v.picture)), true
	case stepAnswer:
		return service.Post(dst, v.solved), true
	case stepState:
		return service.AskState(dst, v.solved.ID, v.token), true
	case stepCreate:
	}
	n := int(v.turn.Add(1)) - 1
	if n >= len(v.solutions) {
		return nil, false
	}
	v.solved = &v.solutions[n]
	return load.Get(dst, "/challenge/"+service.ClientName), true
}

// check takes the response to what next gave.
func (v *visitor) check(status int, body []byte) error {
	if status != http.StatusOK || len(body) == 0 {
		v.step = stepCreate
		return load.Unexpected(status, body)
	}
	switch v.step {
	case stepCreate:
		id, ok := service.ChallengeOf(body)
		n := bytes.Count(body, []byte(`"url":`))
		if !ok || n == 0 {
			return load.Unexpected(status, body)
		}
		v.created = append(v.created, id)
		v.shown, v.pictures, v.picture, v.step = id, n, 0, stepPicture
	case stepPicture:
		if v.picture++; v.picture == v.pictures {
			v.step = stepAnswer
		}
	case stepAnswer:
		if !bytes.Contains(body, []byte(`"state":"validated"`)) {
			v.step = stepCreate
			return load.Unexpected(status, body)
		}
		v.answered = append(v.answered, v.solved.ID)
		v.step = stepState
	case stepState:
		v.step = stepCreate
		if string(body) != `{"state":"validated"}` {
			return load.Unexpected(status, body)
		}
		v.done++
	}
	return nil
}

// Goals: the largest stage of each.
func (m *mix) Goals() []figures.Goal {
	var out []figures.Goal
	for _, one := range m.Of {
		if len(one.Stages) > 0 {
			largest := one.Stages[0]
			out = append(out, figures.AtMost(fmt.Sprintf("CPU of a full round, %s: largest stage (%s)", one.Durability, largest.Stage), stageBound, "", []float64{largest.Share}))
		}
	}
	return out
}

func (m *mix) Benchmarks() []figures.Benchmark {
	var out []figures.Benchmark
	for _, one := range m.Of {
		line := figures.Benchmark{Name: "Round/" + one.Durability, N: one.Rounds, Values: []figures.Value{{Number: one.Rate, Unit: "per-s"}, {Number: one.CPU, Unit: "server-cpu-us"}}}
		out = append(out, line)
		for _, s := range one.Stages {
			out = append(out, figures.Benchmark{Name: "Round/" + one.Durability + "/" + figures.BenchName(s.Stage), N: one.Rounds, Values: []figures.Value{{Number: s.CPU, Unit: "cpu-us"}}})
		}
	}
	return out
}

func (m *mix) Text(markdown bool) string {
	var b strings.Builder
	for _, one := range m.Of {
		t := figures.Table{Head: []string{"stage of a full round, " + one.Durability, "share", "CPU µs a round", "most of it in"}}
		for _, s := range one.Stages {
			t.Add(s.Stage, fmt.Sprintf("%.1f %%", 100*s.Share), fmt.Sprintf("%.0f", s.CPU), s.Top)
		}
		fmt.Fprintf(&b, "%s\nA full round is a challenge, its pictures, an answer and a state: %.1f requests on the average. %d of them at %.0f/s over %d connections took the server %.0f µs of CPU each, archiving included.\n\n",
			t.Text(markdown), float64(one.Requests)/float64(one.Rounds), one.Rounds, one.Rate, fewConns, one.CPU)
	}
	for _, a := range m.Audits {
		fmt.Fprintf(&b, "%s.\n", a.Verdict())
	}
	return b.String()
}

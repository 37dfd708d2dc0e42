//go:build linux

package serving

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"ocapi/bench/load"
	"ocapi/bench/machine"
	"ocapi/bench/service"
)

// stages runs the stages of one round. After the first error the others do
// nothing.
type stages struct {
	bench *bench
	limit time.Duration
	began time.Time // nothing of this round is older
	err   error
}

func (st *stages) measure(ctx context.Context, figure string, server *service.Process, l *load.Closed, settle func() *service.Ocapi) {
	if st.err == nil {
		st.err = st.bench.measure(ctx, figure, server, l, settle)
	}
}

func nothingToSettle() *service.Ocapi { return nil }

// bareChallenges loads the ceiling.
func (st *stages) bareChallenges(ctx context.Context, figure string, conns int) {
	bare := st.bench.bare
	st.measure(ctx, figure, bare, &load.Closed{
		Addr: bare.Addr, Conns: conns, Limit: st.limit, Next: load.Always(service.AskChallenge()), Check: load.ExpectOK,
	}, nothingToSettle)
}

func (st *stages) barePictures(ctx context.Context) {
	bare := st.bench.bare
	var turn atomic.Uint64
	st.measure(ctx, pictureBare, bare, &load.Closed{
		Addr: bare.Addr, Conns: fewConns, Limit: st.limit, Check: load.ExpectOK,
		Next: func(_ int, dst []byte) ([]byte, bool) {
			return load.Get(dst, "/picture/"+strconv.FormatUint(turn.Add(1), 10)), true
		},
	}, nothingToSettle)
}

// create asks for challenges of any type and gives those it got.
func (st *stages) create(ctx context.Context, s *service.Ocapi, figure string, conns int) []service.ChallengeID {
	return st.creations(ctx, s, figure, conns, load.Always(service.AskChallenge()))
}

// creations asks for challenges as next says and gives those it got.
func (st *stages) creations(ctx context.Context, s *service.Ocapi, figure string, conns int, next func(conn int, dst []byte) ([]byte, bool)) []service.ChallengeID {
	got := make([][]service.ChallengeID, conns)
	var all []service.ChallengeID
	st.measure(ctx, figure, s.Process, &load.Closed{
		Addr: s.Addr, Conns: conns, Limit: st.limit, Next: next,
		Check: func(conn, status int, body []byte) error {
			id, ok := service.ChallengeOf(body)
			if status != http.StatusOK || !ok {
				return load.Unexpected(status, body)
			}
			got[conn] = append(got[conn], id)
			return nil
		},
	}, func() *service.Ocapi {
		all = service.Flatten(got)
		s.Acked.Add(service.AckedCreated, all)
		s.Appended += len(all)
		return s
	})
	return all
}

// answer answers challenges of this round rightly, each once, and gives those
// whose verdict it was told. It ends early when all are answered.
func (st *stages) answer(ctx context.Context, s *service.Ocapi, figure string, conns int, ids []service.ChallengeID) []service.ChallengeID {
	if st.err != nil {
		return nil
	}
	solutions, err := s.Solve(ctx, st.began, ids)
	if err != nil {
		st.err = err
		return nil
	}
	var turn atomic.Int64
	got := make([][]service.ChallengeID, conns)
	var all []service.ChallengeID
	st.measure(ctx, figure, s.Process, &load.Closed{
		Addr: s.Addr, Conns: conns, Limit: st.limit,
		Next: func(_ int, dst []byte) ([]byte, bool) {
			i := int(turn.Add(1)) - 1
			if i >= len(solutions) {
				return nil, false
			}
			return service.Post(dst, &solutions[i]), true
		},
		Check: func(conn, status int, body []byte) error {
			id, ok := service.ChallengeOf(body)
			if status != http.StatusOK || !ok || !bytes.Contains(body, []byte(`"state":"validated"`)) {
				return load.Unexpected(status, body)
			}
			got[conn] = append(got[conn], id)
			return nil
		},
	}, func() *service.Ocapi {
		all = service.Flatten(got)
		s.Acked.Add(service.AckedAnswered, all)
		s.Appended += len(all)
		return s
	})
	return all
}

// mostFresh bounds the tokens that are signed before a stage: more than any
// server on two cores can check in the time. When they are used up, it ends.
const mostFresh = 30_000

// states asks for final states, in turn: with one token, or with a new one each
// time, signed beforehand.
func (st *stages) states(ctx context.Context, figure string, final []service.ChallengeID, fresh bool) {
	if st.err != nil {
		return
	}
	if len(final) == 0 {
		st.err = errors.New("there is no answered challenge to ask for")
		return
	}
	s := st.bench.fsync
	count := 1
	if fresh {
		count = int(mostFresh * st.limit.Seconds())
	}
	tokens := make([]string, count)
	for i := range tokens {
		var err error
		if tokens[i], err = service.Token(s.Secret, i); err != nil {
			st.err = err
			return
		}
	}
	var turn atomic.Int64
	st.measure(ctx, figure, s.Process, &load.Closed{
		Addr: s.Addr, Conns: fewConns, Limit: st.limit,
		Next: func(_ int, dst []byte) ([]byte, bool) {
			i := int(turn.Add(1)) - 1
			t := tokens[0]
			if fresh {
				if i >= len(tokens) {
					return nil, false
				}
				t = tokens[i]
			}
			return service.AskState(dst, final[i%len(final)], t), true
		},
		Check: func(_, status int, body []byte) error {
			if status != http.StatusOK || string(body) != `{"state":"validated"}` {
				return load.Unexpected(status, body)
			}
			return nil
		},
	}, nothingToSettle)
}

// pictures asks for the first two pictures of open challenges, in turn.
func (st *stages) pictures(ctx context.Context, open []service.ChallengeID) {
	if st.err == nil && len(open) == 0 {
		st.err = errors.New("there is no open challenge to look at")
	}
	s := st.bench.fsync
	var turn atomic.Int64
	st.measure(ctx, picture, s.Process, &load.Closed{
		Addr: s.Addr, Conns: fewConns, Limit: st.limit, Check: load.ExpectOK,
		Next: func(_ int, dst []byte) ([]byte, bool) {
			i := int(turn.Add(1))
			return load.Get(dst, "/challenge/"+service.ClientName+"/"+open[i/2%len(open)].String()+"/images/"+strconv.Itoa(i%2)), true
		},
	}, nothingToSettle)
}

func (st *stages) flushes() {
	if st.err != nil {
		return
	}
	o, err := machine.SerialFlushes(st.bench.folder, st.limit/2)
	if err != nil {
		st.err = err
		return
	}
	st.bench.record(serialFlush, &o, 0, 0, 0)
}

// sampleChallenges is how many challenges of each type lend the bare handler
// their bodies and pictures.
const sampleChallenges = 8

// sample fetches challenges and pictures into a folder, for the bare handler to
// write the same bytes.
func sample(ctx context.Context, s *service.Ocapi, folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make a folder for samples: %w", err)
	}
	base := "http://" + s.Addr + "/challenge/" + service.ClientName
	for i := range 2 * sampleChallenges {
		kind := [...]string{"transcription", "classification"}[i%2]
		body, err := service.Fetch(ctx, base+"?type="+kind)
		if err != nil {
			return err
		}
		id, ok := service.ChallengeOf(body)
		if !ok {
			return load.Unexpected(http.StatusOK, body)
		}
		s.Acked.Add(service.AckedCreated, []service.ChallengeID{id})
		s.Appended++
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("challenge-%d.json", i)), body, 0o600); err != nil {
			return fmt.Errorf("keep a sample: %w", err)
		}
		for n := range 2 {
			bytes, err := service.Fetch(ctx, fmt.Sprintf("%s/%s/images/%d", base, id, n))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("picture-%d-%d.bin", i, n)), bytes, 0o600); err != nil {
				return fmt.Errorf("keep a sample: %w", err)
			}
		}
	}
	return nil
}

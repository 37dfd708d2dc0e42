//go:build linux

package main

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
)

// stages runs the stages of one round. After the first error the others do
// nothing.
type stages struct {
	bench *bench
	limit time.Duration
	began time.Time // nothing of this round is older
	err   error
}

func (st *stages) measure(ctx context.Context, figure string, server *process, l *load, settle func() *ocapi) {
	if st.err == nil {
		st.err = st.bench.measure(ctx, figure, server, l, settle)
	}
}

func nothingToSettle() *ocapi { return nil }

// bareChallenges loads the ceiling.
func (st *stages) bareChallenges(ctx context.Context, figure string, conns int) {
	bare := st.bench.bare
	st.measure(ctx, figure, bare, &load{
		addr: bare.addr, conns: conns, limit: st.limit, next: always(askChallenge()), check: expectOK,
	}, nothingToSettle)
}

func (st *stages) barePictures(ctx context.Context) {
	bare := st.bench.bare
	var turn atomic.Uint64
	st.measure(ctx, pictureBare, bare, &load{
		addr: bare.addr, conns: fewConns, limit: st.limit, check: expectOK,
		next: func(_ int, dst []byte) ([]byte, bool) {
			return get(dst, "/picture/"+strconv.FormatUint(turn.Add(1), 10)), true
		},
	}, nothingToSettle)
}

// create asks for challenges of any type and gives those it got.
func (st *stages) create(ctx context.Context, s *ocapi, figure string, conns int) []challengeID {
	return st.creations(ctx, s, figure, conns, always(askChallenge()))
}

// creations asks for challenges as next says and gives those it got.
func (st *stages) creations(ctx context.Context, s *ocapi, figure string, conns int, next func(conn int, dst []byte) ([]byte, bool)) []challengeID {
	got := make([][]challengeID, conns)
	var all []challengeID
	st.measure(ctx, figure, s.process, &load{
		addr: s.addr, conns: conns, limit: st.limit, next: next,
		check: func(conn, status int, body []byte) error {
			id, ok := challengeOf(body)
			if status != http.StatusOK || !ok {
				return unexpected(status, body)
			}
			got[conn] = append(got[conn], id)
			return nil
		},
	}, func() *ocapi {
		all = flatten(got)
		s.acked.add(ackedCreated, all)
		s.appended += len(all)
		return s
	})
	return all
}

// answer answers challenges of this round rightly, each once, and gives those
// whose verdict it was told. It ends early when all are answered.
func (st *stages) answer(ctx context.Context, s *ocapi, figure string, conns int, ids []challengeID) []challengeID {
	if st.err != nil {
		return nil
	}
	solutions, err := s.solve(ctx, st.began, ids)
	if err != nil {
		st.err = err
		return nil
	}
	var turn atomic.Int64
	got := make([][]challengeID, conns)
	var all []challengeID
	st.measure(ctx, figure, s.process, &load{
		addr: s.addr, conns: conns, limit: st.limit,
		next: func(_ int, dst []byte) ([]byte, bool) {
			i := int(turn.Add(1)) - 1
			if i >= len(solutions) {
				return nil, false
			}
			return post(dst, &solutions[i]), true
		},
		check: func(conn, status int, body []byte) error {
			id, ok := challengeOf(body)
			if status != http.StatusOK || !ok || !bytes.Contains(body, []byte(`"state":"validated"`)) {
				return unexpected(status, body)
			}
			got[conn] = append(got[conn], id)
			return nil
		},
	}, func() *ocapi {
		all = flatten(got)
		s.acked.add(ackedAnswered, all)
		s.appended += len(all)
		return s
	})
	return all
}

// mostFresh bounds the tokens that are signed before a stage: more than any
// server on two cores can check in the time. When they are used up, it ends.
const mostFresh = 30_000

// states asks for final states, in turn: with one token, or with a new one each
// time, signed beforehand.
func (st *stages) states(ctx context.Context, figure string, final []challengeID, fresh bool) {
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
		if tokens[i], err = token(s.secret, i); err != nil {
			st.err = err
			return
		}
	}
	var turn atomic.Int64
	st.measure(ctx, figure, s.process, &load{
		addr: s.addr, conns: fewConns, limit: st.limit,
		next: func(_ int, dst []byte) ([]byte, bool) {
			i := int(turn.Add(1)) - 1
			t := tokens[0]
			if fresh {
				if i >= len(tokens) {
					return nil, false
				}
				t = tokens[i]
			}
			return askState(dst, final[i%len(final)], t), true
		},
		check: func(_, status int, body []byte) error {
			if status != http.StatusOK || string(body) != `{"state":"validated"}` {
				return unexpected(status, body)
			}
			return nil
		},
	}, nothingToSettle)
}

// pictures asks for the first two pictures of open challenges, in turn.
func (st *stages) pictures(ctx context.Context, open []challengeID) {
	if st.err == nil && len(open) == 0 {
		st.err = errors.New("there is no open challenge to look at")
	}
	s := st.bench.fsync
	var turn atomic.Int64
	st.measure(ctx, picture, s.process, &load{
		addr: s.addr, conns: fewConns, limit: st.limit, check: expectOK,
		next: func(_ int, dst []byte) ([]byte, bool) {
			i := int(turn.Add(1))
			return get(dst, "/challenge/"+clientName+"/"+open[i/2%len(open)].String()+"/images/"+strconv.Itoa(i%2)), true
		},
	}, nothingToSettle)
}

func (st *stages) flushes() {
	if st.err != nil {
		return
	}
	o, err := serialFlushes(st.bench.folder, st.limit/2)
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
func sample(ctx context.Context, s *ocapi, folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make a folder for samples: %w", err)
	}
	base := "http://" + s.addr + "/challenge/" + clientName
	for i := range 2 * sampleChallenges {
		kind := [...]string{"transcription", "classification"}[i%2]
		body, err := fetch(ctx, base+"?type="+kind)
		if err != nil {
			return err
		}
		id, ok := challengeOf(body)
		if !ok {
			return unexpected(http.StatusOK, body)
		}
		s.acked.add(ackedCreated, []challengeID{id})
		s.appended++
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("challenge-%d.json", i)), body, 0o600); err != nil {
			return fmt.Errorf("keep a sample: %w", err)
		}
		for n := range 2 {
			bytes, err := fetch(ctx, fmt.Sprintf("%s/%s/images/%d", base, id, n))
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

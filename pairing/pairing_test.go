package pairing_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"ocapi/domain"
	"ocapi/pairing"
	"ocapi/projections"
)

// journal is a log, and the archive of it.
type journal struct {
	records []domain.Record
	rng     *rand.Rand
	now     time.Time
	asked   int // times that the archive was read
	down    error
}

func newJournal(seed uint64) *journal {
	return &journal{rng: rand.New(rand.NewPCG(seed, 3)), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (j *journal) append(e domain.Event) domain.Record {
	n := len(j.records)
	data := append(binary.AppendUvarint(nil, uint64(n)), make([]byte, 40)...)
	j.records = append(j.records, domain.Record{Seq: domain.Sequence(n + 1), Event: e, Data: data})
	return j.records[n]
}

func (j *journal) create() *domain.ChallengeCreated {
	c := &domain.ChallengeCreated{Type: domain.TypeTranscription, ExpiresAt: j.now.Add(domain.Lifetime)}
	c.Client, c.At = "site", j.now
	binary.BigEndian.PutUint64(c.Challenge.UUID[8:], uint64(len(j.records)+1))
	j.append(c)
	return c
}

func (j *journal) answer(c *domain.ChallengeCreated, client domain.ClientID) domain.Record {
	a := &domain.ChallengeAnswered{Header: c.Header, Verdict: domain.StatusRejected}
	a.Client, a.At = client, j.now
	return j.append(a)
}

func (j *journal) decode(data []byte) (domain.Event, error) {
	n, _ := binary.Uvarint(data)
	if n >= uint64(len(j.records)) {
		return nil, fmt.Errorf("there is no event %d", n)
	}
	return j.records[n].Event, nil
}

// Challenge implements [pairing.History].
func (j *journal) Challenge(_ context.Context, id domain.ChallengeID) (list []domain.Record, err error) {
	j.asked++
	for _, r := range j.records {
		if r.Event.Head().Challenge == id {
			list = append(list, r)
		}
	}
	return list, j.down
}

// write makes up a log with all that a log may have, and what it must not:
// answers under another name, second ones, late ones.
func (j *journal) write(events int) {
	var open []*domain.ChallengeCreated
	for len(j.records) < events {
		j.now = j.now.Add(time.Duration(j.rng.IntN(30)) * time.Second)
		if n := j.rng.IntN(100); n < 50 || len(open) == 0 {
			open = append(open, j.create())
			continue
		}
		i := j.rng.IntN(len(open))
		if j.rng.IntN(2) == 0 {
			i = len(open) - 1 // most are answered soon
		}
		client := domain.ClientID("site")
		if j.rng.IntN(20) == 0 {
			client = "other"
		}
		j.answer(open[i], client)
		if client == "site" && j.rng.IntN(10) > 0 {
			open = append(open[:i], open[i+1:]...)
		}
	}
}

// pairs says it in the plainest way: which creation each answer is the first one
// to, by the answer's sequence.
func (j *journal) pairs(from domain.Sequence) map[domain.Sequence]domain.ChallengeID {
	found, created, done := map[domain.Sequence]domain.ChallengeID{}, map[domain.ChallengeID]*domain.ChallengeCreated{}, map[domain.ChallengeID]bool{}
	for _, r := range j.records {
		switch e := r.Event.(type) {
		case *domain.ChallengeCreated:
			if r.Seq >= from {
				created[e.Challenge] = e
			}
		case *domain.ChallengeAnswered:
			c := created[e.Challenge]
			if c == nil || c.Client != e.Client || done[e.Challenge] {
				continue
			}
			done[e.Challenge] = true
			if !e.At.After(c.ExpiresAt.Add(domain.AnswerGrace)) {
				found[r.Seq] = e.Challenge
			}
		}
	}
	return found
}

func apply(t *testing.T, p *pairing.Pairing, r domain.Record) *domain.ChallengeCreated {
	t.Helper()
	switch e := r.Event.(type) {
	case *domain.ChallengeCreated:
		p.Created(e, r.Seq, r.Data)
	case *domain.ChallengeAnswered:
		c, err := p.Answered(t.Context(), e, r.Seq)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return nil
}

// TestWhateverIsHeld has pairings that hold all, little or nothing, begin where
// they will, with a memory that is ahead of them, behind or torn, find the same.
func TestWhateverIsHeld(t *testing.T) {
	t.Parallel()
	type setting struct {
		name         string
		most         int
		recent, tear bool
		lag          int // of the memory; less than 0: it is ahead
		from         domain.Sequence
		onward       bool
		noHistory    bool
	}
	settings := []setting{
		{name: "holds all"},
		{name: "holds all, without a history", noHistory: true, onward: true},
		{name: "holds few", most: 5},
		{name: "begins in the middle", from: 300},
		{name: "begins in the middle, holds few", from: 300, most: 5},
		{name: "with a memory that is ahead", recent: true, lag: -40},
		{name: "with a memory that is behind", recent: true, lag: 15},
		{name: "with a memory that leaves out", recent: true, lag: -40, tear: true},
		{name: "with a memory, from the middle", recent: true, lag: -40, from: 300},
		{name: "onward", onward: true, from: 300},
		{name: "onward, holds few", onward: true, from: 300, most: 5},
		{name: "onward, with a memory", onward: true, from: 300, recent: true, lag: -40, most: 5},
	}
	for _, s := range settings {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			first, none := 0, 0
			for seed := range uint64(20) {
				j := newJournal(seed)
				j.write(800)
				p := pairing.Params{Decode: j.decode, History: j, Most: s.most, Onward: s.onward}
				if s.noHistory {
					p.History = nil
				}
				memory := projections.NewRecent(2 << 10) // 25 to 50 creations
				if s.recent {
					p.Recent = memory
				}
				var from domain.Sequence
				if s.onward {
					from = s.from
				}
				want := j.pairs(from)
				pairs, followed := pairing.New(p), 0
				for i, r := range j.records {
					for ; followed < min(i-s.lag, len(j.records)); followed++ {
						if !s.tear || followed%50 > 0 {
							memory.Follow(j.records[followed])
						}
					}
					if r.Seq < s.from {
						continue
					}
					got := apply(t, pairs, r)
					id, ok := want[r.Seq]
					if ok != (got != nil) || ok && got.Challenge != id {
						t.Fatalf("seed %d, event %d: challenge %v; want %v, %v", seed, r.Seq, got, ok, id)
					}
					if ok {
						first++
					} else if _, answer := r.Event.(*domain.ChallengeAnswered); answer {
						none++
					}
				}
			}
			if first < 1000 || none < 300 {
				t.Errorf("%d answers were the first and %d none: the logs do not have everything in them", first, none)
			}
		})
	}
}

// TestRecentIsNotHeldAgain has what is remembered anyway cost nothing, and be
// read from nowhere.
func TestRecentIsNotHeldAgain(t *testing.T) {
	t.Parallel()
	j := newJournal(1)
	memory := projections.NewRecent(1 << 20)
	p := pairing.New(pairing.Params{Decode: j.decode, History: j, Recent: memory})
	first, second := j.create(), j.create()
	for _, r := range j.records {
		memory.Follow(r)
		apply(t, p, r)
	}
	if p.Held() != 0 {
		t.Errorf("%d creations are held beside the memory", p.Held())
	}
	r := j.answer(first, "site")
	memory.Follow(r)
	if c := apply(t, p, r); c != first || j.asked != 0 {
		t.Errorf("the answer's challenge is %v; the archive was read %d times", c, j.asked)
	}
	r = j.answer(first, "site")
	memory.Follow(r)
	if c := apply(t, p, r); c != nil {
		t.Errorf("a second answer counts: %v", c)
	}
	// One that the memory has not seen is asked of the archive.
	j.asked = 0
	if c := apply(t, p, j.answer(second, "site")); c != second || j.asked != 1 {
		t.Errorf("the answer's challenge is %v; the archive was read %d times", c, j.asked)
	}
}

// TestHeldIsBounded has the bound kept, and what is over given back.
func TestHeldIsBounded(t *testing.T) {
	t.Parallel()
	j := newJournal(1)
	p := pairing.New(pairing.Params{Decode: j.decode, History: j, Most: 7})
	first := j.create()
	apply(t, p, j.records[0])
	for range 20 {
		j.create()
		apply(t, p, j.records[len(j.records)-1])
	}
	if p.Held() != 7 {
		t.Errorf("%d are held, the bound is 7", p.Held())
	}
	j.down = domain.Unavailable("away", errors.New("cut"))
	e := j.answer(first, "site")
	if _, err := p.Answered(t.Context(), e.Event.(*domain.ChallengeAnswered), e.Seq); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("an archive that is away gives %v", err)
	}
	j.down = nil
	if c := apply(t, p, e); c != first {
		t.Errorf("when it is back, the challenge is %v", c)
	}
	j.now = j.now.Add(2 * domain.Lifetime)
	j.create()
	if apply(t, p, j.records[len(j.records)-1]); p.Held() != 1 {
		t.Errorf("%d are held, one of them is open", p.Held())
	}
}

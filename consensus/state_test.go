package consensus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/consensus"
	"ocapi/domain"
	"ocapi/projections"
)

// feed applies the journal from the state's position on.
func feed(t *testing.T, s *consensus.State, records []domain.Record) {
	t.Helper()
	for _, r := range records {
		if err := s.Apply(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// quarantinesOf gives the quarantines up to a sequence.
func quarantinesOf(records []domain.Record, through domain.Sequence) (q domain.Quarantines) {
	for _, r := range records {
		if r.Seq <= through {
			q.Apply(r.Event)
		}
	}
	return q
}

// decisions gives all that is due, whatever was looked at.
func decisions(s *consensus.State) []consensus.Decision {
	rules := consensus.DefaultRules()
	s.TouchAll()
	list, _ := s.Decisions(&rules, 1<<30)
	slices.SortFunc(list, func(a, b consensus.Decision) int { return a.Question.Compare(b.Question) })
	return list
}

// run lives through a random history as the service does: answers come, floods
// are quarantined and let in again, what is due is decided batch by batch, the
// node restarts from its snapshot, and another takes over from an older one. It
// gives the state that lived through it.
func (w *world) run(t *testing.T, events int) *consensus.State {
	t.Helper()
	rules := consensus.DefaultRules()
	decided := map[consensus.Question]domain.Annotation{}
	var open []*domain.ChallengeCreated
	var quarantines []*domain.VotesQuarantined
	recent := &countedRecent{Recent: projections.NewRecent(2 << 10)} // 25 to 50 creations
	params := w.params()
	params.Recent, params.Held = recent, 10
	live := consensus.NewState(params)
	old, oldAt := live.Snapshot(), domain.Sequence(0) // of the other node
	for len(w.records) < events {
		for range 1 + w.rng.IntN(30) {
			switch n := w.rng.IntN(100); {
			case n < 50 || len(open) == 0:
				c := w.challenge(decided)
				open = append(open, c)
				w.append(c)
			case n < 97:
				i := w.rng.IntN(len(open))
				w.append(w.answer(open[i]))
				if w.rng.IntN(30) > 0 { // else it is answered again
					open = slices.Delete(open, i, i+1)
				}
			case n < 98 || len(quarantines) == 0:
				q := w.quarantine()
				quarantines = append(quarantines, q)
				w.append(q)
			case n < 99:
				q := quarantines[w.rng.IntN(len(quarantines))]
				w.append(&domain.QuarantineLifted{Header: w.head(q.Challenge, q.Client), Reason: "a test"})
			default:
				if w.rng.IntN(3) == 0 {
					w.append(&domain.ModelFitted{Header: w.head(domain.ChallengeID(domain.ModelID), ""), Version: live.Model().Version + 1, Body: []byte{byte(1 + w.rng.IntN(90))}})
				}
			}
		}
		switch w.rng.IntN(20) {
		case 0: // the node restarts
			live = restored(t, w.journal, params, live.Snapshot(), live.Position().Seq)
		case 1: // another takes over, which has an older snapshot
			next := restored(t, w.journal, params, old, oldAt)
			old, oldAt = live.Snapshot(), live.Position().Seq
			live = next
		}
		recent.follow(w.records, w.rng.IntN(4) > 0)
		feed(t, live, w.records)
		most := 1 + w.rng.IntN(10)
		list, _ := live.Decisions(&rules, most)
		for _, d := range list {
			w.append(d.Event(domain.EventID{UUID: w.id()}, w.now))
			last := w.records[len(w.records)-1]
			decided[d.Question] = domain.EvolveAnnotation(domain.Annotation{}, last.Seq, last.Event)
		}
		if w.rng.IntN(40) == 0 && len(decided) > 0 { // a person decides
			for q, a := range decided {
				if a.Status == domain.QuestionSettled {
					e := &domain.AnnotationWithdrawn{Header: w.head(domain.ChallengeID(domain.AnnotationOf(q.Image, q.Keyword)), ""), Finding: a.Finding, Reason: "a test"}
					w.append(e)
					decided[q] = domain.EvolveAnnotation(a, domain.Sequence(len(w.records)), e)
				}
				break
			}
		}
	}
	// What is due still is decided.
	for {
		feed(t, live, w.records)
		list := decisions(live)
		if len(list) == 0 {
			recent.check(t)
			return live
		}
		for _, d := range list {
			w.append(d.Event(domain.EventID{UUID: w.id()}, w.now))
		}
	}
}

// countedRecent is what the node remembers: it follows the log by itself, ahead of
// the count or behind it.
type countedRecent struct {
	*projections.Recent
	followed    int
	known, lost int // answers
}

// follow reads the log to its end, or not yet.
func (r *countedRecent) follow(records []domain.Record, all bool) {
	if !all {
		return
	}
	for ; r.followed < len(records); r.followed++ {
		r.Follow(records[r.followed])
	}
}

func (r *countedRecent) FirstAnswered(id domain.ChallengeID, answer domain.Sequence) ([]byte, domain.Sequence, bool) {
	data, created, ok := r.Recent.FirstAnswered(id, answer)
	if ok {
		r.known++
	} else {
		r.lost++
	}
	return data, created, ok
}

// check has answers been served from what is remembered, and without it.
func (r *countedRecent) check(t *testing.T) {
	t.Helper()
	if r.known < 20 || r.lost < 20 {
		t.Errorf("%d challenges were remembered when they were answered, %d were not", r.known, r.lost)
	}
}

func restored(t *testing.T, j *journal, p consensus.StateParams, snapshot []byte, at domain.Sequence) *consensus.State {
	t.Helper()
	s, err := consensus.RestoreState(p, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	s.Expect(quarantinesOf(j.records, at))
	if !bytes.Equal(s.Snapshot(), snapshot) {
		t.Fatal("a state that was restored has another snapshot")
	}
	return s
}

// TestReplayEqualsLive has a replay of random histories end with what the service
// ended with, byte by byte: read at once, with the quarantines known beforehand,
// and in parts that are merged.
func TestReplayEqualsLive(t *testing.T) {
	t.Parallel()
	seeds, events := uint64(12), 1500
	if testing.Short() {
		seeds = 3
	}
	var accepted, refuted, withdrawn, disputed, lifted, model int
	for seed := range seeds {
		w := newWorld(seed)
		live := w.run(t, events)
		want := live.Snapshot()
		for _, r := range w.records {
			switch e := r.Event.(type) {
			case *domain.AnnotationAccepted:
				accepted++
			case *domain.AnnotationDisputed:
				disputed++
			case *domain.AnnotationWithdrawn:
				withdrawn++
				if e.Refuted {
					refuted++
				}
			case *domain.QuarantineLifted:
				lifted++
			case *domain.ModelFitted:
				model++
			}
		}

		replay := consensus.NewState(w.params())
		feed(t, replay, w.records)
		if !bytes.Equal(replay.Snapshot(), want) {
			t.Errorf("seed %d: a replay gives another state", seed)
		}
		if due := decisions(replay); len(due) > 0 {
			t.Errorf("seed %d: a replay would decide otherwise: %+v", seed, due)
		}

		foreseen := consensus.NewState(w.params())
		foreseen.Expect(quarantinesOf(w.records, domain.Sequence(len(w.records))))
		feed(t, foreseen, w.records)
		if !bytes.Equal(foreseen.Snapshot(), want) {
			t.Errorf("seed %d: a replay that knows the quarantines beforehand gives another state", seed)
		}

		var parts [2]*consensus.State
		for i := range parts {
			p := w.params()
			p.Keep = func(image domain.ImageID) bool { return int(image[len(image)-1])/2%2 == i }
			parts[i] = consensus.NewState(p)
			feed(t, parts[i], w.records)
		}
		if err := parts[0].Merge(parts[1]); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(parts[0].Snapshot(), want) {
			t.Errorf("seed %d: two halves give another state", seed)
		}
		if err := parts[0].Merge(parts[1]); err == nil {
			t.Error("a half was added twice")
		}
	}
	t.Logf("%d accepted, %d disputed, %d withdrawn, %d of them refuted, %d quarantines lifted, %d models", accepted, disputed, withdrawn, refuted, lifted, model)
	if min(accepted, withdrawn, refuted, lifted, model) == 0 {
		t.Error("the histories do not have everything in them")
	}
}

// TestOrderOfAnswers has the same answers in another order give the same state
// and decisions.
func TestOrderOfAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(3)
	var answers []domain.Event
	for range 600 {
		c := w.challenge(nil)
		w.append(c)
		answers = append(answers, w.answer(c))
	}
	creations := w.records
	var want []consensus.Decision
	for i := range 4 {
		w.journal = newJournal()
		for _, r := range creations {
			w.append(r.Event)
		}
		for _, at := range w.rng.Perm(len(answers)) {
			w.append(answers[at])
		}
		s := consensus.NewState(w.params())
		feed(t, s, w.records)
		got := decisions(s)
		if i == 0 {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
			t.Fatalf("%d decisions, in another order (-first +then):\n%s", len(got), diff)
		}
	}
}

func TestStateNeedsItsHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(1)
	c := w.challenge(nil)
	w.append(c)
	w.append(w.answer(c))
	w.append(w.quarantine())
	s := consensus.NewState(w.params())
	w.down = true
	feed(t, s, w.records[:2]) // it has the creation
	if err := s.Apply(t.Context(), w.records[2]); !errors.Is(err, errDown) {
		t.Errorf("a quarantine without an archive gives %v", err)
	}
	late := consensus.NewState(w.params())
	if err := late.Apply(t.Context(), w.records[1]); !errors.Is(err, errDown) {
		t.Errorf("an answer without its creation gives %v", err)
	}
	p := w.params()
	p.History = nil
	if err := consensus.NewState(p).Apply(context.Background(), w.records[1]); err != nil {
		t.Errorf("without a history an answer without its creation gives %v", err)
	}
}

func TestRestoreStateRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(2)
	body := w.run(t, 400).Snapshot()
	for i := range body {
		bad := bytes.Clone(body)
		bad[i] ^= 0x20
		if _, err := consensus.RestoreState(w.params(), bad); !errors.Is(err, consensus.ErrSnapshot) {
			t.Fatalf("byte %d of %d is damaged: %v", i, len(body), err)
		}
	}
	for _, n := range []int{0, 1, len(body) / 2, len(body) - 1} {
		if _, err := consensus.RestoreState(w.params(), body[:n]); !errors.Is(err, consensus.ErrSnapshot) {
			t.Errorf("%d bytes of %d: %v", n, len(body), err)
		}
	}
}

// TestStateBytes has the memory of open questions stay within 200 bytes each.
func TestStateBytes(t *testing.T) {
	t.Parallel()
	s := openQuestions(t, 100_000)
	per := float64(s.Bytes()) / float64(s.Questions())
	t.Logf("%.0f bytes a question, %.0f of them in the snapshot", per, float64(len(s.Snapshot()))/float64(s.Questions()))
	if per > 200 {
		t.Errorf("%.0f bytes a question", per)
	}
}

// openQuestions gives a state of n transcriptions with two votes each, as images
// are named and words are distributed.
func openQuestions(t testing.TB, n int) *consensus.State {
	t.Helper()
	j := newJournal()
	s := consensus.NewState(j.params())
	for i := range 2 * n {
		c := &domain.ChallengeCreated{Type: domain.TypeTranscription, Positions: []domain.Position{
			{Image: "known", Collection: "c", Role: domain.RoleKnown, Trust: domain.TrustImported, Expected: domain.Truth{Kind: domain.TruthText, Text: "juillet"}},
			{Image: domain.ImageID(fmt.Sprintf("%024d", i%n)), Collection: "c", Role: domain.RoleUnknown},
		}}
		c.Challenge.UUID = j.id()
		j.records = j.records[:0]
		j.append(c)
		a := &domain.ChallengeAnswered{Header: c.Header, Answer: domain.Answer{Texts: []string{"juillet", fmt.Sprintf("reading %d", i%(n/3))}}}
		j.append(a)
		for k, r := range j.records {
			r.Seq = domain.Sequence(2*i + k + 1)
			if err := s.Apply(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// BenchmarkAnswer is what a vote costs: its answer counted, and both questions of
// the challenge looked at.
func BenchmarkAnswer(b *testing.B) {
	w := newWorldOf(1, 4000) // 14 votes an image
	for range 5000 {
		c := w.challenge(nil)
		w.append(c)
		w.append(w.answer(c))
	}
	rules := consensus.DefaultRules()
	took := make([]time.Duration, 0, b.N)
	s := consensus.NewState(w.params())
	votes := 0
	for i := 0; b.Loop(); i = (i + 2) % len(w.records) {
		if i == 0 {
			s = consensus.NewState(w.params())
		}
		began := time.Now()
		for _, r := range w.records[i : i+2] {
			if err := s.Apply(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
		_, n := s.Decisions(&rules, 1<<20)
		took = append(took, time.Since(began)/time.Duration(n))
		votes += n
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs/vote")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1e3/float64(votes), "µs/vote")
}

package eventstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/eventstore"
)

func durabilities() []eventstore.Durability {
	return []eventstore.Durability{eventstore.DurabilityFsync, eventstore.DurabilityInterval}
}

func TestLogKeepsExpectations(t *testing.T) {
	t.Parallel()
	for _, d := range durabilities() {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), d)
			ctx := t.Context()
			c := created("site", newChallengeID())

			first, err := s.log.Append(ctx, c, 0)
			if err != nil || first.Seq != 1 {
				t.Fatalf("append a creation: sequence %d, %v; want 1", first.Seq, err)
			}
			if _, err := s.log.Append(ctx, created("site", c.Challenge), 0); domain.CodeOf(err) != domain.CodeConflict {
				t.Errorf("append a second creation: %v; want a conflict", err)
			}
			if _, err := s.log.Append(ctx, answered(c, domain.StatusRejected), 7); domain.CodeOf(err) != domain.CodeConflict {
				t.Errorf("append an answer with a wrong expectation: %v; want a conflict", err)
			}
			a := answered(c, domain.StatusValidated)
			second, err := s.log.Append(ctx, a, first.Seq)
			if err != nil || second.Seq != 2 {
				t.Fatalf("append the answer: sequence %d, %v; want 2", second.Seq, err)
			}
			last, found, err := s.log.Last(ctx, "site", c.Challenge)
			if err != nil || !found {
				t.Fatalf("read the last event: found %v, %v", found, err)
			}
			if diff := cmp.Diff(domain.Event(a), last.Event); diff != "" {
				t.Errorf("the last event differs (-appended +read):\n%s", diff)
			}
			if _, found, err := s.log.Last(ctx, "other", c.Challenge); found || err != nil {
				t.Errorf("another client's subject: found %v, %v; want neither", found, err)
			}
		})
	}
}

// TestLogOneOfManyAnswersWins races answers to several challenges among
// strangers' creations: one verdict each, and no stranger is hurt.
func TestLogOneOfManyAnswersWins(t *testing.T) {
	t.Parallel()
	for _, d := range durabilities() {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), d)
			ctx := t.Context()
			const contested, racers, strangers = 5, 40, 100
			var wg sync.WaitGroup
			var mu sync.Mutex
			won := map[domain.ChallengeID]int{}
			seqs := map[eventstore.Sequence]bool{}
			for range contested {
				c := created("site", newChallengeID())
				r, err := s.log.Append(ctx, c, 0)
				if err != nil {
					t.Fatal(err)
				}
				for range racers {
					wg.Go(func() {
						_, err := s.log.Append(ctx, answered(c, domain.StatusValidated), r.Seq)
						mu.Lock()
						defer mu.Unlock()
						switch {
						case err == nil:
							won[c.Challenge]++
						case domain.CodeOf(err) != domain.CodeConflict:
							t.Errorf("a racing answer: %v; want a conflict", err)
						}
					})
				}
			}
			for range strangers {
				wg.Go(func() {
					r, err := s.log.Append(ctx, created("stranger", newChallengeID()), 0)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Errorf("a stranger's creation: %v", err)
					}
					if seqs[r.Seq] {
						t.Errorf("sequence %d was given to two events", r.Seq)
					}
					seqs[r.Seq] = true
				})
			}
			wg.Wait()
			if len(won) != contested {
				t.Errorf("%d of %d challenges have a verdict", len(won), contested)
			}
			for id, n := range won {
				if n != 1 {
					t.Errorf("challenge %s has %d verdicts", id, n)
				}
			}
			extent, err := s.log.Extent(ctx)
			if want := eventstore.Sequence(2*contested + strangers); err != nil || extent.Last != want {
				t.Errorf("the log ends at %d, %v; want %d", extent.Last, err, want)
			}
		})
	}
}

// TestLogGathersSequencesTruly checks that the sequence told for each member
// of a batch is where the event is.
func TestLogGathersSequencesTruly(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	ctx := t.Context()
	var wg sync.WaitGroup
	for range 300 {
		wg.Go(func() {
			c := created("site", newChallengeID())
			r, err := s.log.Append(ctx, c, 0)
			if err != nil {
				t.Error(err)
				return
			}
			got, found, err := s.log.Get(ctx, r.Seq)
			if err != nil || !found || got.Event.Head().ID != c.ID {
				t.Errorf("event %s was told to be at %d, where there is %v (%v)", c.ID, r.Seq, got.Event, err)
			}
		})
	}
	wg.Wait()
}

func TestLogSurvivesReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, eventstore.DurabilityFsync)
	c := created("site", newChallengeID())
	r, err := s.log.Append(t.Context(), c, 0)
	if err != nil {
		t.Fatal(err)
	}
	incarnation := s.log.Incarnation()
	s.close()

	s = openStore(t, dir, eventstore.DurabilityInterval) // durability may change between starts
	last, found, err := s.log.Last(t.Context(), "site", c.Challenge)
	if err != nil || !found || last.Seq != r.Seq || last.Incarnation != incarnation {
		t.Errorf("after reopening: %+v, found %v, %v; want sequence %d of incarnation %d", last, found, err, r.Seq, incarnation)
	}
}

func TestLogRefusesAfterClose(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	s.log.Close()
	s.log.Close() // twice does no harm
	if _, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("append to a closed log: %v; want unavailable", err)
	}
}

// TestLogIsUnavailableWithoutServer checks that an append that cannot be
// acknowledged says so, and does not hang.
func TestLogIsUnavailableWithoutServer(t *testing.T) {
	t.Parallel()
	for _, d := range durabilities() {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), d)
			trimmer := eventstore.NewTrimmer(s.log, s.archive, time.Hour, s.logger, time.Now)
			if err := trimmer.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := trimmer.LogFailure(); err != nil {
				t.Errorf("a log that answers is said not to: %v", err)
			}
			s.embedded.Stop()
			if err := trimmer.Once(t.Context()); err == nil {
				t.Error("a log without a server was trimmed")
			}
			if since, err := trimmer.LogFailure(); err == nil || since.IsZero() {
				t.Errorf("a log that does not answer is said to: %v since %v", err, since)
			}
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					_, err := s.log.Append(t.Context(), created(domain.ClientID(fmt.Sprint("site", i)), newChallengeID()), 0)
					var e *domain.Error
					if !errors.As(err, &e) || e.Code != domain.CodeUnavailable || e.RetryAfter <= 0 {
						t.Errorf("append without a server: %v; want unavailable, with a time to come back", err)
					}
				})
			}
			wg.Wait()
			if _, _, err := s.log.Last(t.Context(), "site", newChallengeID()); domain.CodeOf(err) != domain.CodeUnavailable {
				t.Errorf("read without a server: %v; want unavailable", err)
			}
		})
	}
}

package challenges_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ocapi/challenges"
	"ocapi/domain"
)

func keyOf(b byte) domain.IdempotencyKey { return domain.IdempotencyKey{UUID: domain.UUID{b}} }

func (w *world) consume(t *testing.T, id domain.ChallengeID, key domain.IdempotencyKey) domain.Consumption {
	t.Helper()
	c, err := w.Consume(t.Context(), partner, id, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestConsumeOnce goes through what a partner may be told, wherever the
// challenge's events are by then.
func TestConsumeOnce(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"everywhere", "log", "archive"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			move := func(id domain.ChallengeID) {
				if source != "everywhere" {
					w.keepOnly(source, id)
				}
			}
			id := w.issue(t)
			move(id)
			if got := w.consume(t, id, keyOf(1)); got.Outcome != domain.ConsumptionPending {
				t.Fatalf("an open challenge is %v", got.Outcome)
			}
			if source == "archive" {
				// A verdict is always written to the log, after its creation there.
				id = w.issue(t)
			}
			w.pass(time.Minute)
			w.answer(t, id, "lande")
			answered := domain.Moment(w.clock())
			move(id)
			w.pass(time.Hour)
			want := domain.Consumption{Outcome: domain.ConsumptionDone, AnsweredAt: answered}
			if got := w.consume(t, id, keyOf(1)); got != want {
				t.Fatalf("the first attempt is %+v; want %+v", got, want)
			}
			events := w.log.events(partner.ID, id)
			last, ok := events[len(events)-1].(*domain.VerdictConsumed)
			if !ok || last.Key != keyOf(1) || !last.AnsweredAt.Equal(answered) || !last.At.Equal(domain.Moment(w.clock())) {
				t.Fatalf("the last event is %+v", events[len(events)-1])
			}
			if source == "archive" { // the consumption has left the log, too
				s := subject{partner.ID, id}
				w.archive.records[id] = append(w.archive.records[id], w.log.subjects[s]...)
				delete(w.log.subjects, s)
			} else {
				move(id)
			}
			for _, again := range []struct {
				key  domain.IdempotencyKey
				want domain.Consumption
			}{
				{keyOf(1), want}, {keyOf(2), domain.Consumption{Outcome: domain.ConsumptionSpent}},
				{domain.IdempotencyKey{}, domain.Consumption{Outcome: domain.ConsumptionSpent}}, {keyOf(1), want},
			} {
				if got := w.consume(t, id, again.key); got != again.want {
					t.Errorf("again with the key %v: %+v; want %+v", again.key, got, again.want)
				}
			}
			// A look-up goes on telling what it told: it consumes nothing.
			if got, err := w.Status(t.Context(), partner, id); err != nil || got != domain.StatusValidated {
				t.Errorf("the state after it is %v, %v", got, err)
			}
			if _, err := w.Answer(t.Context(), partner, id, texts("lande")); domain.CodeOf(err) != domain.CodeAlreadyAnswered {
				t.Errorf("a second answer after it: %v", err)
			}
			if got, err := w.Consume(t.Context(), other, id, keyOf(1)); err != nil || got.Outcome != domain.ConsumptionUnknown {
				t.Errorf("another client is told %v, %v", got.Outcome, err)
			}
		})
	}
}

func TestConsumeWhatWasNotValidated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rejected, late := w.issue(t), w.issue(t)
	w.answer(t, rejected, "nothing like it")
	w.pass(domain.Lifetime)
	for id, want := range map[domain.ChallengeID]domain.ConsumptionOutcome{
		rejected: domain.ConsumptionRejected, late: domain.ConsumptionExpired, {UUID: domain.UUID{5}}: domain.ConsumptionUnknown,
	} {
		if got := w.consume(t, id, keyOf(1)); got.Outcome != want {
			t.Errorf("%v: %v; want %v", id, got.Outcome, want)
		}
	}
	for id := range map[domain.ChallengeID]bool{rejected: true, late: true} {
		for _, e := range w.log.events(partner.ID, id) {
			if _, ok := e.(*domain.VerdictConsumed); ok {
				t.Errorf("%v was consumed", id)
			}
		}
	}
}

func TestConsumeWhenSourcesAreDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.issue(t)
	w.answer(t, id, "lande")
	w.log.lastErr = errDown
	if got, err := w.Consume(t.Context(), partner, id, keyOf(1)); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("without the log: %v, %v", got, err)
	}
	w.log.lastErr = nil
	w.log.appendErr = func(domain.Event) error { return errDown }
	if got, err := w.Consume(t.Context(), partner, id, keyOf(1)); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("a log that does not take it: %v, %v", got, err)
	}
	w.log.appendErr = nil
	w.keepOnly("archive", id)
	w.archive.err = errDown
	if got, err := w.Consume(t.Context(), partner, id, keyOf(1)); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("without the archive: %v, %v", got, err)
	}
	w.archive.err = nil
	if got := w.consume(t, id, domain.IdempotencyKey{}); got.Outcome != domain.ConsumptionDone {
		t.Errorf("after all of it: %v", got.Outcome)
	}
}

// lossyLog takes events and loses the acknowledgement of consumptions.
type lossyLog struct{ *fakeLog }

func (l lossyLog) Append(ctx context.Context, e domain.Event, expected domain.Sequence) (domain.Record, error) {
	r, err := l.fakeLog.Append(ctx, e, expected)
	if _, ok := e.(*domain.VerdictConsumed); ok && err == nil {
		return domain.Record{}, domain.Unavailable("the log did not acknowledge", errors.New("a lost reply"))
	}
	return r, err
}

func TestConsumeWithALostAcknowledgement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Service = challenges.New(challenges.Config{
		Log: lossyLog{w.log}, Archive: w.archive, Memory: w.memory, Pictures: w.pictures, Limiter: w.limiter, Composer: w.composer, Now: w.clock,
	})
	id := w.issue(t)
	w.answer(t, id, "lande")
	if got := w.consume(t, id, domain.IdempotencyKey{}); got.Outcome != domain.ConsumptionDone {
		t.Errorf("its own event is in the log, and it is told %v", got.Outcome)
	}
	if got := w.consume(t, id, domain.IdempotencyKey{}); got.Outcome != domain.ConsumptionSpent {
		t.Errorf("the next is told %v", got.Outcome)
	}
}

// TestConsumeRace has many attempts on two nodes at once.
func TestConsumeRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	elsewhere := challenges.New(challenges.Config{
		Log: w.log, Archive: w.archive, Memory: newMemory(), Pictures: w.pictures, Limiter: w.limiter, Composer: w.composer, Now: w.clock,
	})
	id := w.issue(t)
	w.answer(t, id, "lande")
	var done, spent atomic.Int32
	var wg sync.WaitGroup
	const attempts = 500
	for i := range attempts {
		node := []*challenges.Service{w.Service, elsewhere}[i%2]
		wg.Go(func() {
			got, err := node.Consume(context.Background(), partner, id, domain.IdempotencyKey{})
			switch {
			case err != nil:
				t.Error(err)
			case got.Outcome == domain.ConsumptionDone:
				done.Add(1)
			case got.Outcome == domain.ConsumptionSpent:
				spent.Add(1)
			}
		})
	}
	wg.Wait()
	if done.Load() != 1 || spent.Load() != attempts-1 {
		t.Errorf("%d of %d were told that they have it, %d that another has", done.Load(), attempts, spent.Load())
	}
}

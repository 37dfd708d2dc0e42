package node

import (
	"log/slog"
	"testing"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place/placetest"
	"ocapi/projections"
	"ocapi/rate"
)

// TestWhatIsRecalledIsFollowed has a node begin with a log whose events are
// archived, and an answer in either part: of each it knows that it was the
// first, as if it had been there.
func TestWhatIsRecalledIsFollowed(t *testing.T) {
	t.Parallel()
	l := placetest.NewLiveLog(t, t.TempDir())
	limiter, err := rate.NewLimiter(rate.Params{Config: rate.DefaultConfig(), Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{
		log: l.Log, stores: l.Stores, logger: slog.New(slog.NewTextHandler(l.Logged, nil)),
		memory: projections.NewMemory(2*domain.Lifetime, 1<<20, eventstore.DecodeEvent),
		gate:   rate.NewGate(rate.GateParams{Limiter: limiter, Now: time.Now, Issued: func(domain.ChallengeID) bool { return false }}),
	}
	put := func(e domain.Event, expected eventstore.Sequence) eventstore.Sequence {
		t.Helper()
		r, err := l.Log.Append(t.Context(), e, expected)
		if err != nil {
			t.Fatal(err)
		}
		return r.Seq
	}
	answer := func(c *domain.ChallengeCreated, seq eventstore.Sequence) eventstore.Sequence {
		t.Helper()
		return put(&domain.ChallengeAnswered{
			Header: l.History.Head(c.Client, c.Challenge), Answer: domain.Answer{Texts: []string{"mai", "juin"}}, Verdict: domain.StatusValidated,
		}, seq)
	}
	early, late := l.History.Create("site", "", 1, 1), l.History.Create("site", "", 2, 2)
	earlyAt, lateAt := put(early, 0), put(late, 0)
	earlyAnswer := answer(early, earlyAt)
	l.Archive(true)
	placetest.Eventually(t, "all is archived", func() bool { return l.Archiver.Position().Seq == earlyAnswer })
	l.Archive(false)
	lateAnswer := answer(late, lateAt) // which the log alone has
	next, err := n.recall(t.Context())
	if err != nil || next != lateAnswer {
		t.Fatalf("recalled up to %d, %v; want %d", next, err, lateAnswer)
	}
	stop := placetest.InBackground(n.follow)
	defer stop()
	placetest.Eventually(t, "the memory has caught up", n.caughtUp.Load)
	for _, c := range []struct {
		what            string
		id              domain.ChallengeID
		answer, created eventstore.Sequence
	}{{"archived", early.Challenge, earlyAnswer, earlyAt}, {"followed", late.Challenge, lateAnswer, lateAt}} {
		if _, created, ok := n.memory.FirstAnswered(c.id, c.answer); !ok || created != c.created {
			t.Errorf("the answer that was %s is not known as the first: %v, created at %d; want %d", c.what, ok, created, c.created)
		}
	}
}

package node

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/command"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place"
	"ocapi/place/placetest"
	"ocapi/projections"
	"ocapi/rate"
)

// remembering is what of a node remembers, over a log and an archive.
type remembering struct {
	*placetest.LiveLog
	node    *node
	limiter *rate.Limiter
	now     time.Time
	records []domain.Record // of the log
}

func newRemembering(t *testing.T) *remembering {
	t.Helper()
	r := &remembering{LiveLog: placetest.NewLiveLog(t, t.TempDir()), now: time.Now()}
	r.node = &node{
		cfg: &Serve{TrimMargin: time.Hour}, env: &command.Environment{Now: func() time.Time { return r.now }},
		log: r.Log, stores: r.Stores, logger: slog.New(slog.NewTextHandler(r.Logged, nil)),
		memory: projections.NewMemory(2*domain.Lifetime, 1<<20, eventstore.DecodeEvent),
	}
	r.node.gate, r.limiter = gateOf(t, r.now)
	return r
}

func gateOf(t *testing.T, now time.Time) (*rate.Gate, *rate.Limiter) {
	t.Helper()
	config := rate.DefaultConfig()
	config.Free = rate.Limit{PerSecond: 0.01, Burst: 100} // so that what was charged is felt
	limiter, err := rate.NewLimiter(rate.Params{Config: config, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return rate.NewGate(rate.GateParams{
		Limiter: limiter, Now: func() time.Time { return now }, Issued: func(domain.ChallengeID) bool { return false },
	}), limiter
}

// live appends challenges of three clients to the log, some of them answered,
// some twice.
func (r *remembering) live(random *rand.Rand, events int) {
	r.T.Helper()
	var open []domain.Record // the last event of each
	for range events {
		var e domain.Event
		var expected eventstore.Sequence
		if i := random.IntN(len(open) + 2); i < len(open) {
			h := open[i].Event.Head()
			e = &domain.ChallengeAnswered{
				Header: r.History.Head(h.Client, h.Challenge), Answer: domain.Answer{Texts: []string{"mai", "juin"}},
				Verdict: domain.StatusValidated + domain.Status(random.IntN(2)),
			}
			expected = open[i].Seq
		} else {
			e = r.History.Create(domain.ClientID("site-"+string(rune('a'+random.IntN(3)))), "", i, i)
		}
		got, err := r.Log.Append(r.T.Context(), e, expected)
		if err != nil {
			r.T.Fatal(err)
		}
		r.records = append(r.records, got)
		if _, created := e.(*domain.ChallengeCreated); created {
			open = append(open, got)
		} else if i := slices.IndexFunc(open, func(o domain.Record) bool { return o.Seq == expected }); random.IntN(3) == 0 {
			open[i] = got
		} else {
			open = slices.Delete(open, i, i+1)
		}
	}
}

// archiveTo archives what the log holds up to a sequence.
func (r *remembering) archiveTo(seq int) {
	r.T.Helper()
	at, err := r.Stores.Archive.Checkpoint(r.T.Context())
	if err != nil {
		r.T.Fatal(err)
	}
	if batch := r.records[at.Seq:max(int(at.Seq), seq)]; len(batch) > 0 { //nolint:gosec // some hundred
		last := batch[len(batch)-1]
		to := eventstore.Checkpoint{Incarnation: last.Incarnation, Seq: last.Seq, EventID: last.Event.Head().ID}
		if err := r.Stores.Archive.Append(r.T.Context(), at, to, batch); err != nil {
			r.T.Fatal(err)
		}
	}
}

// follow has the node begin: with the log closed, until what is archived is
// remembered; then meanwhile happens, and the log is open.
func (r *remembering) follow(archived int, meanwhile func()) {
	r.T.Helper()
	r.T.Cleanup(placetest.InBackground(r.node.follow))
	placetest.Eventually(r.T, "what is archived is remembered before the log is open", func() bool { return r.node.projected.Load() == uint64(archived) }) //nolint:gosec // some hundred
	meanwhile()
	if r.node.caughtUp.Load() {
		r.T.Error("it is ready before the log is open")
	}
	close(r.node.logOpen.channel())
	placetest.Eventually(r.T, "the memory has caught up", r.node.caughtUp.Load)
}

// compare holds what is remembered against what somebody remembers who was there
// from the first event to the last.
func (r *remembering) compare() {
	r.T.Helper()
	memory, n := projections.NewMemory(2*domain.Lifetime, 1<<20, eventstore.DecodeEvent), r.node
	gate, limiter := gateOf(r.T, r.now)
	for _, e := range r.records {
		memory.Follow(e)
		gate.Observe(e)
	}
	for _, e := range r.records {
		id := e.Event.Head().Challenge
		client, status := memory.Status(id)
		if gotClient, got := n.memory.Status(id); got != status || gotClient != client {
			r.T.Errorf("event %d: the challenge is %v of %s; want %v of %s", e.Seq, got, gotClient, status, client)
		}
		data, created, first := memory.FirstAnswered(id, e.Seq)
		if got, gotCreated, gotFirst := n.memory.FirstAnswered(id, e.Seq); gotFirst != first || gotCreated != created || string(got) != string(data) {
			r.T.Errorf("event %d is the first answer to %d: %t; want it to %d: %t", e.Seq, gotCreated, gotFirst, created, first)
		}
		_, seq, found := memory.Created(id)
		if _, got, gotFound := n.memory.Created(id); gotFound != found || got != seq {
			r.T.Errorf("event %d: the creation is at %d (%t); want %d (%t)", e.Seq, got, gotFound, seq, found)
		}
	}
	if got, want := n.memory.Len(), memory.Len(); got != want {
		r.T.Errorf("%d challenges are remembered; want %d", got, want)
	}
	// As many are let in, and refused in the same way.
	for i := range 600 {
		d := rate.Demand{Client: domain.ClientID("site-" + string(rune('a'+i%3)))}
		if got, want := r.limiter.Take(d, r.now), limiter.Take(d, r.now); got != want {
			r.T.Fatalf("demand %d is decided as %+v; want %+v", i, got, want)
		}
	}
}

// TestRecalledIsAsReplayed has a node begin while some of the log's events are
// archived, some are archived as the log is opened, and some are in the log alone.
func TestRecalledIsAsReplayed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                  string
		archived, more, later int
	}{
		{"nothing there", 0, 0, 0},
		{"an empty archive", 0, 0, 200},
		{"all archived", 200, 0, 0},
		{"the archive behind", 150, 0, 100},
		{"archived meanwhile", 100, 60, 0},
		{"archived meanwhile and behind", 100, 60, 70},
		{"only archived meanwhile", 0, 50, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRemembering(t)
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			r.live(rand.New(rand.NewPCG(seed, 1)), c.archived+c.more+c.later)
			r.archiveTo(c.archived)
			r.follow(c.archived, func() { r.archiveTo(c.archived + c.more) })
			r.compare()
		})
	}
}

// TestWhatIsRecalledIsFollowed has a node begin with a log whose events are
// archived, and an answer in either part: of each it knows that it was the
// first, as if it had been there.
func TestWhatIsRecalledIsFollowed(t *testing.T) {
	t.Parallel()
	r := newRemembering(t)
	put := func(e domain.Event, expected eventstore.Sequence) eventstore.Sequence {
		t.Helper()
		got, err := r.Log.Append(t.Context(), e, expected)
		if err != nil {
			t.Fatal(err)
		}
		r.records = append(r.records, got)
		return got.Seq
	}
	answer := func(c *domain.ChallengeCreated, seq eventstore.Sequence) eventstore.Sequence {
		t.Helper()
		return put(&domain.ChallengeAnswered{
			Header: r.History.Head(c.Client, c.Challenge), Answer: domain.Answer{Texts: []string{"mai", "juin"}}, Verdict: domain.StatusValidated,
		}, seq)
	}
	early, late := r.History.Create("site", "", 1, 1), r.History.Create("site", "", 2, 2)
	earlyAt, lateAt := put(early, 0), put(late, 0)
	earlyAnswer := answer(early, earlyAt)
	r.LiveLog.Archive(true)
	placetest.Eventually(t, "all is archived", func() bool { return r.Archiver.Position().Seq == earlyAnswer })
	r.LiveLog.Archive(false)
	lateAnswer := answer(late, lateAt)    // which the log alone has
	r.follow(int(earlyAnswer), func() {}) //nolint:gosec // three
	for _, c := range []struct {
		what            string
		id              domain.ChallengeID
		answer, created eventstore.Sequence
	}{{"archived", early.Challenge, earlyAnswer, earlyAt}, {"followed", late.Challenge, lateAnswer, lateAt}} {
		if _, created, ok := r.node.memory.FirstAnswered(c.id, c.answer); !ok || created != c.created {
			t.Errorf("the answer that was %s is not known as the first: %v, created at %d; want %d", c.what, ok, created, c.created)
		}
	}
	r.compare()
}

// TestRecalledOfALostLog has the log lose all events, which are archived.
func TestRecalledOfALostLog(t *testing.T) {
	t.Parallel()
	r := newRemembering(t)
	r.live(rand.New(rand.NewPCG(1, 2)), 100)
	r.archiveTo(100)
	r.follow(100, func() {
		if err := r.Log.Recreate(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
	})
	r.live(rand.New(rand.NewPCG(3, 4)), 50)
	placetest.Eventually(t, "what comes is followed", func() bool { return r.node.projected.Load() == 150 })
	r.compare()
}

// TestOldEventsAreNotRecalled has a node begin long after the last event, which
// the trimmer is about to remove.
func TestOldEventsAreNotRecalled(t *testing.T) {
	t.Parallel()
	r := newRemembering(t)
	r.live(rand.New(rand.NewPCG(5, 6)), 60)
	r.archiveTo(60)
	r.now = r.now.Add(domain.Lifetime + r.node.cfg.TrimMargin + time.Minute)
	next, err := r.node.recall(t.Context(), 0)
	if err != nil || next != 61 || r.node.memory.Len() != 0 {
		t.Errorf("recalled %d challenges, next is %d, %v; want none, 61", r.node.memory.Len(), next, err)
	}
}

// partlyRead is an archive of which a part cannot be read.
type partlyRead struct {
	eventstore.Archive
	before eventstore.Sequence
}

var errUnread = errors.New("database disk image is malformed")

// Scan implements [eventstore.Archive].
func (a partlyRead) Scan(ctx context.Context, f eventstore.EventFilter, visit func(eventstore.Page) error) error {
	f.Before = min(f.Before, a.before)
	return errors.Join(a.Archive.Scan(ctx, f, visit), errUnread)
}

// TestUnreadArchiveIsMadeUpForByTheLog has a part of the archive unreadable: it
// is said, and the log has the events, too.
func TestUnreadArchiveIsMadeUpForByTheLog(t *testing.T) {
	t.Parallel()
	r := newRemembering(t)
	r.live(rand.New(rand.NewPCG(7, 8)), 120)
	r.archiveTo(100)
	r.node.stores = &place.Stores{Archive: partlyRead{r.Stores.Archive, 51}}
	r.follow(50, func() {})
	r.compare()
	if said := r.Logged.String(); strings.Count(said, errUnread.Error()) != 1 {
		t.Errorf("it said: %s", said)
	}
}

// TestRecallingEndsWithAFailedStart stops a node whose log is never open.
func TestRecallingEndsWithAFailedStart(t *testing.T) {
	t.Parallel()
	r := newRemembering(t)
	r.live(rand.New(rand.NewPCG(9, 10)), 20)
	r.archiveTo(20)
	stop := placetest.InBackground(r.node.follow)
	placetest.Eventually(t, "what is archived is remembered", func() bool { return r.node.projected.Load() == 20 })
	stop() // or the test does not end
	if r.node.caughtUp.Load() || r.Logged.String() != "" {
		t.Errorf("ready: %t; it said: %s", r.node.caughtUp.Load(), r.Logged)
	}
}

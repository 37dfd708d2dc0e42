package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/postgres/postgrestest"
	"ocapi/projections"
)

// eachPlace runs a test over an empty archive of each kind; the place names it
// for commands.
func eachPlace(t *testing.T, test func(t *testing.T, s *stores, p place)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		p := place{Data: filepath.Join(t.TempDir(), "data")}
		s, err := openFolder(t.Context(), p.Data)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, s, p)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		p := place{DatabaseURL: postgrestest.URL(t)}
		succeed(t, "migrate", "up", "--database-url", p.DatabaseURL)
		s, err := openDatabase(t.Context(), p.DatabaseURL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, s, p)
	})
}

// flags name the place on a command line.
func (p place) flags() []string {
	if p.shared() {
		return []string{"--database-url", p.DatabaseURL}
	}
	return []string{"--data", p.Data}
}

// history writes events of a service's life into an archive.
type history struct {
	t       testing.TB
	archive eventstore.Archive
	at      eventstore.Checkpoint
	now     time.Time
	batch   []eventstore.Record
	gap     eventstore.Sequence // to leave out before the next event
	// known and unknown are the collections of such images.
	known, unknown domain.CollectionID
}

func newHistory(t testing.TB, a eventstore.Archive, now time.Time) *history {
	at, err := a.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &history{t: t, archive: a, at: at, now: domain.Moment(now), known: "letters", unknown: "maps"}
}

func (h *history) add(e domain.Event) {
	data, err := eventstore.EncodeEvent(nil, e)
	if err != nil {
		h.t.Fatal(err)
	}
	seq := h.at.Seq + eventstore.Sequence(len(h.batch)) + 1 + h.gap
	h.batch = append(h.batch, eventstore.Record{Seq: seq, Incarnation: 5, StoredAt: h.now.Add(3 * time.Millisecond), Event: e, Data: data})
}

// flush archives what was added.
func (h *history) flush() {
	h.t.Helper()
	if len(h.batch) == 0 {
		return
	}
	last := h.batch[len(h.batch)-1]
	to := eventstore.Checkpoint{Incarnation: 5, Seq: last.Seq, EventID: last.Event.Head().ID}
	if err := h.archive.Append(h.t.Context(), h.at, to, h.batch); err != nil {
		h.t.Fatal(err)
	}
	h.at, h.batch, h.gap = to, nil, 0
}

// lose leaves numbers out, as after an accepted gap.
func (h *history) lose(n eventstore.Sequence) {
	h.flush()
	h.gap = n
}

func (h *history) head(client domain.ClientID, id domain.ChallengeID) domain.Header {
	event, err := uuid.NewV7()
	if err != nil {
		h.t.Fatal(err)
	}
	return domain.Header{ID: domain.EventID{UUID: domain.UUID(event)}, Challenge: id, Client: client, At: h.now}
}

// create adds a challenge with a known image and an unknown one.
func (h *history) create(client domain.ClientID, keyword string, known, unknown int) *domain.ChallengeCreated {
	e := &domain.ChallengeCreated{
		Header: h.head(client, domain.ChallengeID{UUID: domain.UUID(uuid.New())}), Type: domain.TypeTranscription,
		Keyword: keyword, ExpiresAt: h.now.Add(domain.Lifetime), Generation: 1,
		Positions: []domain.Position{
			{Image: domain.ImageID(fmt.Sprintf("known-%02d", known)), Collection: h.known, Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthText, Text: "mai"}},
			{Image: domain.ImageID(fmt.Sprintf("unknown-%02d", unknown)), Collection: h.unknown, Role: domain.RoleUnknown},
		},
	}
	if keyword != "" {
		e.Type = domain.TypeClassification
	}
	h.add(e)
	return e
}

func (h *history) answer(c *domain.ChallengeCreated, verdict domain.Status) {
	h.add(&domain.ChallengeAnswered{Header: h.head(c.Client, c.Challenge), Answer: domain.Answer{Texts: []string{"mai", "juin"}}, Verdict: verdict})
}

// TestSnapshotAndTailAreTheReplayOfTheArchive grows an archive at random, stores
// the statistics at random and restarts from what is stored; after each step
// that has the bytes that a replay of the whole has, and so has the rebuild.
func TestSnapshotAndTailAreTheReplayOfTheArchive(t *testing.T) {
	eachPlace(t, func(t *testing.T, s *stores, p place) {
		ctx := t.Context()
		h := newHistory(t, s.archive, time.Now().Add(-1000*time.Hour))
		live := projections.NewFrequency()
		stored := 0
		rapid.Check(t, func(rt *rapid.T) {
			var open []*domain.ChallengeCreated
			for range rapid.IntRange(1, 30).Draw(rt, "events") {
				h.now = h.now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Minute)).Draw(rt, "pause"))).Truncate(time.Microsecond)
				if len(open) > 0 && rapid.Bool().Draw(rt, "answer") {
					h.answer(open[len(open)-1], rapid.SampledFrom([]domain.Status{domain.StatusValidated, domain.StatusRejected}).Draw(rt, "verdict"))
					open = open[:len(open)-1]
					continue
				}
				open = append(open, h.create(rapid.SampledFrom([]domain.ClientID{"site", "other"}).Draw(rt, "client"),
					rapid.SampledFrom([]string{"", "ship"}).Draw(rt, "keyword"), rapid.IntRange(0, 20).Draw(rt, "known"), rapid.IntRange(0, 90).Draw(rt, "unknown")))
			}
			if rapid.IntRange(0, 4).Draw(rt, "loses") == 0 {
				h.lose(eventstore.Sequence(rapid.IntRange(1, 3).Draw(rt, "lost")))
				h.create("site", "", 1, 1)
			}
			h.flush()
			if _, err := replayFrequency(ctx, s.archive, live); err != nil {
				rt.Fatal(err)
			}
			if rapid.Bool().Draw(rt, "store") {
				stored++
				if _, err := keepFrequency(ctx, s.archive, live, h.now); err != nil {
					rt.Fatal(err)
				}
			}
			if rapid.Bool().Draw(rt, "restart") {
				live = projections.NewFrequency()
				kept, found, err := restoreFrequency(ctx, s.archive, live)
				if err != nil || found != (stored > 0) || live.Position().Seq != kept.At.Seq {
					rt.Fatalf("restored %t at %d, the snapshot's is %d: %v", found, live.Position().Seq, kept.At.Seq, err)
				}
				if _, err := replayFrequency(ctx, s.archive, live); err != nil {
					rt.Fatal(err)
				}
			}
			whole := projections.NewFrequency()
			if _, err := replayFrequency(ctx, s.archive, whole); err != nil {
				rt.Fatal(err)
			}
			at, want := whole.Snapshot()
			if position, got := live.Snapshot(); position != at || at.Seq != h.at.Seq || !bytes.Equal(got, want) {
				rt.Fatalf("after event %d the statistics are not those of a replay of the whole", h.at.Seq)
			}
		})
		_, want := live.Snapshot()
		if said := succeed(t, append([]string{"replay", "rebuild"}, p.flags()...)...); !strings.Contains(said, "snapshot of the statistics is made anew") || !strings.Contains(said, "byte by byte") {
			t.Errorf("the rebuild says %q", said)
		}
		kept, found, err := s.archive.Snapshot(ctx, frequencySnapshot)
		if err != nil || !found || !bytes.Equal(kept.Body, want) {
			t.Errorf("the rebuilt snapshot (found %t, %v) is not what live statistics store", found, err)
		}
	})
}

// TestReplayGoesOverWhatWasDeclaredLost, to the checkpoint, though no event
// stands after the gap.
func TestReplayGoesOverWhatWasDeclaredLost(t *testing.T) {
	eachPlace(t, func(t *testing.T, s *stores, _ place) {
		h := newHistory(t, s.archive, time.Now())
		h.create("site", "", 1, 1)
		h.flush()
		if err := s.archive.Append(t.Context(), h.at, eventstore.Checkpoint{Incarnation: 5, Seq: 9}, nil); err != nil {
			t.Fatal(err)
		}
		f := projections.NewFrequency()
		if n, err := replayFrequency(t.Context(), s.archive, f); err != nil || n != 1 || f.Position().Seq != 1 || f.Next() != 10 {
			t.Errorf("%d events were read, %v; the position is %d and the next event %d", n, err, f.Position().Seq, f.Next())
		}
	})
}

// TestRebuildFindsADamagedSnapshot damages what is stored, reads past it and
// makes it anew.
func TestRebuildFindsADamagedSnapshot(t *testing.T) {
	eachPlace(t, func(t *testing.T, s *stores, p place) {
		h := newHistory(t, s.archive, time.Now())
		for range 10 {
			h.answer(h.create("site", "", 1, 2), domain.StatusValidated)
		}
		h.flush()
		f := projections.NewFrequency()
		if _, err := replayFrequency(t.Context(), s.archive, f); err != nil {
			t.Fatal(err)
		}
		at, sound := f.Snapshot()
		damaged := bytes.Clone(sound)
		damaged[len(damaged)/2] ^= 8
		newer := bytes.Clone(sound)
		newer[len("ocapi frequency\n")]++
		for name, body := range map[string][]byte{"damaged": damaged, "of another version": newer} {
			if _, err := putFrequency(t.Context(), s.archive, at, body, time.Now()); err != nil {
				t.Fatal(err)
			}
			if _, _, err := restoreFrequency(t.Context(), s.archive, projections.NewFrequency()); !errors.Is(err, projections.ErrSnapshot) {
				t.Errorf("%s: restoring = %v, want ErrSnapshot", name, err)
			}
			got := command(t, append([]string{"stats", "clients", "--json"}, p.flags()...)...)
			if got.code != 0 || !strings.Contains(got.out, `"issued":10`) || !strings.Contains(got.err, "cannot be used") {
				t.Errorf("%s: the command ends with %d, %q, %q", name, got.code, got.out, got.err)
			}
			if said := succeed(t, append([]string{"replay", "rebuild"}, p.flags()...)...); !strings.Contains(said, "the one of before was another") {
				t.Errorf("%s: the rebuild says %q", name, said)
			}
			if kept, _, err := s.archive.Snapshot(t.Context(), frequencySnapshot); err != nil || !bytes.Equal(kept.Body, sound) {
				t.Errorf("%s: the rebuilt snapshot is another (%v)", name, err)
			}
		}
	})
}

// BenchmarkWarmStart brings up the statistics of a million events of 100,000
// images, from nothing and from a snapshot at the last event but 10,000.
func BenchmarkWarmStart(b *testing.B) {
	const events, images, tail = 1_000_000, 100_000, 10_000
	s, err := openFolder(b.Context(), filepath.Join(b.TempDir(), "data"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	h := newHistory(b, s.archive, time.Now().Add(-events*time.Second/20))
	rng := rand.New(rand.NewPCG(1, 2))
	stored := projections.NewFrequency()
	for n := 0; n < events; n += 2 {
		h.now = h.now.Add(time.Second / 10).Truncate(time.Microsecond)
		h.answer(h.create("site", "", rng.IntN(images/2), rng.IntN(images/2)), domain.StatusValidated)
		if len(h.batch) == 1000 {
			h.flush()
		}
		if n == events-tail-2 {
			h.flush()
			if _, err := replayFrequency(b.Context(), s.archive, stored); err != nil {
				b.Fatal(err)
			}
			if _, err := keepFrequency(b.Context(), s.archive, stored, h.now); err != nil {
				b.Fatal(err)
			}
		}
	}
	h.flush()
	start := func(b *testing.B, warm bool) {
		for b.Loop() {
			f := projections.NewFrequency()
			if warm {
				if _, _, err := restoreFrequency(context.Background(), s.archive, f); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := replayFrequency(context.Background(), s.archive, f); err != nil {
				b.Fatal(err)
			}
			if f.Position().Seq != events {
				b.Fatalf("it ends at %d", f.Position().Seq)
			}
		}
	}
	b.Run("without", func(b *testing.B) { start(b, false) })
	b.Run("with", func(b *testing.B) { start(b, true) })
}

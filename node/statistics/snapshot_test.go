package statistics_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/node/statistics"
	"ocapi/place"
	"ocapi/place/placetest"
	"ocapi/projections"
)

// TestSnapshotAndTailAreTheReplayOfTheArchive grows an archive at random, stores
// the statistics at random and restarts from what is stored; after each step
// that has the bytes that a replay of the whole has, and so has the rebuild.
func TestSnapshotAndTailAreTheReplayOfTheArchive(t *testing.T) {
	placetest.EachPlace(t, func(t *testing.T, s *place.Stores, p place.Flags) {
		ctx := t.Context()
		h := placetest.NewHistory(t, s.Archive, time.Now().Add(-1000*time.Hour))
		live := projections.NewFrequency()
		stored := 0
		rapid.Check(t, func(rt *rapid.T) {
			var open []*domain.ChallengeCreated
			for range rapid.IntRange(1, 30).Draw(rt, "events") {
				h.Now = h.Now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Minute)).Draw(rt, "pause"))).Truncate(time.Microsecond)
				if len(open) > 0 && rapid.Bool().Draw(rt, "answer") {
					h.Answer(open[len(open)-1], rapid.SampledFrom([]domain.Status{domain.StatusValidated, domain.StatusRejected}).Draw(rt, "verdict"))
					open = open[:len(open)-1]
					continue
				}
				open = append(open, h.Create(rapid.SampledFrom([]domain.ClientID{"site", "other"}).Draw(rt, "client"),
					rapid.SampledFrom([]string{"", "ship"}).Draw(rt, "keyword"), rapid.IntRange(0, 20).Draw(rt, "known"), rapid.IntRange(0, 90).Draw(rt, "unknown")))
			}
			if rapid.IntRange(0, 4).Draw(rt, "loses") == 0 {
				h.Lose(eventstore.Sequence(rapid.IntRange(1, 3).Draw(rt, "lost")))
				h.Create("site", "", 1, 1)
			}
			h.Flush()
			if _, err := replayFrequency(ctx, s.Archive, live); err != nil {
				rt.Fatal(err)
			}
			if rapid.Bool().Draw(rt, "store") {
				stored++
				if _, err := keepFrequency(ctx, s.Archive, live, h.Now); err != nil {
					rt.Fatal(err)
				}
			}
			if rapid.Bool().Draw(rt, "restart") {
				live = projections.NewFrequency()
				kept, found, err := statistics.RestoreFrequency(ctx, s.Archive, live)
				if err != nil || found != (stored > 0) || live.Position().Seq != kept.At.Seq {
					rt.Fatalf("restored %t at %d, the snapshot's is %d: %v", found, live.Position().Seq, kept.At.Seq, err)
				}
				if _, err := replayFrequency(ctx, s.Archive, live); err != nil {
					rt.Fatal(err)
				}
			}
			whole := projections.NewFrequency()
			if _, err := replayFrequency(ctx, s.Archive, whole); err != nil {
				rt.Fatal(err)
			}
			at, want := whole.Snapshot()
			if position, got := live.Snapshot(); position != at || at.Seq != h.At.Seq || !bytes.Equal(got, want) {
				rt.Fatalf("after event %d the statistics are not those of a replay of the whole", h.At.Seq)
			}
		})
		_, want := live.Snapshot()
		if said := programtest.Succeed(t, append([]string{"replay", "rebuild"}, placetest.FlagsOf(p)...)...); !strings.Contains(said, "snapshot of the statistics is made anew") || !strings.Contains(said, "byte by byte") {
			t.Errorf("the rebuild says %q", said)
		}
		kept, found, err := s.Archive.Snapshot(ctx, statistics.FrequencySnapshot)
		if err != nil || !found || !bytes.Equal(kept.Body, want) {
			t.Errorf("the rebuilt snapshot (found %t, %v) is not what live statistics store", found, err)
		}
	})
}

// TestReplayGoesOverWhatWasDeclaredLost, to the checkpoint, though no event
// stands after the gap.
func TestReplayGoesOverWhatWasDeclaredLost(t *testing.T) {
	placetest.EachPlace(t, func(t *testing.T, s *place.Stores, _ place.Flags) {
		h := placetest.NewHistory(t, s.Archive, time.Now())
		h.Create("site", "", 1, 1)
		h.Flush()
		if err := s.Archive.Append(t.Context(), h.At, eventstore.Checkpoint{Incarnation: 5, Seq: 9}, nil); err != nil {
			t.Fatal(err)
		}
		f := projections.NewFrequency()
		if n, err := replayFrequency(t.Context(), s.Archive, f); err != nil || n != 1 || f.Position().Seq != 1 || f.Next() != 10 {
			t.Errorf("%d events were read, %v; the position is %d and the next event %d", n, err, f.Position().Seq, f.Next())
		}
	})
}

// TestRebuildFindsADamagedSnapshot damages what is stored, reads past it and
// makes it anew.
func TestRebuildFindsADamagedSnapshot(t *testing.T) {
	placetest.EachPlace(t, func(t *testing.T, s *place.Stores, p place.Flags) {
		h := placetest.NewHistory(t, s.Archive, time.Now())
		for range 10 {
			h.Answer(h.Create("site", "", 1, 2), domain.StatusValidated)
		}
		h.Flush()
		f := projections.NewFrequency()
		if _, err := replayFrequency(t.Context(), s.Archive, f); err != nil {
			t.Fatal(err)
		}
		at, sound := f.Snapshot()
		damaged := bytes.Clone(sound)
		damaged[len(damaged)/2] ^= 8
		newer := bytes.Clone(sound)
		newer[len("ocapi frequency\n")]++
		for name, body := range map[string][]byte{"damaged": damaged, "of another version": newer} {
			if _, err := putFrequency(t.Context(), s.Archive, at, body, time.Now()); err != nil {
				t.Fatal(err)
			}
			if _, _, err := statistics.RestoreFrequency(t.Context(), s.Archive, projections.NewFrequency()); !errors.Is(err, projections.ErrSnapshot) {
				t.Errorf("%s: restoring = %v, want ErrSnapshot", name, err)
			}
			got := programtest.Command(t, append([]string{"stats", "clients", "--json"}, placetest.FlagsOf(p)...)...)
			if got.Code != 0 || !strings.Contains(got.Out, `"issued":10`) || !strings.Contains(got.Err, "cannot be used") {
				t.Errorf("%s: the command ends with %d, %q, %q", name, got.Code, got.Out, got.Err)
			}
			if said := programtest.Succeed(t, append([]string{"replay", "rebuild"}, placetest.FlagsOf(p)...)...); !strings.Contains(said, "the one of before was another") {
				t.Errorf("%s: the rebuild says %q", name, said)
			}
			if kept, _, err := s.Archive.Snapshot(t.Context(), statistics.FrequencySnapshot); err != nil || !bytes.Equal(kept.Body, sound) {
				t.Errorf("%s: the rebuilt snapshot is another (%v)", name, err)
			}
		}
	})
}

// BenchmarkWarmStart brings up the statistics of a million events of 100,000
// images, from nothing and from a snapshot at the last event but 10,000.
func BenchmarkWarmStart(b *testing.B) {
	const events, images, tail = 1_000_000, 100_000, 10_000
	s, err := place.OpenFolder(b.Context(), filepath.Join(b.TempDir(), "data"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	h := placetest.NewHistory(b, s.Archive, time.Now().Add(-events*time.Second/20))
	rng := rand.New(rand.NewPCG(1, 2))
	stored := projections.NewFrequency()
	for n := 0; n < events; n += 2 {
		h.Now = h.Now.Add(time.Second / 10).Truncate(time.Microsecond)
		h.Answer(h.Create("site", "", rng.IntN(images/2), rng.IntN(images/2)), domain.StatusValidated)
		if len(h.Batch) == 1000 {
			h.Flush()
		}
		if n == events-tail-2 {
			h.Flush()
			if _, err := replayFrequency(b.Context(), s.Archive, stored); err != nil {
				b.Fatal(err)
			}
			if _, err := keepFrequency(b.Context(), s.Archive, stored, h.Now); err != nil {
				b.Fatal(err)
			}
		}
	}
	h.Flush()
	start := func(b *testing.B, warm bool) {
		for b.Loop() {
			f := projections.NewFrequency()
			if warm {
				if _, _, err := statistics.RestoreFrequency(context.Background(), s.Archive, f); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := replayFrequency(context.Background(), s.Archive, f); err != nil {
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

// replayFrequency applies what is archived after the statistics' position.
func replayFrequency(ctx context.Context, a eventstore.Archive, f *projections.Frequency) (events int, err error) {
	return statistics.Replay(ctx, a, f, 0, nil)
}

// keepFrequency stores the statistics, whose last event has to be archived, as
// the archive's snapshot. It gives what was stored.
func keepFrequency(ctx context.Context, a eventstore.Archive, f *projections.Frequency, now time.Time) (eventstore.Snapshot, error) {
	position, body := f.Snapshot()
	return putFrequency(ctx, a, position, body, now)
}

func putFrequency(ctx context.Context, a eventstore.Archive, at projections.Position, body []byte, now time.Time) (eventstore.Snapshot, error) {
	return statistics.Put(ctx, a, statistics.FrequencySnapshot, at, body, now)
}

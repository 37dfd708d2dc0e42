package node

import (
	"context"
	"errors"
	"testing"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place"
	"ocapi/place/placetest"
	"ocapi/projections"
)

// awayArchive is an archive of which challenges cannot be read, at times.
type awayArchive struct {
	eventstore.Archive
	away bool
	read int
}

func (a *awayArchive) Challenge(ctx context.Context, id domain.ChallengeID) ([]eventstore.Record, error) {
	if a.away {
		return nil, domain.Unavailable("the archive does not answer", errors.New("cut"))
	}
	a.read++
	return a.Archive.Challenge(ctx, id)
}

// TestWatchReadsOldCreationsFromTheArchive has the watch count an answer whose
// challenge the node's memory has forgotten, though the archive cannot be read
// when it comes, and hold nothing of its own.
func TestWatchReadsOldCreationsFromTheArchive(t *testing.T) {
	placetest.EachPlace(t, func(t *testing.T, s *place.Stores, _ place.Flags) {
		ctx := t.Context()
		h := placetest.NewHistory(t, s.Archive, time.Now().Add(-time.Hour).Truncate(time.Microsecond))
		archive := &awayArchive{Archive: s.Archive}
		memory := projections.NewMemory(time.Hour, 4<<10, eventstore.DecodeEvent) // a handful
		w := newVoteWatch(archive, memory)
		if err := w.begin(ctx); err != nil {
			t.Fatal(err)
		}
		// take is what happens to a batch: the memory follows, it is archived, and watched.
		take := func() error {
			batch := h.Batch
			for _, r := range batch {
				memory.Follow(r)
			}
			h.Flush()
			return w.take(ctx, batch)
		}
		watched := func(want, read int) {
			t.Helper()
			if got := w.Figures().WindowVotes; got != want || archive.read != read || w.pairs.Held() != 0 {
				t.Fatalf("%d votes are watched, %d creations were read from the archive, %d are held; want %d, %d and none", got, archive.read, w.pairs.Held(), want, read)
			}
		}
		old := h.Create("site", "", 1, 1)
		latest := old
		for i := range 40 {
			latest = h.Create("site", "", 2, i)
			if err := take(); err != nil {
				t.Fatal(err)
			}
		}
		h.Answer(latest, domain.StatusValidated)
		if err := take(); err != nil {
			t.Fatal(err)
		}
		watched(1, 0)
		archive.away = true
		h.Answer(old, domain.StatusValidated)
		h.Create("site", "", 4, 4)
		if err := take(); domain.CodeOf(err) != domain.CodeUnavailable {
			t.Fatalf("without an archive the watch says %v", err)
		}
		watched(1, 0)
		archive.away = false
		h.Create("site", "", 5, 5)
		if err := take(); err != nil {
			t.Fatal(err)
		}
		watched(2, 1)
	})
}

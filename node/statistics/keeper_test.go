package statistics

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place"
	"ocapi/place/placetest"
	"ocapi/projections"
)

func statisticsOn(n *placetest.LiveLog, every time.Duration) *Frequency {
	return NewFrequency(Params{
		Archive: n.Stores.Archive, Log: n.Log, Archiver: n.Archiver, Logger: slog.New(slog.NewTextHandler(n.Logged, nil)), Now: time.Now, Every: every,
	}, projections.NewFrequency())
}

// storedUpTo is the last event of the archive's snapshot; 0 when there is none.
func storedUpTo(n *placetest.LiveLog) eventstore.Sequence {
	n.T.Helper()
	s, _, err := n.Stores.Archive.Snapshot(n.T.Context(), FrequencySnapshot)
	if err != nil {
		n.T.Fatal(err)
	}
	return s.At.Seq
}

// TestStatisticsAreStoredByWhoArchives stores while running, what is archived
// and nothing before it is.
func TestStatisticsAreStoredByWhoArchives(t *testing.T) {
	t.Parallel()
	n := placetest.NewLiveLog(t, filepath.Join(t.TempDir(), "data"))
	s := statisticsOn(n, 5*time.Millisecond)
	for _, run := range []func(context.Context){s.Run, s.Keep} {
		t.Cleanup(placetest.InBackground(run))
	}
	last := n.Issue(20)
	placetest.Eventually(t, "the statistics to have read the log", func() bool { return s.Frequency.Position().Seq == last })
	if got := s.Frequency.Dealt(1); got != 20 {
		t.Errorf("%d challenges were dealt; want 20", got)
	}
	if s.due(time.Now().Add(time.Hour)) || storedUpTo(n) != 0 {
		t.Error("a node that does not archive stores statistics")
	}
	s.Finish()
	if storedUpTo(n) != 0 {
		t.Error("a node that does not archive stores statistics at its end")
	}
	n.Archive(true)
	placetest.Eventually(t, "the statistics to be stored", func() bool { return storedUpTo(n) == last })
	last = n.Issue(5)
	placetest.Eventually(t, "what came after to be stored", func() bool { return storedUpTo(n) == last })
	whole := projections.NewFrequency()
	if _, err := Replay(t.Context(), n.Stores.Archive, whole, 0, nil); err != nil {
		t.Fatal(err)
	}
	_, want := whole.Snapshot()
	if kept, _, err := n.Stores.Archive.Snapshot(t.Context(), FrequencySnapshot); err != nil || !bytes.Equal(kept.Body, want) {
		t.Errorf("what is stored is not what a replay gives (%v)", err)
	}
}

// TestStatisticsWaitForTheArchive has the log ahead of an archive that takes
// nothing: what may still be lost must not be stored.
func TestStatisticsWaitForTheArchive(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	n := placetest.NewLiveLog(t, dir)
	n.Archive(true)
	first := n.Issue(3)
	s := statisticsOn(n, time.Hour)
	t.Cleanup(placetest.InBackground(s.Run))
	placetest.Eventually(t, "the first events to be archived", func() bool { return n.Archiver.Position().Seq == first })
	release := placetest.HoldArchive(t, dir)
	last := n.Issue(3)
	placetest.Eventually(t, "the statistics to have read the log", func() bool { return s.Frequency.Position().Seq == last })
	ended := make(chan error, 1)
	go func() { ended <- s.store(t.Context()) }()
	if at, _ := s.Frequency.Snapshot(); at.Seq != last || n.Archiver.Position().Seq != first {
		t.Fatalf("the statistics are at %d and the archive at %d", at.Seq, n.Archiver.Position().Seq)
	}
	release()
	if err := <-ended; err != nil || storedUpTo(n) != last {
		t.Errorf("it is stored up to %d, %v; want %d", storedUpTo(n), err, last)
	}
}

// TestStatisticsOfATrimmedLog begin in the archive and go on in the log, with or
// without a snapshot, or with one that is damaged.
func TestStatisticsOfATrimmedLog(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := place.OpenFolder(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	h := placetest.NewHistory(t, s.Archive, time.Now().Add(-time.Hour))
	for range 10 {
		h.Answer(h.Create("site", "", 1, 1), domain.StatusValidated)
	}
	h.Lose(2)
	h.Create("site", "", 1, 1)
	h.Flush()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	n := placetest.NewLiveLog(t, dir) // its log begins after what is archived
	n.Archive(true)
	last := n.Issue(4)
	const challenges = 10 + 1 + 4
	warm := func(what string) {
		t.Helper()
		s := statisticsOn(n, time.Hour)
		stop := placetest.InBackground(s.Run)
		placetest.Eventually(t, what, s.caughtUp.Load)
		stop()
		if o := s.Frequency.Totals().Outcomes[domain.TypeTranscription]; o != (projections.Outcomes{Issued: challenges, Validated: 10, Expired: 1}) || s.Frequency.Position().Seq != last {
			t.Errorf("%s: at event %d of %d the outcomes are %+v", what, s.Frequency.Position().Seq, last, o)
		}
		placetest.Eventually(t, "everything to be archived", func() bool { return n.Archiver.Position().Seq == last })
		s.Finish()
		if storedUpTo(n) != last {
			t.Errorf("%s: at the end it is stored up to %d; want %d", what, storedUpTo(n), last)
		}
	}
	warm("without a snapshot")
	warm("with a snapshot")
	kept, _, err := n.Stores.Archive.Snapshot(t.Context(), FrequencySnapshot)
	if err != nil {
		t.Fatal(err)
	}
	kept.Body[40] ^= 1
	if err := n.Stores.Archive.PutSnapshot(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	warm("with a damaged snapshot")
	if !strings.Contains(n.Logged.String(), "made anew from the archive") {
		t.Errorf("the damage was not said: %s", n.Logged)
	}
}

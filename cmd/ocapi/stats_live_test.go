package main

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
	"ocapi/projections"
)

func statisticsOn(n *liveNode, every time.Duration) *statistics {
	return newStatistics(statisticsParams{
		Archive: n.stores.archive, Log: n.log, Archiver: n.archiver, Logger: slog.New(slog.NewTextHandler(n.logged, nil)), Now: time.Now, Every: every,
	})
}

// storedUpTo is the last event of the archive's snapshot; 0 when there is none.
func storedUpTo(n *liveNode) eventstore.Sequence {
	n.t.Helper()
	s, _, err := n.stores.archive.Snapshot(n.t.Context(), frequencySnapshot)
	if err != nil {
		n.t.Fatal(err)
	}
	return s.At.Seq
}

// TestStatisticsAreStoredByWhoArchives stores while running, what is archived
// and nothing before it is.
func TestStatisticsAreStoredByWhoArchives(t *testing.T) {
	t.Parallel()
	n := newLiveNode(t, filepath.Join(t.TempDir(), "data"))
	s := statisticsOn(n, 5*time.Millisecond)
	for _, run := range []func(context.Context){s.run, s.keep} {
		t.Cleanup(inBackground(run))
	}
	last := n.issue(20)
	eventually(t, "the statistics to have read the log", func() bool { return s.frequency.Position().Seq == last })
	if got := s.frequency.Dealt(1); got != 20 {
		t.Errorf("%d challenges were dealt; want 20", got)
	}
	if s.due(time.Now().Add(time.Hour)) || storedUpTo(n) != 0 {
		t.Error("a node that does not archive stores statistics")
	}
	s.finish()
	if storedUpTo(n) != 0 {
		t.Error("a node that does not archive stores statistics at its end")
	}
	n.archive(true)
	eventually(t, "the statistics to be stored", func() bool { return storedUpTo(n) == last })
	last = n.issue(5)
	eventually(t, "what came after to be stored", func() bool { return storedUpTo(n) == last })
	whole := projections.NewFrequency()
	if _, err := replayCounts(t.Context(), n.stores.archive, whole, 0, nil); err != nil {
		t.Fatal(err)
	}
	_, want := whole.Snapshot()
	if kept, _, err := n.stores.archive.Snapshot(t.Context(), frequencySnapshot); err != nil || !bytes.Equal(kept.Body, want) {
		t.Errorf("what is stored is not what a replay gives (%v)", err)
	}
}

// TestStatisticsWaitForTheArchive has the log ahead of an archive that takes
// nothing: what may still be lost must not be stored.
func TestStatisticsWaitForTheArchive(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	n := newLiveNode(t, dir)
	n.archive(true)
	first := n.issue(3)
	s := statisticsOn(n, time.Hour)
	t.Cleanup(inBackground(s.run))
	eventually(t, "the first events to be archived", func() bool { return n.archiver.Position().Seq == first })
	release := holdArchive(t, dir)
	last := n.issue(3)
	eventually(t, "the statistics to have read the log", func() bool { return s.frequency.Position().Seq == last })
	ended := make(chan error, 1)
	go func() { ended <- s.store(t.Context()) }()
	if at, _ := s.frequency.Snapshot(); at.Seq != last || n.archiver.Position().Seq != first {
		t.Fatalf("the statistics are at %d and the archive at %d", at.Seq, n.archiver.Position().Seq)
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
	s, err := openFolder(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	h := newHistory(t, s.archive, time.Now().Add(-time.Hour))
	for range 10 {
		h.answer(h.create("site", "", 1, 1), domain.StatusValidated)
	}
	h.lose(2)
	h.create("site", "", 1, 1)
	h.flush()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	n := newLiveNode(t, dir) // its log begins after what is archived
	n.archive(true)
	last := n.issue(4)
	const challenges = 10 + 1 + 4
	warm := func(what string) {
		t.Helper()
		s := statisticsOn(n, time.Hour)
		stop := inBackground(s.run)
		eventually(t, what, s.caughtUp.Load)
		stop()
		if o := s.frequency.Totals().Outcomes[domain.TypeTranscription]; o != (projections.Outcomes{Issued: challenges, Validated: 10, Expired: 1}) || s.frequency.Position().Seq != last {
			t.Errorf("%s: at event %d of %d the outcomes are %+v", what, s.frequency.Position().Seq, last, o)
		}
		eventually(t, "everything to be archived", func() bool { return n.archiver.Position().Seq == last })
		s.finish()
		if storedUpTo(n) != last {
			t.Errorf("%s: at the end it is stored up to %d; want %d", what, storedUpTo(n), last)
		}
	}
	warm("without a snapshot")
	warm("with a snapshot")
	kept, _, err := n.stores.archive.Snapshot(t.Context(), frequencySnapshot)
	if err != nil {
		t.Fatal(err)
	}
	kept.Body[40] ^= 1
	if err := n.stores.archive.PutSnapshot(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	warm("with a damaged snapshot")
	if !strings.Contains(n.logged.String(), "made anew from the archive") {
		t.Errorf("the damage was not said: %s", n.logged)
	}
}

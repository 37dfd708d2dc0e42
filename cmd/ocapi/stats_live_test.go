package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/projections"
)

// liveNode is the part of a node that statistics need, over a folder.
type liveNode struct {
	t        *testing.T
	stores   *stores
	log      *eventstore.Log
	archiver *eventstore.Archiver
	history  *history // makes events; archives none
	logged   *syncBuffer
	archive  func(run bool) // starts and stops the archiver
}

func newLiveNode(t *testing.T, dir string) *liveNode {
	t.Helper()
	n := &liveNode{t: t, logged: &syncBuffer{}}
	var err error
	if n.stores, err = openFolder(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.stores.Close() })
	logger := slog.New(slog.NewTextHandler(n.logged, nil))
	embedded, err := eventstore.StartEmbedded(eventstore.EmbeddedConfig{
		Dir: filepath.Join(dir, logFolder), Durability: eventstore.DurabilityInterval, MaxBytes: minLogMaxBytes, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(embedded.Stop)
	at, err := n.stores.archive.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n.log, err = embedded.OpenLog(t.Context(), eventstore.LogConfig{
		MaxBytes: minLogMaxBytes, Durability: eventstore.DurabilityInterval, AckTimeout: ackTimeout, Now: time.Now, Logger: logger,
	}, at.Seq)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.log.Close)
	n.archiver = eventstore.NewArchiver(n.log, n.stores.archive, logger, time.Now)
	var stop func()
	n.archive = func(run bool) {
		if stop != nil {
			stop()
			stop = nil
		}
		if run {
			stop = inBackground(n.archiver.Run)
			eventually(t, "the archiver", n.archiver.Active)
		}
	}
	t.Cleanup(func() { n.archive(false) })
	n.history = newHistory(t, n.stores.archive, time.Now())
	return n
}

// inBackground runs something until it is stopped.
func inBackground(run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { run(ctx) })
	return sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
}

// issue appends challenges to the log.
func (n *liveNode) issue(count int) (last eventstore.Sequence) {
	n.t.Helper()
	for i := range count {
		r, err := n.log.Append(n.t.Context(), n.history.create("site", "", i, i), 0)
		if err != nil {
			n.t.Fatal(err)
		}
		last = r.Seq
	}
	n.history.batch = nil
	return last
}

func (n *liveNode) statistics(every time.Duration) *statistics {
	return newStatistics(statisticsParams{
		Archive: n.stores.archive, Log: n.log, Archiver: n.archiver, Logger: slog.New(slog.NewTextHandler(n.logged, nil)), Now: time.Now, Every: every,
	}, projections.NewFrequency())
}

// storedUpTo is the last event of the archive's snapshot; 0 when there is none.
func (n *liveNode) storedUpTo() eventstore.Sequence {
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
	s := n.statistics(5 * time.Millisecond)
	for _, run := range []func(context.Context){s.run, s.keep} {
		t.Cleanup(inBackground(run))
	}
	last := n.issue(20)
	eventually(t, "the statistics to have read the log", func() bool { return s.frequency.Position().Seq == last })
	if got := s.frequency.Dealt(1); got != 20 {
		t.Errorf("%d challenges were dealt; want 20", got)
	}
	if s.due(time.Now().Add(time.Hour)) || n.storedUpTo() != 0 {
		t.Error("a node that does not archive stores statistics")
	}
	s.finish()
	if n.storedUpTo() != 0 {
		t.Error("a node that does not archive stores statistics at its end")
	}
	n.archive(true)
	eventually(t, "the statistics to be stored", func() bool { return n.storedUpTo() == last })
	last = n.issue(5)
	eventually(t, "what came after to be stored", func() bool { return n.storedUpTo() == last })
	whole := projections.NewFrequency()
	if _, err := replayFrequency(t.Context(), n.stores.archive, whole); err != nil {
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
	s := n.statistics(time.Hour)
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
	if err := <-ended; err != nil || n.storedUpTo() != last {
		t.Errorf("it is stored up to %d, %v; want %d", n.storedUpTo(), err, last)
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
		s := n.statistics(time.Hour)
		stop := inBackground(s.run)
		eventually(t, what, s.caughtUp.Load)
		stop()
		if o := s.frequency.Totals().Outcomes[domain.TypeTranscription]; o != (projections.Outcomes{Issued: challenges, Validated: 10, Expired: 1}) || s.frequency.Position().Seq != last {
			t.Errorf("%s: at event %d of %d the outcomes are %+v", what, s.frequency.Position().Seq, last, o)
		}
		eventually(t, "everything to be archived", func() bool { return n.archiver.Position().Seq == last })
		s.finish()
		if n.storedUpTo() != last {
			t.Errorf("%s: at the end it is stored up to %d; want %d", what, n.storedUpTo(), last)
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

package placetest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ocapi/eventstore"
	"ocapi/place"
	"ocapi/sqlite"
)

// LiveLog is the part of a node that statistics need, over a folder.
type LiveLog struct {
	T        *testing.T
	Stores   *place.Stores
	Log      *eventstore.Log
	Archiver *eventstore.Archiver
	History  *history // makes events; archives none
	Logged   *SyncBuffer
	Archive  func(run bool) // starts and stops the archiver
}

// liveLogBytes is more than any of these tests writes.
const liveLogBytes = 64 << 20

// NewLiveLog opens a folder and its log; both are closed with the test.
func NewLiveLog(t *testing.T, dir string) *LiveLog {
	t.Helper()
	n := &LiveLog{T: t, Logged: &SyncBuffer{}}
	var err error
	if n.Stores, err = place.OpenFolder(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Stores.Close() })
	logger := slog.New(slog.NewTextHandler(n.Logged, nil))
	embedded, err := eventstore.StartEmbedded(eventstore.EmbeddedConfig{
		Dir: filepath.Join(dir, place.LogFolder), Durability: eventstore.DurabilityInterval, MaxBytes: liveLogBytes, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(embedded.Stop)
	at, err := n.Stores.Archive.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n.Log, err = embedded.OpenLog(t.Context(), eventstore.LogConfig{
		MaxBytes: liveLogBytes, Durability: eventstore.DurabilityInterval, AckTimeout: place.AckTimeout, Now: time.Now, Logger: logger,
	}, at.Seq)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Log.Close)
	n.Archiver = eventstore.NewArchiver(n.Log, n.Stores.Archive, logger, time.Now)
	var stop func()
	n.Archive = func(run bool) {
		if stop != nil {
			stop()
			stop = nil
		}
		if run {
			stop = InBackground(n.Archiver.Run)
			Eventually(t, "the archiver", n.Archiver.Active)
		}
	}
	t.Cleanup(func() { n.Archive(false) })
	n.History = NewHistory(t, n.Stores.Archive, time.Now())
	return n
}

// InBackground runs something until it is stopped.
func InBackground(run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { run(ctx) })
	return sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
}

// Issue appends challenges to the log.
func (n *LiveLog) Issue(count int) (last eventstore.Sequence) {
	n.T.Helper()
	for i := range count {
		r, err := n.Log.Append(n.T.Context(), n.History.Create("site", "", i, i), 0)
		if err != nil {
			n.T.Fatal(err)
		}
		last = r.Seq
	}
	n.History.Batch = nil
	return last
}

// HoldArchive keeps the archiver from writing until the returned function is
// called: what is acknowledged meanwhile is in the log alone.
func HoldArchive(t *testing.T, dir string) (release func()) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, place.ArchiveFile))
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Write.BeginTx(t.Context(), nil) // takes the write lock at once
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(tx.Rollback(), db.Close()); err != nil {
			t.Error(err)
		}
	}
}

package main

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
	"ocapi/sqlite"
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

// liveLogBytes is more than any of these tests writes.
const liveLogBytes = 64 << 20

// newLiveNode opens a folder and its log; both are closed with the test.
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
		Dir: filepath.Join(dir, logFolder), Durability: eventstore.DurabilityInterval, MaxBytes: liveLogBytes, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
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
		MaxBytes: liveLogBytes, Durability: eventstore.DurabilityInterval, AckTimeout: ackTimeout, Now: time.Now, Logger: logger,
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

// holdArchive keeps the archiver from writing until the returned function is
// called: what is acknowledged meanwhile is in the log alone.
func holdArchive(t *testing.T, dir string) (release func()) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, archiveFile))
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

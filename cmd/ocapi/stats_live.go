package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ocapi/eventstore"
	"ocapi/projections"
)

const (
	// snapshotEvery is how often the statistics are stored while they change: what
	// came since has to be read at a start.
	snapshotEvery = 5 * time.Minute
	// snapshotBytesPerSecond spaces large ones out: 44 MB of a million images are
	// written every eleven minutes.
	snapshotBytesPerSecond = 64 << 10
	// snapshotPatience bounds the wait until what a snapshot goes up to is
	// archived.
	snapshotPatience = 30 * time.Second
	// finishPatience bounds the last snapshot when stopping.
	finishPatience = 5 * time.Second
)

// statistics are the image frequency of a running node.
type statistics struct {
	*keeper
	frequency *projections.Frequency
}

// daily are what became of the challenges of each day, of a running node.
type daily struct {
	*keeper
	days *projections.Days
}

// keeper keeps a projection of a running node: warm from the archive's
// snapshot, brought up to date from the archive, then fed from the log; and
// stores it while this node is the one that archives.
//
// It has a consumer of the log to itself: where events are missing it goes back
// to the archive and waits, which the memory of recent challenges must not.
type keeper struct {
	statisticsParams
	counts counts
	name   string // of the snapshot
	what   string // for the log

	caughtUp atomic.Bool // it has read what the log held at some time

	mu   sync.Mutex
	kept keptSnapshot
}

// counts is a projection that is kept warm.
type counts interface {
	Apply(r eventstore.Record) error
	Skip(to eventstore.Sequence)
	Next() eventstore.Sequence
	Position() projections.Position
	Snapshot() (projections.Position, []byte)
	Restore(at projections.Position, snapshot []byte) error
}

var (
	_ counts = (*projections.Frequency)(nil)
	_ counts = (*projections.Days)(nil)
)

type statisticsParams struct {
	Archive  eventstore.Archive
	Log      *eventstore.Log
	Archiver *eventstore.Archiver
	Logger   *slog.Logger
	Now      func() time.Time
	Every    time.Duration // between snapshots; 0: snapshotEvery
}

// keptSnapshot is what this node knows of the archive's snapshot.
type keptSnapshot struct {
	seq    eventstore.Sequence // 0: there is none
	madeAt time.Time
	due    time.Time // the next one
}

func newStatistics(p statisticsParams, f *projections.Frequency) *statistics {
	return &statistics{keeper: newKeeper(p, f, frequencySnapshot, "statistics"), frequency: f}
}

func newDaily(p statisticsParams) *daily {
	d := projections.NewDays()
	return &daily{keeper: newKeeper(p, d, daysSnapshot, "daily figures"), days: d}
}

func newKeeper(p statisticsParams, c counts, name, what string) *keeper {
	if p.Every == 0 {
		p.Every = snapshotEvery
	}
	s := &keeper{statisticsParams: p, counts: c, name: name, what: what}
	s.kept.due = time.Now().Add(p.Every)
	return s
}

// run feeds the projection until ctx ends.
func (s *keeper) run(ctx context.Context) {
	began := time.Now()
	warm := s.restore(ctx)
	var said string
	for ctx.Err() == nil {
		before := s.counts.Next()
		err := s.feed(ctx, func() {
			if s.caughtUp.CompareAndSwap(false, true) {
				s.Logger.Info("the "+s.what+" are up to date", "event", s.counts.Position().Seq, "from_snapshot", warm, "took", time.Since(began).Round(time.Millisecond))
			}
		})
		if ctx.Err() != nil {
			return
		}
		moved := s.counts.Next() != before
		if moved {
			said = ""
		}
		// Nothing is wrong with the service by it, and a hole is the archiver's to
		// report.
		if err != nil && said != err.Error() {
			said = err.Error()
			s.Logger.Warn("the "+s.what+" have lost the log and look for it", "error", err)
		}
		if !moved {
			sleep(ctx, time.Second)
		}
	}
}

// restore takes the archive's snapshot, and tells how many events that saves.
func (s *keeper) restore(ctx context.Context) eventstore.Sequence {
	for ctx.Err() == nil {
		kept, found, err := restoreCounts(ctx, s.Archive, s.name, s.counts)
		switch {
		case found:
			s.remember(kept)
			return kept.At.Seq
		case err == nil:
			return 0
		case errors.Is(err, projections.ErrSnapshot):
			s.Logger.Warn("the "+s.what+" are made anew from the archive", "error", err)
			return 0
		case ctx.Err() == nil:
			s.Logger.Warn("the snapshot of the "+s.what+" could not be read", "error", err)
			sleep(ctx, time.Second)
		}
	}
	return 0
}

// feed reads what is archived and then follows the log, until an event is
// missing or the log is lost.
func (s *keeper) feed(ctx context.Context, caughtUp func()) error {
	done := spareMemory()
	events, err := replayCounts(ctx, s.Archive, s.counts, past{}, nil)
	done()
	if err != nil {
		return err
	}
	const many = 10_000 // of them another start should not read again
	if events > many {
		s.mu.Lock()
		s.kept.due = time.Now()
		s.mu.Unlock()
	}
	return s.Log.Follow(ctx, s.counts.Next(), followBatch, followLinger, func(batch []eventstore.Record) error {
		for _, r := range batch {
			if err := s.counts.Apply(r); err != nil {
				return err
			}
		}
		return nil
	}, caughtUp)
}

// keep stores the projection now and then, until ctx ends.
func (s *keeper) keep(ctx context.Context) {
	failing := false
	for sleep(ctx, min(s.Every, time.Second)) {
		if !s.due(time.Now()) {
			continue
		}
		err := s.store(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			s.Logger.Warn("the "+s.what+" could not be stored; a start takes longer", "error", err)
		}
		failing = err != nil
	}
}

// due tells whether it is this node's turn, and time, to store something new.
func (s *keeper) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Before(s.kept.due) && s.Archiver.Active() && s.counts.Position().Seq > s.kept.seq
}

func (s *keeper) store(ctx context.Context) error {
	position, body := s.counts.Snapshot()
	ctx, cancel := context.WithTimeout(ctx, snapshotPatience)
	defer cancel()
	// What the log alone has may still be lost, and must not be remembered.
	for s.Archiver.Position().Seq < position.Seq {
		if !sleep(ctx, 20*time.Millisecond) {
			return nil // the archiver says what keeps it
		}
	}
	kept, err := putCounts(ctx, s.Archive, s.name, position, body, s.Now())
	if err != nil {
		s.mu.Lock()
		s.kept.due = time.Now().Add(s.Every)
		s.mu.Unlock()
		return err
	}
	s.remember(kept)
	return nil
}

func (s *keeper) remember(kept eventstore.Snapshot) {
	pause := max(s.Every, time.Duration(len(kept.Body))*time.Second/snapshotBytesPerSecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = keptSnapshot{seq: kept.At.Seq, madeAt: kept.MadeAt, due: time.Now().Add(pause)}
}

// finish stores the projection a last time, with all that is archived, after
// run and keep have ended and while the archiver still runs.
func (s *keeper) finish() {
	if !s.Archiver.Active() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), finishPatience)
	defer cancel()
	if s.caughtUp.Load() {
		if _, err := replayCounts(ctx, s.Archive, s.counts, past{}, nil); err != nil {
			s.Logger.Warn("the last events are not in the "+s.what+" that are stored", "error", err)
		}
	}
	s.mu.Lock()
	s.kept.due = time.Time{}
	s.mu.Unlock()
	if !s.due(time.Now()) {
		return
	}
	if err := s.store(ctx); err != nil {
		s.Logger.Warn("the "+s.what+" could not be stored; the next start takes longer", "error", err)
	}
}

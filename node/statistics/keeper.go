package statistics

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ocapi/eventstore"
	"ocapi/node/headroom"
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
	// readBatch bounds what a projection takes from the log in one go, and
	// readLinger is how long it may wait to be full: nobody waits for it.
	readBatch  = 1000
	readLinger = 20 * time.Millisecond
	// finishPatience bounds the last snapshot when stopping.
	finishPatience = 5 * time.Second
)

// Frequency is the image frequency of a running node.
type Frequency struct {
	*Keeper
	Frequency *projections.Frequency // safe for concurrent use
}

// Daily is what became of the challenges of each day, of a running node.
type Daily struct {
	*Keeper
	Days *projections.Days // safe for concurrent use
}

// Keeper keeps a projection of a running node: warm from the archive's
// snapshot, brought up to date from the archive, then fed from the log; and
// stores it while this node is the one that archives.
//
// Run and Keep each need a goroutine; Finish comes after both have ended. The rest is
// safe for concurrent use.
//
// It has a consumer of the log to itself: where events are missing it goes back
// to the archive and waits, which the memory of recent challenges must not.
type Keeper struct {
	Params
	counts Counts
	name   string // of the snapshot
	what   string // for the log

	caughtUp atomic.Bool // it has read what the log held at some time

	mu   sync.Mutex
	kept keptSnapshot
}

// Counts is a projection that is kept warm.
type Counts interface {
	Apply(r eventstore.Record) error
	Skip(to eventstore.Sequence)
	Next() eventstore.Sequence
	Position() projections.Position
	Snapshot() (projections.Position, []byte)
	Restore(at projections.Position, snapshot []byte) error
}

var (
	_ Counts = (*projections.Frequency)(nil)
	_ Counts = (*projections.Days)(nil)
)

// Params are what a keeper works with; all are needed but Every.
type Params struct {
	Archive  eventstore.Archive // has the snapshot, and what was before the log
	Log      *eventstore.Log
	Archiver *eventstore.Archiver // tells whether this node archives, and how far
	Logger   *slog.Logger
	Now      func() time.Time // the service's clock
	Every    time.Duration    // between snapshots; 0: snapshotEvery
}

// keptSnapshot is what this node knows of the archive's snapshot.
type keptSnapshot struct {
	seq    eventstore.Sequence // 0: there is none
	madeAt time.Time
	due    time.Time // the next one
}

// NewFrequency makes the statistics of f, which is empty until Run feeds it.
func NewFrequency(p Params, f *projections.Frequency) *Frequency {
	return &Frequency{Keeper: newKeeper(p, f, FrequencySnapshot, "statistics"), Frequency: f}
}

// NewDaily makes the daily figures, which are empty until Run feeds them.
func NewDaily(p Params) *Daily {
	d := projections.NewDays()
	return &Daily{Keeper: newKeeper(p, d, DaysSnapshot, "daily figures"), Days: d}
}

func newKeeper(p Params, c Counts, name, what string) *Keeper {
	if p.Every == 0 {
		p.Every = snapshotEvery
	}
	s := &Keeper{Params: p, counts: c, name: name, what: what}
	s.kept.due = time.Now().Add(p.Every)
	return s
}

// UpToDate tells whether the projection has read what the log held at some time:
// before, its figures are not complete.
func (s *Keeper) UpToDate() bool { return s.caughtUp.Load() }

// Next is the sequence of the event that the projection reads next.
func (s *Keeper) Next() eventstore.Sequence { return s.counts.Next() }

// Run feeds the projection until ctx ends.
func (s *Keeper) Run(ctx context.Context) {
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
			wait(ctx, time.Second)
		}
	}
}

// restore takes the archive's snapshot, and tells how many events that saves.
func (s *Keeper) restore(ctx context.Context) eventstore.Sequence {
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
			wait(ctx, time.Second)
		}
	}
	return 0
}

// feed reads what is archived and then follows the log, until an event is
// missing or the log is lost.
func (s *Keeper) feed(ctx context.Context, caughtUp func()) error {
	done := headroom.Spare()
	events, err := Replay(ctx, s.Archive, s.counts, 0, nil)
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
	return s.Log.Follow(ctx, s.counts.Next(), readBatch, readLinger, func(batch []eventstore.Record) error {
		for _, r := range batch {
			if err := s.counts.Apply(r); err != nil {
				return err
			}
		}
		return nil
	}, caughtUp)
}

// Keep stores the projection now and then, until ctx ends.
func (s *Keeper) Keep(ctx context.Context) {
	failing := false
	for wait(ctx, min(s.Every, time.Second)) {
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
func (s *Keeper) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Before(s.kept.due) && s.Archiver.Active() && s.counts.Position().Seq > s.kept.seq
}

func (s *Keeper) store(ctx context.Context) error {
	position, body := s.counts.Snapshot()
	ctx, cancel := context.WithTimeout(ctx, snapshotPatience)
	defer cancel()
	// What the log alone has may still be lost, and must not be remembered.
	for s.Archiver.Position().Seq < position.Seq {
		if !wait(ctx, 20*time.Millisecond) {
			return nil // the archiver says what keeps it
		}
	}
	kept, err := Put(ctx, s.Archive, s.name, position, body, s.Now())
	if err != nil {
		s.mu.Lock()
		s.kept.due = time.Now().Add(s.Every)
		s.mu.Unlock()
		return err
	}
	s.remember(kept)
	return nil
}

func (s *Keeper) remember(kept eventstore.Snapshot) {
	pause := max(s.Every, time.Duration(len(kept.Body))*time.Second/snapshotBytesPerSecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = keptSnapshot{seq: kept.At.Seq, madeAt: kept.MadeAt, due: time.Now().Add(pause)}
}

// Finish stores the projection a last time, with all that is archived, after
// run and keep have ended and while the archiver still runs.
func (s *Keeper) Finish() {
	if !s.Archiver.Active() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), finishPatience)
	defer cancel()
	if s.caughtUp.Load() {
		if _, err := Replay(ctx, s.Archive, s.counts, 0, nil); err != nil {
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

// wait waits; it is false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

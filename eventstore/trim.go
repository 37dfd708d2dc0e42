package eventstore

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"ocapi/domain"
)

// trimEvery is how often the trimmer looks.
const trimEvery = time.Second

// keepEvents is how many events the margin may keep: the server's index costs
// about 250 bytes of memory for each subject (measured). Beyond it the log is
// trimmed to what is alive.
const keepEvents = 2_000_000

const (
	// askPatience bounds the question whether the log answers.
	askPatience = 2 * time.Second
	// silentAfter is how long the log may leave it unanswered before callers are
	// told at once instead of waiting: a leader's election takes longer, but
	// whoever waits for it then waits in vain most of the time.
	silentAfter = 3 * time.Second
)

// fullFraction of MaxBytes is where creations are refused.
const fullFraction = 1 - createReserve

// Trimmer keeps the log short: it removes what is archived and older than every
// live challenge plus a margin, tells the log how full it is, and knows whether
// it answers.
type Trimmer struct {
	log     *Log
	archive Archive
	margin  time.Duration
	logger  *slog.Logger
	now     func() time.Time
	every   time.Duration
	keep    Sequence

	mu      sync.Mutex
	failure error
	since   time.Time // when failure began
	extent  Extent    // at the last look
}

// NewTrimmer makes a trimmer; Run starts it. margin is how much longer than a
// challenge's life events stay in the log: the archive's recovery point. It is
// cut short when the log holds more than keepEvents.
func NewTrimmer(log *Log, archive Archive, margin time.Duration, logger *slog.Logger, now func() time.Time) *Trimmer {
	return &Trimmer{log: log, archive: archive, margin: margin, logger: logger, now: now, every: trimEvery, keep: keepEvents}
}

// Run trims until ctx ends. Faults are tried again; each is logged when it
// begins, not every second.
func (t *Trimmer) Run(ctx context.Context) {
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	failing := false
	for {
		err := t.Once(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			t.logger.Warn("the event log could not be trimmed", "error", err)
		case err == nil && failing:
			t.logger.Info("the event log can be trimmed again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// LogFailure tells that the log does not answer, and since when; nil while it
// does. It is as old as the last look.
func (t *Trimmer) LogFailure() (since time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.since, t.failure
}

// Extent tells what the log held at the last look, a second ago at most while it
// answers; zero before the first.
func (t *Trimmer) Extent() Extent {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.extent
}

// heard takes in whether the log answered what it was asked at the time asked.
func (t *Trimmer) heard(asked time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && t.failure == nil {
		t.since = asked
	}
	t.failure = err
	if err == nil {
		t.log.silent.Store(nil)
	} else if t.now().Sub(t.since) >= silentAfter {
		t.log.silent.Store(&err)
	}
}

// Once trims what can be trimmed now.
func (t *Trimmer) Once(ctx context.Context) error {
	asked := t.now()
	question, cancel := context.WithTimeout(ctx, askPatience)
	extent, err := t.log.Extent(question)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err() // nothing is said of the log by being stopped
	}
	t.heard(asked, err)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.extent = extent
	t.mu.Unlock()
	t.log.nearlyFull.Store(float64(extent.Bytes) >= fullFraction*float64(t.log.cfg.MaxBytes))
	margin := t.margin
	if extent.First+t.keep <= extent.Last {
		margin = 0
	}
	upTo, err := t.archive.LastStoredBefore(ctx, t.now().Add(-domain.Lifetime-margin))
	if err != nil || upTo < extent.First {
		return err
	}
	at, err := t.archive.Checkpoint(ctx)
	if err != nil {
		return err
	}
	return t.log.Trim(ctx, min(upTo, extent.Last), at.Seq)
}

// FirstKept gives the sequence from which on a [Trimmer] with the margin leaves
// archived events in the log at the time now: older ones are not long in a log
// that is opened now, if at all. It is 1 where all of them stay. end is the
// archive's last sequence.
func FirstKept(ctx context.Context, archive Archive, end Sequence, margin time.Duration, now time.Time) (Sequence, error) {
	return firstKept(ctx, archive, end, margin, now, keepEvents)
}

func firstKept(ctx context.Context, archive Archive, end Sequence, margin time.Duration, now time.Time, keep Sequence) (Sequence, error) {
	upTo, err := archive.LastStoredBefore(ctx, now.Add(-domain.Lifetime-margin))
	if err == nil && upTo+keep < end {
		upTo, err = archive.LastStoredBefore(ctx, now.Add(-domain.Lifetime))
	}
	return upTo + 1, err
}

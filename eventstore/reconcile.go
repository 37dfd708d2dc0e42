package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"ocapi/domain"
)

// Reconcile compares the log with the archive and with the mark (nil where
// there is none) and must be called before the first append.
//
// A log that ends before what was archived or told of has lost its end: by a
// power cut under DurabilityInterval, by a damaged file, or because it was
// restored from an older copy. What it still holds is archived, and it is made
// anew after the last number that was ever used, with a new incarnation. Events
// that were told of and are nowhere are a gap: declared lost and logged under
// DurabilityInterval, which allows it; else the archiver refuses the gap until
// an operator accepts it.
//
// That is for a log that this process has to itself, an embedded one. On a
// cluster a log that ends too early is refused, as a [BehindError]: other nodes
// may be using it, and a leader that was just elected may not know its end yet,
// which is why it is asked again for a while.
//
// A log whose event at the checkpoint is not the archive's is refused.
func Reconcile(ctx context.Context, l *Log, a Archive, logger *slog.Logger) error {
	at, err := a.Checkpoint(ctx)
	if err != nil {
		return err
	}
	var extent Extent
	if l.cfg.Shared {
		extent, err = settle(ctx, l, at)
	} else {
		extent, err = l.Extent(ctx)
	}
	if err != nil {
		return err
	}
	if extent.Deleted > 0 {
		logger.Error("the event log has lost events within (a damaged file?)", "missing", extent.Deleted,
			"first", extent.First, "last", extent.Last, "archived_up_to", at.Seq)
	}
	if err := sameStory(ctx, l, a, at, extent); err != nil {
		return err
	}
	told := at.Seq
	if l.cfg.Mark != nil {
		told = max(told, l.cfg.Mark.Value())
	}
	if extent.Last < told {
		if err := remake(ctx, l, a, logger, told); err != nil {
			return err
		}
	}
	l.saw(told)
	return nil
}

// settle waits until a shared log's end is at the checkpoint at least.
func settle(ctx context.Context, l *Log, at Checkpoint) (Extent, error) {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	for {
		extent, err := l.Extent(ctx)
		if err == nil && extent.Last >= at.Seq {
			return extent, nil
		}
		if err == nil {
			err = &BehindError{Log: extent.Last, Known: at.Seq}
		}
		if !pause(ctx, clusterRetry) {
			return Extent{}, err
		}
	}
}

// settlePatience is longer than a cluster takes to elect a leader and to bring
// it up to date (6.5 s).
const settlePatience = 15 * time.Second

// remake archives what a log that ends too early still holds and makes it anew
// after the sequence told.
func remake(ctx context.Context, l *Log, a Archive, logger *slog.Logger, told Sequence) error {
	extent, err := l.Extent(ctx)
	if err != nil {
		return err
	}
	at, err := archiveRest(ctx, l, a, extent.Last)
	if err != nil {
		return fmt.Errorf("archive what is left of the event log before it is made anew: %w", err)
	}
	if err := l.Recreate(ctx, told); err != nil {
		return err
	}
	say := logger.Warn
	if l.cfg.Durability == DurabilityFsync {
		say = logger.Error // every event was on disk: this is damage, or an older copy
	}
	say("the event log had lost its end and has been made anew", "log_ended_at", extent.Last, "archived_up_to", at.Seq,
		"told_up_to", told, "incarnation", l.Incarnation())
	if told <= at.Seq {
		return nil
	}
	if l.cfg.Durability == DurabilityFsync {
		logger.Error("acknowledged events are lost", "error", &GapError{From: at.Seq + 1, To: told})
		return nil // the archiver refuses the gap
	}
	logger.Warn("events of the last moments before a power cut are lost, as the durability setting allows", "from", at.Seq+1, "to", told)
	return a.AcceptGap(ctx, Gap{Incarnation: l.Incarnation(), From: at.Seq + 1, To: told}, l.cfg.Now())
}

// errArchivedAll ends a follow that has come to its end.
var errArchivedAll = errors.New("all is archived")

// archiveRest archives what the log holds up to its last event.
func archiveRest(ctx context.Context, l *Log, a Archive, last Sequence) (Checkpoint, error) {
	at, err := a.Checkpoint(ctx)
	if err != nil || at.Seq >= last {
		return at, err
	}
	gaps, err := a.Gaps(ctx, at.Seq)
	if err != nil {
		return at, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	w := batchWriter{archive: a, at: at, gaps: gaps}
	err = l.followToTheEnd(ctx, skipGaps(gaps, at.Seq+1), func(batch []Record) error {
		if err := w.write(ctx, batch); err != nil {
			return err
		}
		if w.at.Seq >= last {
			return errArchivedAll
		}
		return nil
	})
	if errors.Is(err, errUnreadable) {
		err = fmt.Errorf("event %d does not arrive: %w", w.at.Seq+1, &GapError{From: w.at.Seq + 1, To: last})
	}
	return w.at, err
}

// errUnreadable is of a log whose next event has not come in all the time there
// was.
var errUnreadable = errors.New("the log's last events cannot be read")

// followTries is how often a log is read anew that stops being read.
const followTries = 5

// followToTheEnd follows from a sequence on until handle says errArchivedAll. A
// cluster that has just been started may lose a consumer: then it begins anew
// after what was handled. The error is handle's, errUnreadable when ctx has
// ended, or that of the last of several tries.
func (l *Log) followToTheEnd(ctx context.Context, from Sequence, handle func([]Record) error) error {
	for tries := 1; ; tries++ {
		var handled error
		err := l.Follow(ctx, from, archiveBatch, archiveLinger, func(batch []Record) error {
			if handled = handle(batch); handled == nil {
				from, tries = batch[len(batch)-1].Seq+1, 0
			}
			return handled
		}, nil)
		switch {
		case errors.Is(handled, errArchivedAll):
			return nil
		case handled != nil:
			return handled
		case err == nil:
			return errUnreadable
		case tries >= followTries:
			return err
		}
		l.cfg.Logger.Warn("reading the event log begins anew", "after", from-1, "error", err)
		if !pause(ctx, clusterRetry) {
			return err
		}
	}
}

// batchWriter archives batches one after the other.
type batchWriter struct {
	archive Archive
	at      Checkpoint
	gaps    []Gap
}

// write archives what follows on, and fails with the gap after it.
func (w *batchWriter) write(ctx context.Context, batch []Record) error {
	sound, gap := contiguous(w.at.Seq, batch, w.gaps)
	if len(sound) > 0 {
		last := sound[len(sound)-1]
		to := Checkpoint{Incarnation: last.Incarnation, Seq: last.Seq, EventID: last.Event.Head().ID}
		// A stop must not cut a batch that has been read: it ends in its own time.
		if err := w.archive.Append(context.WithoutCancel(ctx), w.at, to, sound); err != nil {
			return err
		}
		w.at = to
	}
	if gap != nil {
		return gap
	}
	return nil
}

// sameStory refuses a log that tells another story than the archive at the last
// place that both have.
func sameStory(ctx context.Context, l *Log, a Archive, at Checkpoint, extent Extent) error {
	seq := min(at.Seq, extent.Last)
	if seq == 0 || seq < extent.First {
		return nil
	}
	archived, found, err := a.EventAt(ctx, seq)
	if err != nil || !found {
		return err
	}
	logged, found, err := l.Get(ctx, seq)
	if err != nil || !found {
		return err // what cannot be read there is archived
	}
	if want, got := archived.Event.Head().ID, logged.Event.Head().ID; want != got {
		return fmt.Errorf("event %d of the log is %s, but the archive has %s there: the log is not this archive's (restored from elsewhere?); to keep the archive and take over what only the log has, run: ocapi archive adopt-stream", seq, got, want)
	}
	return nil
}

// Get reads the event at a sequence from the stream's leader; found is false
// when the stream does not hold it. Error: CodeUnavailable.
func (l *Log) Get(ctx context.Context, seq Sequence) (r Record, found bool, err error) {
	m, err := l.stream.GetMsg(ctx, uint64(seq))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Record{}, false, nil
	}
	if err == nil {
		r, err = l.record(Sequence(m.Sequence), m.Time, m.Data)
	}
	if err != nil {
		return Record{}, false, domain.Unavailable("the event log does not answer", err)
	}
	return r, true, nil
}

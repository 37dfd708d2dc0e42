package statistics

import (
	"context"
	"time"

	"ocapi/eventstore"
	"ocapi/projections"
)

// The names under which the archive keeps the statistics and the daily figures.
const (
	FrequencySnapshot = "frequency" // of a [projections.Frequency]
	DaysSnapshot      = "days"      // of a [projections.Days]
)

// RestoreFrequency brings new statistics to the archive's snapshot, where it has
// one. The error is a [projections.ErrSnapshot] when it cannot be used: then f has
// read nothing.
func RestoreFrequency(ctx context.Context, a eventstore.Archive, f *projections.Frequency) (s eventstore.Snapshot, found bool, err error) {
	return restoreCounts(ctx, a, FrequencySnapshot, f)
}

// restoreCounts brings a new projection to the archive's snapshot, where it has
// one. The error is a [projections.ErrSnapshot] when it cannot be used: then the
// projection has read nothing, and the events make it anew.
func restoreCounts(ctx context.Context, a eventstore.Archive, name string, f Counts) (s eventstore.Snapshot, found bool, err error) {
	s, found, err = a.Snapshot(ctx, name)
	if err != nil || !found {
		return s, false, err
	}
	if err := f.Restore(projections.Position{Seq: s.At.Seq, Incarnation: s.At.Incarnation, Event: s.At.EventID}, s.Body); err != nil {
		return s, false, err
	}
	return s, true, nil
}

// Replay applies what is archived after a projection's position, and before the
// event with the sequence before; 0: all of it. It gives the number of events. visit, where not nil, is called
// after each.
func Replay(ctx context.Context, a eventstore.Archive, f Counts, before eventstore.Sequence, visit func(events int)) (events int, err error) {
	// Read first: what is not there up to it when the events have been read will
	// never be.
	at, err := a.Checkpoint(ctx)
	if err != nil {
		return 0, err
	}
	err = a.Walk(ctx, eventstore.EventFilter{After: f.Next() - 1, Before: before}, func(r eventstore.Record) error {
		f.Skip(r.Seq - 1) // the archive has no holes but those that were declared
		if err := f.Apply(r); err != nil {
			return err
		}
		if events++; visit != nil {
			visit(events)
		}
		return ctx.Err()
	})
	if err != nil {
		return events, err
	}
	end := at.Seq
	if before != 0 {
		end = min(end, before-1)
	}
	f.Skip(end)
	return events, nil
}

// Put stores a projection's snapshot, whose last event has to be archived, under its
// name in the archive. It gives what was stored.
func Put(ctx context.Context, a eventstore.Archive, name string, at projections.Position, body []byte, now time.Time) (eventstore.Snapshot, error) {
	s := eventstore.Snapshot{
		Name: name, MadeAt: now, Body: body,
		At: eventstore.Checkpoint{Incarnation: at.Incarnation, Seq: at.Seq, EventID: at.Event},
	}
	return s, a.PutSnapshot(ctx, s)
}

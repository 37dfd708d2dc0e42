package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"ocapi/eventstore"
	"ocapi/projections"
)

// The names under which the archive keeps the statistics and the daily figures.
const (
	frequencySnapshot = "frequency"
	daysSnapshot      = "days"
)

// restoreFrequency brings new statistics to the archive's snapshot.
func restoreFrequency(ctx context.Context, a eventstore.Archive, f *projections.Frequency) (s eventstore.Snapshot, found bool, err error) {
	return restoreCounts(ctx, a, frequencySnapshot, f)
}

// restoreCounts brings a new projection to the archive's snapshot, where it has
// one. The error is a [projections.ErrSnapshot] when it cannot be used: then the
// projection has read nothing, and the events make it anew.
func restoreCounts(ctx context.Context, a eventstore.Archive, name string, f counts) (s eventstore.Snapshot, found bool, err error) {
	s, found, err = a.Snapshot(ctx, name)
	if err != nil || !found {
		return s, false, err
	}
	if err := f.Restore(projections.Position{Seq: s.At.Seq, Incarnation: s.At.Incarnation, Event: s.At.EventID}, s.Body); err != nil {
		return s, false, err
	}
	return s, true, nil
}

// replayFrequency applies what is archived after the statistics' position.
func replayFrequency(ctx context.Context, a eventstore.Archive, f *projections.Frequency) (events int, err error) {
	return replayCounts(ctx, a, f, past{}, nil)
}

// replayFrequencyTo is replayFrequency up to a point of the log.
func replayFrequencyTo(ctx context.Context, a eventstore.Archive, f *projections.Frequency, p past, visit func(events int)) (events int, err error) {
	return replayCounts(ctx, a, f, p, visit)
}

// replayCounts applies what is archived after a projection's position, up to a
// point of the log. It gives the number of events. visit, where not nil, is called
// after each.
func replayCounts(ctx context.Context, a eventstore.Archive, f counts, p past, visit func(events int)) (events int, err error) {
	// Read first: what is not there up to it when the events have been read will
	// never be.
	at, err := a.Checkpoint(ctx)
	if err != nil {
		return 0, err
	}
	err = a.Walk(ctx, eventstore.EventFilter{After: f.Next() - 1, Before: p.before}, func(r eventstore.Record) error {
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
	if p.before != 0 {
		end = min(end, p.before-1)
	}
	f.Skip(end)
	return events, nil
}

// keepFrequency stores the statistics, whose last event has to be archived, as
// the archive's snapshot. It gives what was stored.
func keepFrequency(ctx context.Context, a eventstore.Archive, f *projections.Frequency, now time.Time) (eventstore.Snapshot, error) {
	position, body := f.Snapshot()
	return putFrequency(ctx, a, position, body, now)
}

func putFrequency(ctx context.Context, a eventstore.Archive, at projections.Position, body []byte, now time.Time) (eventstore.Snapshot, error) {
	return putCounts(ctx, a, frequencySnapshot, at, body, now)
}

func putCounts(ctx context.Context, a eventstore.Archive, name string, at projections.Position, body []byte, now time.Time) (eventstore.Snapshot, error) {
	s := eventstore.Snapshot{
		Name: name, MadeAt: now, Body: body,
		At: eventstore.Checkpoint{Incarnation: at.Incarnation, Seq: at.Seq, EventID: at.Event},
	}
	return s, a.PutSnapshot(ctx, s)
}

// rebuildFrequency makes the snapshots of the statistics and of the daily figures
// anew from all events, and says whether those of before were what the events
// add up to.
func rebuildFrequency(env *environment, a eventstore.Archive) error {
	if err := rebuildCounts(env, a, frequencySnapshot, "statistics", projections.NewFrequency()); err != nil {
		return err
	}
	return rebuildCounts(env, a, daysSnapshot, "daily figures", projections.NewDays())
}

func rebuildCounts(env *environment, a eventstore.Archive, name, what string, f counts) error {
	before, found, err := a.Snapshot(env.ctx, name)
	if err != nil {
		return err
	}
	was := "there was none before"
	say := sayHowFar(env)
	events, err := replayCounts(env.ctx, a, f, past{}, func(events int) {
		say(events)
		if found && f.Position().Seq == before.At.Seq {
			was = "the one of before was the same, byte by byte, as the events give for its place"
			if _, body := f.Snapshot(); !bytes.Equal(body, before.Body) {
				was = "the one of before was another: damaged, or an older release's"
			}
		}
	})
	if err != nil {
		return fmt.Errorf("rebuild the %s: %w", what, err)
	}
	if events == 0 {
		return nil
	}
	position, body := f.Snapshot()
	if _, err := putCounts(env.ctx, a, name, position, body, env.clock()()); err != nil {
		return fmt.Errorf("rebuild the %s: %w", what, err)
	}
	_, err = fmt.Fprintf(env.stdout, "The snapshot of the %s is made anew from %s; %s.\n", what, count(events, "event"), was)
	return err
}

// sayHowFar gives a function that tells now and then how many events have been
// read.
func sayHowFar(env *environment) func(events int) {
	began := time.Now()
	said := began
	return func(events int) {
		const looksEvery = 1024 // at the clock
		if events%looksEvery == 0 && time.Since(said) > rebuildSaid {
			said = time.Now()
			fmt.Fprintf(env.stderr, "%d events, %.0f a second\n", events, float64(events)/time.Since(began).Seconds()) //nolint:errcheck // the result follows
		}
	}
}

// readFrequency gives the statistics of all that is archived up to a point of
// the log, for a command.
func readFrequency(env *environment, a eventstore.Archive, p past) (*projections.Frequency, error) {
	f := projections.NewFrequency()
	_, _, err := restoreFrequency(env.ctx, a, f)
	if errors.Is(err, projections.ErrSnapshot) {
		fmt.Fprintf(env.stderr, "%v; all events are read instead\n", err) //nolint:errcheck // the result follows
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if p.before != 0 && f.Next() > p.before {
		f = projections.NewFrequency() // the snapshot knows what came later
	}
	_, err = replayFrequencyTo(env.ctx, a, f, p, sayHowFar(env))
	return f, err
}

package main

import (
	"bytes"
	"fmt"
	"time"

	"ocapi/consensus"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/projections"
)

type rebuildCmd struct {
	place
}

// Run rebuilds the states of all challenges, the snapshots of the statistics and of
// the count of the votes, and the annotations.
func (c *rebuildCmd) Run(env *environment) error {
	return withExisting(env, c.place, func(s *stores) error {
		began := time.Now()
		said := began
		n, err := s.archive.RebuildStates(env.ctx, func(events int) {
			if time.Since(said) > rebuildSaid {
				said = time.Now()
				fmt.Fprintf(env.stderr, "%d events, %.0f a second\n", events, float64(events)/time.Since(began).Seconds()) //nolint:errcheck // the result follows
			}
		})
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintf(env.stdout, "The states of all challenges are made anew from %s in %.1f s.\n", count(n, "event"), time.Since(began).Seconds()); err != nil {
			return err
		}
		if err := rebuildFrequency(env, s.archive); err != nil {
			return err
		}
		return rebuildConsensus(env, s)
	})
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
	events, err := replayCounts(env.ctx, a, f, 0, func(events int) {
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

// rebuildConsensus makes the count of the votes and the rows of decisions anew
// from all events, and says whether those of before were what the events add up
// to.
func rebuildConsensus(env *environment, s *stores) error {
	before, found, err := s.archive.Snapshot(env.ctx, consensusSnapshot)
	if err != nil {
		return err
	}
	was := "there was none before"
	state := consensus.NewState(consensusParams(s.archive, nil))
	decided := map[domain.AnnotationID]corpus.Annotation{}
	var through corpus.AnnotationsMark
	say := sayHowFar(env)
	n := 0
	events, err := replayConsensus(env.ctx, s.archive, state, func(r domain.Record) error {
		n++
		say(n)
		if row, ok := annotationOf(r); ok {
			decided[domain.AnnotationOf(row.Image, row.Keyword)] = row
			through = corpus.AnnotationsMark{Incarnation: r.Incarnation, Seq: r.Seq}
		}
		if found && r.Seq == before.At.Seq {
			was = "the one of before was the same, byte by byte, as the events give for its place"
			if !bytes.Equal(state.Snapshot(), before.Body) {
				was = "the one of before was another: damaged, or an older release's"
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("rebuild the count of the votes: %w", err)
	}
	if events == 0 {
		return nil
	}
	if _, err := putConsensus(env.ctx, s.archive, state, env.clock()()); err != nil {
		return fmt.Errorf("rebuild the count of the votes: %w", err)
	}
	if _, err := fmt.Fprintf(env.stdout, "The count of the votes on %s is made anew from %s; %s.\n", count(state.Questions(), "question"), count(events, "event"), was); err != nil {
		return err
	}
	return rebuildAnnotations(env, s, state, decided, through)
}

// rebuildAnnotations makes the rows of decisions anew.
func rebuildAnnotations(env *environment, s *stores, state *consensus.State, decided map[domain.AnnotationID]corpus.Annotation, through corpus.AnnotationsMark) error {
	have, other := 0, 0
	err := s.corpus.Annotations(env.ctx, "", func(a corpus.Annotation) error {
		have++
		row := decided[domain.AnnotationOf(a.Image, a.Keyword)]
		row.Tried = a.Tried
		if row != a {
			other++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("rebuild the annotations: %w", err)
	}
	list := make([]corpus.Annotation, 0, len(decided))
	for _, row := range decided {
		if p, found := state.Progress(consensus.Question{Image: row.Image, Keyword: row.Keyword}); found {
			row.Tried = p.Tried
		}
		list = append(list, row)
	}
	if err := s.corpus.ReplaceAnnotations(env.ctx, through, list); err != nil {
		return fmt.Errorf("rebuild the annotations: %w", err)
	}
	// A running service has its own rules, and writes anew what is voted on.
	rules := consensus.DefaultRules()
	if err := putNeeds(env.ctx, s.corpus, state, &rules); err != nil {
		return fmt.Errorf("rebuild what images need: %w", err)
	}
	was := "those of before were the same"
	if missing := len(list) - (have - other); missing > 0 || other > 0 {
		was = fmt.Sprintf("of before %d were missing and %d were others", max(len(list)-have, 0), other)
	}
	_, err = fmt.Fprintf(env.stdout, "%s of the collections are made anew; %s.\n", count(len(list), "annotation"), was)
	return err
}

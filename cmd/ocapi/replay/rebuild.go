package replay

import (
	"bytes"
	"fmt"
	"time"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/consensus"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/node/annotation"
	"ocapi/node/statistics"
	"ocapi/place"
	"ocapi/projections"
)

type rebuildCmd struct {
	place.Flags
}

// rebuildSaid is how often a rebuild of the states says how far it is.
const rebuildSaid = 2 * time.Second

// Run rebuilds the states of all challenges, the snapshots of the statistics and of
// the count of the votes, and the annotations.
func (c *rebuildCmd) Run(env *command.Environment) error {
	return command.WithExisting(env, c.Flags, func(s *place.Stores) error {
		began := time.Now()
		said := began
		n, err := s.Archive.RebuildStates(env.Context, func(events int) {
			if time.Since(said) > rebuildSaid {
				said = time.Now()
				fmt.Fprintf(env.Stderr, "%d events, %.0f a second\n", events, float64(events)/time.Since(began).Seconds()) //nolint:errcheck // the result follows
			}
		})
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintf(env.Stdout, "The states of all challenges are made anew from %s in %.1f s.\n", console.Count(n, "event"), time.Since(began).Seconds()); err != nil {
			return err
		}
		if err := rebuildFrequency(env, s.Archive); err != nil {
			return err
		}
		return rebuildConsensus(env, s)
	})
}

// rebuildFrequency makes the snapshots of the statistics and of the daily figures
// anew from all events, and says whether those of before were what the events
// add up to.
func rebuildFrequency(env *command.Environment, a eventstore.Archive) error {
	if err := rebuildCounts(env, a, statistics.FrequencySnapshot, "statistics", projections.NewFrequency()); err != nil {
		return err
	}
	return rebuildCounts(env, a, statistics.DaysSnapshot, "daily figures", projections.NewDays())
}

func rebuildCounts(env *command.Environment, a eventstore.Archive, name, what string, f statistics.Counts) error {
	before, found, err := a.Snapshot(env.Context, name)
	if err != nil {
		return err
	}
	was := "there was none before"
	say := command.SayHowFar(env)
	events, err := statistics.Replay(env.Context, a, f, 0, func(events int) {
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
	if _, err := statistics.Put(env.Context, a, name, position, body, env.Clock()()); err != nil {
		return fmt.Errorf("rebuild the %s: %w", what, err)
	}
	_, err = fmt.Fprintf(env.Stdout, "The snapshot of the %s is made anew from %s; %s.\n", what, console.Count(events, "event"), was)
	return err
}

// rebuildConsensus makes the count of the votes and the rows of decisions anew
// from all events, and says whether those of before were what the events add up
// to.
func rebuildConsensus(env *command.Environment, s *place.Stores) error {
	before, found, err := s.Archive.Snapshot(env.Context, annotation.SnapshotName)
	if err != nil {
		return err
	}
	was := "there was none before"
	state := consensus.NewState(annotation.StateParams(s.Archive, nil))
	decided := map[domain.AnnotationID]corpus.Annotation{}
	var through corpus.AnnotationsMark
	say := command.SayHowFar(env)
	n := 0
	events, err := annotation.Replay(env.Context, s.Archive, state, func(r domain.Record) error {
		n++
		say(n)
		if row, ok := annotation.RowOf(r); ok {
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
	if _, err := annotation.Put(env.Context, s.Archive, state, env.Clock()()); err != nil {
		return fmt.Errorf("rebuild the count of the votes: %w", err)
	}
	if _, err := fmt.Fprintf(env.Stdout, "The count of the votes on %s is made anew from %s; %s.\n", console.Count(state.Questions(), "question"), console.Count(events, "event"), was); err != nil {
		return err
	}
	return rebuildAnnotations(env, s, state, decided, through)
}

// rebuildAnnotations makes the rows of decisions anew.
func rebuildAnnotations(env *command.Environment, s *place.Stores, state *consensus.State, decided map[domain.AnnotationID]corpus.Annotation, through corpus.AnnotationsMark) error {
	have, other := 0, 0
	err := s.Corpus.Annotations(env.Context, "", func(a corpus.Annotation) error {
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
	if err := s.Corpus.ReplaceAnnotations(env.Context, through, list); err != nil {
		return fmt.Errorf("rebuild the annotations: %w", err)
	}
	// A running service has its own rules, and writes anew what is voted on.
	rules := consensus.DefaultRules()
	if err := annotation.PutNeeds(env.Context, s.Corpus, state, &rules); err != nil {
		return fmt.Errorf("rebuild what images need: %w", err)
	}
	was := "those of before were the same"
	if missing := len(list) - (have - other); missing > 0 || other > 0 {
		was = fmt.Sprintf("of before %d were missing and %d were others", max(len(list)-have, 0), other)
	}
	_, err = fmt.Fprintf(env.Stdout, "%s of the collections are made anew; %s.\n", console.Count(len(list), "annotation"), was)
	return err
}

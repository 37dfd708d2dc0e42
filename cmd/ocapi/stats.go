package main

import (
	"errors"
	"fmt"
	"time"

	"ocapi/eventstore"
	"ocapi/projections"
)

type statsCmd struct {
	Images  statsImagesCmd  `cmd:"" help:"Tell how often images were shown, and whether counting them tells known from unknown."`
	Clients statsClientsCmd `cmd:"" help:"Tell what became of each client's challenges."`
}

// withFrequency runs do on the statistics of all that is archived, as they were
// when the flag says, with the moment that they are looked at from. It reads
// beside a running service.
func withFrequency(env *environment, p place, asOf asOfFlag, do func(f *projections.Frequency, now time.Time) error) (err error) {
	s, err := openForReading(env.ctx, p, archiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	now := env.clock()()
	known, err := asOf.point(env.ctx, s.archive, now)
	if err != nil {
		return err
	}
	f, err := readFrequency(env, s.archive, known)
	if err != nil {
		return fmt.Errorf("read the statistics: %w", err)
	}
	return do(f, known.now(now, f.Totals().Clock))
}

// noChallenges is what people are told of an empty archive.
const noChallenges = "No challenge has been archived yet."

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
	_, err = replayCounts(env.ctx, a, f, p.before, sayHowFar(env))
	return f, err
}

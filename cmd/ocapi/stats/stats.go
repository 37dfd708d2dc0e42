package stats

import (
	"errors"
	"fmt"
	"time"

	"ocapi/command"
	"ocapi/eventstore"
	"ocapi/node/statistics"
	"ocapi/place"
	"ocapi/projections"
)

// Command is the commands of "ocapi stats".
type Command struct {
	Images  statsImagesCmd  `cmd:"" help:"Tell how often images were shown, and whether counting them tells known from unknown."`
	Clients statsClientsCmd `cmd:"" help:"Tell what became of each client's challenges."`
}

// withFrequency runs do on the statistics of all that is archived, as they were
// when the flag says, with the moment that they are looked at from. It reads
// beside a running service.
func withFrequency(env *command.Environment, p place.Flags, asOf command.AsOfFlag, do func(f *projections.Frequency, now time.Time) error) (err error) {
	s, err := place.OpenForReading(env.Context, p, place.ArchiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	now := env.Clock()()
	known, err := asOf.Point(env.Context, s.Archive, now)
	if err != nil {
		return err
	}
	f, err := readFrequency(env, s.Archive, known)
	if err != nil {
		return fmt.Errorf("read the statistics: %w", err)
	}
	return do(f, known.Now(now, f.Totals().Clock))
}

// noChallenges is what people are told of an empty archive.
const noChallenges = "No challenge has been archived yet."

// readFrequency gives the statistics of all that is archived up to a point of
// the log, for a command.
func readFrequency(env *command.Environment, a eventstore.Archive, p command.Past) (*projections.Frequency, error) {
	f := projections.NewFrequency()
	_, _, err := statistics.RestoreFrequency(env.Context, a, f)
	if errors.Is(err, projections.ErrSnapshot) {
		fmt.Fprintf(env.Stderr, "%v; all events are read instead\n", err) //nolint:errcheck // the result follows
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if p.Before != 0 && f.Next() > p.Before {
		f = projections.NewFrequency() // the snapshot knows what came later
	}
	_, err = statistics.Replay(env.Context, a, f, p.Before, command.SayHowFar(env))
	return f, err
}

package main

import (
	"fmt"
	"time"
)

type replayCmd struct {
	Consensus replayConsensusCmd `cmd:"" help:"Write out what visitors' votes add up to, one row for each image and keyword, as CSV, JSON Lines or Parquet."`
	Votes     replayVotesCmd     `cmd:"" help:"Write out what visitors have said of unknown images, as CSV or JSON Lines; what is quarantined is left out."`
	State     replayStateCmd     `cmd:"" help:"Print what a partner would have been told of a challenge: created, validated or rejected."`
	Rebuild   rebuildCmd         `cmd:"" help:"Make the projections in the archive's database anew from its events. Archiving waits meanwhile; look-ups go on."`
}

type rebuildCmd struct {
	place
}

// rebuildSaid is how often a rebuild says how far it is.
const rebuildSaid = 2 * time.Second

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

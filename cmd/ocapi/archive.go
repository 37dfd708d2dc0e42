package main

import (
	"fmt"
	"time"

	"ocapi/eventstore"
)

type archiveCmd struct {
	AcceptGap acceptGapCmd `cmd:"" help:"Declare events lost that the log misses, so that archiving goes on after them."`
}

type acceptGapCmd struct {
	From uint64 `arg:"" help:"The first sequence that is lost."`
	To   uint64 `arg:"" help:"The last sequence that is lost."`
	dataFlag
}

// Run records the gap. The archiver takes it up within seconds.
func (c *acceptGapCmd) Run(env *environment) error {
	return withStores(env, c.Data, func(s *stores) error {
		at, err := s.archive.Checkpoint(env.ctx)
		if err != nil {
			return err
		}
		if c.From <= uint64(at.Seq) {
			return fmt.Errorf("events up to %d are archived; a gap that begins at %d is none", at.Seq, c.From)
		}
		gap := eventstore.Gap{Incarnation: at.Incarnation, From: eventstore.Sequence(c.From), To: eventstore.Sequence(c.To)}
		if err := s.archive.AcceptGap(env.ctx, gap, time.Now()); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "Events %d to %d are declared lost; archiving goes on after them.\n", c.From, c.To)
		return err
	})
}

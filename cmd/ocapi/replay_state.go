package main

import (
	"errors"
	"fmt"

	"ocapi/domain"
)

type replayStateCmd struct {
	Challenge string `arg:"" help:"The challenge's id."`
	asOfFlag
	place
}

// Run prints what a partner would have been told of a challenge. It reads beside
// a running service.
func (c *replayStateCmd) Run(env *environment) (err error) {
	id, err := domain.ParseChallengeID(c.Challenge)
	if err != nil {
		return fmt.Errorf("the challenge: %w", err)
	}
	s, err := openForReading(env.ctx, c.place, archiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	known, err := c.point(env.ctx, s.archive, env.clock()())
	if err != nil {
		return err
	}
	records, err := s.archive.Challenge(env.ctx, id)
	if err != nil {
		return err
	}
	var challenge domain.Challenge
	for _, r := range records {
		if known.before == 0 || r.Seq < known.before {
			challenge = domain.Evolve(challenge, r.Event)
		}
	}
	switch {
	case challenge.Status != domain.StatusNone:
		_, err = fmt.Fprintln(env.stdout, challenge.Status)
		return err
	case len(records) > 0:
		return fmt.Errorf("there was no challenge %s then: it was created at %s, as event %d", id, stamp(records[0].Event.Head().At), records[0].Seq)
	}
	return fmt.Errorf("there is no challenge %s in the archive", id)
}

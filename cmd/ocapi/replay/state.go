package replay

import (
	"errors"
	"fmt"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/domain"
	"ocapi/place"
)

type replayStateCmd struct {
	Challenge string `arg:"" help:"The challenge's id."`
	command.AsOfFlag
	place.Flags
}

// Run prints what a partner would have been told of a challenge. It reads beside
// a running service.
func (c *replayStateCmd) Run(env *command.Environment) (err error) {
	id, err := domain.ParseChallengeID(c.Challenge)
	if err != nil {
		return fmt.Errorf("the challenge: %w", err)
	}
	s, err := place.OpenForReading(env.Context, c.Flags, place.ArchiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	known, err := c.Point(env.Context, s.Archive, env.Clock()())
	if err != nil {
		return err
	}
	records, err := s.Archive.Challenge(env.Context, id)
	if err != nil {
		return err
	}
	var challenge domain.Challenge
	for _, r := range records {
		if known.Before == 0 || r.Seq < known.Before {
			challenge = domain.Evolve(challenge, r.Event)
		}
	}
	switch {
	case challenge.Status != domain.StatusNone:
		_, err = fmt.Fprintln(env.Stdout, challenge.Status)
		return err
	case len(records) > 0:
		return fmt.Errorf("there was no challenge %s then: it was created at %s, as event %d", id, console.Stamp(records[0].Event.Head().At), records[0].Seq)
	}
	return fmt.Errorf("there is no challenge %s in the archive", id)
}

package program

import (
	"bufio"
	"errors"
	"fmt"
	"time"

	"ocapi/command"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place"
)

type eventsCmd struct {
	Challenge string `help:"Only this challenge's events."`
	Client    string `help:"Only this client's events."`
	Since     string `help:"Only events decided at or after this moment (RFC 3339), or this long ago (as 90m, 24h)."`
	Until     string `help:"Only events decided before this moment, or this long ago."`
	Follow    bool   `help:"Go on printing new events until interrupted."`
	command.AsOfFlag
	place.Flags
}

// followEvery is how often --follow looks for new events; archiving itself
// gathers for 100 ms.
const followEvery = 200 * time.Millisecond

// Run prints the events. It reads beside a running service.
func (c *eventsCmd) Run(env *command.Environment) (err error) {
	now := env.Clock()()
	filter, err := c.filter(now)
	if err != nil {
		return err
	}
	until, err := command.ParseMoment("--until", c.Until, now)
	if err != nil {
		return err
	}
	if c.Follow && (c.Until != "" || c.AsOf != "") {
		return errors.New("--follow: it goes on with what is to come, which --until and --as-of leave out")
	}
	s, err := place.OpenForReading(env.Context, c.Flags, place.ArchiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	known, err := c.Point(env.Context, s.Archive, now)
	if err != nil {
		return err
	}
	filter.Before = known.Before
	w := bufio.NewWriter(env.Stdout)
	for {
		err := s.Archive.Events(env.Context, filter, func(r domain.Record) error {
			filter.After = r.Seq
			if !until.IsZero() && !r.Event.Head().At.Before(until) {
				return nil // the next one may be earlier: nodes have clocks of their own
			}
			line, err := eventstore.RecordJSON(r)
			if err != nil {
				return err
			}
			_, err = w.Write(append(line, '\n'))
			return err
		})
		if err := errors.Join(err, w.Flush()); err != nil {
			if env.Context.Err() != nil {
				return nil
			}
			return err
		}
		if !c.Follow {
			return nil
		}
		select {
		case <-env.Context.Done():
			return nil
		case <-time.After(followEvery):
		}
	}
}

func (c *eventsCmd) filter(now time.Time) (eventstore.EventFilter, error) {
	f := eventstore.EventFilter{Client: domain.ClientID(c.Client)}
	if c.Challenge != "" {
		id, err := domain.ParseChallengeID(c.Challenge)
		if err != nil {
			return f, fmt.Errorf("--challenge: %w", err)
		}
		f.Challenge = id
	}
	var err error
	f.Since, err = command.ParseMoment("--since", c.Since, now)
	return f, err
}

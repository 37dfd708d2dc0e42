package main

import (
	"bufio"
	"errors"
	"fmt"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
)

type eventsCmd struct {
	Challenge string `help:"Only this challenge's events."`
	Client    string `help:"Only this client's events."`
	Since     string `help:"Only events decided at or after this moment (RFC 3339), or this long ago (as 90m, 24h)."`
	Until     string `help:"Only events decided before this moment, or this long ago."`
	Follow    bool   `help:"Go on printing new events until interrupted."`
	asOfFlag
	place
}

// followEvery is how often --follow looks for new events; archiving itself
// gathers for 100 ms.
const followEvery = 200 * time.Millisecond

// Run prints the events. It reads beside a running service.
func (c *eventsCmd) Run(env *environment) (err error) {
	now := env.clock()()
	filter, err := c.filter(now)
	if err != nil {
		return err
	}
	until, err := parseMoment("--until", c.Until, now)
	if err != nil {
		return err
	}
	if c.Follow && (c.Until != "" || c.AsOf != "") {
		return errors.New("--follow: it goes on with what is to come, which --until and --as-of leave out")
	}
	s, err := openForReading(env.ctx, c.place, archiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	known, err := c.point(env.ctx, s.archive, now)
	if err != nil {
		return err
	}
	filter.Before = known.before
	w := bufio.NewWriter(env.stdout)
	for {
		err := s.archive.Events(env.ctx, filter, func(r domain.Record) error {
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
			if env.ctx.Err() != nil {
				return nil
			}
			return err
		}
		if !c.Follow {
			return nil
		}
		select {
		case <-env.ctx.Done():
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
	f.Since, err = parseMoment("--since", c.Since, now)
	return f, err
}

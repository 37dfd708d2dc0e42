package replay

import (
	"errors"
	"fmt"
	"time"

	"ocapi/command"
	"ocapi/domain"
	"ocapi/eventstore"
)

// excludeFlags say which votes a replay leaves out.
type excludeFlags struct {
	ExcludeSince   string `help:"Leave out votes from this moment on. All --exclude flags together describe what is left out."`
	ExcludeUntil   string `help:"Leave out votes before this moment."`
	ExcludeClient  string `help:"Leave out this client's votes."`
	ExcludePattern string `help:"Leave out votes that say this: text:WORD or selected:0,4,7/9."`
}

// exclusion gives what is left out; nil: nothing.
func (c *excludeFlags) exclusion(now time.Time) (_ *domain.Exclusion, err error) {
	e := domain.Exclusion{Client: domain.ClientID(c.ExcludeClient)}
	if e.From, err = command.ParseMoment("--exclude-since", c.ExcludeSince, now); err != nil {
		return nil, err
	}
	if e.To, err = command.ParseMoment("--exclude-until", c.ExcludeUntil, now); err != nil {
		return nil, err
	}
	if c.ExcludePattern != "" {
		if e.Pattern, err = domain.ParsePattern(c.ExcludePattern); err != nil {
			return nil, fmt.Errorf("--exclude-pattern: %w", err)
		}
	}
	if !e.From.IsZero() && !e.To.IsZero() && !e.From.Before(e.To) {
		return nil, errors.New("--exclude-until: it is not after --exclude-since")
	}
	if e == (domain.Exclusion{}) {
		return nil, nil //nolint:nilnil // nothing is left out, and nothing is wrong
	}
	return &e, nil
}

// votesSince gives from when on events are read for votes of a time: for the
// creations of what is answered then.
func votesSince(since time.Time) time.Time {
	if since.IsZero() {
		return since
	}
	return since.Add(-domain.Lifetime - time.Minute)
}

// quarantinesUntil reads the quarantines as they were at a point of the log.
func quarantinesUntil(env *command.Environment, a eventstore.Archive, p command.Past) (*domain.Quarantines, error) {
	var all domain.Quarantines
	err := a.Quarantines(env.Context, func(r domain.Record) error {
		if p.Before == 0 || r.Seq < p.Before {
			all.Apply(r.Event)
		}
		return nil
	})
	return &all, err
}

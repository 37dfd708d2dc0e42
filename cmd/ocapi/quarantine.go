package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"ocapi/domain"
	"ocapi/eventstore"
)

type quarantineCmd struct {
	List quarantineListCmd `cmd:"" help:"Print the quarantines, also those that the service has made itself because one answer flooded unknown images."`
	Add  quarantineAddCmd  `cmd:"" help:"Set votes aside until the quarantine is lifted. Their events stay as they are."`
	Lift quarantineLiftCmd `cmd:"" help:"Let the votes of a quarantine count again, as if it had never been."`
}

type quarantineListCmd struct {
	All  bool `help:"Also those that are lifted."`
	JSON bool `name:"json" help:"Print JSON Lines."`
	place
}

// quarantineView is one line of the list.
type quarantineView struct {
	ID        domain.QuarantineID `json:"quarantine_id"`
	Client    domain.ClientID     `json:"client_id,omitempty"` // empty: all
	Pattern   string              `json:"pattern,omitempty"`   // as it is written in commands; empty: all votes
	From      time.Time           `json:"from"`
	To        time.Time           `json:"to"`
	Made      time.Time           `json:"made_at"`
	Automatic bool                `json:"automatic"`
	Reason    string              `json:"reason"`
	Lifted    time.Time           `json:"lifted_at,omitzero"`
	Why       string              `json:"lifted_because,omitempty"`
}

func viewOf(q domain.Quarantine) quarantineView {
	v := quarantineView{
		ID: q.Votes.Quarantine(), Client: q.Votes.Client, Pattern: written(q.Votes.Pattern), From: q.Votes.From, To: q.Votes.To,
		Made: q.Votes.At, Automatic: q.Votes.Automatic, Reason: q.Votes.Reason,
	}
	if q.Lifted != nil {
		v.Lifted, v.Why = q.Lifted.At, q.Lifted.Reason
	}
	return v
}

// written gives a pattern as domain.ParsePattern reads it.
func written(p domain.VotePattern) string {
	switch p.Kind {
	case domain.PatternText:
		return "text:" + p.Text
	case domain.PatternSelection:
		s := ""
		for i := range int(p.Positions) {
			if p.Selected&(1<<i) != 0 {
				s += fmt.Sprintf(",%d", i)
			}
		}
		return fmt.Sprintf("selected:%s/%d", s[min(1, len(s)):], p.Positions)
	case domain.PatternNone:
	}
	return ""
}

// Run prints the quarantines. It reads beside a running service.
func (c *quarantineListCmd) Run(env *environment) (err error) {
	s, err := openForReading(env.ctx, c.place, archiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all, err := quarantinesOf(env.ctx, s.archive)
	if err != nil {
		return err
	}
	n := 0
	for _, q := range all.All() {
		if q.Lifted != nil && !c.All {
			continue
		}
		n++
		if err := printQuarantine(env, viewOf(q), c.JSON); err != nil {
			return err
		}
	}
	if n == 0 && !c.JSON {
		_, err = fmt.Fprintln(env.stdout, "No votes are set aside.")
	}
	return err
}

func printQuarantine(env *environment, v quarantineView, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(env.stdout).Encode(v)
	}
	client, pattern, by := "all clients", "all votes", "an operator"
	if v.Client != "" {
		client = string(v.Client)
	}
	if v.Pattern != "" {
		pattern = strconv.Quote(v.Pattern)
	}
	if v.Automatic {
		by = "the service"
	}
	_, err := fmt.Fprintf(env.stdout, "%s  %s  %s  from %s to %s\n    by %s at %s: %q\n", v.ID, client, pattern,
		v.From.Format(time.RFC3339), v.To.Format(time.RFC3339), by, v.Made.Format(time.RFC3339), v.Reason)
	if err == nil && !v.Lifted.IsZero() {
		_, err = fmt.Fprintf(env.stdout, "    lifted at %s: %q\n", v.Lifted.Format(time.RFC3339), v.Why)
	}
	return err
}

// quarantinesOf reads all quarantines.
func quarantinesOf(ctx context.Context, a eventstore.Archive) (*domain.Quarantines, error) {
	var all domain.Quarantines
	err := a.Quarantines(ctx, func(r domain.Record) error {
		all.Apply(r.Event)
		return nil
	})
	return &all, err
}

type quarantineAddCmd struct {
	Since   string `required:"" help:"From this moment on (RFC 3339), or this long ago (as 90m, 24h)."`
	Until   string `help:"Before this moment, or this long ago. Default: now."`
	Client  string `help:"Only this client's votes. Default: all clients'."`
	Pattern string `help:"Only votes that say this: text:WORD, or selected:0,4,7/9 for answers that select these of nine positions. Default: all votes."`
	Reason  string `required:"" help:"Why, for those who ask later."`
	place
	natsFlags
}

// Run appends the quarantine to the event log.
func (c *quarantineAddCmd) Run(env *environment) error {
	now := env.clock()()
	cmd := domain.QuarantineVotes{Reason: c.Reason}
	var err error
	if cmd.Votes.From, err = parseMoment("--since", c.Since, now); err != nil {
		return err
	}
	if cmd.Votes.To, err = parseMoment("--until", c.Until, now); err != nil {
		return err
	}
	if c.Until == "" {
		cmd.Votes.To = now
	}
	if c.Client != "" {
		if cmd.Votes.Client, err = domain.ParseClientID(c.Client); err != nil {
			return fmt.Errorf("--client: %w", err)
		}
	}
	if c.Pattern != "" {
		if cmd.Votes.Pattern, err = domain.ParsePattern(c.Pattern); err != nil {
			return fmt.Errorf("--pattern: %w", err)
		}
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return err
	}
	cmd.Quarantine.UUID = domain.UUID(id)
	return withLog(env, c.place, c.natsFlags, func(s *stores) error {
		if c.Client != "" {
			all, err := s.clients.List(env.ctx)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(all, func(one domain.Client) bool { return one.ID == cmd.Votes.Client }) {
				return domain.NotFound("--client: there is no client %q; ocapi client list has them", c.Client)
			}
		}
		if err := decideQuarantine(env, s, cmd.Quarantine, cmd); err != nil {
			return err
		}
		_, err := fmt.Fprintf(env.stdout, "%s\nThese votes are set aside until: ocapi quarantine lift %s --reason WHY\n", cmd.Quarantine, cmd.Quarantine)
		return err
	})
}

type quarantineLiftCmd struct {
	ID     string `arg:"" help:"The quarantine."`
	Reason string `required:"" help:"Why, for those who ask later."`
	place
	natsFlags
}

// Run appends the lifting to the event log.
func (c *quarantineLiftCmd) Run(env *environment) error {
	id, err := domain.ParseQuarantineID(c.ID)
	if err != nil {
		return err
	}
	return withLog(env, c.place, c.natsFlags, func(s *stores) error {
		if err := decideQuarantine(env, s, id, domain.LiftQuarantine{Quarantine: id, Reason: c.Reason}); err != nil {
			return err
		}
		_, err := fmt.Fprintln(env.stdout, "Its votes count again.")
		return err
	})
}

// decideQuarantine appends what a command causes and waits until it is archived.
func decideQuarantine(env *environment, s *stores, id domain.QuarantineID, cmd domain.QuarantineCommand) error {
	var q domain.Quarantine
	records, err := s.archive.Challenge(env.ctx, domain.ChallengeID(id))
	if err != nil {
		return err
	}
	for _, r := range records {
		q = domain.EvolveQuarantine(q, r.Event)
	}
	event, err := uuid.NewV7()
	if err != nil {
		return err
	}
	e, err := domain.DecideQuarantine(q, cmd, env.clock()(), domain.EventID{UUID: domain.UUID(event)})
	if err != nil {
		return err
	}
	if err := s.append(env.ctx, e); err != nil {
		return err
	}
	return archived(env.ctx, s, e.Head().ID)
}

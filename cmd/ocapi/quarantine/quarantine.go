package quarantine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"ocapi/command"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place"
)

// Command is the commands of "ocapi quarantine".
type Command struct {
	List quarantineListCmd `cmd:"" help:"Print the quarantines, also those that the service has made itself because one answer flooded unknown images."`
	Add  quarantineAddCmd  `cmd:"" help:"Set votes aside until the quarantine is lifted. Their events stay as they are."`
	Lift quarantineLiftCmd `cmd:"" help:"Let the votes of a quarantine count again, as if it had never been."`
}

type quarantineListCmd struct {
	All  bool `help:"Also those that are lifted."`
	JSON bool `name:"json" help:"Print JSON Lines."`
	place.Flags
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
func (c *quarantineListCmd) Run(env *command.Environment) (err error) {
	s, err := place.OpenForReading(env.Context, c.Flags, place.ArchiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all, err := quarantinesOf(env.Context, s.Archive)
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
		_, err = fmt.Fprintln(env.Stdout, "No votes are set aside.")
	}
	return err
}

func printQuarantine(env *command.Environment, v quarantineView, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(env.Stdout).Encode(v)
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
	_, err := fmt.Fprintf(env.Stdout, "%s  %s  %s  from %s to %s\n    by %s at %s: %q\n", v.ID, client, pattern,
		v.From.Format(time.RFC3339), v.To.Format(time.RFC3339), by, v.Made.Format(time.RFC3339), v.Reason)
	if err == nil && !v.Lifted.IsZero() {
		_, err = fmt.Fprintf(env.Stdout, "    lifted at %s: %q\n", v.Lifted.Format(time.RFC3339), v.Why)
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
	place.Flags
	place.NATSFlags
}

// Run appends the quarantine to the event log.
func (c *quarantineAddCmd) Run(env *command.Environment) error {
	now := env.Clock()()
	cmd := domain.QuarantineVotes{Reason: c.Reason}
	var err error
	if cmd.Votes.From, err = command.ParseMoment("--since", c.Since, now); err != nil {
		return err
	}
	if cmd.Votes.To, err = command.ParseMoment("--until", c.Until, now); err != nil {
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
	return command.WithLog(env, c.Flags, c.NATSFlags, func(s *place.Stores) error {
		if c.Client != "" {
			all, err := s.Clients.List(env.Context)
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
		_, err := fmt.Fprintf(env.Stdout, "%s\nThese votes are set aside until: ocapi quarantine lift %s --reason WHY\n", cmd.Quarantine, cmd.Quarantine)
		return err
	})
}

type quarantineLiftCmd struct {
	ID     string `arg:"" help:"The quarantine."`
	Reason string `required:"" help:"Why, for those who ask later."`
	place.Flags
	place.NATSFlags
}

// Run appends the lifting to the event log.
func (c *quarantineLiftCmd) Run(env *command.Environment) error {
	id, err := domain.ParseQuarantineID(c.ID)
	if err != nil {
		return err
	}
	return command.WithLog(env, c.Flags, c.NATSFlags, func(s *place.Stores) error {
		if err := decideQuarantine(env, s, id, domain.LiftQuarantine{Quarantine: id, Reason: c.Reason}); err != nil {
			return err
		}
		_, err := fmt.Fprintln(env.Stdout, "Its votes count again.")
		return err
	})
}

// decideQuarantine appends what a command causes and waits until it is archived.
func decideQuarantine(env *command.Environment, s *place.Stores, id domain.QuarantineID, cmd domain.QuarantineCommand) error {
	var q domain.Quarantine
	records, err := s.Archive.Challenge(env.Context, domain.ChallengeID(id))
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
	e, err := domain.DecideQuarantine(q, cmd, env.Clock()(), domain.EventID{UUID: domain.UUID(event)})
	if err != nil {
		return err
	}
	if err := s.Append(env.Context, e); err != nil {
		return err
	}
	return command.Archived(env.Context, s, e.Head().ID)
}

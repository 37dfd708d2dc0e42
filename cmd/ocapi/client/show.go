package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/domain"
	"ocapi/place"
)

type clientShowCmd struct {
	ID   string `arg:"" help:"The public id, or an alias."`
	JSON bool   `help:"Print one JSON object."`
	place.Flags
}

// Run shows one client. It reads beside a running service.
func (c *clientShowCmd) Run(env *command.Environment) (err error) {
	s, err := place.OpenForReading(env.Context, c.Flags, place.CollectionsFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	list, err := s.Clients.List(env.Context)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(client domain.Client) bool { return client.Named(c.ID) })
	if i < 0 {
		return domain.NotFound("there is no client %.80q", c.ID)
	}
	if c.JSON {
		return json.NewEncoder(env.Stdout).Encode(listedClient(&list[i]))
	}
	return showClient(env, &list[i])
}

func showClient(env *command.Environment, c *domain.Client) error {
	w := tabwriter.NewWriter(env.Stdout, 0, 4, 2, ' ', 0)
	line := func(name, value string) {
		fmt.Fprintf(w, "%s\t%s\n", name, value) //nolint:errcheck // Flush tells
	}
	state := "live"
	if c.Disabled {
		state = "disabled"
	}
	consumes := "no"
	if c.SiteVerify {
		consumes = "yes: each verdict once"
	}
	line("Client", string(c.ID))
	line("State", state)
	line("Created", c.CreatedAt.Format(time.RFC3339))
	line("Aliases", console.OrDash(texts(c.Aliases)))
	line("Collections", orAll(texts(c.Collections)))
	line("Types", orAll(typeNames(c.Types)))
	line("Languages", orAll(c.Languages))
	line("Pages", orAny(c.Origins))
	line("Limit", sayLimit(c.Limit))
	line("/siteverify", consumes)
	for i, secret := range c.Secrets {
		name := ""
		if i == 0 {
			name = "Private ids"
		}
		line(name, describeSecret(secret)+", made "+secret.CreatedAt.Format(time.RFC3339))
	}
	if len(c.Secrets) == 0 {
		line("Private ids", "none; make one with: ocapi client rotate "+string(c.ID))
	}
	return w.Flush()
}

func describeSecret(s domain.Secret) string {
	switch {
	case !s.Live(time.Now()):
		return s.ID + " (ended)"
	case s.ExpiresAt.IsZero():
		return s.ID
	}
	return fmt.Sprintf("%s (until %s)", s.ID, s.ExpiresAt.Format(time.RFC3339))
}

func texts[T ~string](list []T) []string {
	var words []string
	for _, word := range list {
		words = append(words, string(word))
	}
	return words
}

func typeNames(types []domain.ChallengeType) []string {
	var names []string
	for _, t := range types {
		names = append(names, t.String())
	}
	return names
}

func orAll(words []string) string {
	if len(words) == 0 {
		return "all"
	}
	return console.OrDash(words)
}

func orAny(words []string) string {
	if len(words) == 0 {
		return "any"
	}
	return console.OrDash(words)
}

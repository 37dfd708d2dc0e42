package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"ocapi/clients"
	"ocapi/command"
	"ocapi/command/console"
	"ocapi/domain"
	"ocapi/place"
)

// Command is the commands of "ocapi client".
type Command struct {
	Create  clientCreateCmd  `cmd:"" help:"Register a website; prints its public id and, this once, its private id."`
	List    clientListCmd    `cmd:"" help:"List the websites and the state of their private ids."`
	Show    clientShowCmd    `cmd:"" help:"Show all there is about one website."`
	Set     clientSetCmd     `cmd:"" help:"Change a website's limit, collections, types, languages, pages or other public ids."`
	Rotate  clientRotateCmd  `cmd:"" help:"Give a website a new private id; the old ones live on for the overlap."`
	Revoke  clientRevokeCmd  `cmd:"" help:"End one private id at once."`
	Disable clientDisableCmd `cmd:"" help:"Make a website unknown; its events stay."`
	Enable  clientEnableCmd  `cmd:"" help:"Undo disable."`

	Key       clientKeyCmd       `cmd:"" help:"Make a key that private ids are sealed with in the database."`
	Reencrypt clientReencryptCmd `cmd:"" help:"Seal all private ids with the first key, as every start of the service does."`
}

type clientCreateCmd struct {
	ID    string   `arg:"" help:"The public id: letters, digits, '-' and '_'."`
	Alias []string `help:"Another public id of the same website; may be repeated."`
	confineFlags
	limitFlags
	Siteverify bool `help:"Let its verdicts be consumed, once each, by POST /siteverify."`
	place.KeyFlags
	place.Flags
}

type clientListCmd struct {
	JSON bool `help:"Print one JSON object a line."`
	place.Flags
}

type clientRotateCmd struct {
	ID      string        `arg:"" help:"The public id."`
	Overlap time.Duration `help:"How long the old private ids stay valid." default:"24h"`
	place.KeyFlags
	place.Flags
}

type clientRevokeCmd struct {
	ID       string `arg:"" help:"The public id."`
	SecretID string `help:"Which private id: its name, the middle part of ocapi_NAME_…, as list shows it. (What JSON calls secret is the private id.)" required:"" name:"secret-id"`
	place.Flags
}

type clientDisableCmd struct {
	ID string `arg:"" help:"The public id."`
	place.Flags
}

type clientEnableCmd struct {
	ID string `arg:"" help:"The public id."`
	place.Flags
}

// Issued is what create and rotate print, on one line. Its keys are in
// partners' scripts: "secret" is what people are told as the private id.
type Issued struct {
	Client domain.ClientID `json:"client_id"`
	Secret string          `json:"secret"`
}

// Run registers a client.
func (c *clientCreateCmd) Run(env *command.Environment) error {
	limit, err := c.limit()
	if err != nil {
		return err
	}
	types, err := c.types()
	if err != nil {
		return err
	}
	return command.WithStores(env, c.With(c.KeyFlags), func(s *place.Stores) error {
		client, secret, err := s.Clients.Create(env.Context, clients.CreateParams{
			ID: c.ID, Aliases: c.Alias, Limit: limit, Collections: c.collections(),
			Types: types, Languages: c.Language, Origins: c.Origin, SiteVerify: c.Siteverify,
		})
		if err != nil {
			return err
		}
		c.warn(env, s, client.ID)
		return json.NewEncoder(env.Stdout).Encode(Issued{Client: client.ID, Secret: secret.Reveal()})
	})
}

// Run gives a client a new private id.
func (c *clientRotateCmd) Run(env *command.Environment) error {
	return command.WithExisting(env, c.With(c.KeyFlags), func(s *place.Stores) error {
		secret, err := s.Clients.Rotate(env.Context, c.ID, c.Overlap)
		if err != nil {
			return err
		}
		return json.NewEncoder(env.Stdout).Encode(Issued{Client: domain.ClientID(c.ID), Secret: secret.Reveal()})
	})
}

// Run revokes a private id.
func (c *clientRevokeCmd) Run(env *command.Environment) error {
	return command.WithExisting(env, c.Flags, func(s *place.Stores) error {
		if err := s.Clients.Revoke(env.Context, c.ID, c.SecretID); err != nil {
			return err
		}
		_, err := fmt.Fprintf(env.Stdout, "The private id %s of %s is revoked.\n", c.SecretID, c.ID)
		return err
	})
}

// Run disables a client.
func (c *clientDisableCmd) Run(env *command.Environment) error {
	return command.WithExisting(env, c.Flags, func(s *place.Stores) error {
		if err := s.Clients.Disable(env.Context, c.ID); err != nil {
			return err
		}
		_, err := fmt.Fprintf(env.Stdout, "%s is disabled.\n", c.ID)
		return err
	})
}

// Run enables a client.
func (c *clientEnableCmd) Run(env *command.Environment) error {
	return command.WithExisting(env, c.Flags, func(s *place.Stores) error {
		if err := s.Clients.Enable(env.Context, c.ID); err != nil {
			return err
		}
		_, err := fmt.Fprintf(env.Stdout, "%s is enabled.\n", c.ID)
		return err
	})
}

// Listed is a client as list --json prints it: no private id, only their names.
type Listed struct {
	Client      domain.ClientID       `json:"client_id"`
	Aliases     []domain.ClientID     `json:"aliases,omitempty"`
	Collections []domain.CollectionID `json:"collections,omitempty"`
	Types       []string              `json:"types,omitempty"` // absent, as with what follows: all
	Languages   []string              `json:"languages,omitempty"`
	Origins     []string              `json:"origins,omitempty"`
	SiteVerify  bool                  `json:"siteverify"`
	Rate        float64               `json:"rate,omitempty"`  // a second; absent: the default
	Burst       int                   `json:"burst,omitempty"` // with rate
	Disabled    bool                  `json:"disabled"`
	CreatedAt   time.Time             `json:"created_at"`
	Secrets     []listedSecret        `json:"secrets"`
}

type listedSecret struct {
	ID        string     `json:"secret_id"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	Live      bool       `json:"live"`
}

// Run lists the clients. It reads beside a running service.
func (c *clientListCmd) Run(env *command.Environment) (err error) {
	s, err := place.OpenForReading(env.Context, c.Flags, place.CollectionsFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	list, err := s.Clients.List(env.Context)
	if err != nil {
		return err
	}
	if c.JSON {
		return printClientsJSON(env, list)
	}
	return printClients(env, list)
}

func printClientsJSON(env *command.Environment, list []domain.Client) error {
	enc := json.NewEncoder(env.Stdout)
	for i := range list {
		if err := enc.Encode(listedClient(&list[i])); err != nil {
			return err
		}
	}
	return nil
}

func listedClient(client *domain.Client) Listed {
	l := Listed{
		Client: client.ID, Aliases: client.Aliases, Collections: client.Collections,
		Types: typeNames(client.Types), Languages: client.Languages, Origins: client.Origins, SiteVerify: client.SiteVerify,
		Rate: client.Limit.PerSecond, Burst: client.Limit.Burst, Disabled: client.Disabled, CreatedAt: client.CreatedAt, Secrets: []listedSecret{},
	}
	for _, secret := range client.Secrets {
		ls := listedSecret{ID: secret.ID, CreatedAt: secret.CreatedAt, Live: secret.Live(time.Now())}
		if !secret.ExpiresAt.IsZero() {
			ls.ExpiresAt = &secret.ExpiresAt
		}
		l.Secrets = append(l.Secrets, ls)
	}
	return l
}

func printClients(env *command.Environment, list []domain.Client) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(env.Stdout, "There are no clients yet; make one with: ocapi client create ID")
		return err
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "CLIENT\tSTATE\tALIASES\tCOLLECTIONS\tLIMIT\tPRIVATE IDS") //nolint:errcheck // Flush tells
	for _, client := range list {
		state := "live"
		if client.Disabled {
			state = "disabled"
		}
		var secrets []string
		for _, secret := range client.Secrets {
			secrets = append(secrets, describeSecret(secret))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", client.ID, state, console.OrDash(texts(client.Aliases)), console.OrDash(texts(client.Collections)), //nolint:errcheck // Flush tells
			printLimit(client.Limit), console.OrDash(secrets))
	}
	return w.Flush()
}

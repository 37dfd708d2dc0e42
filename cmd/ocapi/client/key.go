package client

import (
	"errors"
	"fmt"

	"ocapi/clients"
	"ocapi/command"
	"ocapi/command/console"
	"ocapi/place"
)

type clientReencryptCmd struct {
	place.KeyFlags
	place.Flags
}

// Run seals all private ids with the first key, as every start of the service
// does.
func (c *clientReencryptCmd) Run(env *command.Environment) error {
	return command.WithExisting(env, c.With(c.KeyFlags), func(s *place.Stores) error {
		n, err := s.Reseal(env.Context)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "%s sealed anew, with the key %s.\n", console.Count(n, "private id"), s.Keys.First())
		return err
	})
}

type clientKeyCmd struct {
	New clientKeyNewCmd `cmd:"" help:"Make a key that private ids are sealed with."`
}

type clientKeyNewCmd struct {
	File string `help:"The file to put it into, made with permissions 0600 where there is none. Without it the key is printed." type:"path"`
	Last bool   `help:"Put it last in the file: it opens, and does not seal yet. The first step where several nodes share a database."`
}

// Run makes a key.
func (c *clientKeyNewCmd) Run(env *command.Environment) error {
	if c.File == "" {
		if c.Last {
			return errors.New("--last is about a file; name it with --file")
		}
		_, err := fmt.Fprintln(env.Stdout, clients.NewKey())
		return err
	}
	id, err := clients.AddKey(c.File, !c.Last)
	if err != nil {
		return err
	}
	says := "the first of %s; it seals from the next start of the service on"
	if c.Last {
		says = "the last of %s; it opens from the next start of the service on"
	}
	_, err = fmt.Fprintf(env.Stdout, "The key %s is "+says+". Keep a copy of the file where copies of the database are not.\n", id, c.File)
	return err
}

package main

import (
	"errors"
	"fmt"

	"ocapi/clients"
)

type clientReencryptCmd struct {
	keyFlags
	place
}

// Run seals all private ids with the first key, as every start of the service
// does.
func (c *clientReencryptCmd) Run(env *environment) error {
	return withExisting(env, c.with(c.keyFlags), func(s *stores) error {
		n, err := s.reseal(env.ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "%s sealed anew, with the key %s.\n", count(n, "private id"), s.keys.First())
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
func (c *clientKeyNewCmd) Run(env *environment) error {
	if c.File == "" {
		if c.Last {
			return errors.New("--last is about a file; name it with --file")
		}
		_, err := fmt.Fprintln(env.stdout, clients.NewKey())
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
	_, err = fmt.Fprintf(env.stdout, "The key %s is "+says+". Keep a copy of the file where copies of the database are not.\n", id, c.File)
	return err
}

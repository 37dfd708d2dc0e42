package client

import (
	"errors"
	"fmt"
	"slices"

	"ocapi/clients"
	"ocapi/command"
	"ocapi/domain"
	"ocapi/place"
)

// anyValue, alone, takes a confinement away.
const anyValue = "any"

// confineFlags are what a client is confined to. Each may be repeated.
type confineFlags struct {
	Collection []string `help:"A collection that its challenges come from; may be repeated. None: all."`
	Type       []string `help:"A type of challenge that it is served: transcription, classification or audio; may be repeated. None: all. Without audio, people who cannot see have no way in."`
	Language   []string `help:"A language of its challenges, such as fr; may be repeated. None: all."`
	Origin     []string `help:"Where its pages are, such as https://www.example.org; may be repeated. Browsers that name another are refused. None: any."`
}

// types reads the flag.
func (f confineFlags) types() ([]domain.ChallengeType, error) {
	var types []domain.ChallengeType
	for _, name := range f.Type {
		t, err := domain.ParseChallengeType(name)
		if err != nil {
			return nil, fmt.Errorf("--type: %w", err)
		}
		types = append(types, t)
	}
	return types, nil
}

func (f confineFlags) collections() []domain.CollectionID {
	var ids []domain.CollectionID
	for _, id := range f.Collection {
		ids = append(ids, domain.CollectionID(id))
	}
	return ids
}

// warn says what will not work as it may have been meant.
func (f confineFlags) warn(env *command.Environment, s *place.Stores, client domain.ClientID) {
	for _, id := range f.collections() {
		if id == anyValue {
			continue
		}
		if _, err := s.Corpus.Collection(env.Context, id); domain.CodeOf(err) == domain.CodeNotFound {
			fmt.Fprintf(env.Stderr, "There is no collection %q yet; until there is, it serves %s nothing.\n", id, client) //nolint:errcheck // as in main
		}
	}
	if len(f.Type) > 0 && f.Type[0] != anyValue && !slices.Contains(f.Type, domain.TypeAudio.String()) {
		fmt.Fprintf(env.Stderr, "Without --type audio, people who cannot see the images have no way into %s's forms.\n", client) //nolint:errcheck // as in main
	}
}

type clientSetCmd struct {
	ID string `arg:"" help:"The public id."`
	limitFlags
	DefaultLimit bool `help:"Take the limit of its own away."`
	confineFlags
	Alias       []string `help:"One more public id of the same website; may be repeated."`
	RemoveAlias []string `help:"A public id that is to be so no more; may be repeated."`
	Siteverify  *bool    `help:"Let its verdicts be consumed, once each, by POST /siteverify; --no-siteverify takes it back." negatable:""`
	place.Flags
}

// Run changes what of a client the flags name.
func (c *clientSetCmd) Run(env *command.Environment) error {
	change, said, err := c.change()
	if err != nil {
		return err
	}
	return command.WithExisting(env, c.Flags, func(s *place.Stores) error {
		if err := s.Clients.Change(env.Context, c.ID, change); err != nil {
			return err
		}
		c.warn(env, s, domain.ClientID(c.ID))
		_, err := fmt.Fprintf(env.Stdout, said+"\n", c.ID)
		return err
	})
}

// change gives what the flags ask for, and the sentence that says that it is
// done, with a verb for the client.
func (c *clientSetCmd) change() (change clients.Change, said string, err error) {
	limit, err := c.limit()
	if err != nil {
		return change, "", err
	}
	given := limit != (domain.Limit{})
	if given && c.DefaultLimit {
		return change, "", errors.New("say either --rate and --burst, or --default-limit")
	}
	said = "%s is changed."
	if given || c.DefaultLimit {
		change.Limit = &limit
		said = "The limit of %s is " + sayLimit(limit) + " now."
	}
	change.AddAliases, change.RemoveAliases, change.SiteVerify = c.Alias, c.RemoveAlias, c.Siteverify
	for _, list := range []struct {
		flag   string
		values *[]string
		use    func() error
	}{
		{"--collection", &c.Collection, func() error { ids := c.collections(); change.Collections = &ids; return nil }},
		{"--type", &c.Type, func() error { types, err := c.types(); change.Types = &types; return err }},
		{"--language", &c.Language, func() error { change.Languages = &c.Language; return nil }},
		{"--origin", &c.Origin, func() error { change.Origins = &c.Origin; return nil }},
	} {
		if len(*list.values) == 0 {
			continue
		}
		if slices.Contains(*list.values, anyValue) {
			if len(*list.values) > 1 {
				return change, "", fmt.Errorf("%s: %q stands alone", list.flag, anyValue)
			}
			*list.values = nil
		}
		if err := list.use(); err != nil {
			return change, "", err
		}
	}
	if change.Limit == nil && change.Collections == nil && change.Types == nil && change.Languages == nil && change.Origins == nil &&
		change.SiteVerify == nil && len(change.AddAliases)+len(change.RemoveAliases) == 0 {
		return change, "", errors.New("say what is to change: either --rate and --burst, or --default-limit; --collection, --type, --language, --origin (any takes them away), --alias, --remove-alias, --siteverify or --no-siteverify")
	}
	return change, said, nil
}

package clients

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"golang.org/x/text/language"

	"ocapi/domain"
)

// The names of settings, as they are stored.
const (
	settingType       = "type"
	settingLanguage   = "language"
	settingOrigin     = "origin"
	settingSiteVerify = "siteverify"

	// siteVerifyOnce is the one value of the setting.
	siteVerifyOnce = "once"
)

const (
	insertSetting = `INSERT INTO client_settings (client, name, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

	deleteSettings = `DELETE FROM client_settings WHERE client = $1 AND name = $2`

	deleteCollections = `DELETE FROM client_collections WHERE client = $1`

	deleteName = `DELETE FROM client_names WHERE name = $1 AND client = $2 AND name <> client`
)

// setting applies a stored setting to a client.
func setting(c *domain.Client, name, value string) error {
	switch name {
	case settingType:
		t, err := domain.ParseChallengeType(value)
		if err != nil {
			return fmt.Errorf("a setting of the client %s: %w", c.ID, err)
		}
		c.Types = append(c.Types, t)
	case settingLanguage:
		c.Languages = append(c.Languages, value)
	case settingOrigin:
		c.Origins = append(c.Origins, value)
	case settingSiteVerify:
		c.SiteVerify = true
	}
	return nil
}

// checkSettings brings a client's settings to the form in which they are stored
// and compared, or says what is wrong with them.
func checkSettings(c *domain.Client) error {
	for _, t := range c.Types {
		if _, err := domain.ParseChallengeType(t.String()); err != nil {
			return err
		}
	}
	for i, tag := range c.Languages {
		parsed, err := language.Parse(tag)
		if err != nil || parsed == language.Und {
			return domain.Invalid("languages", "%.40q is no tag of a language such as fr or pt-BR", tag)
		}
		if i == 0 {
			c.Languages = slices.Clone(c.Languages)
		}
		c.Languages[i] = parsed.String()
	}
	for i, text := range c.Origins {
		origin, err := domain.ParseOrigin(text)
		if err != nil {
			return err
		}
		if i == 0 {
			c.Origins = slices.Clone(c.Origins)
		}
		c.Origins[i] = origin
	}
	return nil
}

func insertSettings(ctx context.Context, tx *sql.Tx, c *domain.Client) error {
	put := func(name, value string) error {
		_, err := tx.ExecContext(ctx, insertSetting, c.ID, name, value)
		return err
	}
	for _, t := range c.Types {
		if err := put(settingType, t.String()); err != nil {
			return err
		}
	}
	for _, tag := range c.Languages {
		if err := put(settingLanguage, tag); err != nil {
			return err
		}
	}
	for _, origin := range c.Origins {
		if err := put(settingOrigin, origin); err != nil {
			return err
		}
	}
	if c.SiteVerify {
		return put(settingSiteVerify, siteVerifyOnce)
	}
	return nil
}

// Change says what of a client is to be otherwise. What is nil stays; a list that
// is there and empty takes the confinement away.
type Change struct {
	Limit         *domain.Limit // the zero limit: the service's default again
	AddAliases    []string
	RemoveAliases []string
	Collections   *[]domain.CollectionID
	Types         *[]domain.ChallengeType
	Languages     *[]string
	Origins       *[]string
	SiteVerify    *bool
}

// Change changes a client that is named by its id or an alias, all of it or, on
// an error, nothing. Errors: CodeInvalid for what is malformed, CodeNotFound for
// an unknown client and for an alias to remove that it does not have, CodeConflict
// for an alias that is taken.
func (s *Store) Change(ctx context.Context, id string, p Change) error {
	wanted, aliases, err := p.check()
	if err != nil {
		return err
	}
	err = s.change(ctx, func(tx *sql.Tx) (bool, error) {
		client, err := find(ctx, tx, id)
		if err != nil {
			return false, err
		}
		if err := changeAliases(ctx, tx, client, aliases, p.RemoveAliases); err != nil {
			return false, err
		}
		if p.Limit != nil {
			if err := changeLimit(ctx, tx, client, *p.Limit); err != nil {
				return false, err
			}
		}
		if p.Collections != nil {
			if err := changeCollections(ctx, tx, client, *p.Collections); err != nil {
				return false, err
			}
		}
		for _, name := range p.settings() {
			if _, err := tx.ExecContext(ctx, deleteSettings, client, name); err != nil {
				return false, err
			}
		}
		wanted.ID = client
		return true, insertSettings(ctx, tx, &wanted)
	})
	return wrap(err, "change the client %s", id)
}

// check gives the new settings in the form in which they are stored, and the
// aliases to add.
func (p Change) check() (wanted domain.Client, aliases []domain.ClientID, err error) {
	for _, name := range p.AddAliases {
		alias, err := domain.ParseClientID(name)
		if err != nil {
			return wanted, nil, err
		}
		aliases = append(aliases, alias)
	}
	if p.Limit != nil {
		if err := checkLimit(*p.Limit); err != nil {
			return wanted, nil, err
		}
	}
	if p.Types != nil {
		wanted.Types = *p.Types
	}
	if p.Languages != nil {
		wanted.Languages = *p.Languages
	}
	if p.Origins != nil {
		wanted.Origins = *p.Origins
	}
	wanted.SiteVerify = p.SiteVerify != nil && *p.SiteVerify
	return wanted, aliases, checkSettings(&wanted)
}

// settings names those that are replaced.
func (p Change) settings() []string {
	var names []string
	for _, s := range []struct {
		name  string
		there bool
	}{
		{settingType, p.Types != nil},
		{settingLanguage, p.Languages != nil},
		{settingOrigin, p.Origins != nil},
		{settingSiteVerify, p.SiteVerify != nil},
	} {
		if s.there {
			names = append(names, s.name)
		}
	}
	return names
}

func changeAliases(ctx context.Context, tx *sql.Tx, client domain.ClientID, add []domain.ClientID, remove []string) error {
	for _, alias := range remove {
		gone, err := affected(tx.ExecContext(ctx, deleteName, alias, client))
		if err != nil {
			return err
		}
		if !gone {
			return domain.NotFound("the client %s has no alias %.80q", client, alias)
		}
	}
	for _, alias := range add {
		if err := free(ctx, tx, alias); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insertName, alias, client); err != nil {
			return err
		}
	}
	return nil
}

func changeLimit(ctx context.Context, tx *sql.Tx, client domain.ClientID, limit domain.Limit) (err error) {
	if limit == (domain.Limit{}) {
		_, err = tx.ExecContext(ctx, deleteLimit, client)
	} else {
		_, err = tx.ExecContext(ctx, upsertLimit, client, limit.PerSecond, limit.Burst)
	}
	return err
}

func changeCollections(ctx context.Context, tx *sql.Tx, client domain.ClientID, collections []domain.CollectionID) error {
	if _, err := tx.ExecContext(ctx, deleteCollections, client); err != nil {
		return err
	}
	for _, collection := range collections {
		if _, err := tx.ExecContext(ctx, insertCollection, client, collection); err != nil {
			return err
		}
	}
	return nil
}

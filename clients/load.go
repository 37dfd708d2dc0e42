package clients

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ocapi/domain"
)

const (
	selectRevision = `SELECT revision FROM client_revision WHERE id = 1`

	selectClients = `SELECT id, disabled, created_at FROM clients ORDER BY id`

	selectNames = `SELECT name, client FROM client_names WHERE name <> client ORDER BY name`

	selectSecrets = `SELECT id, client, key, sealed, created_at, expires_at FROM client_secrets ORDER BY created_at, id`

	selectLimits = `SELECT client, per_second, burst FROM client_limits ORDER BY client`

	selectSettings = `SELECT client, name, value FROM client_settings ORDER BY client, name, value`

	selectCollections = `SELECT client, collection FROM client_collections ORDER BY collection`
)

// openFunc gives the private id of a stored form, or "" where it cannot be had.
type openFunc func(client domain.ClientID, secret *domain.Secret, sealed string) string

// load reads everything, sorted by id, and the revision that it belongs to,
// from one snapshot of the database. Secrets have their Key by open, those that
// are not sealed yet as they are.
func load(ctx context.Context, db *sql.DB, open openFunc) (revision int64, list []*domain.Client, err error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	// The revision first: should a database's snapshots be weaker than
	// SQLite's, the rows are at worst newer than it, and are read again.
	if err := tx.QueryRowContext(ctx, selectRevision).Scan(&revision); err != nil {
		return 0, nil, err
	}
	byID := map[domain.ClientID]*domain.Client{}
	err = each(ctx, tx, selectClients, func(rows *sql.Rows) error {
		var c domain.Client
		var at int64
		if err := rows.Scan(&c.ID, &c.Disabled, &at); err != nil {
			return err
		}
		c.CreatedAt = time.UnixMicro(at).UTC()
		byID[c.ID] = &c
		list = append(list, &c)
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return revision, list, loadParts(ctx, tx, byID, open)
}

func loadParts(ctx context.Context, tx *sql.Tx, byID map[domain.ClientID]*domain.Client, open openFunc) error {
	owned := func(id domain.ClientID) (*domain.Client, error) {
		c, ok := byID[id]
		if !ok {
			return nil, fmt.Errorf("the database has a row of the client %s, but not the client", id)
		}
		return c, nil
	}
	err := each(ctx, tx, selectNames, func(rows *sql.Rows) error {
		var name, id domain.ClientID
		if err := rows.Scan(&name, &id); err != nil {
			return err
		}
		c, err := owned(id)
		if err != nil {
			return err
		}
		c.Aliases = append(c.Aliases, name)
		return nil
	})
	if err != nil {
		return err
	}
	err = each(ctx, tx, selectSecrets, func(rows *sql.Rows) error {
		var secret domain.Secret
		var id domain.ClientID
		var sealed string
		var created int64
		var expires sql.NullInt64
		if err := rows.Scan(&secret.ID, &id, &secret.Key, &sealed, &created, &expires); err != nil {
			return err
		}
		c, err := owned(id)
		if err != nil {
			return err
		}
		secret.CreatedAt = time.UnixMicro(created).UTC()
		if expires.Valid {
			secret.ExpiresAt = time.UnixMicro(expires.Int64).UTC()
		}
		if sealed != "" {
			secret.Key = open(c.ID, &secret, sealed)
		}
		c.Secrets = append(c.Secrets, secret)
		return nil
	})
	if err != nil {
		return err
	}
	err = each(ctx, tx, selectLimits, func(rows *sql.Rows) error {
		var id domain.ClientID
		var limit domain.Limit
		if err := rows.Scan(&id, &limit.PerSecond, &limit.Burst); err != nil {
			return err
		}
		c, err := owned(id)
		if err != nil {
			return err
		}
		c.Limit = limit
		return nil
	})
	if err != nil {
		return err
	}
	err = each(ctx, tx, selectSettings, func(rows *sql.Rows) error {
		var id domain.ClientID
		var name, value string
		if err := rows.Scan(&id, &name, &value); err != nil {
			return err
		}
		c, err := owned(id)
		if err != nil {
			return err
		}
		return setting(c, name, value)
	})
	if err != nil {
		return err
	}
	return each(ctx, tx, selectCollections, func(rows *sql.Rows) error {
		var id domain.ClientID
		var collection domain.CollectionID
		if err := rows.Scan(&id, &collection); err != nil {
			return err
		}
		c, err := owned(id)
		if err != nil {
			return err
		}
		c.Collections = append(c.Collections, collection)
		return nil
	})
}

// each calls do for every row of a query.
func each(ctx context.Context, tx *sql.Tx, query string, do func(*sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error comes through rows.Err
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

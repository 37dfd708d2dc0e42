package clients

import (
	"context"
	"database/sql"
	"fmt"

	"ocapi/domain"
)

const (
	selectStored = `SELECT id, client, key, sealed FROM client_secrets ORDER BY client, id`

	updateSealed = `UPDATE client_secrets SET key = '', sealed = $1 WHERE id = $2`

	countSealed = `SELECT count(*) FROM client_secrets WHERE sealed <> ''`
)

// stored is a private id as the table has it.
type stored struct {
	id      string
	client  domain.ClientID
	printed string // of before there was sealing; empty
	sealed  string
}

// Sealed counts the private ids that are sealed, with whatever key.
func (s *Store) Sealed(ctx context.Context) (n int, err error) {
	if err := s.read.QueryRowContext(ctx, countSealed).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the sealed private ids: %w", err)
	}
	return n, nil
}

// Reseal seals with the first key every private id that is not sealed with it
// yet: those of before there was sealing, whose readable form is removed, and
// those under a key that is to go. It is one transaction: all of them or, on an
// error, none. It gives how many there were; doing it again changes nothing.
// Several nodes may do it at once. Private ids that cannot be opened stay as they
// are: what lives of them is for [Registry.Start] to refuse.
func (s *Store) Reseal(ctx context.Context) (n int, err error) {
	if s.keys == nil {
		return 0, fmt.Errorf("seal the private ids: %w", s.noKeys)
	}
	err = s.change(ctx, func(tx *sql.Tx) (bool, error) {
		n = 0
		list, err := readStored(ctx, tx)
		if err != nil {
			return false, err
		}
		for _, old := range list {
			done, err := s.reseal(ctx, tx, old)
			if err != nil {
				return false, fmt.Errorf("the private id %s of the client %s: %w", old.id, old.client, err)
			}
			if done {
				n++
			}
		}
		// The private ids are what they were, but a node whose keys are an older set's
		// is to notice now, and not at its next start.
		return n > 0, nil
	})
	return n, wrap(err, "seal the private ids")
}

func (s *Store) reseal(ctx context.Context, tx *sql.Tx, old stored) (bool, error) {
	printed := old.printed
	if old.sealed != "" {
		if printed == "" && sealedWith(old.sealed) == s.keys.First() {
			return false, nil
		}
		opened, err := s.keys.open(old.client, old.id, old.sealed)
		if err != nil {
			return false, nil //nolint:nilerr // as documented
		}
		printed = opened
	}
	if printed == "" {
		return false, nil // it has been empty before, and opens nothing
	}
	sealed, err := s.keys.seal(old.client, old.id, printed)
	if err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, updateSealed, sealed, old.id)
	return err == nil, err
}

func readStored(ctx context.Context, tx *sql.Tx) (list []stored, err error) {
	err = each(ctx, tx, selectStored, func(rows *sql.Rows) error {
		var row stored
		if err := rows.Scan(&row.id, &row.client, &row.printed, &row.sealed); err != nil {
			return err
		}
		list = append(list, row)
		return nil
	})
	return list, err
}

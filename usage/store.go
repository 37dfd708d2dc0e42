package usage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"ocapi/domain"
)

// Store is the table of counts. It is safe for concurrent use.
type Store struct{ write, read *sql.DB }

// NewStore makes a store over the handles of a migrated database, be it a file
// of collections or PostgreSQL.
func NewStore(write, read *sql.DB) *Store { return &Store{write: write, read: read} }

const (
	columns = `client, day, checked_validated, checked_rejected, checked_created, checks_failed, failed, asked, limited`

	addRow = `INSERT INTO client_days (` + columns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (client, day) DO UPDATE SET
			checked_validated = client_days.checked_validated + excluded.checked_validated,
			checked_rejected = client_days.checked_rejected + excluded.checked_rejected,
			checked_created = client_days.checked_created + excluded.checked_created,
			checks_failed = client_days.checks_failed + excluded.checks_failed,
			failed = client_days.failed + excluded.failed,
			asked = client_days.asked + excluded.asked,
			limited = client_days.limited + excluded.limited`

	selectRows    = `SELECT ` + columns + ` FROM client_days WHERE client = $1 AND day >= $2 ORDER BY client, day`
	selectAllRows = `SELECT ` + columns + ` FROM client_days WHERE day >= $1 ORDER BY client, day`

	deleteOld = `DELETE FROM client_days WHERE day < $1`
)

// Add adds counts to what the table has, in one transaction.
func (s *Store) Add(ctx context.Context, rows []Row) (err error) {
	if len(rows) == 0 {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("add the counts of %d clients' days: %w", len(rows), err)
		}
	}()
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if rollback := tx.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) {
			err = errors.Join(err, rollback)
		}
	}()
	for _, r := range rows {
		if _, err := tx.ExecContext(ctx, addRow, r.Client, int64(r.Date), int64(r.CheckedValidated), int64(r.CheckedRejected),
			int64(r.CheckedCreated), int64(r.ChecksFailed), int64(r.Failed), int64(r.Asked), int64(r.Limited)); err != nil {
			return fmt.Errorf("client %s: %w", r.Client, err)
		}
	}
	return tx.Commit()
}

// Rows lists the counts since a day, of one client or, where none is named, of
// all, by client and day. Days without counts have no row.
func (s *Store) Rows(ctx context.Context, client domain.ClientID, since Date) (list []Row, err error) {
	query, args := selectRows, []any{client, int64(since)}
	if client == "" {
		query, args = selectAllRows, []any{int64(since)}
	}
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the counts of clients' days: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r Row
		if err := rows.Scan(&r.Client, &r.Date, &r.CheckedValidated, &r.CheckedRejected, &r.CheckedCreated,
			&r.ChecksFailed, &r.Failed, &r.Asked, &r.Limited); err != nil {
			return nil, fmt.Errorf("read the counts of clients' days: %w", err)
		}
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the counts of clients' days: %w", err)
	}
	return list, nil
}

// Forget removes what is older than a day.
func (s *Store) Forget(ctx context.Context, before Date) error {
	if _, err := s.write.ExecContext(ctx, deleteOld, int64(before)); err != nil {
		return fmt.Errorf("forget old counts of clients' days: %w", err)
	}
	return nil
}

package eventstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

const (
	sqlDeleteStates = `DELETE FROM states`
	sqlStates       = `SELECT challenge, client, status, created_seq, final_seq, expires_at FROM states ORDER BY challenge`
	sqlEventsAfter  = `SELECT seq, incarnation, stored_at, data FROM events WHERE seq > ? ORDER BY seq LIMIT ?`
)

// RebuildStates implements [Archive].
func (a *SQLiteArchive) RebuildStates(ctx context.Context, progress func(int)) (events int, err error) {
	statements, err := a.prepared(ctx)
	if err != nil {
		return 0, fmt.Errorf("rebuild the states: %w", err)
	}
	tx, err := a.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("rebuild the states: %w", err)
	}
	defer func() { err = rollBack(tx, err) }()
	if _, err := tx.ExecContext(ctx, sqlDeleteStates); err != nil {
		return 0, fmt.Errorf("rebuild the states: %w", err)
	}
	w := newSQLiteWriter(ctx, tx, statements)
	for after := Sequence(0); ; {
		page, err := eventsAfter(ctx, tx, after)
		if err != nil {
			return 0, fmt.Errorf("rebuild the states: read events after %d: %w", after, err)
		}
		for _, r := range page {
			if err := w.apply(r); err != nil {
				return 0, fmt.Errorf("rebuild the states: event %d: %w", r.Seq, err)
			}
			after = r.Seq
		}
		events += len(page)
		if progress != nil {
			progress(events)
		}
		if len(page) < eventsPage {
			break
		}
	}
	if err := w.flush(); err != nil {
		return 0, fmt.Errorf("rebuild the states: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("rebuild the states: %w", err)
	}
	return events, nil
}

func eventsAfter(ctx context.Context, tx *sql.Tx, after Sequence) ([]Record, error) {
	rows, err := tx.QueryContext(ctx, sqlEventsAfter, after, eventsPage)
	if err != nil {
		return nil, err
	}
	page := make([]Record, 0, eventsPage)
	err = scanRecords(rows, func(r Record) error {
		page = append(page, r)
		return nil
	})
	return page, err
}

// States implements [Archive].
func (a *SQLiteArchive) States(ctx context.Context, visit func(State) error) error {
	rows, err := a.read.QueryContext(ctx, sqlStates)
	if err != nil {
		return fmt.Errorf("read the states: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err is read below
	for rows.Next() {
		var s State
		var challenge []byte
		var expires int64
		if err := rows.Scan(&challenge, &s.Client, &s.Status, &s.CreatedSeq, &s.FinalSeq, &expires); err != nil {
			return fmt.Errorf("read the states: %w", err)
		}
		copy(s.Challenge.UUID[:], challenge)
		s.ExpiresAt = time.UnixMicro(expires).UTC()
		if err := visit(s); err != nil {
			return err
		}
	}
	return rows.Err()
}

// TryLease implements [Archive]: whoever has the folder's lock has the archive.
func (a *SQLiteArchive) TryLease(context.Context) (release func(), ok bool, err error) {
	return func() {}, true, nil
}

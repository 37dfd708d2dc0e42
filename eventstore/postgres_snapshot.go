package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	pgPutSnapshot = `INSERT INTO snapshots (name, incarnation, seq, event_id, made_at, body)
SELECT $1, $2, $3, $4, $5, $6
WHERE EXISTS (SELECT FROM events WHERE seq = $3 AND incarnation = $2 AND event_id = $4)
ON CONFLICT (name) DO UPDATE SET incarnation = excluded.incarnation, seq = excluded.seq,
event_id = excluded.event_id, made_at = excluded.made_at, body = excluded.body`
	pgSnapshot = `SELECT s.incarnation, s.seq, s.event_id, s.made_at, s.body FROM snapshots AS s
JOIN events AS e ON e.seq = s.seq AND e.incarnation = s.incarnation AND e.event_id = s.event_id WHERE s.name = $1`

	// snapshotPatience is for the tens of megabytes that a snapshot of a million
	// images has.
	snapshotPatience = time.Minute
)

// PutSnapshot implements [Archive].
func (a *PostgresArchive) PutSnapshot(ctx context.Context, s Snapshot) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotPatience)
	defer cancel()
	put, err := a.pool.Exec(ctx, pgPutSnapshot, s.Name, int64(s.At.Incarnation), int64(s.At.Seq), uuidOf(s.At.EventID.UUID), s.MadeAt, s.Body)
	if err == nil && put.RowsAffected() != 1 {
		err = ErrNotArchived
	}
	if err != nil {
		return fmt.Errorf("keep the snapshot %s at event %d: %w", s.Name, s.At.Seq, err)
	}
	return nil
}

// Snapshot implements [Archive].
func (a *PostgresArchive) Snapshot(ctx context.Context, name string) (Snapshot, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotPatience)
	defer cancel()
	s := Snapshot{Name: name}
	var id [16]byte
	err := a.pool.QueryRow(ctx, pgSnapshot, name).Scan(&s.At.Incarnation, &s.At.Seq, &id, &s.MadeAt, &s.Body)
	if errors.Is(err, pgx.ErrNoRows) {
		return Snapshot{}, false, nil
	}
	if err != nil {
		return Snapshot{}, false, fmt.Errorf("read the snapshot %s: %w", name, err)
	}
	s.At.EventID.UUID, s.MadeAt = id, s.MadeAt.UTC()
	return s, true, nil
}

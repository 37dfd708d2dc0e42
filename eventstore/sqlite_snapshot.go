package eventstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ocapi/domain"
)

const (
	sqlPutSnapshot = `INSERT INTO snapshots (name, incarnation, seq, event_id, made_at, body)
SELECT ?1, ?2, ?3, ?4, ?5, ?6
WHERE EXISTS (SELECT 1 FROM events WHERE seq = ?3 AND incarnation = ?2 AND event_id = ?4)
ON CONFLICT (name) DO UPDATE SET incarnation = excluded.incarnation, seq = excluded.seq,
event_id = excluded.event_id, made_at = excluded.made_at, body = excluded.body`
	sqlSnapshot = `SELECT s.incarnation, s.seq, s.event_id, s.made_at, s.body FROM snapshots AS s
JOIN events AS e ON e.seq = s.seq AND e.incarnation = s.incarnation AND e.event_id = s.event_id WHERE s.name = ?`
)

// PutSnapshot implements [Archive].
func (a *SQLiteArchive) PutSnapshot(ctx context.Context, s Snapshot) error {
	put, err := a.write.ExecContext(ctx, sqlPutSnapshot, s.Name, s.At.Incarnation, s.At.Seq, s.At.EventID.UUID[:], s.MadeAt.UnixMicro(), s.Body)
	if err != nil {
		return fmt.Errorf("keep the snapshot %s at event %d: %w", s.Name, s.At.Seq, err)
	}
	if n, err := put.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("keep the snapshot %s at event %d: %w", s.Name, s.At.Seq, ErrNotArchived), err)
	}
	return nil
}

// Snapshot implements [Archive].
func (a *SQLiteArchive) Snapshot(ctx context.Context, name string) (Snapshot, bool, error) {
	s := Snapshot{Name: name}
	var id []byte
	var made int64
	err := a.read.QueryRowContext(ctx, sqlSnapshot, name).Scan(&s.At.Incarnation, &s.At.Seq, &id, &made, &s.Body)
	if errors.Is(err, sql.ErrNoRows) {
		return Snapshot{}, false, nil
	}
	if err != nil {
		return Snapshot{}, false, fmt.Errorf("read the snapshot %s: %w", name, err)
	}
	s.At.EventID.UUID = domain.UUID(id) // as long as the table's check has it
	s.MadeAt = time.UnixMicro(made).UTC()
	return s, true, nil
}

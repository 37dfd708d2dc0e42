package eventstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"ocapi/domain"
)

// SQLiteArchive is the archive in a SQLite file whose schema is
// migrations.Archive. It is safe for concurrent use. Methods that write
// fail when it was made without a handle to write.
type SQLiteArchive struct {
	write, read *sql.DB

	mu         sync.Mutex
	statements *sqliteStatements // of the first batch, for all that follow
}

// NewSQLiteArchive uses the two handles, which stay the caller's to close.
// write may be nil for an archive that is only read.
func NewSQLiteArchive(write, read *sql.DB) *SQLiteArchive {
	return &SQLiteArchive{write: write, read: read}
}

const (
	sqlCheckpoint = `SELECT incarnation, seq, event_id FROM checkpoint WHERE id = 1`
	sqlState      = `SELECT client, status, created_seq, final_seq, expires_at FROM states WHERE challenge = ?`
	sqlChallenge  = `SELECT seq, incarnation, stored_at, data FROM events WHERE challenge = ? ORDER BY seq`
	sqlEventAt    = `SELECT seq, incarnation, stored_at, data FROM events WHERE seq = ?`
	sqlStoredFrom = `SELECT seq, stored_at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1`
	sqlHasEvent   = `SELECT EXISTS (SELECT 1 FROM events WHERE event_id = ?)`
	sqlFirstLast  = `SELECT COALESCE((SELECT MIN(seq) FROM events), 0), COALESCE((SELECT MAX(seq) FROM events), 0)`
	sqlInsertGap  = `INSERT INTO gaps (incarnation, from_seq, to_seq, accepted_at) VALUES (?, ?, ?, ?)
ON CONFLICT (from_seq, to_seq, incarnation) DO NOTHING`
	sqlGaps = `SELECT incarnation, from_seq, to_seq FROM gaps WHERE to_seq > ? ORDER BY from_seq`
)

// Checkpoint implements [Archive].
func (a *SQLiteArchive) Checkpoint(ctx context.Context) (Checkpoint, error) {
	var c Checkpoint
	var id []byte
	if err := a.read.QueryRowContext(ctx, sqlCheckpoint).Scan(&c.Incarnation, &c.Seq, &id); err != nil {
		return Checkpoint{}, fmt.Errorf("read the archive's checkpoint: %w", err)
	}
	if len(id) == len(c.EventID.UUID) {
		c.EventID.UUID = domain.UUID(id)
	}
	return c, nil
}

// State implements [Archive].
func (a *SQLiteArchive) State(ctx context.Context, id domain.ChallengeID) (s State, found bool, err error) {
	var expires int64
	s.Challenge = id
	err = a.read.QueryRowContext(ctx, sqlState, id.UUID[:]).Scan(&s.Client, &s.Status, &s.CreatedSeq, &s.FinalSeq, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return State{}, false, nil
	}
	if err != nil {
		return State{}, false, domain.Unavailable("the archive does not answer", err)
	}
	s.ExpiresAt = time.UnixMicro(expires).UTC()
	return s, true, nil
}

// Challenge implements [Archive].
func (a *SQLiteArchive) Challenge(ctx context.Context, id domain.ChallengeID) ([]Record, error) {
	rows, err := a.read.QueryContext(ctx, sqlChallenge, id.UUID[:])
	if err != nil {
		return nil, domain.Unavailable("the archive does not answer", err)
	}
	var records []Record
	err = scanRecords(rows, func(r Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		return nil, domain.Unavailable("the archive does not answer", err)
	}
	return records, nil
}

// EventAt implements [Archive].
func (a *SQLiteArchive) EventAt(ctx context.Context, seq Sequence) (r Record, found bool, err error) {
	rows, err := a.read.QueryContext(ctx, sqlEventAt, seq)
	if err != nil {
		return Record{}, false, fmt.Errorf("read event %d of the archive: %w", seq, err)
	}
	err = scanRecords(rows, func(got Record) error {
		r, found = got, true
		return nil
	})
	if err != nil {
		return Record{}, false, fmt.Errorf("read event %d of the archive: %w", seq, err)
	}
	return r, found, nil
}

// Has implements [Archive].
func (a *SQLiteArchive) Has(ctx context.Context, id domain.EventID) (bool, error) {
	var have bool
	if err := a.read.QueryRowContext(ctx, sqlHasEvent, id.UUID[:]).Scan(&have); err != nil {
		return false, fmt.Errorf("look for event %s in the archive: %w", id, err)
	}
	return have, nil
}

// LastStoredBefore implements [Archive]. The log's order is the order of its
// timestamps, so it looks at a logarithmic number of rows.
func (a *SQLiteArchive) LastStoredBefore(ctx context.Context, t time.Time) (Sequence, error) {
	var low, high Sequence // the answer is in [low-1, high]
	if err := a.read.QueryRowContext(ctx, sqlFirstLast).Scan(&low, &high); err != nil {
		return 0, fmt.Errorf("find the events stored before %v: %w", t, err)
	}
	if high == 0 {
		return 0, nil
	}
	cutoff := t.UnixMicro()
	first := low
	for low <= high {
		middle := low + (high-low)/2
		var seq Sequence
		var stored int64
		if err := a.read.QueryRowContext(ctx, sqlStoredFrom, middle).Scan(&seq, &stored); err != nil {
			return 0, fmt.Errorf("find the events stored before %v: %w", t, err)
		}
		if stored < cutoff {
			low = seq + 1
		} else {
			high = middle - 1
		}
	}
	if low == first {
		return 0, nil
	}
	return low - 1, nil
}

// AcceptGap implements [Archive].
func (a *SQLiteArchive) AcceptGap(ctx context.Context, g Gap, at time.Time) error {
	if err := g.check(); err != nil {
		return err
	}
	if _, err := a.write.ExecContext(ctx, sqlInsertGap, g.Incarnation, g.From, g.To, at.UnixMicro()); err != nil {
		return fmt.Errorf("accept the gap from %d to %d: %w", g.From, g.To, err)
	}
	return nil
}

// Gaps implements [Archive].
func (a *SQLiteArchive) Gaps(ctx context.Context, after Sequence) ([]Gap, error) {
	rows, err := a.read.QueryContext(ctx, sqlGaps, after)
	if err != nil {
		return nil, fmt.Errorf("read the accepted gaps: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err is read below
	var gaps []Gap
	for rows.Next() {
		var g Gap
		if err := rows.Scan(&g.Incarnation, &g.From, &g.To); err != nil {
			return nil, fmt.Errorf("read the accepted gaps: %w", err)
		}
		gaps = append(gaps, g)
	}
	return gaps, rows.Err()
}

func scanRecords(rows *sql.Rows, visit func(Record) error) error {
	defer rows.Close() //nolint:errcheck // Err is read below
	for rows.Next() {
		var r Record
		var stored int64
		if err := rows.Scan(&r.Seq, &r.Incarnation, &stored, &r.Data); err != nil {
			return err
		}
		r.StoredAt = time.UnixMicro(stored).UTC()
		e, err := DecodeEvent(r.Data)
		if err != nil {
			return fmt.Errorf("event %d of the archive: %w", r.Seq, err)
		}
		r.Event = e
		if err := visit(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

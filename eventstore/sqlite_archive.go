package eventstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ocapi/domain"
)

// SQLiteArchive is the archive in a SQLite file whose schema is
// migrations.Archive. It is safe for concurrent use. Methods that write
// fail when it was made without a handle to write.
type SQLiteArchive struct {
	write, read *sql.DB
}

// NewSQLiteArchive uses the two handles, which stay the caller's to close.
// write may be nil for an archive that is only read.
func NewSQLiteArchive(write, read *sql.DB) *SQLiteArchive {
	return &SQLiteArchive{write: write, read: read}
}

const (
	sqlInsertEvent = `INSERT INTO events (seq, incarnation, event_id, name, client, challenge, at, stored_at, data)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlInsertState = `INSERT INTO states (challenge, client, status, created_seq, final_seq, expires_at)
VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT (challenge) DO NOTHING`
	sqlFinalState     = `UPDATE states SET status = ?, final_seq = ? WHERE challenge = ? AND client = ? AND status = ?`
	sqlMoveCheckpoint = `UPDATE checkpoint SET incarnation = ?, seq = ?, event_id = ?
WHERE id = 1 AND incarnation = ? AND seq = ?`
	sqlCheckpoint = `SELECT incarnation, seq, event_id FROM checkpoint WHERE id = 1`
	sqlState      = `SELECT client, status, created_seq, final_seq, expires_at FROM states WHERE challenge = ?`
	sqlChallenge  = `SELECT seq, incarnation, stored_at, data FROM events WHERE challenge = ? ORDER BY seq`
	sqlEventAt    = `SELECT seq, incarnation, stored_at, data FROM events WHERE seq = ?`
	sqlStoredFrom = `SELECT seq, stored_at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1`
	sqlHasEvent   = `SELECT EXISTS (SELECT 1 FROM events WHERE event_id = ?)`
	sqlFirstLast  = `SELECT COALESCE(MIN(seq), 0), COALESCE(MAX(seq), 0) FROM events`
	sqlInsertGap  = `INSERT INTO gaps (incarnation, from_seq, to_seq, accepted_at) VALUES (?, ?, ?, ?)
ON CONFLICT (from_seq, to_seq, incarnation) DO NOTHING`
	sqlGaps = `SELECT incarnation, from_seq, to_seq FROM gaps WHERE to_seq > ? ORDER BY from_seq`
)

// Append implements [Archive].
func (a *SQLiteArchive) Append(ctx context.Context, from, to Checkpoint, batch []Record) (err error) {
	tx, err := a.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("archive %d events after %d: %w", len(batch), from.Seq, err)
	}
	defer func() { err = rollBack(tx, err) }()
	moved, err := tx.ExecContext(ctx, sqlMoveCheckpoint, to.Incarnation, to.Seq, nullableID(to.EventID), from.Incarnation, from.Seq)
	if err != nil {
		return fmt.Errorf("move the checkpoint from %d to %d: %w", from.Seq, to.Seq, err)
	}
	if n, err := moved.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("move the checkpoint from %d to %d: %w", from.Seq, to.Seq, ErrFenced), err)
	}
	w, err := prepareBatch(ctx, tx)
	if err != nil {
		return fmt.Errorf("archive %d events after %d: %w", len(batch), from.Seq, err)
	}
	for _, r := range batch {
		if err := w.add(ctx, r); err != nil {
			return fmt.Errorf("archive event %s at %d: %w", r.Event.Head().ID, r.Seq, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("archive %d events after %d: %w", len(batch), from.Seq, err)
	}
	return nil
}

// batchStatements are prepared once a transaction, whose end closes them:
// reading the statements anew for every event was a tenth of archiving's cost.
type batchStatements struct{ event, created, answered *sql.Stmt }

func prepareBatch(ctx context.Context, tx *sql.Tx) (w batchStatements, err error) {
	for _, s := range []struct {
		into  **sql.Stmt
		query string
	}{{&w.event, sqlInsertEvent}, {&w.created, sqlInsertState}, {&w.answered, sqlFinalState}} {
		if *s.into, err = tx.PrepareContext(ctx, s.query); err != nil {
			return w, err
		}
	}
	return w, nil
}

// add writes one event and applies it to its challenge's state row.
func (w batchStatements) add(ctx context.Context, r Record) error {
	h := r.Event.Head()
	_, err := w.event.ExecContext(ctx, r.Seq, r.Incarnation, h.ID.UUID[:], r.Event.Name(), string(h.Client),
		h.Challenge.UUID[:], h.At.UnixMicro(), r.StoredAt.UnixMicro(), r.Data)
	if err != nil {
		return err
	}
	if err := w.apply(ctx, r); err != nil {
		return fmt.Errorf("apply it to the states: %w", err)
	}
	return nil
}

// apply does to a challenge's state row what [domain.Evolve] does to a
// challenge.
func (w batchStatements) apply(ctx context.Context, r Record) (err error) {
	switch e := r.Event.(type) {
	case *domain.ChallengeCreated:
		_, err = w.created.ExecContext(ctx, e.Challenge.UUID[:], string(e.Client), domain.StatusCreated, r.Seq, e.ExpiresAt.UnixMicro())
	case *domain.ChallengeAnswered:
		if !e.Verdict.Final() {
			return nil // decides nothing, and no log of ours holds it
		}
		_, err = w.answered.ExecContext(ctx, e.Verdict, r.Seq, e.Challenge.UUID[:], string(e.Client), domain.StatusCreated)
	}
	return err
}

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

func nullableID(id domain.EventID) any {
	if id.IsZero() {
		return nil
	}
	return id.UUID[:]
}

// rollBack takes a failed transaction back; one that was committed stays.
func rollBack(tx *sql.Tx, failed error) error {
	if failed == nil {
		return nil
	}
	if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return errors.Join(failed, err)
	}
	return failed
}

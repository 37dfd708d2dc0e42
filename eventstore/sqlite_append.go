package eventstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"ocapi/domain"
)

// sqliteRows is how many rows one statement inserts: half of what inserting an
// event costs is the statement around it. With more of them nothing is gained,
// and the copies of pages that SQLite keeps until a statement has ended go into
// a file (ADR 0030).
const sqliteRows = 16

const (
	sqlMoveCheckpoint = `UPDATE checkpoint SET incarnation = ?, seq = ?, event_id = ?
WHERE id = 1 AND incarnation = ? AND seq = ?`
	sqlInsertEvents = `INSERT INTO events (seq, incarnation, event_id, name, client, challenge, at, stored_at, data) VALUES `
	sqlEventRow     = `(?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlInsertStates = `INSERT INTO states (challenge, client, status, created_seq, final_seq, expires_at) VALUES `
	sqlStateRow     = `(?, ?, ?, ?, 0, ?)`
	sqlKnownState   = ` ON CONFLICT (challenge) DO NOTHING`
	sqlFinalState   = `UPDATE states SET status = ?, final_seq = ? WHERE challenge = ? AND client = ? AND status = ?`
)

// sqliteRowsOf gives so many rows for an INSERT.
func sqliteRowsOf(row string, n int) string {
	return strings.TrimSuffix(strings.Repeat(row+", ", n), ", ")
}

// sqliteStatements are prepared once for an archive's life; the end of the
// handle to write closes them.
type sqliteStatements struct {
	checkpoint      *sql.Stmt
	event, events   *sql.Stmt // one row, and sqliteRows
	created, states *sql.Stmt // one row, and sqliteRows
	answered        *sql.Stmt
}

// prepared gives the statements. It must not be called within a transaction,
// which has the only connection.
func (a *SQLiteArchive) prepared(ctx context.Context) (*sqliteStatements, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.statements != nil {
		return a.statements, nil
	}
	var s sqliteStatements
	var made []*sql.Stmt
	for _, p := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&s.checkpoint, sqlMoveCheckpoint},
		{&s.event, sqlInsertEvents + sqlEventRow},
		{&s.events, sqlInsertEvents + sqliteRowsOf(sqlEventRow, sqliteRows)},
		{&s.created, sqlInsertStates + sqlStateRow + sqlKnownState},
		{&s.states, sqlInsertStates + sqliteRowsOf(sqlStateRow, sqliteRows) + sqlKnownState},
		{&s.answered, sqlFinalState},
	} {
		stmt, err := a.write.PrepareContext(ctx, p.query)
		if err != nil {
			for _, m := range made {
				err = errors.Join(err, m.Close())
			}
			return nil, fmt.Errorf("prepare the archive's statements: %w", err)
		}
		*p.into = stmt
		made = append(made, stmt)
	}
	a.statements = &s
	return a.statements, nil
}

// Append implements [Archive].
func (a *SQLiteArchive) Append(ctx context.Context, from, to Checkpoint, batch []Record) (err error) {
	statements, err := a.prepared(ctx)
	if err != nil {
		return fmt.Errorf("archive %d events after %d: %w", len(batch), from.Seq, err)
	}
	tx, err := a.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("archive %d events after %d: %w", len(batch), from.Seq, err)
	}
	defer func() { err = rollBack(tx, err) }()
	w := newSQLiteWriter(ctx, tx, statements)
	moved, err := w.run(statements.checkpoint, to.Incarnation, to.Seq, nullableID(to.EventID), from.Incarnation, from.Seq)
	if err != nil {
		return fmt.Errorf("move the checkpoint from %d to %d: %w", from.Seq, to.Seq, err)
	}
	if n, err := moved.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("move the checkpoint from %d to %d: %w", from.Seq, to.Seq, ErrFenced), err)
	}
	if err := w.write(batch); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("archive %d events after %d: %w", len(batch), from.Seq, err)
	}
	return nil
}

// sqliteWriter writes events and states within one transaction. After an error
// the transaction has to be rolled back.
type sqliteWriter struct {
	ctx        context.Context //nolint:containedctx // of the transaction, whose end is the writer's
	tx         *sql.Tx
	statements *sqliteStatements
	bound      map[*sql.Stmt]*sql.Stmt // to the transaction
	args       []any
	// open are creations whose state rows are not written yet: they wait for
	// others, to be written by one statement.
	open []created
}

// created is what a creation puts into its challenge's state row.
type created struct {
	event *domain.ChallengeCreated
	seq   Sequence
}

// newSQLiteWriter makes a writer. Its statements do not listen to ctx: the driver would start a
// goroutine for each, which was a quarter of archiving's cost. The transaction
// does, and ends between two of them.
func newSQLiteWriter(ctx context.Context, tx *sql.Tx, statements *sqliteStatements) *sqliteWriter {
	return &sqliteWriter{
		ctx: context.WithoutCancel(ctx), tx: tx, statements: statements, bound: map[*sql.Stmt]*sql.Stmt{},
		open: make([]created, 0, sqliteRows),
	}
}

func (w *sqliteWriter) run(s *sql.Stmt, args ...any) (sql.Result, error) {
	b := w.bound[s]
	if b == nil {
		b = w.tx.StmtContext(w.ctx, s)
		w.bound[s] = b
	}
	return b.ExecContext(w.ctx, args...)
}

// write writes the events and applies them to their challenges' states.
func (w *sqliteWriter) write(batch []Record) error {
	for len(batch) > 0 {
		n := min(len(batch), sqliteRows)
		if n < sqliteRows {
			n = 1
		}
		if err := w.events(batch[:n]); err != nil {
			return err
		}
		for _, r := range batch[:n] {
			if err := w.apply(r); err != nil {
				return fmt.Errorf("archive event %s at %d: apply it to the states: %w", r.Event.Head().ID, r.Seq, err)
			}
		}
		batch = batch[n:]
	}
	return w.flush()
}

// events inserts one event, or sqliteRows of them.
func (w *sqliteWriter) events(rows []Record) error {
	statement := w.statements.event
	if len(rows) > 1 {
		statement = w.statements.events
	}
	w.args = w.args[:0]
	for _, r := range rows {
		h := r.Event.Head()
		w.args = append(w.args, integer(r.Seq), integer(r.Incarnation), h.ID.UUID[:], r.Event.Name(), string(h.Client),
			h.Challenge.UUID[:], h.At.UnixMicro(), r.StoredAt.UnixMicro(), r.Data)
	}
	_, err := w.run(statement, w.args...)
	switch {
	case err == nil:
		return nil
	case len(rows) == 1:
		return fmt.Errorf("archive event %s at %d: %w", rows[0].Event.Head().ID, rows[0].Seq, err)
	case refusedBySQLite(err):
		// One by one tells which it is. After a refusal, and no other error, the
		// transaction is still there to be rolled back.
		for i := range rows {
			if err := w.events(rows[i : i+1]); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("archive events %d to %d: %w", rows[0].Seq, rows[len(rows)-1].Seq, err)
}

// refusedBySQLite reports whether a row broke a rule of its table: that takes the
// statement back and leaves its transaction open.
func refusedBySQLite(err error) bool {
	e, ok := errors.AsType[*driver.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// apply does to a challenge's state row what [domain.Evolve] does to a
// challenge; creations' rows are written by flush at the latest.
func (w *sqliteWriter) apply(r Record) error {
	switch e := r.Event.(type) {
	case *domain.ChallengeCreated:
		w.open = append(w.open, created{e, r.Seq})
		if len(w.open) == sqliteRows {
			return w.flush()
		}
	case *domain.ChallengeAnswered:
		if !e.Verdict.Final() {
			return nil // decides nothing, and no log of ours holds it
		}
		for _, c := range w.open {
			if c.event.Challenge == e.Challenge {
				if err := w.flush(); err != nil {
					return err
				}
				break
			}
		}
		_, err := w.run(w.statements.answered, int64(e.Verdict), integer(r.Seq), e.Challenge.UUID[:], string(e.Client), int64(domain.StatusCreated))
		return err
	}
	return nil
}

// flush writes the rows that wait.
func (w *sqliteWriter) flush() error {
	rows := w.open
	w.open = w.open[:0]
	if len(rows) == sqliteRows {
		return w.creations(w.statements.states, rows)
	}
	for i := range rows {
		if err := w.creations(w.statements.created, rows[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (w *sqliteWriter) creations(s *sql.Stmt, rows []created) error {
	w.args = w.args[:0]
	for _, c := range rows {
		w.args = append(w.args, c.event.Challenge.UUID[:], string(c.event.Client), int64(domain.StatusCreated), integer(c.seq), c.event.ExpiresAt.UnixMicro())
	}
	if _, err := w.run(s, w.args...); err != nil {
		return fmt.Errorf("write the states of events %d to %d: %w", rows[0].seq, rows[len(rows)-1].seq, err)
	}
	return nil
}

// integer gives the driver what it stores: it would ask for the value's kind by
// reflection.
func integer[T Sequence | Incarnation](n T) int64 { return int64(n) } //nolint:gosec // SQLite's numbers have 63 bits

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

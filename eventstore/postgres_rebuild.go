package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	pgLockCheckpoint = `SELECT seq FROM checkpoint WHERE id = 1 FOR UPDATE`
	pgDeleteStates   = `DELETE FROM states`
	// pgNoLimit lifts the session's limit: what bounds a statement here is ours.
	pgNoLimit = `SET LOCAL statement_timeout = 0`
	// pgLongIdle is for the time in which a transaction waits for what another
	// connection reads: a page may take postgresPatience, and a window has five. It
	// is rebuildPatience, for a process that was stopped holds the checkpoint.
	pgLongIdle = `SET LOCAL idle_in_transaction_session_timeout = '10min'`
	pgStates   = `SELECT challenge, client, status, created_seq, final_seq, expires_at FROM states
WHERE challenge >= $1 ORDER BY challenge OFFSET $2 LIMIT $3`

	// rebuildPatience is for the statements that go through a whole table.
	rebuildPatience = 10 * time.Minute
	statesPage      = 5000

	// rebuildWindow is how many events are added up before their rows are written:
	// most challenges are answered within them, and their rows written once.
	rebuildWindow = 20_000
	// rebuildStep is how often progress is told.
	rebuildStep = 1000
)

// RebuildStates implements [Archive]. It reads on one connection and writes on
// another: nothing is archived meanwhile. An Append that waits for it may run out of
// patience, and is tried again by the archiver.
func (a *PostgresArchive) RebuildStates(ctx context.Context, progress func(int)) (events int, err error) {
	tx, err := a.begin(ctx, pgx.TxOptions{})
	if err != nil {
		return 0, fmt.Errorf("rebuild the states: %w", err)
	}
	defer endTx(ctx, tx)
	// Whoever archives has this row first, and so waits.
	for _, statement := range []string{pgNoLimit, pgLongIdle, pgLockCheckpoint, pgDeleteStates} {
		if err := within(ctx, rebuildPatience, func(ctx context.Context) error {
			_, err := tx.Exec(ctx, statement)
			return err
		}); err != nil {
			return 0, fmt.Errorf("rebuild the states: %w", err)
		}
	}
	fold := newStateFold()
	var decoder Decoder
	err = a.Scan(ctx, EventFilter{}, func(page Page) error {
		for i := range page.Len() {
			seq := page.Seq(i)
			e, err := decoder.Decode(page.Data(i))
			if err != nil {
				return fmt.Errorf("event %d of the archive: %w", seq, err)
			}
			fold.add(seq, e)
			if events++; progress != nil && events%rebuildStep == 0 {
				progress(events)
			}
			if events%rebuildWindow == 0 {
				if err := writeStates(ctx, tx, fold); err != nil {
					return fmt.Errorf("up to event %d: %w", seq, err)
				}
			}
		}
		return nil
	})
	if err == nil {
		err = writeStates(ctx, tx, fold)
	}
	if err != nil {
		return 0, fmt.Errorf("rebuild the states: %w", err)
	}
	if progress != nil {
		progress(events)
	}
	if err := within(ctx, postgresPatience, tx.Commit); err != nil {
		return 0, fmt.Errorf("rebuild the states: %w", err)
	}
	return events, nil
}

// writeStates writes what events add up to, and begins anew.
func writeStates(ctx context.Context, tx pgx.Tx, fold *stateFold) error {
	var p pipeline
	fold.queue(&p)
	fold.reset()
	// It is as much as twenty batches of an archiver.
	return within(ctx, rebuildPatience, func(ctx context.Context) error { return p.run(ctx, tx.Conn()) })
}

// States implements [Archive]. What is visited is one snapshot.
func (a *PostgresArchive) States(ctx context.Context, visit func(State) error) error {
	tx, err := a.begin(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("read the states: %w", err)
	}
	defer endTx(ctx, tx)
	var last [16]byte
	for skip := 0; ; skip = 1 { // the last one of the page before
		page, err := readStates(ctx, tx, last, skip)
		if err != nil {
			return fmt.Errorf("read the states: %w", err)
		}
		for _, s := range page {
			last = s.Challenge.UUID
			if err := visit(s); err != nil {
				return err
			}
		}
		if len(page) < statesPage {
			return nil
		}
	}
}

func readStates(ctx context.Context, tx pgx.Tx, from [16]byte, skip int) ([]State, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	rows, err := tx.Query(ctx, pgStates, from, skip, statesPage)
	if err != nil {
		return nil, err
	}
	page := make([]State, 0, statesPage)
	var s State
	var challenge [16]byte
	_, err = pgx.ForEachRow(rows, []any{&challenge, &s.Client, &s.Status, &s.CreatedSeq, &s.FinalSeq, &s.ExpiresAt}, func() error {
		s.Challenge.UUID, s.ExpiresAt = challenge, s.ExpiresAt.UTC()
		page = append(page, s)
		return nil
	})
	return page, err
}

// begin begins a transaction that lasts longer than a question may.
func (a *PostgresArchive) begin(ctx context.Context, options pgx.TxOptions) (tx pgx.Tx, err error) {
	err = within(ctx, postgresPatience, func(ctx context.Context) error {
		tx, err = a.pool.BeginTx(ctx, options)
		return err
	})
	return tx, err
}

// endTx takes back what has not been committed, also when ctx has ended.
func endTx(ctx context.Context, tx pgx.Tx) {
	_ = within(context.WithoutCancel(ctx), postgresPatience, tx.Rollback) // a connection that fails here is closed
}

// within bounds one step of a call that has many.
func within(ctx context.Context, most time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return do(ctx)
}

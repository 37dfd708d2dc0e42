package eventstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

const (
	pgEvents = `SELECT seq, incarnation, stored_at, data FROM events
WHERE seq > $1 AND ($2 = '' OR client = $2) ORDER BY seq LIMIT $3`
	pgEventsSince = `SELECT seq, incarnation, stored_at, data FROM events
WHERE seq > $1 AND ($2 = '' OR client = $2) AND at >= $4 ORDER BY seq LIMIT $3`
	pgChallengeEvents = `SELECT seq, incarnation, stored_at, data FROM events
WHERE challenge = $5 AND seq > $1 AND ($2 = '' OR client = $2) AND at >= $4 ORDER BY seq LIMIT $3`

	// As in the index that it uses.
	pgQuarantines = `SELECT seq, incarnation, stored_at, data FROM events
WHERE name IN ('VotesQuarantined.v1', 'QuarantineLifted.v1') ORDER BY seq`

	// As in the index that it uses.
	pgAnnotations = `SELECT seq, incarnation, stored_at, data FROM events
WHERE name IN ('AnnotationAccepted.v1', 'AnnotationDisputed.v1', 'ImageUnreadable.v1', 'AnnotationWithdrawn.v1', 'ModelFitted.v1') AND seq > $1 ORDER BY seq LIMIT $2`

	// pgFirstDecided finds where a listing by time begins. OFFSET 0 keeps the
	// planner from going through the sequences in their order, past all that is
	// older: the index by time alone is to say where to look.
	pgFirstDecided = `SELECT COALESCE(min(seq), 0) FROM (SELECT seq FROM events WHERE at >= $1 OFFSET 0) AS decided WHERE seq > $2`
)

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// Events implements [Archive]. It holds no connection while it visits.
func (a *PostgresArchive) Events(ctx context.Context, f EventFilter, visit func(Record) error) error {
	if !f.Since.IsZero() && f.Challenge.IsZero() {
		first, err := a.firstDecided(ctx, f)
		if err != nil || first == 0 {
			return err
		}
		f.After = first - 1
	}
	for {
		query, args := listing(f)
		page, err := readRecords(ctx, a.pool, eventsPage, query, args...)
		if err != nil {
			return fmt.Errorf("read events of the archive after %d: %w", f.After, err)
		}
		for _, r := range page {
			f.After = r.Seq
			if err := visit(r); err != nil {
				return fmt.Errorf("read events of the archive after %d: %w", f.After, err)
			}
		}
		if len(page) < eventsPage {
			return nil
		}
	}
}

// listing gives the query of a filter's next page, and its arguments.
func listing(f EventFilter) (query string, args []any) {
	args = []any{int64(f.After), string(f.Client), eventsPage}
	since := pgtype.Timestamptz{Time: f.Since, Valid: true}
	if f.Since.IsZero() {
		since.InfinityModifier = pgtype.NegativeInfinity
	}
	switch {
	case !f.Challenge.IsZero():
		return pgChallengeEvents, append(args, since, uuidOf(f.Challenge.UUID))
	case !f.Since.IsZero():
		return pgEventsSince, append(args, since)
	}
	return pgEvents, args
}

// firstDecided gives the sequence of the first event beyond f.After that was
// decided at f.Since or later; 0 when there is none.
func (a *PostgresArchive) firstDecided(ctx context.Context, f EventFilter) (Sequence, error) {
	ctx, cancel := context.WithTimeout(ctx, rebuildPatience)
	defer cancel()
	var seq Sequence
	if err := a.pool.QueryRow(ctx, pgFirstDecided, f.Since, int64(f.After)).Scan(&seq); err != nil {
		return 0, fmt.Errorf("find the events decided since %v: %w", f.Since, err)
	}
	return seq, nil
}

// Quarantines implements [Archive]. It holds no connection while it visits.
func (a *PostgresArchive) Quarantines(ctx context.Context, visit func(Record) error) error {
	records, err := readRecords(ctx, a.pool, 0, pgQuarantines)
	if err != nil {
		return fmt.Errorf("read the quarantines of the archive: %w", err)
	}
	for _, r := range records {
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}

// Annotations implements [Archive]. It holds no connection while it visits.
func (a *PostgresArchive) Annotations(ctx context.Context, after Sequence, visit func(Record) error) error {
	for {
		page, err := readRecords(ctx, a.pool, 0, pgAnnotations, int64(after), eventsPage)
		if err != nil {
			return fmt.Errorf("read the annotations of the archive after %d: %w", after, err)
		}
		for _, r := range page {
			after = r.Seq
			if err := visit(r); err != nil {
				return err
			}
		}
		if len(page) < eventsPage {
			return nil
		}
	}
}

// readRecords reads all rows of a query, about as many as expected.
func readRecords(ctx context.Context, q querier, expected int, query string, args ...any) ([]Record, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	records := make([]Record, 0, expected)
	var r Record
	_, err = pgx.ForEachRow(rows, []any{&r.Seq, &r.Incarnation, &r.StoredAt, &r.Data}, func() error {
		r.StoredAt = r.StoredAt.UTC()
		e, err := DecodeEvent(r.Data)
		if err != nil {
			return fmt.Errorf("event %d of the archive: %w", r.Seq, err)
		}
		r.Event = e
		records = append(records, r)
		r = Record{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

package eventstore

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

const (
	pgEvents = `SELECT seq, incarnation, stored_at, data FROM events
WHERE seq > $1 AND seq < $4 AND ($2 = '' OR client = $2) ORDER BY seq LIMIT $3`
	pgEventsSince = `SELECT seq, incarnation, stored_at, data FROM events
WHERE seq > $1 AND seq < $4 AND ($2 = '' OR client = $2) AND at >= $5 ORDER BY seq LIMIT $3`
	pgChallengeEvents = `SELECT seq, incarnation, stored_at, data FROM events
WHERE challenge = $6 AND seq > $1 AND seq < $4 AND ($2 = '' OR client = $2) AND at >= $5 ORDER BY seq LIMIT $3`
	pgScan = `SELECT seq, data FROM events
WHERE seq > $1 AND seq < $4 AND ($2 = '' OR client = $2) ORDER BY seq LIMIT $3`
	pgScanSince = `SELECT seq, data FROM events
WHERE seq > $1 AND seq < $4 AND ($2 = '' OR client = $2) AND at >= $5 ORDER BY seq LIMIT $3`
	pgScanChallenge = `SELECT seq, data FROM events
WHERE challenge = $6 AND seq > $1 AND seq < $4 AND ($2 = '' OR client = $2) AND at >= $5 ORDER BY seq LIMIT $3`

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

// Events implements [Archive]. The next page is read while one is visited, and no
// more than that; it holds no connection for longer than a page takes.
func (a *PostgresArchive) Events(ctx context.Context, f EventFilter, visit func(Record) error) error {
	f, some, err := a.seek(ctx, f)
	if err != nil || !some {
		return err
	}
	return ahead(ctx, func(ctx context.Context) (page []Record, last bool, err error) {
		query, args := pgListing.of(f, eventsPage)
		page, err = readRecords(ctx, a.pool, eventsPage, query, args...)
		if err != nil {
			return nil, true, fmt.Errorf("read events of the archive after %d: %w", f.After, err)
		}
		if len(page) > 0 {
			f.After = page[len(page)-1].Seq
		}
		return page, len(page) < eventsPage, nil
	}, func(page []Record) error {
		for _, r := range page {
			if err := visit(r); err != nil {
				return fmt.Errorf("read events of the archive after %d: %w", r.Seq, err)
			}
		}
		return nil
	})
}

// seek moves a filter to its first event, where looking for that from the
// beginning would take long; some is false when there is none.
func (a *PostgresArchive) seek(ctx context.Context, f EventFilter) (_ EventFilter, some bool, err error) {
	if f.Since.IsZero() || !f.Challenge.IsZero() {
		return f, true, nil
	}
	first, err := a.firstDecided(ctx, f)
	if err != nil || first == 0 {
		return f, false, err
	}
	f.After = first - 1
	return f, true, nil
}

// pgQueries are those of the pages of a listing.
type pgQueries struct{ all, since, challenge string }

var (
	pgListing  = pgQueries{pgEvents, pgEventsSince, pgChallengeEvents}
	pgScanning = pgQueries{pgScan, pgScanSince, pgScanChallenge}
)

// of gives the query of a filter's next page, and its arguments.
func (q pgQueries) of(f EventFilter, page int) (query string, args []any) {
	before := int64(math.MaxInt64)
	if f.Before != 0 {
		before = int64(f.Before)
	}
	args = []any{int64(f.After), string(f.Client), page, before}
	since := pgtype.Timestamptz{Time: f.Since, Valid: true}
	if f.Since.IsZero() {
		since.InfinityModifier = pgtype.NegativeInfinity
	}
	switch {
	case !f.Challenge.IsZero():
		return q.challenge, append(args, since, uuidOf(f.Challenge.UUID))
	case !f.Since.IsZero():
		return q.since, append(args, since)
	}
	return q.all, args
}

// Scan implements [Archive]. It holds no connection while it visits.
func (a *PostgresArchive) Scan(ctx context.Context, f EventFilter, visit func(Page) error) error {
	f, some, err := a.seek(ctx, f)
	if err != nil || !some {
		return err
	}
	return scan(ctx, f, a.readPage, visit)
}

func (a *PostgresArchive) readPage(ctx context.Context, f EventFilter, p *pageBuilder) error {
	ctx, cancel := patiently(ctx)
	defer cancel()
	query, args := pgScanning.of(f, scanPage)
	rows, err := a.pool.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var seq int64
	var data pgtype.DriverBytes // as it lies in the connection's buffer
	for rows.Next() {
		if err := rows.Scan(&seq, &data); err != nil {
			return err
		}
		p.add(Sequence(seq), data)
	}
	return rows.Err()
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
	var decoder Decoder
	var r Record
	var data pgtype.DriverBytes // as it lies in the connection's buffer
	_, err = pgx.ForEachRow(rows, []any{&r.Seq, &r.Incarnation, &r.StoredAt, &data}, func() error {
		form := string(data)
		e, err := decoder.Decode(form)
		if err != nil {
			return fmt.Errorf("event %d of the archive: %w", r.Seq, err)
		}
		r.StoredAt, r.Event, r.Data = r.StoredAt.UTC(), detached(e), []byte(form)
		records = append(records, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

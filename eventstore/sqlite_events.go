package eventstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
)

const (
	sqlEvents = `SELECT seq, incarnation, stored_at, data FROM events
WHERE seq > ?1 AND seq < ?5 AND (?2 = '' OR client = ?2) AND at >= ?3 ORDER BY seq LIMIT ?4`
	sqlChallengeEvents = `SELECT seq, incarnation, stored_at, data FROM events
WHERE challenge = ?6 AND seq > ?1 AND seq < ?5 AND (?2 = '' OR client = ?2) AND at >= ?3 ORDER BY seq LIMIT ?4`
	sqlScan = `SELECT seq, data FROM events
WHERE seq > ?1 AND seq < ?5 AND (?2 = '' OR client = ?2) AND at >= ?3 ORDER BY seq LIMIT ?4`
	sqlScanChallenge = `SELECT seq, data FROM events
WHERE challenge = ?6 AND seq > ?1 AND seq < ?5 AND (?2 = '' OR client = ?2) AND at >= ?3 ORDER BY seq LIMIT ?4`
	// sqlRare is the condition of the index of the same name, word for word.
	sqlRare        = `name <> 'ChallengeCreated.v1' AND name <> 'ChallengeAnswered.v1' AND name <> 'VerdictConsumed.v1'`
	sqlQuarantines = `SELECT seq, incarnation, stored_at, data FROM events
WHERE ` + sqlRare + ` AND name IN ('VotesQuarantined.v1', 'QuarantineLifted.v1') ORDER BY seq`
	sqlAnnotations = `SELECT seq, incarnation, stored_at, data FROM events
WHERE ` + sqlRare + ` AND name IN ('AnnotationAccepted.v1', 'AnnotationDisputed.v1', 'ImageUnreadable.v1', 'AnnotationWithdrawn.v1', 'ModelFitted.v1') AND seq > ? ORDER BY seq LIMIT ?`
	// eventsPage bounds one read, so that a long listing holds no old view of
	// the database open, which would keep its write-ahead log growing.
	eventsPage = 2000
)

// Events implements [Archive].
func (a *SQLiteArchive) Events(ctx context.Context, f EventFilter, visit func(Record) error) error {
	for {
		query, args := sqlEvents, sqliteArgs(f, eventsPage)
		if !f.Challenge.IsZero() {
			query, args = sqlChallengeEvents, append(args, f.Challenge.UUID[:])
		}
		rows, err := a.read.QueryContext(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("read events of the archive after %d: %w", f.After, err)
		}
		n := 0
		err = scanRecords(rows, func(r Record) error {
			n++
			f.After = r.Seq
			return visit(r)
		})
		if err != nil {
			return fmt.Errorf("read events of the archive after %d: %w", f.After, err)
		}
		if n < eventsPage {
			return nil
		}
	}
}

// sqliteArgs gives the arguments of a filter's next page.
func sqliteArgs(f EventFilter, page int) []any {
	since, before := int64(0), int64(math.MaxInt64)
	if !f.Since.IsZero() {
		since = f.Since.UnixMicro()
	}
	if f.Before != 0 {
		before = int64(f.Before)
	}
	return []any{f.After, string(f.Client), since, page, before}
}

// Scan implements [Archive].
func (a *SQLiteArchive) Scan(ctx context.Context, f EventFilter, visit func(Page) error) error {
	query := sqlScan
	if !f.Challenge.IsZero() {
		query = sqlScanChallenge
	}
	return scan(ctx, f, func(ctx context.Context, f EventFilter, p *pageBuilder) error {
		args := sqliteArgs(f, scanPage)
		if !f.Challenge.IsZero() {
			args = append(args, f.Challenge.UUID[:])
		}
		return a.readPage(ctx, query, args, p)
	}, visit)
}

// readPage reads a page by the driver itself: database/sql takes a lock and
// checks types for each row, which is a fifth of what reading one takes.
func (a *SQLiteArchive) readPage(ctx context.Context, query string, args []any, p *pageBuilder) (err error) {
	c, err := a.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.Raw(func(conn any) (err error) {
		q, ok := conn.(driver.QueryerContext)
		if !ok {
			return fmt.Errorf("the driver's connection is a %T, which reads nothing by itself", conn)
		}
		named := make([]driver.NamedValue, len(args))
		for i, arg := range args {
			if named[i].Value, err = driver.DefaultParameterConverter.ConvertValue(arg); err != nil {
				return err
			}
			named[i].Ordinal = i + 1
		}
		rows, err := q.QueryContext(ctx, query, named)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		row := make([]driver.Value, 2)
		for ctx.Err() == nil { // a rare client's next event may be far
			if err := rows.Next(row); err != nil {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			seq, isNumber := row[0].(int64)
			data, isBytes := row[1].([]byte)
			if !isNumber || !isBytes {
				return fmt.Errorf("a row of %T and %T where an event is a number and bytes", row[0], row[1])
			}
			p.add(Sequence(seq), data)
		}
		return ctx.Err()
	})
}

// Quarantines implements [Archive].
func (a *SQLiteArchive) Quarantines(ctx context.Context, visit func(Record) error) error {
	rows, err := a.read.QueryContext(ctx, sqlQuarantines)
	if err == nil {
		err = scanRecords(rows, visit)
	}
	if err != nil {
		return fmt.Errorf("read the quarantines of the archive: %w", err)
	}
	return nil
}

// Annotations implements [Archive].
func (a *SQLiteArchive) Annotations(ctx context.Context, after Sequence, visit func(Record) error) error {
	for {
		n := 0
		rows, err := a.read.QueryContext(ctx, sqlAnnotations, after, eventsPage)
		if err == nil {
			err = scanRecords(rows, func(r Record) error {
				n++
				after = r.Seq
				return visit(r)
			})
		}
		if err != nil {
			return fmt.Errorf("read the annotations of the archive after %d: %w", after, err)
		}
		if n < eventsPage {
			return nil
		}
	}
}

package eventstore

import (
	"context"
	"fmt"
)

const (
	sqlEvents = `SELECT seq, incarnation, stored_at, data FROM events
WHERE seq > ?1 AND (?2 = '' OR client = ?2) AND at >= ?3 ORDER BY seq LIMIT ?4`
	sqlChallengeEvents = `SELECT seq, incarnation, stored_at, data FROM events
WHERE challenge = ?1 AND seq > ?2 AND (?3 = '' OR client = ?3) AND at >= ?4 ORDER BY seq LIMIT ?5`
	// As in the index that it uses.
	sqlQuarantines = `SELECT seq, incarnation, stored_at, data FROM events
WHERE name IN ('VotesQuarantined.v1', 'QuarantineLifted.v1') ORDER BY seq`
	// As in the index that it uses.
	sqlAnnotations = `SELECT seq, incarnation, stored_at, data FROM events
WHERE name IN ('AnnotationAccepted.v1', 'AnnotationDisputed.v1', 'ImageUnreadable.v1', 'AnnotationWithdrawn.v1', 'ModelFitted.v1') AND seq > ? ORDER BY seq LIMIT ?`
	// eventsPage bounds one read, so that a long listing holds no old view of
	// the database open, which would keep its write-ahead log growing.
	eventsPage = 2000
)

// Events implements [Archive].
func (a *SQLiteArchive) Events(ctx context.Context, f EventFilter, visit func(Record) error) error {
	since := int64(0)
	if !f.Since.IsZero() {
		since = f.Since.UnixMicro()
	}
	for {
		query, args := sqlEvents, []any{f.After, string(f.Client), since, eventsPage}
		if !f.Challenge.IsZero() {
			query, args = sqlChallengeEvents, []any{f.Challenge.UUID[:], f.After, string(f.Client), since, eventsPage}
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

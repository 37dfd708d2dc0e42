package eventstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// walkBuilder gathers a page with what stands beside the stored forms.
type walkBuilder struct {
	pageBuilder
	beside []besideForm
}

type besideForm struct {
	incarnation Incarnation
	stored      time.Time
}

func (w *walkBuilder) add(r Record, data []byte) {
	w.pageBuilder.add(r.Seq, data)
	w.beside = append(w.beside, besideForm{r.Incarnation, r.StoredAt.UTC()})
}

// walkPages reads pages by read, each beginning after the one before, and visits
// their events while the next page is read.
func walkPages(ctx context.Context, f EventFilter, read func(context.Context, EventFilter, *walkBuilder) error, visit func(Record) error) error {
	var decoder Decoder
	var data []byte
	return ahead(ctx, func(ctx context.Context) (w *walkBuilder, last bool, err error) {
		w = &walkBuilder{}
		if err := read(ctx, f, w); err != nil {
			return nil, true, fmt.Errorf("read events of the archive after %d: %w", f.After, err)
		}
		w.page.data = w.data.String()
		n := len(w.beside)
		if n > 0 {
			f.After = w.page.Seq(n - 1)
		}
		return w, n < eventsPage, nil
	}, func(w *walkBuilder) error {
		for i, beside := range w.beside {
			seq := w.page.Seq(i)
			e, err := decoder.Decode(w.page.Data(i))
			if err != nil {
				return fmt.Errorf("event %d of the archive: %w", seq, err)
			}
			data = append(data[:0], w.page.Data(i)...)
			if err := visit(Record{Seq: seq, Incarnation: beside.incarnation, StoredAt: beside.stored, Event: e, Data: data}); err != nil {
				return fmt.Errorf("read events of the archive after %d: %w", seq, err)
			}
		}
		return nil
	})
}

// Walk implements [Archive].
func (a *SQLiteArchive) Walk(ctx context.Context, f EventFilter, visit func(Record) error) error {
	return walkPages(ctx, f, func(ctx context.Context, f EventFilter, w *walkBuilder) error {
		query, args := sqlEvents, sqliteArgs(f, eventsPage)
		if !f.Challenge.IsZero() {
			query, args = sqlChallengeEvents, append(args, f.Challenge.UUID[:])
		}
		rows, err := a.read.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err is read below
		var r Record
		var stored int64
		var data sql.RawBytes
		for rows.Next() {
			if err := rows.Scan(&r.Seq, &r.Incarnation, &stored, &data); err != nil {
				return err
			}
			r.StoredAt = time.UnixMicro(stored)
			w.add(r, data)
		}
		return rows.Err()
	}, visit)
}

// Walk implements [Archive]. It holds no connection while it visits.
func (a *PostgresArchive) Walk(ctx context.Context, f EventFilter, visit func(Record) error) error {
	f, some, err := a.seek(ctx, f)
	if err != nil || !some {
		return err
	}
	return walkPages(ctx, f, func(ctx context.Context, f EventFilter, w *walkBuilder) error {
		ctx, cancel := patiently(ctx)
		defer cancel()
		query, args := pgListing.of(f, eventsPage)
		rows, err := a.pool.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		var r Record
		var data pgtype.DriverBytes // as it lies in the connection's buffer
		_, err = pgx.ForEachRow(rows, []any{&r.Seq, &r.Incarnation, &r.StoredAt, &data}, func() error {
			w.add(r, data)
			return nil
		})
		return err
	}, visit)
}

package eventstore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"ocapi/eventstore"
	"ocapi/postgres"
	"ocapi/postgres/postgrestest"
)

// postgresArchive is an empty archive with its database.
func postgresArchive(t testing.TB) (a *home, db *postgres.DB, url string) {
	t.Helper()
	url = postgrestest.URL(t)
	a = postgresHomeAt(t, url)
	return a, postgrestest.Open(t, url), url
}

func execute(t testing.TB, db *postgres.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Pool.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// partitions gives the names and the bounds of the partitions of events, with
// how many triggers each has of its own.
func partitions(t testing.TB, db *postgres.DB) []string {
	t.Helper()
	rows, err := db.Pool.Query(t.Context(), `SELECT relname || ' ' || pg_get_expr(relpartbound, oid) || ' ' ||
		(SELECT string_agg(tgname, ',' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = pg_class.oid)
		FROM pg_class JOIN pg_inherits ON oid = inhrelid WHERE inhparent = 'events'::regclass ORDER BY relname`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func partition(month time.Time) string {
	const second = "2006-01-02 15:04:05+00"
	return "events_" + month.Format("2006_01") + " FOR VALUES FROM ('" + month.Format(second) + "') TO ('" +
		month.AddDate(0, 1, 0).Format(second) + "') events_refuse_change,events_refuse_taken,events_refuse_truncate"
}

func TestPostgresMonths(t *testing.T) {
	t.Parallel()
	thisMonth := func() time.Time {
		now := time.Now().UTC()
		return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	first := thisMonth()
	_, db, _ := postgresArchive(t)
	for first != thisMonth() { // one has begun since: another archive is all of it
		first = thisMonth()
		_, db, _ = postgresArchive(t)
	}
	want := []string{partition(first), partition(first.AddDate(0, 1, 0)), partition(first.AddDate(0, 2, 0))}
	if diff := cmp.Diff(want, partitions(t, db)); diff != "" {
		t.Errorf("after the migration (-want +got):\n%s", diff)
	}

	// Months are UTC's, whatever the session's time zone, and go on over the
	// year's end. Many may ask for them at once.
	var wg sync.WaitGroup
	for _, zone := range []string{"UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Paris", "UTC", "Asia/Kolkata"} {
		wg.Go(func() {
			pooled, err := db.Pool.Acquire(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			conn := pooled.Hijack()                // its time zone is not for others
			defer conn.Close(context.Background()) //nolint:errcheck // it has done its work
			if _, err := conn.Exec(context.Background(), `SELECT set_config('timezone', $1, false)`, zone); err != nil {
				t.Error(err)
			}
			for range 2 {
				if _, err := conn.Exec(context.Background(), `SELECT make_event_partitions('2031-11-30 23:59:59.999999+00', 3)`); err != nil {
					t.Errorf("in %s: %v", zone, err)
				}
			}
		})
	}
	wg.Wait()
	for _, m := range []time.Month{11, 12, 13} {
		want = append(want, partition(time.Date(2031, m, 1, 0, 0, 0, 0, time.UTC)))
	}
	if diff := cmp.Diff(want, partitions(t, db)); diff != "" {
		t.Errorf("after six sessions asked (-want +got):\n%s", diff)
	}
	for _, months := range []string{"0", "-1", "121"} {
		if _, err := db.Pool.Exec(t.Context(), `SELECT make_event_partitions(now(), `+months+`)`); err == nil || !strings.Contains(err.Error(), "1 to 120 months") {
			t.Errorf("partitions of %s months: %v; want them refused", months, err)
		}
	}
}

// TestPostgresMonthsAreMadeBesideReaders holds a transaction that has read the
// events: neither does a new month wait for it, nor does anybody then wait.
func TestPostgresMonthsAreMadeBesideReaders(t *testing.T) {
	t.Parallel()
	a, db, _ := postgresArchive(t)
	archive(t, a, records(t, 1, "site", 2)...)
	tx, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) //nolint:errcheck // it has only read
	if _, err := tx.Exec(t.Context(), `SELECT count(*) FROM events`); err != nil {
		t.Fatal(err)
	}
	batch := records(t, 4, "site", 2)
	for i := range batch {
		batch[i].StoredAt = time.Date(2032, 5, 31, 23, 59, 59, 999_999_000, time.UTC).Add(time.Duration(i) * time.Microsecond)
	}
	archive(t, a, batch...) // over the month's end
	if diff := cmp.Diff(batch, visited(t, a, eventstore.EventFilter{After: 3})); diff != "" {
		t.Errorf("the archive differs (-appended +archived):\n%s", diff)
	}
	var n int
	if err := db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM events_2032_06`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d events are in June, %v; want 2", n, err)
	}
	if months := partitions(t, db); !slices.Contains(months, partition(time.Date(2032, 8, 1, 0, 0, 0, 0, time.UTC))) {
		t.Errorf("the months after were not made ahead: %v", months)
	}
}

// TestPostgresMissingMonth takes a month away under an archive that knows that
// it is there.
func TestPostgresMissingMonth(t *testing.T) {
	t.Parallel()
	a, db, _ := postgresArchive(t)
	r := record(t, 1, created("site", newChallengeID()))
	r.StoredAt = time.Date(2033, 1, 1, 0, 0, 0, 0, time.UTC)
	archive(t, a, r)
	execute(t, db, `ALTER TABLE events DETACH PARTITION events_2033_01`)
	execute(t, db, `DROP TABLE events_2033_01`)

	next := record(t, 2, created("site", newChallengeID()))
	next.StoredAt = r.StoredAt
	at := checkpoint(t, a)
	err := a.Append(t.Context(), at, checkpointOf(next), []eventstore.Record{next})
	if err == nil || !strings.Contains(err.Error(), "no partition") {
		t.Errorf("an event of a month that is gone: %v; want it refused, and not put elsewhere", err)
	}
	if err := a.Append(t.Context(), at, checkpointOf(next), []eventstore.Record{next}); err != nil {
		t.Errorf("the second try: %v; want the month to be made", err)
	}
}

// TestPostgresRefusesLateSequences appends sequences that were never used, but
// come before what is archived: nobody who reads in order would see them.
func TestPostgresRefusesLateSequences(t *testing.T) {
	t.Parallel()
	a, _, _ := postgresArchive(t)
	archive(t, a, records(t, 10, "site", 2)...)
	before := contentsOf(t, a)
	for _, seq := range []eventstore.Sequence{1, 9} {
		late := record(t, seq, created("site", newChallengeID()))
		late.StoredAt = late.StoredAt.AddDate(0, 1, 0)
		err := a.Append(t.Context(), before.Checkpoint, eventstore.Checkpoint{Incarnation: 5, Seq: 20}, []eventstore.Record{late})
		if err == nil || errors.Is(err, eventstore.ErrFenced) || !strings.Contains(err.Error(), "is taken") {
			t.Errorf("sequence %d after 10 to 12: %v; want it refused", seq, err)
		}
	}
	if diff := cmp.Diff(before, contentsOf(t, a)); diff != "" {
		t.Errorf("a refused batch left something (-before +after):\n%s", diff)
	}
}

// TestPostgresWritersByHandWait checks that two who insert past the archiver
// cannot miss each other's sequences.
func TestPostgresWritersByHandWait(t *testing.T) {
	t.Parallel()
	a, db, _ := postgresArchive(t)
	archive(t, a, records(t, 1, "site", 1)...)
	const insert = `INSERT INTO events SELECT 7, 1, at, stored_at + $1::interval, gen_random_uuid(), challenge, name, client, data FROM events WHERE seq = 1`
	tx, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) //nolint:errcheck // it is committed below
	if _, err := tx.Exec(t.Context(), insert, "1 s"); err != nil {
		t.Fatal(err)
	}
	other, err := db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Release()
	second := make(chan error, 1)
	go func() {
		_, err := other.Exec(context.Background(), insert, "2 s")
		second <- err
	}()
	eventually(t, "the second writer to wait for the first", func() bool {
		var waits bool
		err := db.Read.QueryRowContext(t.Context(), `SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1`, int64(other.Conn().PgConn().PID())).Scan(&waits)
		return err == nil && waits
	})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-second; err == nil || !strings.Contains(err.Error(), "is taken") {
		t.Errorf("the second writer of one sequence: %v; want it refused", err)
	}
}

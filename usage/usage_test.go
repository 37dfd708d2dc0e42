package usage_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/migrations"
	"ocapi/postgres/postgrestest"
	"ocapi/sqlite"
	"ocapi/usage"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// onEveryDatabase runs a test on an empty table of each kind of database.
func onEveryDatabase(t *testing.T, test func(t *testing.T, write, read *sql.DB)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "collections.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		migrated(t, db.Write, migrations.Collections)
		test(t, db.Write, db.Read)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.Open(t, postgrestest.URL(t))
		migrated(t, db.Write, migrations.Postgres)
		test(t, db.Write, db.Read)
	})
}

func migrated(t *testing.T, db *sql.DB, set migrations.Set) {
	t.Helper()
	if err := migrations.Up(t.Context(), db, set); err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, s *usage.Store, client domain.ClientID, since usage.Date) []usage.Row {
	t.Helper()
	list, err := s.Rows(t.Context(), client, since)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestCountsAddUpInTheTable(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, write, read *sql.DB) {
		s := usage.NewStore(write, read)
		now := noon
		one, other := usage.NewCounter(func() time.Time { return now }), usage.NewCounter(func() time.Time { return now })
		all := usage.Counts{CheckedValidated: 1, CheckedRejected: 2, CheckedCreated: 3, ChecksFailed: 4, Failed: 5, Asked: 6, Limited: 7}
		one.Add("site", all)
		other.Add("site", all) // another node
		one.Add("shop", usage.Counts{Failed: 9})
		now = noon.Add(24 * time.Hour)
		one.Add("site", usage.Counts{CheckedValidated: 1})
		for _, c := range []*usage.Counter{one, other, one} { // the last has nothing to add
			if err := c.Flush(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if left := c.Pending(""); len(left) != 0 {
				t.Errorf("after a flush %+v are pending", left)
			}
		}
		today := usage.DateOf(noon)
		site := []usage.Row{
			{Client: "site", Date: today, Counts: usage.Counts{CheckedValidated: 2, CheckedRejected: 4, CheckedCreated: 6, ChecksFailed: 8, Failed: 10, Asked: 12, Limited: 14}},
			{Client: "site", Date: today + 1, Counts: usage.Counts{CheckedValidated: 1}},
		}
		shop := usage.Row{Client: "shop", Date: today, Counts: usage.Counts{Failed: 9}}
		if diff := cmp.Diff(append([]usage.Row{shop}, site...), rows(t, s, "", 0)); diff != "" {
			t.Errorf("the table differs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(site[1:], rows(t, s, "site", today+1)); diff != "" {
			t.Errorf("the client's last day differs (-want +got):\n%s", diff)
		}
		if err := s.Forget(t.Context(), today+1); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(site[1:], rows(t, s, "", 0)); diff != "" {
			t.Errorf("after forgetting the table differs (-want +got):\n%s", diff)
		}
		if got := site[0].Checks(); got != 12 {
			t.Errorf("checks are %d", got)
		}
	})
}

// TestNothingIsLostByAFailedFlush counts from many goroutines while flushes fail
// and succeed.
func TestNothingIsLostByAFailedFlush(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, write, read *sql.DB) {
		s := usage.NewStore(write, read)
		c := usage.NewCounter(func() time.Time { return noon })
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		const goroutines, each = 8, 250
		var wg sync.WaitGroup
		for range goroutines {
			wg.Go(func() {
				for range each {
					c.Add("site", usage.Counts{CheckedValidated: 1})
				}
			})
		}
		failed := 0
		for i := range 20 {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = ended
			}
			if err := c.Flush(ctx, s); err != nil {
				failed++
			}
		}
		wg.Wait()
		if err := c.Flush(ended, s); err == nil {
			// There may be nothing left to add.
			if len(c.Pending("")) != 0 {
				t.Error("a flush that could not be has no error")
			}
		}
		if err := c.Flush(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		got := rows(t, s, "site", 0)
		if len(got) != 1 || got[0].CheckedValidated != goroutines*each {
			t.Errorf("after %d failed flushes the table has %+v, want %d", failed, got, goroutines*each)
		}
	})
}

func TestPendingIsOfOneClientOrAll(t *testing.T) {
	t.Parallel()
	c := usage.NewCounter(func() time.Time { return noon })
	c.Add("site", usage.Counts{Asked: 1})
	c.Add("shop", usage.Counts{Asked: 2})
	if got := c.Pending("shop"); len(got) != 1 || got[0].Asked != 2 || !got[0].Date.Start().Equal(time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("of one client %+v is pending", got)
	}
	if got := c.Pending(""); len(got) != 2 {
		t.Errorf("of all %+v is pending", got)
	}
}

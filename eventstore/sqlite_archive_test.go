package eventstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/sqlite"
)

// TestSQLitePlansUseIndexes: no query reads the whole table of events, or sorts.
func TestSQLitePlansUseIndexes(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "archive.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := migrations.Up(t.Context(), db.Write, migrations.Archive); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, query := range eventstore.SQLiteQueries {
		args := make([]any, strings.Count(query, "?"))
		for i := range args {
			args[i] = 1
		}
		rows, err := db.Read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, step)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		for _, step := range plan {
			_, index, _ := strings.Cut(step, " INDEX ")
			index, _, _ = strings.Cut(index, " ")
			used[index] = true
			// The index of what is rare may be read from end to end.
			whole := strings.HasPrefix(step, "SCAN events") && index != "events_that_are_rare"
			if whole || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\nreads too much:\n%s", query, strings.Join(plan, "\n"))
			}
		}
	}
	rows, err := db.Read.QueryContext(t.Context(), "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'events'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err is read below
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !used[name] {
			t.Errorf("no query uses the index %s, which every event pays for", name)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestSQLiteNamesTheEventItRefuses: of many events that one statement inserts.
func TestSQLiteNamesTheEventItRefuses(t *testing.T) {
	t.Parallel()
	a := sqliteHome(t)
	first := records(t, 1, "site", eventstore.SQLiteRows)
	archive(t, a, first...)
	taken := first[2].Event.Head().ID
	for _, at := range []int{0, 1, eventstore.SQLiteRows - 1, eventstore.SQLiteRows, 2*eventstore.SQLiteRows + 1} {
		batch := records(t, eventstore.Sequence(len(first)+1), "site", 2*eventstore.SQLiteRows+2)
		c := created("site", newChallengeID())
		c.ID = taken
		batch[at] = record(t, batch[at].Seq, c)
		from := checkpoint(t, a)
		err := a.Append(t.Context(), from, checkpointOf(batch[len(batch)-1]), batch)
		want := fmt.Sprintf("archive event %s at %d", taken, batch[at].Seq)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "taken") || errors.Is(err, eventstore.ErrFenced) {
			t.Errorf("a taken event at %d of %d gives %v; want %q", at, len(batch), err, want)
		}
		if now := checkpoint(t, a); now != from {
			t.Errorf("the checkpoint has moved from %v to %v", from, now)
		}
		for _, r := range batch {
			if _, found, err := a.EventAt(t.Context(), r.Seq); found || err != nil {
				t.Errorf("a refused batch left event %d (%v)", r.Seq, err)
			}
			if _, found, err := a.State(t.Context(), r.Event.Head().Challenge); found || err != nil {
				t.Errorf("a refused batch left the state of event %d (%v)", r.Seq, err)
			}
		}
	}
	// The statements go on serving.
	c := created("site", newChallengeID())
	archive(t, a, record(t, checkpoint(t, a).Seq+1, c))
	if s, found, err := a.State(t.Context(), c.Challenge); err != nil || !found || s.Status != domain.StatusCreated {
		t.Errorf("after refusals a state is %+v, %t, %v", s, found, err)
	}
}

package eventstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestArchiveIsAppendOnly checks that the tables themselves refuse changes, and
// say so.
func TestArchiveIsAppendOnly(t *testing.T) {
	both := []string{
		`UPDATE events SET client = 'mallory' WHERE seq = 1`,
		`UPDATE events SET seq = seq + 1000`,
		`DELETE FROM events WHERE seq = 1`,
		`DELETE FROM events`,
	}
	statements := map[string][]string{
		"SQLite": append([]string{
			`INSERT OR REPLACE INTO events SELECT seq, incarnation, event_id, name, 'mallory', challenge, at, stored_at, data FROM events WHERE seq = 1`,
		}, both...),
		"PostgreSQL": append([]string{
			`TRUNCATE events`,
			`TRUNCATE events, states`,
			`UPDATE events_2026_01 SET client = 'mallory'`,
			`DELETE FROM events_2026_01`,
			`TRUNCATE events_2026_01`,
			`INSERT INTO events SELECT * FROM events ON CONFLICT (seq, incarnation, stored_at) DO UPDATE SET client = 'mallory'`,
			`INSERT INTO events SELECT seq, incarnation, at, stored_at + interval '1 month', event_id, challenge, name, client, data FROM events`,
			`INSERT INTO events_2026_02 SELECT seq, incarnation, at, '2026-02-28 12:00:00+00', event_id, challenge, name, client, data FROM events`,
		}, both...),
	}
	eachHome(t, func(t *testing.T, a *home) {
		batch := records(t, 1, "site", 2)
		for i := range batch {
			batch[i].StoredAt = time.Date(2026, time.January, 15, 0, 0, i, 0, time.UTC)
		}
		archive(t, a, batch...)
		before := contentsOf(t, a)
		if len(statements[a.kind]) == 0 {
			t.Fatal("nothing is tried")
		}
		for _, statement := range statements[a.kind] {
			if err := a.exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "events are append-only") {
				t.Errorf("%s: %v; want it refused as append-only", statement, err)
			}
		}
		if diff := cmp.Diff(before, contentsOf(t, a)); diff != "" {
			t.Errorf("a refused statement changed something (-before +after):\n%s", diff)
		}
	})
}

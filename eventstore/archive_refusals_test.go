package eventstore_test

import (
	"strings"
	"testing"

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
	}
	eachHome(t, func(t *testing.T, a *home) {
		archive(t, a, records(t, 1, "site", 2)...)
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

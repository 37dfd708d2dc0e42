package eventstore_test

import (
	"strings"
	"testing"

	"ocapi/postgres/postgrestest"
)

// TestRebuildOutlastsAnIdleSession: while a rebuild reads on one connection, its
// transaction on the other is idle for longer than sessions may be.
func TestRebuildOutlastsAnIdleSession(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	// A migration is not made to outlast it, and a busy machine may leave any
	// session idle for a moment: so the limit is of another home, and a long one.
	postgresHomeAt(t, url)
	a := postgresHomeAt(t, url+separator+"idle_in_transaction_session_timeout=2s")
	batch := records(t, 1, "site", 1000) // told of while it is read
	archive(t, a, batch...)
	sound := states(t, a)
	n, err := a.RebuildStates(t.Context(), func(int) {
		if err := a.exec(t.Context(), `SELECT pg_sleep(4)`); err != nil {
			t.Error(err)
		}
	})
	if err != nil || n != len(batch) {
		t.Fatalf("%d events were read, %v; want %d", n, err, len(batch))
	}
	if rebuilt := states(t, a); len(rebuilt) != len(sound) {
		t.Errorf("%d states were rebuilt of %d", len(rebuilt), len(sound))
	}
}

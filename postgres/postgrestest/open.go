//go:build unix

package postgrestest

import (
	"testing"

	"ocapi/postgres"
)

// Open opens the database of a URL as the service does; it is closed when the test
// ends.
func Open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

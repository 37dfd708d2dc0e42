package eventstore_test

import (
	"context"
	"sync"
	"testing"

	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/postgres"
	"ocapi/postgres/postgrestest"
)

func postgresHome(t testing.TB) *home {
	t.Helper()
	return postgresHomeAt(t, postgrestest.URL(t))
}

func postgresHomeAt(t testing.TB, url string) *home {
	t.Helper()
	open := func() (*postgres.DB, func()) {
		db, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		away := sync.OnceFunc(func() {
			if err := db.Close(); err != nil {
				t.Errorf("close the archive: %v", err)
			}
		})
		t.Cleanup(away)
		return db, away
	}
	db, away := open()
	if err := migrations.Up(t.Context(), db.Write, migrations.Postgres); err != nil {
		t.Fatal(err)
	}
	return &home{
		Archive: eventstore.NewPostgresArchive(db.Pool),
		exec: func(ctx context.Context, statement string) error {
			_, err := db.Pool.Exec(ctx, statement)
			return err
		},
		again: func() eventstore.Archive {
			db, _ := open()
			return eventstore.NewPostgresArchive(db.Pool)
		},
		away: away,
	}
}

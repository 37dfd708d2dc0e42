package eventstore_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/pressly/goose/v3"

	"ocapi/eventstore"
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
	migrate(t, db)
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

func migrate(t testing.TB, db *postgres.DB) {
	t.Helper()
	p, err := goose.NewProvider(goose.DialectPostgres, db.Write, os.DirFS("../migrations/postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
}

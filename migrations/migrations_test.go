package migrations_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ocapi/migrations"
	"ocapi/sqlite"
)

var sets = []migrations.Set{migrations.Archive, migrations.Collections}

func open(t *testing.T) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
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

func exec(t *testing.T, db *sqlite.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Write.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestUpFromEmptyAndAgain(t *testing.T) {
	t.Parallel()
	for _, set := range sets {
		t.Run(set.String(), func(t *testing.T) {
			t.Parallel()
			db := open(t)
			status, err := migrations.Status(t.Context(), db.Read, set)
			if err != nil {
				t.Fatal(err)
			}
			pending, err := migrations.Pending(t.Context(), db.Read, set)
			if err != nil || pending != len(status) || pending == 0 {
				t.Fatalf("pending on an empty file = %d of %d, %v", pending, len(status), err)
			}
			for range 2 {
				if err := migrations.Up(t.Context(), db.Write, set); err != nil {
					t.Fatal(err)
				}
				if pending, err = migrations.Pending(t.Context(), db.Read, set); err != nil || pending != 0 {
					t.Fatalf("pending after Up = %d, %v", pending, err)
				}
			}
			status, err = migrations.Status(t.Context(), db.Read, set)
			if err != nil {
				t.Fatal(err)
			}
			for i, step := range status {
				if step.Version != int64(i+1) || step.AppliedAt.IsZero() || !strings.HasSuffix(step.Name, ".sql") {
					t.Errorf("step %d = %+v", i, step)
				}
			}
		})
	}
}

// TestUpFromEveryStepOnTheWay brings up what every release has left behind.
func TestUpFromEveryStepOnTheWay(t *testing.T) {
	t.Parallel()
	steps, err := migrations.Status(t.Context(), open(t).Read, migrations.Collections)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		t.Run(step.Name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			if err := migrations.UpTo(t.Context(), db.Write, migrations.Collections, step.Version); err != nil {
				t.Fatal(err)
			}
			exec(t, db, `INSERT INTO clients (id, disabled, created_at) VALUES ('kept', 0, 1)`)
			const withImages = 2 // the step that makes their tables
			if step.Version >= withImages {
				exec(t, db, `INSERT INTO collections (id, title, credit, demo, created_at) VALUES ('kept', 't', 'c', 0, 1)`)
				exec(t, db, `INSERT INTO images (id, collection, document, type, known, trust, text, labels, candidates, complete, prior,
						renderings, institution, shelfmark, page, licence, source, created_at)
					VALUES ('kept', 'kept', 'd', 1, 1, 1, 'text', '[]', '[]', 0, 0.5, 1, '', '', '', '', '', 1)`)
			}
			if err := migrations.Up(t.Context(), db.Write, migrations.Collections); err != nil {
				t.Fatal(err)
			}
			if pending, err := migrations.Pending(t.Context(), db.Read, migrations.Collections); err != nil || pending != 0 {
				t.Errorf("pending = %d, %v", pending, err)
			}
			var clients, images int
			if err := db.Read.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM clients), (SELECT count(*) FROM images)`).Scan(&clients, &images); err != nil {
				t.Fatal(err)
			}
			if clients != 1 || step.Version >= withImages && images != 1 {
				t.Errorf("%d clients and %d images were kept", clients, images)
			}
		})
	}
}

// TestArchiveUpFromEveryStepOnTheWay brings up archives of every release, with
// an event in each.
func TestArchiveUpFromEveryStepOnTheWay(t *testing.T) {
	t.Parallel()
	steps, err := migrations.Status(t.Context(), open(t).Read, migrations.Archive)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		t.Run(step.Name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			if err := migrations.UpTo(t.Context(), db.Write, migrations.Archive, step.Version); err != nil {
				t.Fatal(err)
			}
			exec(t, db, `INSERT INTO events (seq, incarnation, event_id, name, client, challenge, at, stored_at, data)
				VALUES (1, 1, zeroblob(16), 'n', 'c', zeroblob(16), 1, 1, x'00')`)
			if err := migrations.Up(t.Context(), db.Write, migrations.Archive); err != nil {
				t.Fatal(err)
			}
			var events, snapshots int
			if err := db.Read.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM snapshots)`).Scan(&events, &snapshots); err != nil {
				t.Fatal(err)
			}
			if events != 1 || snapshots != 0 {
				t.Errorf("%d events and %d snapshots are there", events, snapshots)
			}
			for _, change := range []string{`UPDATE events SET name = 'x'`, `DELETE FROM events`} {
				if _, err := db.Write.ExecContext(t.Context(), change); err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("%s: %v; want it refused", change, err)
				}
			}
		})
	}
}

func TestUpByTwoProcessesAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			db, err := sqlite.Open(context.Background(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}()
			if err := migrations.Up(context.Background(), db.Write, migrations.Collections); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	db := open(t)
	if err := migrations.Up(t.Context(), db.Write, migrations.Archive); err != nil {
		t.Fatal(err)
	}
	exec(t, db, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	if _, err := migrations.Pending(t.Context(), db.Read, migrations.Archive); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("Pending = %v, want ErrNewer", err)
	}
	if err := migrations.Up(t.Context(), db.Write, migrations.Archive); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("Up = %v, want ErrNewer", err)
	}
}

func TestInvalidSet(t *testing.T) {
	t.Parallel()
	db := open(t)
	if err := migrations.Up(t.Context(), db.Write, migrations.SetInvalid); err == nil {
		t.Error("the invalid set was migrated")
	}
}

func TestEventsAreAppendOnly(t *testing.T) {
	t.Parallel()
	db := open(t)
	if err := migrations.Up(t.Context(), db.Write, migrations.Archive); err != nil {
		t.Fatal(err)
	}
	const insert = `INSERT INTO events (seq, incarnation, event_id, name, client, challenge, at, stored_at, data)
		VALUES ($1, 1, $2, 'challenge.created.v1', 'c', $3, 1, 1, x'00')`
	id, other := make([]byte, 16), append(make([]byte, 15), 1)
	exec(t, db, insert, 1, id, id)
	for _, refused := range []struct {
		name, statement string
		args            []any
	}{
		{"update", `UPDATE events SET client = 'd'`, nil},
		{"delete", `DELETE FROM events`, nil},
		{"the same event id", insert, []any{2, id, id}},
		{"the same sequence", insert, []any{1, other, id}},
		{"a short event id", insert, []any{3, id[:15], id}},
		{"a short challenge id", insert, []any{3, other, id[:1]}},
	} {
		if _, err := db.Write.ExecContext(t.Context(), refused.statement, refused.args...); err == nil {
			t.Errorf("%s was accepted", refused.name)
		}
	}
	exec(t, db, insert, 2, other, id)
}

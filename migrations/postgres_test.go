package migrations_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"ocapi/migrations"
	"ocapi/postgres"
	"ocapi/postgres/postgrestest"
)

func migrated(t *testing.T) *postgres.DB {
	t.Helper()
	db := postgrestest.Open(t, postgrestest.URL(t))
	if err := migrations.Up(t.Context(), db.Write, migrations.Postgres); err != nil {
		t.Fatal(err)
	}
	return db
}

func execPostgres(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func column(t *testing.T, db *sql.DB, query string, args ...any) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// ownTables lists the tables of the test's schema; partitions are parts of one.
func ownTables(t *testing.T, db *postgres.DB) []string {
	t.Helper()
	return column(t, db.Write, `SELECT relname::text FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1`)
}

func TestPostgresUpFromEmptyAndAgain(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t, postgrestest.URL(t))
	status, err := migrations.Status(t.Context(), db.Read, migrations.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	pending, err := migrations.Pending(t.Context(), db.Read, migrations.Postgres)
	if err != nil || pending != len(status) || pending == 0 {
		t.Fatalf("pending on an empty schema = %d of %d, %v", pending, len(status), err)
	}
	if tables := ownTables(t, db); len(tables) != 0 {
		t.Errorf("who only asked has made %v", tables)
	}
	for range 2 {
		if err := migrations.Up(t.Context(), db.Write, migrations.Postgres); err != nil {
			t.Fatal(err)
		}
		if pending, err = migrations.Pending(t.Context(), db.Read, migrations.Postgres); err != nil || pending != 0 {
			t.Fatalf("pending after Up = %d, %v", pending, err)
		}
	}
	status, err = migrations.Status(t.Context(), db.Read, migrations.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	for i, step := range status {
		if step.Version <= last || step.AppliedAt.IsZero() || !strings.HasSuffix(step.Name, ".sql") {
			t.Errorf("step %d = %+v", i, step)
		}
		last = step.Version
	}
	// What a migration was allowed is not left to those who use its connection.
	if got := column(t, db.Write, "SHOW statement_timeout"); got[0] == "0" {
		t.Error("the connection has no statement_timeout any more")
	}
	if locks := column(t, db.Write, "SELECT pid::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"); len(locks) != 0 {
		t.Error("the lock is still held")
	}
}

// rows are put into a table when it is there, and have to be there at the end.
var rows = []struct{ table, insert string }{
	{"clients", `INSERT INTO clients (id, disabled, created_at) VALUES ('kept', 0, 1)`},
	{"client_secrets", `INSERT INTO client_secrets (id, client, key, created_at) VALUES ('s', 'kept', 'k', 1)`},
	{"collections", `INSERT INTO collections (id, title, credit, demo, created_at) VALUES ('kept', 't', 'c', 0, 1)`},
	{"images", `INSERT INTO images (id, collection, document, type, known, trust, text, labels, candidates, complete, prior,
			renderings, institution, shelfmark, page, licence, source, created_at)
		VALUES ('kept', 'kept', 'd', 1, 1, 1, 'text', '[]', '[]', 0, 0.5, 1, '', '', '', '', '', 1)`},
	{"renderings", `INSERT INTO renderings (image, n, content_type, width, height, bytes) VALUES ('kept', 0, 'image/jpeg', 1, 1, '\x00')`},
	{"imported_votes", `INSERT INTO imported_votes (collection, classification, task, n, subject, file, question, value, workflow, version, decided_at)
		VALUES ('kept', '1', 'T0', 0, 's', '', '', 'v', '', '', 1)`},
	{"looks", `INSERT INTO looks (image, hash) VALUES ('kept', -1)`},
	{"retirements", `INSERT INTO retirements (image, at, reason) VALUES ('kept', 1, '')`},
	{"annotations", `INSERT INTO annotations (image, keyword, collection, status, truth, is_match, text, probability, votes, merged, model,
			through, seq, event_id, decided_at, tried)
		VALUES ('kept', '', 'kept', 1, 2, 0, 'text', 0.99, 3, 0, 0, 1, 2, '0192b1d0-0000-7000-8000-000000000001', 1, 0)`},
	{"needs", `INSERT INTO needs (image, collection, need) VALUES ('kept', 'kept', 1)`},
	{"client_days", `INSERT INTO client_days (client, day, checked_validated, checked_rejected, checked_created, checks_failed, failed, asked, limited) VALUES ('kept', 20000, 1, 2, 3, 4, 5, 6, 7)`},
	{"plans", `INSERT INTO plans (id, pool, type, number, made_at, body) VALUES (7, 'kept', 1, 0, 1, '')`},
	{"snapshots", `INSERT INTO snapshots (name, incarnation, seq, event_id, made_at, body) VALUES ('kept', 1, 1, '0192b1d0-0000-7000-8000-000000000001', now(), '')`},
}

func TestPostgresUpFromEveryStepOnTheWay(t *testing.T) {
	t.Parallel()
	steps, err := migrations.Status(t.Context(), postgrestest.Open(t, postgrestest.URL(t)).Read, migrations.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		t.Run(step.Name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.Open(t, postgrestest.URL(t))
			if err := migrations.UpTo(t.Context(), db.Write, migrations.Postgres, step.Version); err != nil {
				t.Fatal(err)
			}
			var kept []string
			for _, r := range rows {
				if there := column(t, db.Write, `SELECT to_regclass($1)::text WHERE to_regclass($1) IS NOT NULL`, r.table); len(there) > 0 {
					execPostgres(t, db.Write, r.insert)
					kept = append(kept, r.table)
				}
			}
			if err := migrations.Up(t.Context(), db.Write, migrations.Postgres); err != nil {
				t.Fatal(err)
			}
			if pending, err := migrations.Pending(t.Context(), db.Read, migrations.Postgres); err != nil || pending != 0 {
				t.Errorf("pending = %d, %v", pending, err)
			}
			for _, table := range kept {
				if n := column(t, db.Read, "SELECT count(*)::text FROM "+table); n[0] != "1" {
					t.Errorf("%s has %s rows, want 1", table, n[0])
				}
			}
		})
	}
}

func TestPostgresUpByManyProcessesAtOnce(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			db, err := postgres.Open(context.Background(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}()
			if err := migrations.Up(context.Background(), db.Write, migrations.Postgres); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	db := postgrestest.Open(t, url)
	if twice := column(t, db.Read, `SELECT version_id::text FROM goose_db_version GROUP BY version_id HAVING count(*) > 1`); len(twice) != 0 {
		t.Errorf("steps %v were applied twice", twice)
	}
}

// TestPostgresUpWaitsForTheLock shows that the lock, and not luck, keeps two
// processes apart.
func TestPostgresUpWaitsForTheLock(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	other, err := db.Write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := migrations.Lock(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- migrations.Up(t.Context(), db.Write, migrations.Postgres) }()
	// It asks more than once before it is let in.
	for range 3 {
		if pending, err := migrations.Pending(t.Context(), db.Read, migrations.Postgres); err != nil || pending == 0 {
			t.Fatalf("pending while another has the lock = %d, %v", pending, err)
		}
		if _, err := other.ExecContext(t.Context(), `SELECT pg_sleep(0.1)`); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-done:
		t.Fatalf("Up did not wait: %v", err)
	default:
	}
	// A schema beside it is not kept waiting.
	if err := migrations.Up(t.Context(), postgrestest.Open(t, postgrestest.URL(t)).Write, migrations.Postgres); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Unlock(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPostgresNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	execPostgres(t, db.Write, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
	if _, err := migrations.Pending(t.Context(), db.Read, migrations.Postgres); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("Pending = %v, want ErrNewer", err)
	}
	if err := migrations.Up(t.Context(), db.Write, migrations.Postgres); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("Up = %v, want ErrNewer", err)
	}
}

// TestPostgresOtherSchemasAreNotLookedAt has a migrated schema behind an empty
// one in the search_path.
func TestPostgresOtherSchemasAreNotLookedAt(t *testing.T) {
	t.Parallel()
	first, second := postgrestest.URL(t), postgrestest.URL(t)
	db := postgrestest.Open(t, second)
	if err := migrations.Up(t.Context(), db.Write, migrations.Postgres); err != nil {
		t.Fatal(err)
	}
	execPostgres(t, db.Write, `INSERT INTO clients (id, disabled, created_at) VALUES ('theirs', 0, 1)`)
	theirs := column(t, db.Write, `SELECT current_schema()::text`)[0]

	address, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	parameters := address.Query()
	parameters.Set("search_path", parameters.Get("search_path")+","+theirs)
	address.RawQuery = parameters.Encode()
	both := postgrestest.Open(t, address.String())
	if got := column(t, both.Write, `SHOW search_path`); !strings.Contains(got[0], ",") {
		t.Fatalf("search_path = %v", got)
	}
	if pending, err := migrations.Pending(t.Context(), both.Read, migrations.Postgres); err != nil || pending == 0 {
		t.Errorf("pending = %d, %v: another schema's steps were taken for its own", pending, err)
	}
	if err := migrations.Up(t.Context(), both.Write, migrations.Postgres); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(ownTables(t, both)), fmt.Sprint(ownTables(t, db)); got != want {
		t.Errorf("tables = %s, want %s", got, want)
	}
	if n := column(t, both.Read, `SELECT count(*)::text FROM clients`); n[0] != "0" {
		t.Errorf("it has %s clients of another schema", n[0])
	}
}

// TestGrant compares what a role may do, table by table, with what it should.
func TestGrant(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	want := map[string]string{
		"events": "SELECT INSERT", "states": "SELECT INSERT UPDATE DELETE", "checkpoint": "SELECT UPDATE", "gaps": "SELECT INSERT",
		"snapshots": "SELECT INSERT UPDATE",
		"clients":   "SELECT INSERT UPDATE DELETE", "client_names": "SELECT INSERT UPDATE DELETE",
		"client_secrets": "SELECT INSERT UPDATE DELETE", "client_collections": "SELECT INSERT UPDATE DELETE",
		"client_limits": "SELECT INSERT UPDATE DELETE", "service_keys": "SELECT INSERT",
		"client_settings": "SELECT INSERT UPDATE DELETE",
		"client_revision": "SELECT UPDATE", "client_days": "SELECT INSERT UPDATE DELETE",
		"collections": "SELECT INSERT UPDATE DELETE", "keywords": "SELECT INSERT UPDATE DELETE",
		"images": "SELECT INSERT UPDATE DELETE", "renderings": "SELECT INSERT UPDATE DELETE", "corpus_revision": "SELECT UPDATE",
		"imported_votes": "SELECT INSERT DELETE",
		"looks":          "SELECT INSERT DELETE", "retirements": "SELECT INSERT UPDATE DELETE", "plans": "SELECT INSERT DELETE",
		"annotations": "SELECT INSERT UPDATE DELETE", "annotations_through": "SELECT UPDATE", "needs": "SELECT INSERT UPDATE DELETE",
		"goose_db_version": "SELECT",
	}
	for _, table := range ownTables(t, db) {
		if want[table] == "" {
			t.Errorf("nobody has said what a role may do to %s", table)
		}
	}
	// A name that is to be quoted, and privileges that it had before.
	role := `ocapi "test' ` + strings.TrimPrefix(column(t, db.Write, `SELECT current_schema()::text`)[0], "ocapi_test_")
	quoted := `"` + strings.ReplaceAll(role, `"`, `""`) + `"`
	execPostgres(t, db.Write, `CREATE ROLE `+quoted)
	t.Cleanup(func() {
		for _, s := range []string{`DROP OWNED BY ` + quoted, `DROP ROLE ` + quoted} {
			if _, err := db.Write.ExecContext(context.Background(), s); err != nil {
				t.Error(err)
			}
		}
	})
	execPostgres(t, db.Write, `GRANT ALL ON ALL TABLES IN SCHEMA `+column(t, db.Write, `SELECT current_schema()::text`)[0]+` TO `+quoted)
	for range 2 {
		if err := migrations.Grant(t.Context(), db.Write, role); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range ownTables(t, db) {
		got := column(t, db.Write, `SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
			WITH ORDINALITY AS x (p, n) WHERE has_table_privilege($1::text, $2::text, p) ORDER BY n`, role, table)
		if strings.Join(got, " ") != want[table] {
			t.Errorf("%s: the role may %v, want %s", table, got, want[table])
		}
	}

	session, err := db.Write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for _, s := range []struct {
		statement string
		refused   bool
	}{
		{`SET ROLE ` + quoted, false},
		{`INSERT INTO clients (id, disabled, created_at) VALUES ('c', 0, 1)`, false},
		{`DELETE FROM clients`, false},
		{`TRUNCATE clients CASCADE`, true},
		{`UPDATE client_revision SET revision = revision + 1`, false},
		{`DELETE FROM client_revision`, true},
		{`INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, true)`, true},
		{`CREATE TABLE mine (x INTEGER)`, true},
		{`RESET ROLE`, false},
	} {
		_, err := session.ExecContext(t.Context(), s.statement)
		denied, isPg := errors.AsType[*pgconn.PgError](err)
		if s.refused != (isPg && denied.Code == "42501") || !s.refused && err != nil {
			t.Errorf("%s: %v", s.statement, err)
		}
	}
}

func TestGrantRefuses(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	owner := column(t, db.Write, `SELECT current_user::text`)[0]
	if err := migrations.Grant(t.Context(), db.Write, owner); err == nil || !strings.Contains(err.Error(), "role of its own") {
		t.Errorf("to the owner: %v", err)
	}
	if err := migrations.Grant(t.Context(), db.Write, `nobody"; DROP TABLE clients; --`); err == nil || !strings.Contains(err.Error(), "no such role") {
		t.Errorf("to nobody: %v", err)
	}
	empty := postgrestest.Open(t, postgrestest.URL(t))
	// A role that every server has, and that owns nothing.
	if err := migrations.Grant(t.Context(), empty.Write, "pg_monitor"); err == nil || !strings.Contains(err.Error(), "not been migrated") {
		t.Errorf("in an empty schema: %v", err)
	}
}

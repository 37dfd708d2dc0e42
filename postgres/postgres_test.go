package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ocapi/postgres"
	"ocapi/postgres/postgrestest"
)

func exec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func text(t *testing.T, db queryer, query string) (s string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

// with gives the URL with a parameter.
func with(t *testing.T, address, name, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestSessions(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	// What the URL says of the isolation is not what Ocapi relies on.
	db := postgrestest.Open(t, with(t, with(t, address, "default_transaction_isolation", "serializable"), "lock_timeout", "7s"))
	for name, want := range map[string]struct{ write, read string }{
		"default_transaction_isolation":       {"read committed", "repeatable read"},
		"default_transaction_read_only":       {"off", "on"},
		"application_name":                    {"ocapi", "ocapi"},
		"client_encoding":                     {"UTF8", "UTF8"},
		"timezone":                            {"UTC", "UTC"},
		"statement_timeout":                   {"5min", "5min"},
		"idle_in_transaction_session_timeout": {"30s", "30s"},
		"lock_timeout":                        {"7s", "7s"},
		"tcp_keepalives_idle":                 {"10", "10"},
		"tcp_user_timeout":                    {"25000", "25000"},
	} {
		for handle, c := range map[string]struct{ got, want string }{
			"Write": {text(t, db.Write, "SHOW "+name), want.write},
			"Read":  {text(t, db.Read, "SHOW "+name), want.read},
		} {
			if c.got != c.want {
				t.Errorf("%s of %s = %s, want %s", name, handle, c.got, c.want)
			}
		}
		var got string
		if err := db.Pool.QueryRow(t.Context(), "SHOW "+name).Scan(&got); err != nil || got != want.write {
			t.Errorf("%s of Pool = %s, %v, want %s", name, got, err, want.write)
		}
	}
	schema := text(t, db.Write, "SELECT current_schema()")
	if read := text(t, db.Read, "SELECT current_schema()"); !strings.Contains(address, schema) || read != schema {
		t.Errorf("the schemas are %s and %s, want that of %s", schema, read, address)
	}
	if strings.Contains(db.Address(), "@") || !strings.Contains(db.Address(), "/") {
		t.Errorf("Address = %s", db.Address())
	}
}

func TestReadSeesOneSnapshotAndWritesNothing(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t, postgrestest.URL(t))
	exec(t, db.Write, "CREATE TABLE t (x INTEGER)")
	if _, err := db.Read.ExecContext(t.Context(), "INSERT INTO t (x) VALUES (1)"); err == nil {
		t.Error("the reading handle wrote")
	}
	for name, options := range map[string]*sql.TxOptions{"default": nil, "read-only": {ReadOnly: true}} {
		tx, err := db.Read.BeginTx(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		before := text(t, tx, "SELECT count(*)::text FROM t")
		exec(t, db.Write, "INSERT INTO t (x) VALUES (1)")
		if after := text(t, tx, "SELECT count(*)::text FROM t"); after != before {
			t.Errorf("%s: one transaction saw %s rows, then %s", name, before, after)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
	if n := text(t, db.Read, "SELECT count(*)::text FROM t"); n != "2" {
		t.Errorf("a new transaction sees %s rows, want 2", n)
	}
}

func TestPoolsAreBounded(t *testing.T) {
	t.Parallel()
	s := postgrestest.Start(t, postgrestest.Options{})
	db := postgrestest.Open(t, s.URL())
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { _, _ = db.Write.ExecContext(ctx, "SELECT pg_sleep(600)") })
		group.Go(func() { _, _ = db.Read.ExecContext(ctx, "SELECT pg_sleep(600)") })
		group.Go(func() { _, _ = db.Pool.Exec(ctx, "SELECT pg_sleep(600)") })
	}
	watch, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close(context.Background())
	const want = 18 // five nodes and an operator within the 100 that are PostgreSQL's default
	busy, deadline := 0, time.Now().Add(20*time.Second)
	for busy < want && time.Now().Before(deadline) {
		const sleepers = `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'`
		if err := watch.QueryRow(t.Context(), sleepers).Scan(&busy); err != nil {
			t.Fatal(err)
		}
	}
	var all int
	if err := watch.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ocapi'`).Scan(&all); err != nil {
		t.Fatal(err)
	}
	if busy != want || all != want {
		t.Errorf("%d connections of %d are busy, want %d", busy, all, want)
	}
	cancel()
	group.Wait()
}

// TestPoolsRecover shows that a server that was killed and came back is used
// again by what was opened before.
func TestPoolsRecover(t *testing.T) {
	t.Parallel()
	s := postgrestest.Start(t, postgrestest.Options{})
	db := postgrestest.Open(t, s.URL())
	exec(t, db.Write, "CREATE TABLE t (x INTEGER)")
	if n := text(t, db.Read, "SELECT count(*)::text FROM t"); n != "0" {
		t.Fatal(n)
	}
	s.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := db.Write.ExecContext(ctx, "INSERT INTO t (x) VALUES (1)"); err == nil {
		t.Error("a killed server answered")
	}
	if _, err := postgres.Open(ctx, s.URL()); !errors.Is(err, postgres.ErrUnreachable) {
		t.Errorf("Open while it is down = %v, want ErrUnreachable", err)
	}
	s.Restart()
	exec(t, db.Write, "INSERT INTO t (x) VALUES (1)")
	if n := text(t, db.Read, "SELECT count(*)::text FROM t"); n != "1" {
		t.Errorf("rows = %s", n)
	}

	// Nor does anybody notice who did not ask meanwhile, however short it was.
	for range 3 {
		if err := db.Pool.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		s.Restart()
		tx, err := db.Write.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatalf("begin after a restart: %v", err)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		if tx, err = db.Read.BeginTx(t.Context(), nil); err != nil {
			t.Fatalf("begin reading after a restart: %v", err)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		if _, err := db.Pool.Exec(t.Context(), "INSERT INTO t (x) VALUES (1)"); err != nil {
			t.Fatalf("write through the pool after a restart: %v", err)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := postgrestest.Start(t, postgrestest.Options{})
	db := postgrestest.Open(t, s.URL())
	exec(t, db.Write, `CREATE DATABASE old_town ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`)
	exec(t, db.Write, `CREATE ROLE careful LOGIN PASSWORD 'pass/word#1'`)
	exec(t, db.Write, `CREATE ROLE unlisted LOGIN`)
	requirePassword(t, db.Write)
	host := strings.TrimPrefix(strings.TrimSuffix(s.URL(), "/postgres?sslmode=disable"), "postgres://ocapi@")

	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()

	const secret = "pass"
	for name, c := range map[string]struct {
		url  string
		is   error
		says string
	}{
		"nobody listens":       {"postgres://careful:passion@127.0.0.1:1/postgres", postgres.ErrUnreachable, "127.0.0.1:1/postgres"},
		"no such host":         {"postgres://careful:passion@nowhere.invalid/postgres", postgres.ErrUnreachable, "nowhere.invalid:5432"},
		"silence":              {"postgres://careful:passion@" + silent.Addr().String() + "/postgres?connect_timeout=1&sslmode=disable", postgres.ErrUnreachable, "cannot be reached"},
		"wrong password":       {"postgres://careful:passion@" + host + "/postgres", postgres.ErrRefused, `refused the password of the user "careful"`},
		"not allowed":          {"postgres://unlisted:passion@" + host + "/postgres", postgres.ErrRefused, `refused the user "unlisted"`},
		"no such database":     {"postgres://careful:pass%2Fword%231@" + host + "/nothing", postgres.ErrRefused, `no database "nothing"`},
		"another encoding":     {"postgres://careful:pass%2Fword%231@" + host + "/old_town", postgres.ErrUnfit, "LATIN1"},
		"no URL":               {"host=localhost password=passion", nil, "postgres://user:password@host"},
		"another scheme":       {"mysql://careful:passion@localhost/x", nil, "postgres://user:password@host"},
		"a slash in password":  {"postgres://careful:pass/word@localhost/x", nil, "special characters"},
		"a hash in password":   {"postgres://careful:pass#word@localhost/x", nil, "special characters"},
		"a percent in it":      {"postgres://careful:pass%word@localhost/x", nil, "special characters"},
		"a mode that is none":  {"postgres://careful:passion@localhost/x?sslmode=passion", nil, "sslmode"},
		"a file that is not":   {"postgres://careful:passion@localhost/x?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", nil, "CA"},
		"a port that is none":  {"postgres://careful:passion@localhost:99999/x", nil, "port"},
		"a pool's parameter":   {"postgres://careful:passion@localhost/x?pool_max_conns=3", nil, "pool_max_conns"},
		"an unknown parameter": {"postgres://careful:pass%2Fword%231@" + host + "/postgres?colour=red", postgres.ErrRefused, "colour"},
		"empty":                {"", nil, "postgres://user:password@host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := postgres.Open(t.Context(), c.url)
			if err == nil {
				_ = db.Close()
				t.Fatal("it was opened")
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("the error is not %q: %v", c.is, err)
			}
			message := strings.ReplaceAll(err.Error(), "password", "")
			if !strings.Contains(err.Error(), c.says) || strings.Contains(message, secret) || strings.Contains(message, "passion") {
				t.Errorf("the error lacks %q or has the password: %v", c.says, err)
			}
		})
	}
	right := postgrestest.Open(t, "postgres://careful:pass%2Fword%231@"+host+"/postgres")
	if got := text(t, right.Read, "SELECT current_user::text"); got != "careful" {
		t.Errorf("user = %s", got)
	}
}

// requirePassword has the server ask "careful" for the password, and let
// nobody else in but the one who has made it.
func requirePassword(t *testing.T, db *sql.DB) {
	t.Helper()
	rules := "host all ocapi 127.0.0.1/32 trust\nhost all careful 127.0.0.1/32 scram-sha-256\n"
	if err := os.WriteFile(text(t, db, "SHOW hba_file"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "SELECT pg_reload_conf()")
	for text(t, db, "SELECT count(*)::text FROM pg_hba_file_rules") != "2" {
		time.Sleep(10 * time.Millisecond)
	}
}

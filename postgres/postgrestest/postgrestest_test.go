//go:build unix

package postgrestest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ocapi/postgres/postgrestest"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, statement string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func number(t *testing.T, conn *pgx.Conn, query string, args ...any) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestSchemasAreApart(t *testing.T) {
	t.Parallel()
	const schemas = `SELECT count(*) FROM pg_namespace WHERE nspname = $1`
	var names []string
	t.Run("two at once", func(t *testing.T) {
		for range 2 {
			conn := connect(t, postgrestest.URL(t))
			if n := number(t, conn, `SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace`); n != 0 {
				t.Errorf("a new schema has %d tables", n)
			}
			run(t, conn, `CREATE TABLE t (x INTEGER)`)
			run(t, conn, `INSERT INTO t (x) VALUES (1)`)
			if n := number(t, conn, `SELECT count(*) FROM t`); n != 1 {
				t.Errorf("rows = %d, want its own alone", n)
			}
			var name string
			if err := conn.QueryRow(t.Context(), `SELECT current_schema()`).Scan(&name); err != nil {
				t.Fatal(err)
			}
			if n := number(t, conn, schemas, name); n != 1 {
				t.Errorf("there are %d schemas %s", n, name)
			}
			names = append(names, name)
		}
	})
	conn := connect(t, postgrestest.URL(t))
	for _, name := range names {
		if n := number(t, conn, schemas, name); n != 0 {
			t.Errorf("the schema %s is left after its test", name)
		}
	}
}

func TestServerKilledAndRestarted(t *testing.T) {
	t.Parallel()
	s := postgrestest.Start(t, postgrestest.Options{Fsync: true})
	conn := connect(t, s.URL())
	run(t, conn, `CREATE TABLE t (x INTEGER)`)
	run(t, conn, `INSERT INTO t (x) VALUES (1)`)
	var fsync string
	if err := conn.QueryRow(t.Context(), `SHOW fsync`).Scan(&fsync); err != nil || fsync != "on" {
		t.Errorf("fsync = %s, %v", fsync, err)
	}
	// A statement under way does not outlive the server.
	busy := connect(t, s.URL())
	ended := make(chan error, 1)
	go func() {
		_, err := busy.Exec(context.Background(), `SELECT pg_sleep(600)`)
		ended <- err
	}()
	for number(t, conn, `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'`) == 0 {
		time.Sleep(time.Millisecond)
	}
	s.Kill()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a statement of a killed server succeeded")
		}
	case <-time.After(10 * time.Second):
		t.Error("a connection outlived the killed server")
	}
	if _, err := conn.Exec(t.Context(), `SELECT 1`); err == nil {
		t.Error("a killed server answered")
	}
	if _, err := pgx.Connect(t.Context(), s.URL()); err == nil {
		t.Error("a killed server took a connection")
	}
	url := s.URL()
	s.Restart()
	if s.URL() != url {
		t.Errorf("the address changed from %s to %s", url, s.URL())
	}
	conn = connect(t, s.URL())
	if n := number(t, conn, `SELECT count(*) FROM t`); n != 1 {
		t.Errorf("rows = %d after a kill, want 1", n)
	}
	run(t, conn, `INSERT INTO t (x) VALUES (2)`)
	s.Stop()
	if _, err := pgx.Connect(t.Context(), s.URL()); err == nil {
		t.Error("a stopped server took a connection")
	}
	s.Restart()
	if n := number(t, connect(t, s.URL()), `SELECT count(*) FROM t`); n != 2 {
		t.Errorf("rows = %d after a stop, want 2", n)
	}
}

// orphan has the test binary leave a server behind, as a process does that is
// killed or runs into go test's limit.
const orphan = "OCAPI_TEST_LEAVE_POSTGRES"

func TestNothingIsLeftOfADeadProcess(t *testing.T) {
	if out := os.Getenv(orphan); out != "" {
		conn := connect(t, postgrestest.Start(t, postgrestest.Options{}).URL())
		var data string
		if err := conn.QueryRow(t.Context(), `SHOW data_directory`).Scan(&data); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(out, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		_ = self.Kill()
		select {}
	}
	t.Parallel()
	out := filepath.Join(t.TempDir(), "data")
	child := exec.Command(os.Args[0], "-test.run", "^TestNothingIsLeftOfADeadProcess$")
	child.Env = append(os.Environ(), orphan+"="+out)
	if err := child.Run(); err == nil {
		t.Fatal("the process was not killed")
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	data := strings.TrimSpace(string(text))
	deadline := time.Now().Add(20 * time.Second)
	for {
		_, err := os.Stat(filepath.Dir(data))
		if os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is left (%v)", data, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

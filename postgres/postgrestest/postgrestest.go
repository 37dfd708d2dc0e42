//go:build unix

// Package postgrestest gives tests a real PostgreSQL: a schema of their own on
// a server that all tests of a process share, or a server of their own that
// they may kill. It is for tests alone.
//
// The shared server is the one of OCAPI_TEST_DATABASE_URL where that is set,
// which has to allow the making of schemas; else a throw-away one, from
// whatever PostgreSQL programs the machine has. Nothing is left of it when the
// test process has ended, in whatever way.
package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ocapi/postgres/programs"
)

const (
	variable = "OCAPI_TEST_DATABASE_URL"

	// setupTimeout is for one connection and one statement on a busy machine.
	setupTimeout = 30 * time.Second
)

// shared is the URL of the server that the tests of this process share.
var shared = sync.OnceValues(func() (string, error) {
	if given := os.Getenv(variable); given != "" {
		return given, nil
	}
	s := &Server{}
	// Nobody stops it: it ends with the process.
	if err := s.create(Options{}); err != nil {
		return "", err
	}
	return s.URL(), nil
})

// URL gives the URL of a database in which an empty schema, of this test alone
// and dropped at its end, is the search_path. Without a PostgreSQL the test
// fails.
func URL(t testing.TB) string {
	t.Helper()
	base, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("%s is no URL", variable)
	}
	schema := "ocapi_test_" + strings.ToLower(rand.Text())
	run(t, base, "CREATE SCHEMA "+schema)
	t.Cleanup(func() {
		// A test that left a transaction open is to fail here, not to hang.
		run(t, base, "SET lock_timeout = '10s'; DROP SCHEMA "+schema+" CASCADE")
	})
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// found gives the folder of PostgreSQL's programs, or says what to do without.
func found() (string, error) {
	folder, err := programs.Find()
	if errors.Is(err, programs.ErrMissing) {
		return "", fmt.Errorf("%w, or set %s to the URL of a database in which tests may make schemas", err, variable)
	}
	return folder, err
}

func run(t testing.TB, url, statements string) {
	t.Helper()
	// The test's own context has ended when it is cleaned up after.
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("connect to the PostgreSQL for tests: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }() // the statements' own error counts
	if _, err := conn.PgConn().Exec(ctx, statements).ReadAll(); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

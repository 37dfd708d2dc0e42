package main

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"ocapi/postgres/postgrestest"
)

// TestDatabaseRestoredFromADump loses the database and restores a dump that was
// taken under load: what was archived after the dump comes back from the log,
// which keeps it for the trim margin.
func TestDatabaseRestoredFromADump(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	p := s.node()
	book := newLedger()
	some := func(v *visitor, n int) {
		t.Helper()
		for i := range n {
			c := v.ask("")
			body := wrongAnswer(c)
			if i%2 == 0 {
				body = v.right(c)
			}
			j := v.answer(c, body)
			book.update(c.ID, func(e *ledgerEntry) { e.client, e.verdict = siteID, j.State })
		}
	}
	some(s.at(p), 20)
	busy := newLedger()
	wait := busy.load(s.at(p))
	dump := filepath.Join(t.TempDir(), "ocapi.dump")
	schema := schemaOf(t, s.database)
	postgrestest.Run(t, "pg_dump", "--format=custom", "--schema="+schema, "--file="+dump, withoutSearchPath(t, s.database))
	some(s.at(p), 20) // acknowledged after the dump
	p.stop()
	wait()

	s.exec("CREATE DATABASE " + schema)
	t.Cleanup(func() { // the test's own context has ended by then
		conn, err := pgx.Connect(context.Background(), s.database)
		if err != nil {
			t.Error(err)
			return
		}
		_, err = conn.Exec(context.Background(), "DROP DATABASE "+schema)
		if err := errors.Join(err, conn.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	restored := *s
	restored.database = inDatabase(t, s.database, schema)
	postgrestest.Run(t, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+withoutSearchPath(t, restored.database), dump)
	p = restored.node()
	v := restored.at(p)
	for id, e := range book.entries {
		if got := v.state(id); got != e.verdict {
			t.Errorf("challenge %s is %s after the restore; it was %s", id, got, e.verdict)
		}
	}
	some(v, 2)
	eventually(t, "everything is archived again", func() bool {
		list, verdicts := restored.events(), map[string]string{}
		for i, e := range list {
			if e.Seq != uint64(i+1) {
				t.Fatalf("event %d of the restored archive has the sequence %d", i+1, e.Seq)
			}
			if e.Type == "ChallengeAnswered" {
				verdicts[e.Challenge] = e.Data.Verdict
			}
		}
		for id, e := range book.entries {
			if verdicts[id] != e.verdict {
				return false
			}
		}
		return true
	})
	p.stop() // before its database goes
}

func schemaOf(t testing.TB, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("search_path")
}

// withoutSearchPath is the database's URL as PostgreSQL's programs take it.
func withoutSearchPath(t testing.TB, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("search_path")
	u.RawQuery = q.Encode()
	return u.String()
}

// inDatabase is the URL of another database of the same server.
func inDatabase(t testing.TB, database, name string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + strings.TrimPrefix(name, "/")
	return u.String()
}

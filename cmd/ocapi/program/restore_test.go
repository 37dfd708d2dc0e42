package program_test

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/place/placetest"
	"ocapi/postgres/postgrestest"
)

// TestDatabaseRestoredFromADump loses the database and restores a dump that was
// taken under load: what was archived after the dump comes back from the log,
// which keeps it for the trim margin.
func TestDatabaseRestoredFromADump(t *testing.T) {
	t.Parallel()
	s := programtest.NewShared(t)
	p := s.Node()
	book := programtest.NewLedger()
	some := func(v *programtest.Visitor, n int) {
		t.Helper()
		for i := range n {
			c := v.Ask("")
			body := programtest.WrongAnswer(c)
			if i%2 == 0 {
				body = v.Right(c)
			}
			j := v.Answer(c, body)
			book.Update(c.ID, func(e *programtest.LedgerEntry) { e.Client, e.Verdict = programtest.SiteID, j.State })
		}
	}
	some(s.At(p), 20)
	busy := programtest.NewLedger()
	wait := busy.Load(s.At(p))
	dump := filepath.Join(t.TempDir(), "ocapi.dump")
	schema := schemaOf(t, s.Database)
	postgrestest.Run(t, "pg_dump", "--format=custom", "--schema="+schema, "--file="+dump, withoutSearchPath(t, s.Database))
	some(s.At(p), 20) // acknowledged after the dump
	p.Stop()
	wait()

	s.Exec("CREATE DATABASE " + schema)
	t.Cleanup(func() { // the test's own context has ended by then
		conn, err := pgx.Connect(context.Background(), s.Database)
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
	restored.Database = inDatabase(t, s.Database, schema)
	postgrestest.Run(t, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+withoutSearchPath(t, restored.Database), dump)
	p = restored.Node()
	v := restored.At(p)
	for id, e := range book.Entries {
		if got := v.State(id); got != e.Verdict {
			t.Errorf("challenge %s is %s after the restore; it was %s", id, got, e.Verdict)
		}
	}
	some(v, 2)
	placetest.Eventually(t, "everything is archived again", func() bool {
		list, verdicts := restored.Events(), map[string]string{}
		for i, e := range list {
			if e.Seq != uint64(i+1) {
				t.Fatalf("event %d of the restored archive has the sequence %d", i+1, e.Seq)
			}
			if e.Type == "ChallengeAnswered" {
				verdicts[e.Challenge] = e.Data.Verdict
			}
		}
		for id, e := range book.Entries {
			if verdicts[id] != e.Verdict {
				return false
			}
		}
		return true
	})
	p.Stop() // before its database goes
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

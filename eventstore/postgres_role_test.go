package eventstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/postgres"
	"ocapi/postgres/postgrestest"
)

const insufficientPrivilege = "42501"

// newRole makes a role that may log in and nothing else, and gives the URL by
// which it does.
func newRole(t *testing.T, owner *postgres.DB, address string) (role, roleAddress string) {
	t.Helper()
	role, password := "ocapi_test_role_"+strings.ToLower(rand.Text()), rand.Text()
	execute(t, owner, `CREATE ROLE `+role+` LOGIN PASSWORD '`+password+`'`)
	t.Cleanup(func() {
		for _, s := range []string{`DROP OWNED BY ` + role, `DROP ROLE ` + role} {
			if _, err := owner.Pool.Exec(context.Background(), s); err != nil {
				t.Error(err)
			}
		}
	})
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return role, u.String()
}

// TestPostgresRoleOfTheService archives, as a role with the service's grants, all
// that there is to archive, and sees everything else refused.
func TestPostgresRoleOfTheService(t *testing.T) {
	t.Parallel()
	_, owner, address := postgresArchive(t)
	role, roleAddress := newRole(t, owner, address)
	stranger, strangerAddress := newRole(t, owner, address)
	var schema string
	if err := owner.Pool.QueryRow(t.Context(), `SELECT current_schema()`).Scan(&schema); err != nil {
		t.Fatal(err)
	}
	execute(t, owner, `GRANT USAGE ON SCHEMA `+schema+` TO `+stranger)
	if err := migrations.Grant(t.Context(), owner.Write, role); err != nil {
		t.Fatal(err)
	}

	s := openStore(t, postgresFolder(t, roleAddress), eventstore.DurabilityInterval)
	a, stop := s.archiver()
	want := s.load(4)
	eventually(t, "6 events archived", func() bool { return a.Position().Seq == 6 })
	stop()
	if diff := cmp.Diff(want, eventsOf(s.archived(eventstore.EventFilter{}))); diff != "" {
		t.Errorf("the archive differs from what was appended (-appended +archived):\n%s", diff)
	}
	live := states(t, s.archive)
	if n, err := s.archive.RebuildStates(t.Context(), nil); err != nil || n != 6 {
		t.Errorf("rebuilt the states of %d events, %v", n, err)
	}
	if diff := cmp.Diff(live, states(t, s.archive)); diff != "" {
		t.Errorf("rebuilt rows differ (-live +rebuilt):\n%s", diff)
	}
	later := record(t, 7, created("site", newChallengeID()))
	later.StoredAt = time.Date(2034, 1, 1, 0, 0, 0, 0, time.UTC)
	archive(t, s.archive, later)
	if seq, err := s.archive.LastStoredBefore(t.Context(), later.StoredAt); err != nil || seq != 6 {
		t.Errorf("the last event before the new month is %d, %v; want 6", seq, err)
	}
	if err := s.archive.AcceptGap(t.Context(), eventstore.Gap{From: 8, To: 9}, time.Now()); err != nil {
		t.Error(err)
	}
	if err := s.archive.PutSnapshot(t.Context(), eventstore.Snapshot{Name: "frequency", At: checkpointOf(later), MadeAt: time.Now(), Body: []byte("x")}); err != nil {
		t.Error(err)
	}
	release, ok, err := s.archive.TryLease(t.Context())
	if err != nil || !ok {
		t.Fatalf("the lease: %t, %v", ok, err)
	}
	release()

	for address, refused := range map[string][]string{
		roleAddress: {
			`UPDATE events SET client = 'mallory'`,
			`DELETE FROM events`,
			`TRUNCATE events`,
			`UPDATE events_2034_01 SET client = 'mallory'`,
			`DELETE FROM events_2034_01`,
			`TRUNCATE events_2034_01`,
			`INSERT INTO events_2034_01 SELECT * FROM events`,
			`DROP TABLE events`,
			`DROP TABLE events_2034_01`,
			`ALTER TABLE events DISABLE TRIGGER ALL`,
			`ALTER TABLE events DETACH PARTITION events_2034_01`,
			`DROP TRIGGER events_refuse_change ON events`,
			`CREATE OR REPLACE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
			`SET session_replication_role = replica`,
			`UPDATE gaps SET to_seq = 9`,
			`DELETE FROM gaps`,
			`DELETE FROM checkpoint`,
			`TRUNCATE states`,
		},
		strangerAddress: {
			`SELECT make_event_partitions(now(), 1)`,
			`SELECT count(*) FROM events`,
			`INSERT INTO events SELECT * FROM events`,
		},
	} {
		db := postgrestest.Open(t, address)
		for _, statement := range refused {
			_, err := db.Pool.Exec(t.Context(), statement)
			if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != insufficientPrivilege {
				t.Errorf("%s: %v; want no permission", statement, err)
			}
		}
	}
	if got := visited(t, s.archive, eventstore.EventFilter{}); len(got) != 7 {
		t.Errorf("%d events are left of 7", len(got))
	}
}

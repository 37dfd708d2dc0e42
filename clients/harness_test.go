package clients_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/clients"
	"ocapi/domain"
	"ocapi/migrations"
	"ocapi/postgres/postgrestest"
	"ocapi/sqlite"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// handles are a database's, of whatever kind.
type handles struct{ Write, Read *sql.DB }

// databases make an empty database of every kind that there is, and give what
// opens it, as one process after another would.
var databases = map[string]func(t *testing.T) func(t *testing.T) handles{
	"SQLite": func(t *testing.T) func(t *testing.T) handles {
		t.Helper()
		path := filepath.Join(t.TempDir(), "collections.db")
		return func(t *testing.T) handles {
			t.Helper()
			db, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			closeAtTheEnd(t, db)
			return handles{db.Write, db.Read}
		}
	},
	"PostgreSQL": func(t *testing.T) func(t *testing.T) handles {
		t.Helper()
		url := postgrestest.URL(t)
		return func(t *testing.T) handles {
			t.Helper()
			db := postgrestest.Open(t, url)
			return handles{db.Write, db.Read}
		}
	},
}

// sets are the migrations of each kind.
var sets = map[string]migrations.Set{"SQLite": migrations.Collections, "PostgreSQL": migrations.Postgres}

func closeAtTheEnd(t *testing.T, db io.Closer) {
	t.Helper()
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

type bundle struct {
	open  func(t *testing.T) handles // once more, as another process would
	db    handles
	empty func(t *testing.T) handles // another database, without tables
	clock *clock
	keys  *clients.Keyring
	store *clients.Store
}

// keyring makes keys with these ids.
func keyring(t testing.TB, ids ...string) *clients.Keyring {
	t.Helper()
	var text []string
	for _, id := range ids {
		// The same key for the same id: a test that reads it again has it again.
		sum := sha256.Sum256([]byte(id))
		text = append(text, id+":"+hex.EncodeToString(sum[:]))
	}
	k, err := clients.ParseKeyring(strings.Join(text, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// storeWith is another process's, with keys of its own.
func (b *bundle) storeWith(t *testing.T, keys *clients.Keyring) *clients.Store {
	t.Helper()
	db := b.open(t)
	return clients.New(clients.Params{Write: db.Write, Read: db.Read, Now: b.clock.Now, Keys: keys})
}

// registryWith is a registry with keys of its own, and what it logs.
func (b *bundle) registryWith(keys *clients.Keyring) (*clients.Registry, *bytes.Buffer) {
	var log bytes.Buffer
	return clients.NewRegistry(clients.RegistryParams{Read: b.db.Read, Keys: keys, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: b.clock.Now}), &log
}

// onEveryDatabase runs a test on a store of each kind of database.
func onEveryDatabase(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Parallel()
	for kind := range databases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, newBundle(t, kind))
		})
	}
}

// newBundle makes a store in a new database of one kind.
func newBundle(t *testing.T, kind string) *bundle {
	t.Helper()
	prepare := databases[kind]
	b := &bundle{
		open:  prepare(t),
		empty: func(t *testing.T) handles { t.Helper(); return prepare(t)(t) },
		clock: &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)},
	}
	b.db = b.open(t)
	if err := migrations.Up(t.Context(), b.db.Write, sets[kind]); err != nil {
		t.Fatal(err)
	}
	b.keys = keyring(t, "first")
	b.store = clients.New(clients.Params{Write: b.db.Write, Read: b.db.Read, Now: b.clock.Now, Keys: b.keys})
	return b
}

func (b *bundle) create(t *testing.T, id string, aliases ...string) clients.PrivateID {
	t.Helper()
	_, secret, err := b.store.Create(t.Context(), clients.CreateParams{ID: id, Aliases: aliases})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func (b *bundle) registry(t *testing.T) *clients.Registry {
	t.Helper()
	r, _ := b.registryWith(b.keys)
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (b *bundle) client(t *testing.T, id string) *domain.Client {
	t.Helper()
	c, ok := b.registry(t).Client(id)
	if !ok {
		t.Fatalf("there is no client %s", id)
	}
	return c
}

func (b *bundle) revision(t *testing.T) int {
	t.Helper()
	var n int
	if err := b.db.Read.QueryRowContext(t.Context(), "SELECT revision FROM client_revision").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func live(c *domain.Client, now time.Time) map[string]string {
	keys := map[string]string{}
	for _, s := range c.Secrets {
		if s.Live(now) {
			keys[s.ID] = s.Key
		}
	}
	return keys
}

package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"ocapi/clients"
	"ocapi/corpus"
	"ocapi/eventstore"
	"ocapi/postgres/postgrestest"
)

// shared is what the nodes of a cluster have in common: a NATS server and a
// database with the fixture's collection and a client in it.
type shared struct {
	t        testing.TB
	nats     string
	database string
	keys     string   // the file of the keys of private ids; made when it is asked for
	fixture  *fixture // with the secret of this database's client
}

// newShared starts a NATS server in this process and fills a schema of a
// PostgreSQL.
func newShared(t testing.TB) *shared {
	t.Helper()
	s := &shared{t: t, nats: startNATS(t), database: postgrestest.URL(t)}
	succeed(t, "migrate", "up", "--database-url", s.database)
	from := newFixture(t)
	s.fixture = &fixture{reader: from.reader, secrets: map[string]string{}}
	s.inStores(func(stores *stores) error {
		if err := stores.corpus.PutCollection(t.Context(), corpus.Collection{ID: fixtureCollection, Title: "Drawings", Credit: fixtureCredit}); err != nil {
			return err
		}
		fresh := &fixture{reader: newReader()}
		if _, err := stores.corpus.AddImages(t.Context(), fresh.draw()); err != nil {
			return err
		}
		_, secret, err := stores.clients.Create(t.Context(), clients.CreateParams{ID: siteID})
		s.fixture.secrets[siteID] = secret.Reveal()
		return err
	})
	return s
}

func (s *shared) inStores(do func(*stores) error) {
	s.t.Helper()
	stores, err := openStores(s.t.Context(), place{DatabaseURL: s.database}.with(keyFlags{SecretsKeyFile: s.keyFile()}))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := do(stores); err != nil {
		s.t.Error(err)
	}
	if err := stores.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// startNATS starts a server that listens on loopback and forgets all at the end.
func startNATS(t testing.TB) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("the NATS server is not ready")
	}
	return s.ClientURL()
}

func (s *shared) flags(more ...string) []string {
	return append(unlimited("--nats-url", s.nats, "--database-url", s.database, "--secrets-key-file", s.keyFile()), more...)
}

// keyFile gives the file of the nodes' keys.
func (s *shared) keyFile() string {
	s.t.Helper()
	if s.keys == "" {
		s.keys = newKeyFile(s.t)
	}
	return s.keys
}

// newKeyFile makes a file of keys with one in it.
func newKeyFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	succeed(t, "client", "key", "new", "--file", path)
	return path
}

// node starts one more node.
func (s *shared) node(more ...string) *program {
	s.t.Helper()
	return start(s.t, s.t.TempDir(), options{flags: s.flags(more...)})
}

// at is a visitor at a node.
func (s *shared) at(p *program) *visitor { return newVisitor(s.t, p, s.fixture, siteID) }

// events reads what is archived, once everything up to now is.
func (s *shared) events(filters ...string) []event {
	s.t.Helper()
	return parseEvents(s.t, succeed(s.t, append([]string{"events", "--database-url", s.database}, filters...)...))
}

// states are the rows of the state projection, each as a line.
func (s *shared) states() []string {
	s.t.Helper()
	var lines []string
	s.inStores(func(stores *stores) error {
		return stores.archive.States(s.t.Context(), func(state eventstore.State) error {
			lines = append(lines, fmt.Sprintf("%+v", state))
			return nil
		})
	})
	return lines
}

// exec runs a statement on the database, as somebody with a console would.
func (s *shared) exec(statement string) {
	s.t.Helper()
	s.inStores(func(stores *stores) error {
		_, err := stores.write.ExecContext(s.t.Context(), statement)
		return err
	})
}

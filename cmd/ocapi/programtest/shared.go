package programtest

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"ocapi/clients"
	"ocapi/corpus"
	"ocapi/eventstore"
	"ocapi/place"
	"ocapi/place/placetest"
	"ocapi/postgres/postgrestest"
)

// shared is what the nodes of a cluster have in common: a NATS server and a
// database with the fixture's collection and a client in it.
type shared struct {
	t        testing.TB
	Nats     string
	Database string
	keys     string   // the file of the keys of private ids; made when it is asked for
	Fixture  *Fixture // with the secret of this database's client
}

// NewShared starts a NATS server in this process and fills a schema of a
// PostgreSQL.
func NewShared(t testing.TB) *shared {
	t.Helper()
	s := &shared{t: t, Nats: StartNATS(t), Database: postgrestest.URL(t)}
	Succeed(t, "migrate", "up", "--database-url", s.Database)
	from := NewFixture(t)
	s.Fixture = &Fixture{Reader: from.Reader, Secrets: map[string]string{}}
	s.InStores(func(stores *place.Stores) error {
		if err := stores.Corpus.PutCollection(t.Context(), corpus.Collection{ID: FixtureCollection, Title: "Drawings", Credit: FixtureCredit}); err != nil {
			return err
		}
		fresh := &Fixture{Reader: NewReader()}
		if _, err := stores.Corpus.AddImages(t.Context(), fresh.draw()); err != nil {
			return err
		}
		_, secret, err := stores.Clients.Create(t.Context(), clients.CreateParams{ID: SiteID})
		s.Fixture.Secrets[SiteID] = secret.Reveal()
		return err
	})
	return s
}

func (s *shared) InStores(do func(*place.Stores) error) {
	s.t.Helper()
	stores, err := place.Open(s.t.Context(), place.Flags{DatabaseURL: s.Database}.With(place.KeyFlags{SecretsKeyFile: s.KeyFile()}))
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

// StartNATS starts a server that listens on loopback and forgets all at the end.
func StartNATS(t testing.TB) string {
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
	if !s.ReadyForConnections(placetest.Patience) {
		t.Fatal("the NATS server is not ready")
	}
	return s.ClientURL()
}

func (s *shared) flags(more ...string) []string {
	return append(Unlimited("--nats-url", s.Nats, "--database-url", s.Database, "--secrets-key-file", s.KeyFile()), more...)
}

// KeyFile gives the file of the nodes' keys.
func (s *shared) KeyFile() string {
	s.t.Helper()
	if s.keys == "" {
		s.keys = NewKeyFile(s.t)
	}
	return s.keys
}

// NewKeyFile makes a file of keys with one in it.
func NewKeyFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	Succeed(t, "client", "key", "new", "--file", path)
	return path
}

// Node starts one more node.
func (s *shared) Node(more ...string) *Program {
	s.t.Helper()
	return Start(s.t, s.t.TempDir(), Options{Flags: s.flags(more...)})
}

// At is a visitor at a node.
func (s *shared) At(p *Program) *Visitor { return NewVisitor(s.t, p, s.Fixture, SiteID) }

// Events reads what is archived, once everything up to now is.
func (s *shared) Events(filters ...string) []Event {
	s.t.Helper()
	return ParseEvents(s.t, Succeed(s.t, append([]string{"events", "--database-url", s.Database}, filters...)...))
}

// States are the rows of the state projection, each as a line.
func (s *shared) States() []string {
	s.t.Helper()
	var lines []string
	s.InStores(func(stores *place.Stores) error {
		return stores.Archive.States(s.t.Context(), func(state eventstore.State) error {
			lines = append(lines, fmt.Sprintf("%+v", state))
			return nil
		})
	})
	return lines
}

// Exec runs a statement on the database, as somebody with a console would.
func (s *shared) Exec(statement string) {
	s.t.Helper()
	s.InStores(func(stores *place.Stores) error {
		_, err := stores.Write.ExecContext(s.t.Context(), statement)
		return err
	})
}

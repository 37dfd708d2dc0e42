//go:build linux

package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ocapi/postgres/programs"
)

// theBinaries are built once for all tests.
var theBinaries = sync.OnceValues(func() (Binaries, error) {
	dir, err := os.MkdirTemp("", "ocapi-cluster-")
	if err != nil {
		return Binaries{}, err
	}
	return Build(context.Background(), dir)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if programs, err := theBinaries(); err == nil {
		_ = os.RemoveAll(filepath.Dir(programs.Ocapi))
	}
	os.Exit(code)
}

// startTestStores starts NATS and PostgreSQL without nodes.
func startTestStores(t *testing.T) *Cluster {
	t.Helper()
	programs, err := theBinaries()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := Config{Dir: t.TempDir(), Binaries: programs, Logf: t.Logf}.withDefaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{cfg: cfg}
	t.Cleanup(func() {
		if err := c.stopAll(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := c.layOut(); err != nil {
		t.Fatal(err)
	}
	if err := c.startStores(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestStoresComeBackAsTheyWere kills and stops each of the stores' servers, and
// finds what was acknowledged before under the same address.
func TestStoresComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), startTestStores(t)
	nc, err := nats.Connect(c.NATSURL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if known := len(nc.DiscoveredServers()); known != 0 {
		t.Errorf("the servers have told the client of %d others: it could go around a test's proxy", known)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream := eventually(t, "a stream of three copies", func() (jetstream.Stream, error) {
		return js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "TEST", Subjects: []string{"test"}, Replicas: natsServers})
	})
	execute(t, c.Postgres.AdminURL, "CREATE TABLE test (n bigint)")

	n := 0
	keep := func() {
		n++
		eventually(t, "an acknowledgement of the stream", func() (*jetstream.PubAck, error) {
			return js.Publish(ctx, "test", fmt.Append(nil, n), jetstream.WithMsgID(fmt.Sprint(n)))
		})
		execute(t, c.Postgres.AdminURL, "INSERT INTO test VALUES ($1)", n)
	}
	keep()
	for _, p := range c.storeProcesses() {
		before := p.PID()
		p.Kill()
		if p.Running() {
			t.Errorf("%s runs after it was killed", p.Name())
		}
		if err := p.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if !p.Running() || p.PID() == before {
			t.Errorf("%s does not run again", p.Name())
		}
		keep()
		if err := p.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := p.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if err := p.Start(ctx); err == nil {
			t.Errorf("%s was started twice", p.Name())
		}
		keep()
	}
	info, err := stream.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs != uint64(n) || len(info.Cluster.Replicas) != natsServers-1 {
		t.Errorf("the stream has %d of %d events and %d replicas", info.State.Msgs, n, len(info.Cluster.Replicas))
	}
	conn, err := pgx.Connect(ctx, c.Postgres.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var rows int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM test").Scan(&rows); err != nil || rows != n {
		t.Errorf("the table has %d of %d rows: %v", rows, n, err)
	}
}

// TestKilledPostgresLeavesNoProcess looks for backends that outlive their
// server: they have left its process group.
func TestKilledPostgresLeavesNoProcess(t *testing.T) {
	t.Parallel()
	c := startTestStores(t)
	conn, err := pgx.Connect(t.Context(), c.Postgres.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	family := programs.Family(c.Postgres.PID())
	c.Postgres.Thaw() // it was halted to be counted
	if len(family) < 4 {
		t.Fatalf("PostgreSQL has %d processes only", len(family))
	}
	busy := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT count(*) FROM generate_series(1, 1000000000)")
		busy <- err
	}()
	c.Postgres.Kill()
	if err := c.Postgres.Start(t.Context()); err != nil {
		t.Error(err) // its memory would still be in use
	}
	select {
	case err := <-busy:
		if err == nil {
			t.Error("a statement has ended well in a killed server")
		}
	case <-time.After(10 * time.Second):
		t.Error("a backend lives on after its server was killed")
	}
}

// TestPartThatDoesNotStartSaysWhy breaks a part's configuration.
func TestPartThatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	c := startTestStores(t)
	c.NATS[0].Kill()
	command := c.NATS[0].spec.command
	c.NATS[0].spec.command = func() *exec.Cmd {
		cmd := command()
		cmd.Env = cmd.Env[1:] // without its name
		return cmd
	}
	err := c.NATS[0].Start(t.Context())
	if err == nil {
		t.Fatal("a NATS server without a name has started")
	}
	for _, want := range []string{"nats1 ended before it was ready", "NATS_NAME"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error says nothing of %q: %v", want, err)
		}
	}
}

// patience bounds every wait of these tests: an election takes seconds.
const patience = 30 * time.Second

// eventually asks until there is no error.
func eventually[T any](t *testing.T, what string, ask func() (T, error)) T {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		got, err := ask()
		if err == nil {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(readyPoll)
	}
}

// execute runs a statement on a connection of its own.
func execute(t *testing.T, url, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

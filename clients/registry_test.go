package clients_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/clients"
	"ocapi/migrations"
	"ocapi/postgres/postgrestest"
)

// eventually polls with a deadline; the registry itself polls.
func eventually(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, within)
		}
	}
}

func TestRegistryFollowsAnotherProcess(t *testing.T) {
	onEveryDatabase(t, testRegistryFollowsAnotherProcess)
}

func testRegistryFollowsAnotherProcess(t *testing.T, b *bundle) {
	r := clients.NewRegistry(clients.RegistryParams{Read: b.db.Read, Keys: keyring(t, "first"), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if r.Age() < time.Hour {
		t.Errorf("age before the first load = %s", r.Age())
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	other := clients.New(clients.Params{Write: b.open(t).Write, Read: b.db.Read, Now: time.Now, Keys: b.keys})
	// The contract is one second; a loaded machine may starve the test itself.
	const within = 5 * time.Second

	// Readers all the while, for the race detector.
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for ctx.Err() == nil {
				if c, ok := r.Client("c"); ok && !c.Named("c") {
					t.Error("the registry gave another client")
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	_, secret, err := other.Create(ctx, clients.CreateParams{ID: "c"})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new client is known", within, func() bool { _, ok := r.Client("c"); return ok })
	if err := other.Revoke(ctx, "c", secret.SecretID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the secret is revoked", within, func() bool { c, _ := r.Client("c"); return len(c.Secrets) == 0 })
	if err := other.Disable(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the client is disabled", within, func() bool { _, ok := r.Client("c"); return !ok })
	if r.Age() > within || r.Err() != nil {
		t.Errorf("age = %s, error = %v", r.Age(), r.Err())
	}
	cancel()
	group.Wait()
}

// lockedBuffer is a log that one goroutine writes and another reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestRegistryKeepsItsCopyWhenTheDatabaseFails(t *testing.T) {
	onEveryDatabase(t, testRegistryKeepsItsCopyWhenTheDatabaseFails)
}

func testRegistryKeepsItsCopyWhenTheDatabaseFails(t *testing.T, b *bundle) {
	secret := b.create(t, "c")
	var log lockedBuffer
	r := clients.NewRegistry(clients.RegistryParams{Read: b.db.Read, Keys: keyring(t, "first"), Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	other := b.open(t)
	rename := func(statement string) {
		t.Helper()
		if _, err := other.Write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	rename("ALTER TABLE client_revision RENAME TO away")
	eventually(t, "the failure is reported", 5*time.Second, func() bool { return r.Err() != nil })
	if _, ok := r.Client("c"); !ok {
		t.Error("the last copy was dropped")
	}
	eventually(t, "the copy grows old", 5*time.Second, func() bool { return r.Age() > 2*clients.PollEvery })
	rename("ALTER TABLE away RENAME TO client_revision")
	eventually(t, "it recovers", 5*time.Second, func() bool { return r.Err() == nil })
	r.Stop()
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("the failure was logged %d times:\n%s", n, log.String())
	}
	if strings.Contains(log.String(), secret.Reveal()) {
		t.Error("the log has a secret")
	}
}

// TestRegistryOutlivesItsDatabase kills the server under a running registry.
func TestRegistryOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Options{Fsync: true})
	db := postgrestest.Open(t, server.URL())
	if err := migrations.Up(t.Context(), db.Write, migrations.Postgres); err != nil {
		t.Fatal(err)
	}
	store := clients.New(clients.Params{Write: db.Write, Read: db.Read, Now: time.Now, Keys: keyring(t, "first")})
	_, secret, err := store.Create(t.Context(), clients.CreateParams{ID: "c"})
	if err != nil {
		t.Fatal(err)
	}
	r := clients.NewRegistry(clients.RegistryParams{Read: db.Read, Keys: keyring(t, "first"), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	server.Kill()
	eventually(t, "the failure is reported", 5*time.Second, func() bool { return r.Err() != nil })
	if c, ok := r.Client("c"); !ok || len(live(c, time.Now())) != 1 {
		t.Error("the last copy was dropped")
	}
	server.Restart()
	if err := store.Revoke(t.Context(), "c", secret.SecretID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it follows again", 5*time.Second, func() bool { c, ok := r.Client("c"); return ok && len(c.Secrets) == 0 && r.Err() == nil })
}

func TestRegistryLifecycle(t *testing.T) { onEveryDatabase(t, testRegistryLifecycle) }

func testRegistryLifecycle(t *testing.T, b *bundle) {
	newRegistry := func() *clients.Registry {
		return clients.NewRegistry(clients.RegistryParams{Read: b.db.Read, Keys: keyring(t, "first"), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	}
	r := newRegistry()
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err == nil {
		t.Error("it was started twice")
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(r.Stop)
	}
	group.Wait()
	if err := r.Start(t.Context()); err == nil {
		t.Error("it was started after its end")
	}
	never := newRegistry()
	never.Stop()

	ctx, cancel := context.WithCancel(t.Context())
	byContext := newRegistry()
	if err := byContext.Start(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	byContext.Stop()

	empty := b.empty(t)
	unmigrated := clients.NewRegistry(clients.RegistryParams{Read: empty.Read, Keys: keyring(t, "first"), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err := unmigrated.Start(t.Context()); err == nil {
		t.Error("it started on a database without tables")
	}
}

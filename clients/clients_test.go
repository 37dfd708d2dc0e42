package clients_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/clients"
	"ocapi/domain"
	"ocapi/migrations"
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

type bundle struct {
	path  string
	db    *sqlite.DB
	clock *clock
	store *clients.Store
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{
		path:  filepath.Join(t.TempDir(), "collections.db"),
		clock: &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)},
	}
	b.db = b.open(t)
	if err := migrations.Up(t.Context(), b.db.Write, migrations.Collections); err != nil {
		t.Fatal(err)
	}
	b.store = clients.New(b.db.Write, b.db.Read, b.clock.Now)
	return b
}

// open opens the file once more, as another process would.
func (b *bundle) open(t *testing.T) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), b.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
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
	r := clients.NewRegistry(b.db.Read, slog.New(slog.DiscardHandler), b.clock.Now)
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

func TestCreate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	created, secret, err := b.store.Create(t.Context(), clients.CreateParams{
		ID: "library", Aliases: []string{"old-library", "bib_1"}, Collections: []domain.CollectionID{"wills", "prints"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if created.ID != "library" || len(created.Secrets) != 1 || created.Secrets[0].Key != "" || created.Secrets[0].ID != secret.SecretID() {
		t.Errorf("created = %+v", created)
	}
	r := b.registry(t)
	for _, name := range []string{"library", "old-library", "bib_1"} {
		c, ok := r.Client(name)
		if !ok || c.ID != "library" {
			t.Fatalf("Client(%q) = %v, %v", name, c, ok)
		}
		if got := live(c, b.clock.Now()); len(got) != 1 || got[secret.SecretID()] != secret.Reveal() {
			t.Errorf("the registry's secrets are not the one that was printed")
		}
		if fmt.Sprint(c.Collections) != "[prints wills]" || fmt.Sprint(c.Aliases) != "[bib_1 old-library]" {
			t.Errorf("collections, aliases = %v, %v", c.Collections, c.Aliases)
		}
		if !c.CreatedAt.Equal(domain.Moment(b.clock.Now())) || c.CreatedAt.Location() != time.UTC {
			t.Errorf("created at %v", c.CreatedAt)
		}
	}
	for _, name := range []string{"", "Library", "nobody", "library "} {
		if c, ok := r.Client(name); ok {
			t.Errorf("Client(%q) = %v", name, c.ID)
		}
	}
	if r.Len() != 1 {
		t.Errorf("Len = %d", r.Len())
	}
}

func TestPrivateIDForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := map[string]bool{}
	for i := range 20 {
		secret := b.create(t, fmt.Sprintf("c%d", i))
		parts := strings.SplitN(secret.Reveal(), "_", 3)
		if len(parts) != 3 || parts[0] != "ocapi" || parts[1] != secret.SecretID() || len(parts[1]) != 8 {
			t.Fatalf("printed form has parts of the wrong shape: %d, id %q", len(parts), secret.SecretID())
		}
		key, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil || len(key) != 64 {
			t.Errorf("the random part is %d bytes, %v", len(key), err)
		}
		if seen[parts[1]] || seen[parts[2]] {
			t.Error("a secret or its id came twice")
		}
		seen[parts[1]], seen[parts[2]] = true, true
	}
}

func TestPrivateIDIsNeverPrinted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	secret := b.create(t, "c")
	random := secret.Reveal()[len("ocapi_12345678_"):]
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "secret", secret, "pointer", &secret, "nested", struct{ S clients.PrivateID }{secret})
	logger = slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("x", "secret", secret, "pointer", &secret, "nested", struct{ S clients.PrivateID }{secret})
	encoded, err := json.Marshal(map[string]any{"s": secret, "p": &secret})
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{log.String(), string(encoded), fmt.Sprintf("%+v", list), fmt.Sprintf("%+v", b.store), fmt.Sprintf("%#v", b.registry(t))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, secret), fmt.Sprintf(verb, &secret), fmt.Sprintf(verb, []clients.PrivateID{secret}))
	}
	for _, p := range printed {
		if strings.Contains(p, random) || strings.Contains(p, fmt.Sprintf("%x", random)) {
			t.Errorf("the secret was printed: %.60s", p)
		}
	}
	if !strings.Contains(secret.String(), secret.SecretID()) {
		t.Errorf("String = %q does not say which secret", secret.String())
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t, "first", "alias")
	revision := b.revision(t)
	for _, c := range []struct {
		name   string
		params clients.CreateParams
		code   domain.Code
		says   string
	}{
		{"empty id", clients.CreateParams{}, domain.CodeInvalid, "at least one character"},
		{"a slash in the id", clients.CreateParams{ID: "a/b"}, domain.CodeInvalid, "'/'"},
		{"a dot in an alias", clients.CreateParams{ID: "a", Aliases: []string{"a.b"}}, domain.CodeInvalid, "'.'"},
		{"too long", clients.CreateParams{ID: strings.Repeat("x", 65)}, domain.CodeInvalid, "64"},
		{"alias is its id", clients.CreateParams{ID: "a", Aliases: []string{"a"}}, domain.CodeInvalid, "twice"},
		{"alias twice", clients.CreateParams{ID: "a", Aliases: []string{"b", "b"}}, domain.CodeInvalid, "twice"},
		{"id taken", clients.CreateParams{ID: "first"}, domain.CodeConflict, "first"},
		{"id is an alias", clients.CreateParams{ID: "alias"}, domain.CodeConflict, "alias of the client first"},
		{"alias is an id", clients.CreateParams{ID: "b", Aliases: []string{"first"}}, domain.CodeConflict, "first"},
		{"alias taken", clients.CreateParams{ID: "b", Aliases: []string{"new", "alias"}}, domain.CodeConflict, "alias"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, secret, err := b.store.Create(t.Context(), c.params)
			if domain.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want %v with %q", err, c.code, c.says)
			}
			if secret != (clients.PrivateID{}) {
				t.Error("a secret was given for a client that was not created")
			}
		})
	}
	list, err := b.store.List(t.Context())
	if err != nil || len(list) != 1 || b.revision(t) != revision {
		t.Errorf("refused clients left something: %d clients, revision %d -> %d, %v", len(list), revision, b.revision(t), err)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.create(t, "c", "alias")
	rotate := func(overlap time.Duration) clients.PrivateID {
		t.Helper()
		s, err := b.store.Rotate(t.Context(), "alias", overlap)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	want := func(when string, secrets ...clients.PrivateID) {
		t.Helper()
		got := live(b.client(t, "c"), b.clock.Now())
		if len(got) != len(secrets) {
			t.Errorf("%s: %d live secrets, want %d", when, len(got), len(secrets))
		}
		for _, s := range secrets {
			if got[s.SecretID()] != s.Reveal() {
				t.Errorf("%s: secret %v is not live", when, s)
			}
		}
	}
	second := rotate(24 * time.Hour)
	want("after the first rotation", first, second)
	b.clock.advance(time.Hour)
	// A later, longer overlap gives the first secret no longer life.
	third := rotate(48 * time.Hour)
	want("after the second rotation", first, second, third)
	b.clock.advance(23*time.Hour - time.Microsecond)
	want("just before the first overlap ends", first, second, third)
	b.clock.advance(time.Microsecond)
	want("at the end of the first overlap", second, third)
	// A shorter one ends the others sooner.
	fourth := rotate(time.Minute)
	b.clock.advance(time.Minute)
	want("after a short overlap", fourth)
	fifth := rotate(0)
	want("without an overlap", fifth)
	if n := len(b.client(t, "c").Secrets); n != 1 {
		t.Errorf("%d secrets are kept though they are dead", n-1)
	}
	for _, c := range []struct {
		id      string
		overlap time.Duration
		code    domain.Code
	}{{"nobody", 0, domain.CodeNotFound}, {"c", -1, domain.CodeInvalid}} {
		if _, err := b.store.Rotate(t.Context(), c.id, c.overlap); domain.CodeOf(err) != c.code {
			t.Errorf("Rotate(%s, %s) = %v, want %v", c.id, c.overlap, err, c.code)
		}
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, foreign := b.create(t, "c"), b.create(t, "other")
	second, err := b.store.Rotate(t.Context(), "c", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, id, secretID string
	}{{"unknown client", "nobody", first.SecretID()}, {"unknown secret", "c", "xxxxxxxx"}, {"another's secret", "c", foreign.SecretID()}} {
		if err := b.store.Revoke(t.Context(), c.id, c.secretID); domain.CodeOf(err) != domain.CodeNotFound {
			t.Errorf("%s: %v, want not found", c.name, err)
		}
	}
	if err := b.store.Revoke(t.Context(), "c", second.SecretID()); err != nil {
		t.Fatal(err)
	}
	if got := live(b.client(t, "c"), b.clock.Now()); len(got) != 1 || got[first.SecretID()] == "" {
		t.Error("not exactly the revoked secret is dead")
	}
	if err := b.store.Revoke(t.Context(), "c", first.SecretID()); err != nil {
		t.Fatal(err)
	}
	if n := len(b.client(t, "c").Secrets); n != 0 {
		t.Errorf("%d secrets after the last was revoked", n)
	}
}

func TestDisableAndEnable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t, "c", "alias")
	for range 2 { // the second changes nothing
		if err := b.store.Disable(t.Context(), "alias"); err != nil {
			t.Fatal(err)
		}
		if b.revision(t) != 3 {
			t.Errorf("revision = %d, want 3", b.revision(t))
		}
	}
	r := b.registry(t)
	for _, name := range []string{"c", "alias"} {
		if _, ok := r.Client(name); ok {
			t.Errorf("the disabled client is found by %s", name)
		}
	}
	list, err := b.store.List(t.Context())
	if err != nil || len(list) != 1 || !list[0].Disabled {
		t.Errorf("List = %d clients, %v", len(list), err)
	}
	if err := b.store.Enable(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if b.client(t, "alias").ID != "c" {
		t.Error("the enabled client is another one")
	}
	if err := b.store.Disable(t.Context(), "nobody"); domain.CodeOf(err) != domain.CodeNotFound {
		t.Errorf("Disable(nobody) = %v", err)
	}
}

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
	t.Parallel()
	b := setup(t)
	r := clients.NewRegistry(b.db.Read, slog.New(slog.DiscardHandler), time.Now)
	if r.Age() < time.Hour {
		t.Errorf("age before the first load = %s", r.Age())
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	other := clients.New(b.open(t).Write, b.db.Read, time.Now)
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
	t.Parallel()
	b := setup(t)
	secret := b.create(t, "c")
	var log lockedBuffer
	r := clients.NewRegistry(b.db.Read, slog.New(slog.NewTextHandler(&log, nil)), time.Now)
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

func TestRegistryLifecycle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	newRegistry := func() *clients.Registry {
		return clients.NewRegistry(b.db.Read, slog.New(slog.DiscardHandler), time.Now)
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

	empty, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "empty.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = empty.Close() }()
	unmigrated := clients.NewRegistry(empty.Read, slog.New(slog.DiscardHandler), time.Now)
	if err := unmigrated.Start(t.Context()); err == nil {
		t.Error("it started on a database without tables")
	}
}

func TestConcurrentCreatesOfOneName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var group sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		group.Go(func() {
			_, _, err := b.store.Create(context.Background(), clients.CreateParams{ID: "wanted"})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case domain.CodeOf(err) != domain.CodeConflict:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if won != 1 {
		t.Errorf("%d creations won", won)
	}
}

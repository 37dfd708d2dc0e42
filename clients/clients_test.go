package clients_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/clients"
	"ocapi/domain"
)

func TestCreate(t *testing.T) { onEveryDatabase(t, testCreate) }

func testCreate(t *testing.T, b *bundle) {
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

func TestPrivateIDForm(t *testing.T) { onEveryDatabase(t, testPrivateIDForm) }

func testPrivateIDForm(t *testing.T, b *bundle) {
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

func TestPrivateIDIsNeverPrinted(t *testing.T) { onEveryDatabase(t, testPrivateIDIsNeverPrinted) }

func testPrivateIDIsNeverPrinted(t *testing.T, b *bundle) {
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

func TestCreateRefuses(t *testing.T) { onEveryDatabase(t, testCreateRefuses) }

func testCreateRefuses(t *testing.T, b *bundle) {
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

func TestRotate(t *testing.T) { onEveryDatabase(t, testRotate) }

func testRotate(t *testing.T, b *bundle) {
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

func TestRevoke(t *testing.T) { onEveryDatabase(t, testRevoke) }

func testRevoke(t *testing.T, b *bundle) {
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

func TestDisableAndEnable(t *testing.T) { onEveryDatabase(t, testDisableAndEnable) }

func testDisableAndEnable(t *testing.T, b *bundle) {
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

func TestConcurrentCreatesOfOneName(t *testing.T) { onEveryDatabase(t, testConcurrentCreatesOfOneName) }

// Several processes, each with several goroutines, want one name.
func testConcurrentCreatesOfOneName(t *testing.T, b *bundle) {
	var stores []*clients.Store
	for range 4 {
		stores = append(stores, b.storeWith(t, b.keys))
	}
	for round := range 5 {
		name := fmt.Sprintf("wanted-%d", round)
		before := b.revision(t)
		var group sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 20 {
			// Half of them want it as an alias.
			p := clients.CreateParams{ID: name}
			if i%2 == 1 {
				p = clients.CreateParams{ID: fmt.Sprintf("%s-%d", name, i), Aliases: []string{name}}
			}
			group.Go(func() {
				_, _, err := stores[i%len(stores)].Create(context.Background(), p)
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
		if won != 1 || b.revision(t) != before+1 {
			t.Errorf("%d creations won, revision %d -> %d", won, before, b.revision(t))
		}
	}
}

func TestConcurrentRotations(t *testing.T) { onEveryDatabase(t, testConcurrentRotations) }

// Every rotation ends the secrets that the one before it has made, so that
// exactly one is alive in the end.
func testConcurrentRotations(t *testing.T, b *bundle) {
	b.create(t, "c")
	stores := []*clients.Store{b.store, b.storeWith(t, b.keys)}
	before := b.revision(t)
	var group sync.WaitGroup
	const rotations = 20
	for i := range rotations {
		group.Go(func() {
			if _, err := stores[i%len(stores)].Rotate(context.Background(), "c", 0); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := len(live(b.client(t, "c"), b.clock.Now())); n != 1 || b.revision(t) != before+rotations {
		t.Errorf("%d secrets are alive, revision %d -> %d", n, before, b.revision(t))
	}
}

package clients_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/clients"
	"ocapi/domain"
)

// row reads what the table has of a secret.
func (b *bundle) row(t *testing.T, secretID string) (key, sealed string) {
	t.Helper()
	err := b.db.Read.QueryRowContext(t.Context(), "SELECT key, sealed FROM client_secrets WHERE id = $1", secretID).Scan(&key, &sealed)
	if err != nil {
		t.Fatal(err)
	}
	return key, sealed
}

func (b *bundle) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := b.db.Write.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// plain puts a private id into the table as releases of before had it.
func (b *bundle) plain(t *testing.T, secret clients.PrivateID) {
	t.Helper()
	b.exec(t, "UPDATE client_secrets SET key = $1, sealed = '' WHERE id = $2", secret.Reveal(), secret.SecretID())
}

func TestPrivateIDsAreSealed(t *testing.T) { onEveryDatabase(t, testPrivateIDsAreSealed) }

func testPrivateIDsAreSealed(t *testing.T, b *bundle) {
	first, second := b.create(t, "c"), b.create(t, "d")
	random := first.Reveal()[len("ocapi_12345678_"):]
	key, sealed := b.row(t, first.SecretID())
	if key != "" || !strings.HasPrefix(sealed, "v1.first.") || strings.Contains(sealed, random) {
		t.Fatalf("the table has %q, %q", key, sealed)
	}
	if n, err := b.store.Sealed(t.Context()); n != 2 || err != nil {
		t.Errorf("%d are sealed, %v", n, err)
	}
	// The same once more is another text: the nonce is random.
	b.plain(t, first)
	if n, err := b.store.Reseal(t.Context()); n != 1 || err != nil {
		t.Fatalf("sealed %d, %v", n, err)
	}
	if _, again := b.row(t, first.SecretID()); again == sealed {
		t.Error("a nonce was used twice")
	}
	// What is stored for one is no use in another's row.
	_, foreign := b.row(t, second.SecretID())
	b.exec(t, "UPDATE client_secrets SET sealed = $1 WHERE id = $2", foreign, first.SecretID())
	r, log := b.registryWith(b.keys)
	err := r.Start(t.Context())
	var lost *clients.LostKeyError
	if !errors.As(err, &lost) || lost.Client != "c" || lost.SecretID != first.SecretID() || !strings.Contains(err.Error(), "was changed") {
		t.Errorf("a private id that was put in another's place: %v", err)
	}
	if c, ok := r.Client("c"); !ok || live(c, b.clock.Now())[first.SecretID()] != "" {
		t.Error("it opens something")
	}
	if c, ok := r.Client("d"); !ok || live(c, b.clock.Now())[second.SecretID()] != second.Reveal() {
		t.Error("the others suffer from it")
	}
	if strings.Contains(err.Error(), random) || log.Len() > 0 {
		t.Errorf("the error is %v, the log says %s", err, log)
	}
	r.Stop()
}

func TestReseal(t *testing.T) { onEveryDatabase(t, testReseal) }

func testReseal(t *testing.T, b *bundle) {
	old, other := b.create(t, "c"), b.create(t, "d")
	b.plain(t, old)
	b.plain(t, other)
	// Before it is sealed it works as it did.
	if got := live(b.client(t, "c"), b.clock.Now()); got[old.SecretID()] != old.Reveal() {
		t.Error("a private id of before is not known")
	}
	both := keyring(t, "second", "first")
	revision := b.revision(t)
	for i, want := range []int{2, 0} {
		if n, err := b.store.Reseal(t.Context()); n != want || err != nil {
			t.Errorf("time %d: sealed %d, %v; want %d", i, n, err, want)
		}
	}
	if b.revision(t) != revision+1 {
		t.Errorf("revision %d -> %d", revision, b.revision(t))
	}
	// Several nodes that start at once with a new first key.
	var wg sync.WaitGroup
	total := 0
	var mu sync.Mutex
	for range 3 {
		store := b.storeWith(t, both)
		wg.Go(func() {
			n, err := store.Reseal(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
		})
	}
	wg.Wait()
	if total != 2 {
		t.Errorf("two private ids were sealed anew %d times", total)
	}
	if _, sealed := b.row(t, old.SecretID()); !strings.HasPrefix(sealed, "v1.second.") {
		t.Errorf("it is sealed as %.12s", sealed)
	}
	// The old key can go.
	r, _ := b.registryWith(keyring(t, "second"))
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	for id, secret := range map[string]clients.PrivateID{"c": old, "d": other} {
		if c, ok := r.Client(id); !ok || live(c, b.clock.Now())[secret.SecretID()] != secret.Reveal() {
			t.Errorf("%s is not what it was", id)
		}
	}
	none := b.storeWith(t, nil)
	if _, err := none.Reseal(t.Context()); !errors.Is(err, clients.ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
}

func TestLostKey(t *testing.T) { onEveryDatabase(t, testLostKey) }

func testLostKey(t *testing.T, b *bundle) {
	secret := b.create(t, "c", "alias")
	b.create(t, "d")
	b.create(t, "gone")
	if err := b.store.Disable(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	other := keyring(t, "other")
	for name, keys := range map[string]*clients.Keyring{"another key": other, "no key": nil} {
		r, _ := b.registryWith(keys)
		err := r.Start(t.Context())
		var lost *clients.LostKeyError
		if !errors.As(err, &lost) || lost.More != 1 { // that of the disabled client is nobody's concern
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range []string{"client c", secret.SecretID(), "1 others", "--secrets-key-file", "ocapi client rotate c --overlap 0s"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
	}
	store := b.storeWith(t, other)
	if n, err := store.Reseal(t.Context()); n != 0 || err != nil {
		t.Errorf("sealed %d without the key, %v", n, err)
	}
	// The way out that the error names.
	fresh := map[string]clients.PrivateID{}
	for _, id := range []string{"c", "d"} {
		var err error
		if fresh[id], err = store.Rotate(t.Context(), id, 0); err != nil {
			t.Fatal(err)
		}
	}
	r, log := b.registryWith(other)
	if err := r.Start(t.Context()); err != nil {
		t.Fatalf("after it: %v", err)
	}
	defer r.Stop()
	if c, ok := r.Client("alias"); !ok || live(c, b.clock.Now())[fresh["c"].SecretID()] != fresh["c"].Reveal() {
		t.Error("the new private id is not known")
	}
	if log.Len() > 0 {
		t.Errorf("it logs %s", log)
	}
	if _, _, err := b.storeWith(t, nil).Create(t.Context(), clients.CreateParams{ID: "new"}); !errors.Is(err, clients.ErrNoKey) {
		t.Errorf("a private id was made without a key: %v", err)
	}
	if _, ok := b.registry(t).Client("new"); ok {
		t.Error("the client was made all the same")
	}
}

// TestKeyThatANodeLacks has one node seal with a key that a running one was not
// given yet: what that one knows stays in force.
func TestKeyThatANodeLacks(t *testing.T) { onEveryDatabase(t, testKeyThatANodeLacks) }

func testKeyThatANodeLacks(t *testing.T, b *bundle) {
	secret := b.create(t, "c")
	r, log := b.registryWith(b.keys)
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	ahead := b.storeWith(t, keyring(t, "second", "first"))
	if n, err := ahead.Reseal(t.Context()); n != 1 || err != nil {
		t.Fatalf("sealed %d, %v", n, err)
	}
	for range 2 {
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c, ok := r.Client("c"); !ok || live(c, b.clock.Now())[secret.SecretID()] != secret.Reveal() {
			t.Fatal("a partner is turned away")
		}
	}
	if log.Len() > 0 {
		t.Errorf("it logs %s", log)
	}
	// A new one cannot be known here. That is said, once.
	fresh, err := ahead.Rotate(t.Context(), "c", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c, _ := r.Client("c")
	if got := live(c, b.clock.Now()); got[secret.SecretID()] != secret.Reveal() || got[fresh.SecretID()] != "" {
		t.Error("not exactly the new private id is unknown")
	}
	if n := strings.Count(log.String(), "cannot be opened"); n != 1 || !strings.Contains(log.String(), fresh.SecretID()) {
		t.Errorf("it is said %d times: %s", n, log)
	}
	// Revoked, it is gone here, too.
	if err := ahead.Revoke(t.Context(), "c", secret.SecretID()); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.ClientOfSecret(secret.SecretID()); ok {
		t.Error("a revoked private id is known")
	}
}

// TestNothingReadableIsLeftInTheFile looks at SQLite's files themselves.
// (PostgreSQL keeps old rows until they are vacuumed; docs/operating.md says so.)
func TestNothingReadableIsLeftInTheFile(t *testing.T) {
	t.Parallel()
	b := newBundle(t, "SQLite")
	var file string
	if err := b.db.Read.QueryRowContext(t.Context(), "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file); err != nil {
		t.Fatal(err)
	}
	var secrets []string
	for _, id := range []string{"a", "b", "c"} {
		secret := b.create(t, id)
		b.plain(t, secret)
		secrets = append(secrets, secret.Reveal()[len("ocapi_12345678_"):])
	}
	found := func() (n int) {
		files, err := filepath.Glob(file + "*")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range secrets {
				n += strings.Count(string(text), s)
			}
		}
		return n
	}
	if found() < len(secrets) {
		t.Fatal("they are not in the file to begin with")
	}
	if n, err := b.store.Reseal(t.Context()); n != 3 || err != nil {
		t.Fatalf("sealed %d, %v", n, err)
	}
	b.exec(t, "PRAGMA wal_checkpoint(TRUNCATE)")
	if n := found(); n > 0 {
		t.Errorf("readable private ids are in the file %d times", n)
	}
}

func TestClientOfSecret(t *testing.T) { onEveryDatabase(t, testClientOfSecret) }

func testClientOfSecret(t *testing.T, b *bundle) {
	secret := b.create(t, "c")
	b.create(t, "d")
	if c, ok := b.registry(t).ClientOfSecret(secret.SecretID()); !ok || c.ID != "c" {
		t.Errorf("it is %v's, %t", c, ok)
	}
	for _, id := range []string{"", "c", secret.Reveal(), "testpass"} {
		if c, ok := b.registry(t).ClientOfSecret(id); ok {
			t.Errorf("%.8q is the id of a secret of %s", id, c.ID)
		}
	}
	if err := b.store.Disable(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.registry(t).ClientOfSecret(secret.SecretID()); ok {
		t.Error("a disabled client is found")
	}
}

func TestTestClients(t *testing.T) { onEveryDatabase(t, testTestClients) }

func testTestClients(t *testing.T, b *bundle) {
	b.create(t, "c")
	for _, test := range domain.TestClients() {
		if _, _, err := b.store.Create(t.Context(), clients.CreateParams{ID: string(test.ID)}); domain.CodeOf(err) != domain.CodeConflict {
			t.Errorf("a client took the name %s: %v", test.ID, err)
		}
		if _, _, err := b.store.Create(t.Context(), clients.CreateParams{ID: "x", Aliases: []string{string(test.ID)}}); domain.CodeOf(err) != domain.CodeConflict {
			t.Errorf("a client took the alias %s: %v", test.ID, err)
		}
		if _, ok := b.registry(t).Client(string(test.ID)); ok {
			t.Errorf("%s is served though nobody asked for it", test.ID)
		}
	}
	r := clients.NewRegistry(clients.RegistryParams{Read: b.db.Read, Keys: b.keys, TestClients: true, Now: b.clock.Now})
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, test := range domain.TestClients() {
		byName, _ := r.Client(string(test.ID))
		bySecret, _ := r.ClientOfSecret(test.SecretID)
		if byName == nil || byName != bySecret || byName.Rehearsal != test.Outcome {
			t.Errorf("%s is %+v", test.ID, byName)
		}
	}
	if r.Len() != 1 {
		t.Errorf("%d clients are counted", r.Len())
	}
}

package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/clients"
	"ocapi/postgres/postgrestest"
)

// asOfBefore makes of a folder one of a release that sealed nothing: the private
// ids readable in the table, and no keys.
func asOfBefore(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		alter(t, dir, collectionsFile, "UPDATE client_secrets SET key = '"+secret+"', sealed = '' WHERE id = '"+strings.Split(secret, "_")[1]+"'")
	}
	if err := os.Remove(filepath.Join(dir, keyFile)); err != nil {
		t.Fatal(err)
	}
}

func readable(t *testing.T, dir string, secrets ...string) (n int) {
	t.Helper()
	inFolder(t, dir, func(_ string, content []byte) {
		for _, secret := range secrets {
			n += strings.Count(string(content), strings.SplitN(secret, "_", 3)[2])
		}
	})
	return n
}

// TestReadablePrivateIDsAreSealedAtTheStart serves the folder of a release of
// before: partners notice nothing, and nothing readable is left.
func TestReadablePrivateIDsAreSealedAtTheStart(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	secrets := []string{f.secrets[siteID], f.secrets[otherID], f.secrets[blankID]}
	asOfBefore(t, dir, secrets...)
	if n := readable(t, dir, secrets...); n < 3 {
		t.Fatalf("%d private ids are readable to begin with", n)
	}
	p := start(t, dir, options{})
	if !strings.Contains(p.log.String(), "private ids have been sealed in the database") || !strings.Contains(p.log.String(), "count=3") {
		t.Errorf("it is not said: %s", p.log)
	}
	for _, id := range []string{siteID, otherID} {
		v := newVisitor(t, p, f, id)
		c := v.ask("transcription")
		v.answer(c, v.right(c))
		if got := v.state(c.ID); got != "validated" {
			t.Errorf("the state is %s", got)
		}
	}
	if n := readable(t, dir, secrets...); n > 0 {
		t.Errorf("while it is served, readable private ids are in the files %d times", n)
	}
	p.stop()
	if n := readable(t, dir, secrets...); n > 0 {
		t.Errorf("after it, readable private ids are in the files %d times", n)
	}
	if info, err := os.Stat(filepath.Join(dir, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the keys have the mode %v, %v", info.Mode(), err)
	}
	p = start(t, dir, options{})
	if strings.Contains(p.log.String(), "have been sealed") {
		t.Error("they are sealed once more")
	}
}

// TestKeyIsRotated puts a new key before the old one, and takes that away.
func TestKeyIsRotated(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	path := filepath.Join(dir, keyFile)
	works := func(p *program, secret string) {
		t.Helper()
		v := newVisitor(t, p, f, siteID)
		v.secret = secret
		if got := v.state(v.ask("transcription").ID); got != "created" {
			t.Errorf("the state is %s", got)
		}
	}
	old, err := clients.ReadKeyring(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	succeed(t, "client", "key", "new", "--file", path)
	p := start(t, dir, options{})
	if !strings.Contains(p.log.String(), "count=3") {
		t.Errorf("it is not said: %s", p.log)
	}
	works(p, f.secrets[siteID])
	says(t, succeed(t, "client", "reencrypt", "--data", dir), "^0 private ids sealed anew")
	p.stop()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(text), old.First()+":")
	if !found {
		t.Fatal("the old key is not in the file any more")
	}
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	p = start(t, dir, options{})
	works(p, f.secrets[siteID])
	works(p, newClientRotated(t, dir))
	p.stop()

	// In a variable, and by the command.
	third := strings.TrimSpace(succeed(t, "client", "key", "new"))
	keys := third + "\n" + before
	says(t, succeed(t, "client", "reencrypt", "--data", dir, "--secrets-key", keys), "^4 private ids sealed anew, with the key "+strings.Split(third, ":")[0])
	q := spawn(t, dir, options{env: []string{"OCAPI_SECRETS_KEY=" + third}})
	works(q, f.secrets[siteID])
	if strings.Contains(q.log.String()+q.out.String(), strings.Split(third, ":")[1]) {
		t.Error("the key is in the output")
	}
}

func newClientRotated(t *testing.T, dir string) string {
	t.Helper()
	var rotated issued
	if err := json.Unmarshal([]byte(succeed(t, "client", "rotate", siteID, "--data", dir)), &rotated); err != nil {
		t.Fatal(err)
	}
	return rotated.Secret
}

// TestLostKeyIsSaid loses the keys, has another's, and finds the way out.
func TestLostKeyIsSaid(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	path := filepath.Join(dir, keyFile)
	kept := path + ".kept"
	if err := os.Rename(path, kept); err != nil {
		t.Fatal(err)
	}
	at := []string{"--data", dir}
	refuse(t, serveArgs(dir, options{}), "keys of private ids are missing", path, "3 private ids", "--secrets-key-file", "ocapi client rotate ID --overlap 0s")
	refuse(t, append([]string{"client", "create", "new"}, at...), "keys of private ids are missing", path)
	refuse(t, append([]string{"client", "reencrypt"}, at...), "keys of private ids are missing")
	if _, err := os.Stat(path); err == nil {
		t.Fatal("a new key was made in the lost one's place")
	}
	// What needs no keys goes on.
	succeed(t, append([]string{"client", "list"}, at...)...)
	succeed(t, append([]string{"client", "disable", blankID}, at...)...)
	succeed(t, append([]string{"corpus", "list"}, at...)...)

	refuse(t, serveArgs(dir, options{flags: []string{"--secrets-key-file", path}}), "--secrets-key-file", path, "no such file", "ocapi client key new --file "+path)
	refuse(t, serveArgs(dir, options{flags: []string{"--secrets-key", "nonsense"}}), "--secrets-key: key 1: it is not of the form ID:KEY")
	refuse(t, serveArgs(dir, options{flags: []string{"--secrets-key", "x", "--secrets-key-file", kept}}), "both given")
	other := strings.TrimSpace(succeed(t, "client", "key", "new"))
	refuse(t, serveArgs(dir, options{flags: []string{"--secrets-key", other}}), "cannot be opened", "client other", "1 others", "not among those that were given", "ocapi client rotate other --overlap 0s")

	start(t, dir, options{flags: []string{"--secrets-key-file", kept}}).stop()
	// Lost for good.
	succeed(t, "client", "key", "new", "--file", path)
	secret := newClientRotated(t, dir) // within the overlap the old one would be missed
	refuse(t, serveArgs(dir, options{}), "cannot be opened")
	for _, id := range []string{siteID, otherID} {
		var rotated issued
		if err := json.Unmarshal([]byte(succeed(t, append([]string{"client", "rotate", id, "--overlap", "0s"}, at...)...)), &rotated); err != nil {
			t.Fatal(err)
		}
		secret = rotated.Secret
	}
	p := start(t, dir, options{})
	v := newVisitor(t, p, f, otherID)
	v.secret = secret
	if got := v.state(v.ask("transcription").ID); got != "created" {
		t.Errorf("the state is %s", got)
	}
	v.secret = f.secrets[otherID]
	if got, err := v.askState(v.ask("transcription").ID); err != nil || got.status != http.StatusForbidden {
		t.Errorf("a private id that nobody can open is answered with %d, %v", got.status, err)
	}
}

func TestSharedDatabaseNeedsItsKeys(t *testing.T) {
	t.Parallel()
	nats, database := startNATS(t), postgrestest.URL(t)
	succeed(t, "migrate", "up", "--database-url", database)
	refuse(t, []string{"serve", "--listen", "127.0.0.1:0", "--nats-url", nats, "--database-url", database}, "--secrets-key-file", "same keys", "OCAPI_SECRETS_KEY", "ocapi client key new")
	refuse(t, []string{"client", "create", "shop", "--database-url", database}, "--secrets-key-file", "OCAPI_SECRETS_KEY", "ocapi client key new")
	keys := newKeyFile(t)
	succeed(t, "client", "create", "shop", "--database-url", database, "--secrets-key-file", keys)
	says(t, succeed(t, "client", "list", "--database-url", database), "shop")
	succeed(t, "client", "set", "shop", "--siteverify", "--database-url", database)
}

// TestClientSettings sets all there is, beside a running service, and looks at it.
func TestClientSettings(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := start(t, dir, options{})
	at := []string{"--data", dir}
	made := newClient(t, dir, "shop", "--origin", "https://SHOP.example:443", "--type", "transcription", "--type", "audio", "--language", "FR")
	v := newVisitor(t, p, f, siteID)
	v.client, v.secret = "shop", made.Secret
	withinASecond(t, "creation", func() bool { return v.get("/challenge/shop").status == http.StatusOK })
	from := func(origin string) reply {
		return v.do(http.MethodGet, "/challenge/shop", "", http.Header{"Origin": {origin}})
	}
	if got := from("https://planted.example"); got.status != http.StatusForbidden || !strings.Contains(string(got.body), "/problems/foreign-page") {
		t.Errorf("a page of others: %d %s", got.status, got.body)
	}
	if got := from("https://shop.example"); got.status != http.StatusOK {
		t.Errorf("a page of its own: %d", got.status)
	}
	v.get("/challenge/shop?type=classification").wantProblem(t, http.StatusServiceUnavailable)
	if c := v.ask("audio&lang=en"); c.Lang != "fr" {
		t.Errorf("the sound is in %s", c.Lang)
	}
	shown := succeed(t, append([]string{"client", "show", "shop"}, at...)...)
	says(t, shown, `Types +audio, transcription`, `Languages +fr\n`, `Pages +https://shop\.example\n`, `/siteverify +no\n`)
	var one listed
	if err := json.Unmarshal([]byte(succeed(t, append([]string{"client", "show", "shop", "--json"}, at...)...)), &one); err != nil || one.Client != "shop" || len(one.Types) != 2 || len(one.Secrets) != 1 {
		t.Errorf("as JSON it is %+v, %v", one, err)
	}
	succeed(t, append([]string{"client", "set", "shop", "--origin", "any", "--type", "any", "--language", "any", "--alias", "store", "--siteverify", "--collection", fixtureCollection}, at...)...)
	withinASecond(t, "any page", func() bool { return from("https://planted.example").status == http.StatusOK })
	says(t, succeed(t, append([]string{"client", "show", "store"}, at...)...), `Aliases +store`, `Collections +drawn`, `Types +all`, `Languages +all`, `Pages +any`, `/siteverify +yes`)
	succeed(t, append([]string{"client", "set", "store", "--remove-alias", "store", "--no-siteverify", "--collection", "any"}, at...)...)
	says(t, succeed(t, append([]string{"client", "show", "shop"}, at...)...), `Aliases +-`, `Collections +all`, `/siteverify +no`)
	got := command(t, append([]string{"client", "set", "shop", "--type", "transcription"}, at...)...)
	if got.code != 0 || !strings.Contains(got.err, "Without --type audio") {
		t.Errorf("who cannot see is not thought of: %+v", got)
	}
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"client", "show", "nobody"}, []string{"no client", "nobody"}},
		{[]string{"client", "set", "shop", "--type", "video"}, []string{"--type", "transcription, classification, audio"}},
		{[]string{"client", "set", "shop", "--type", "any", "--type", "audio"}, []string{"--type", "stands alone"}},
		{[]string{"client", "set", "shop", "--origin", "shop.example"}, []string{"https://www.example.org"}},
		{[]string{"client", "set", "shop", "--language", "klingon!"}, []string{"pt-BR"}},
		{[]string{"client", "set", "shop", "--alias", siteID}, []string{"site already"}},
		{[]string{"client", "set", "shop", "--remove-alias", "x"}, []string{"no alias", "x"}},
		{[]string{"client", "key", "new", "--last"}, []string{"--file"}},
	} {
		args := tt.args
		if args[1] != "key" {
			args = append(args, at...)
		}
		refuse(t, args, tt.want...)
	}
}

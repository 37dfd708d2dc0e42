package client_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/clients"
	"ocapi/cmd/ocapi/client"
	"ocapi/cmd/ocapi/programtest"
	"ocapi/place"
	"ocapi/postgres/postgrestest"
)

// asOfBefore makes of a folder one of a release that sealed nothing: the private
// ids readable in the table, and no keys.
func asOfBefore(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		programtest.Alter(t, dir, place.CollectionsFile, "UPDATE client_secrets SET key = '"+secret+"', sealed = '' WHERE id = '"+strings.Split(secret, "_")[1]+"'")
	}
	if err := os.Remove(filepath.Join(dir, place.KeyFile)); err != nil {
		t.Fatal(err)
	}
}

func readable(t *testing.T, dir string, secrets ...string) (n int) {
	t.Helper()
	programtest.InFolder(t, dir, func(_ string, content []byte) {
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
	dir, f := programtest.NewData(t)
	secrets := []string{f.Secrets[programtest.SiteID], f.Secrets[programtest.OtherID], f.Secrets[programtest.BlankID]}
	asOfBefore(t, dir, secrets...)
	if n := readable(t, dir, secrets...); n < 3 {
		t.Fatalf("%d private ids are readable to begin with", n)
	}
	p := programtest.Start(t, dir, programtest.Options{})
	if !strings.Contains(p.Log.String(), "private ids have been sealed in the database") || !strings.Contains(p.Log.String(), "count=3") {
		t.Errorf("it is not said: %s", p.Log)
	}
	for _, id := range []string{programtest.SiteID, programtest.OtherID} {
		v := programtest.NewVisitor(t, p, f, id)
		c := v.Ask("transcription")
		v.Answer(c, v.Right(c))
		if got := v.State(c.ID); got != "validated" {
			t.Errorf("the state is %s", got)
		}
	}
	if n := readable(t, dir, secrets...); n > 0 {
		t.Errorf("while it is served, readable private ids are in the files %d times", n)
	}
	p.Stop()
	if n := readable(t, dir, secrets...); n > 0 {
		t.Errorf("after it, readable private ids are in the files %d times", n)
	}
	if info, err := os.Stat(filepath.Join(dir, place.KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the keys have the mode %v, %v", info.Mode(), err)
	}
	p = programtest.Start(t, dir, programtest.Options{})
	if strings.Contains(p.Log.String(), "have been sealed") {
		t.Error("they are sealed once more")
	}
}

// TestKeyIsRotated puts a new key before the old one, and takes that away.
func TestKeyIsRotated(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	path := filepath.Join(dir, place.KeyFile)
	works := func(p *programtest.Program, secret string) {
		t.Helper()
		v := programtest.NewVisitor(t, p, f, programtest.SiteID)
		v.Secret = secret
		if got := v.State(v.Ask("transcription").ID); got != "created" {
			t.Errorf("the state is %s", got)
		}
	}
	old, err := clients.ReadKeyring(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	programtest.Succeed(t, "client", "key", "new", "--file", path)
	p := programtest.Start(t, dir, programtest.Options{})
	if !strings.Contains(p.Log.String(), "count=3") {
		t.Errorf("it is not said: %s", p.Log)
	}
	works(p, f.Secrets[programtest.SiteID])
	programtest.Says(t, programtest.Succeed(t, "client", "reencrypt", "--data", dir), "^0 private ids sealed anew")
	p.Stop()
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
	p = programtest.Start(t, dir, programtest.Options{})
	works(p, f.Secrets[programtest.SiteID])
	works(p, newClientRotated(t, dir))
	p.Stop()

	// In a variable, and by the command.
	third := strings.TrimSpace(programtest.Succeed(t, "client", "key", "new"))
	keys := third + "\n" + before
	programtest.Says(t, programtest.Succeed(t, "client", "reencrypt", "--data", dir, "--secrets-key", keys), "^4 private ids sealed anew, with the key "+strings.Split(third, ":")[0])
	q := programtest.Spawn(t, dir, programtest.Options{Env: []string{"OCAPI_SECRETS_KEY=" + third}})
	works(q, f.Secrets[programtest.SiteID])
	if strings.Contains(q.Log.String()+q.Out.String(), strings.Split(third, ":")[1]) {
		t.Error("the key is in the output")
	}
}

func newClientRotated(t *testing.T, dir string) string {
	t.Helper()
	var rotated client.Issued
	if err := json.Unmarshal([]byte(programtest.Succeed(t, "client", "rotate", programtest.SiteID, "--data", dir)), &rotated); err != nil {
		t.Fatal(err)
	}
	return rotated.Secret
}

// TestLostKeyIsSaid loses the keys, has another's, and finds the way out.
func TestLostKeyIsSaid(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	path := filepath.Join(dir, place.KeyFile)
	kept := path + ".kept"
	if err := os.Rename(path, kept); err != nil {
		t.Fatal(err)
	}
	at := []string{"--data", dir}
	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{}), "keys of private ids are missing", path, "3 private ids", "--secrets-key-file", "ocapi client rotate ID --overlap 0s")
	programtest.Refuse(t, append([]string{"client", "create", "new"}, at...), "keys of private ids are missing", path)
	programtest.Refuse(t, append([]string{"client", "reencrypt"}, at...), "keys of private ids are missing")
	if _, err := os.Stat(path); err == nil {
		t.Fatal("a new key was made in the lost one's place")
	}
	// What needs no keys goes on.
	programtest.Succeed(t, append([]string{"client", "list"}, at...)...)
	programtest.Succeed(t, append([]string{"client", "disable", programtest.BlankID}, at...)...)
	programtest.Succeed(t, append([]string{"corpus", "list"}, at...)...)

	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{Flags: []string{"--secrets-key-file", path}}), "--secrets-key-file", path, "no such file", "ocapi client key new --file "+path)
	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{Flags: []string{"--secrets-key", "nonsense"}}), "--secrets-key: key 1: it is not of the form ID:KEY")
	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{Flags: []string{"--secrets-key", "x", "--secrets-key-file", kept}}), "both given")
	other := strings.TrimSpace(programtest.Succeed(t, "client", "key", "new"))
	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{Flags: []string{"--secrets-key", other}}), "cannot be opened", "client other", "1 others", "not among those that were given", "ocapi client rotate other --overlap 0s")

	programtest.Start(t, dir, programtest.Options{Flags: []string{"--secrets-key-file", kept}}).Stop()
	// Lost for good.
	programtest.Succeed(t, "client", "key", "new", "--file", path)
	secret := newClientRotated(t, dir) // within the overlap the old one would be missed
	programtest.Refuse(t, programtest.ServeArgs(dir, programtest.Options{}), "cannot be opened")
	for _, id := range []string{programtest.SiteID, programtest.OtherID} {
		var rotated client.Issued
		if err := json.Unmarshal([]byte(programtest.Succeed(t, append([]string{"client", "rotate", id, "--overlap", "0s"}, at...)...)), &rotated); err != nil {
			t.Fatal(err)
		}
		secret = rotated.Secret
	}
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.OtherID)
	v.Secret = secret
	if got := v.State(v.Ask("transcription").ID); got != "created" {
		t.Errorf("the state is %s", got)
	}
	v.Secret = f.Secrets[programtest.OtherID]
	if got, err := v.AskState(v.Ask("transcription").ID); err != nil || got.Status != http.StatusForbidden {
		t.Errorf("a private id that nobody can open is answered with %d, %v", got.Status, err)
	}
}

func TestSharedDatabaseNeedsItsKeys(t *testing.T) {
	t.Parallel()
	nats, database := programtest.StartNATS(t), postgrestest.URL(t)
	programtest.Succeed(t, "migrate", "up", "--database-url", database)
	programtest.Refuse(t, []string{"serve", "--listen", "127.0.0.1:0", "--nats-url", nats, "--database-url", database}, "--secrets-key-file", "same keys", "OCAPI_SECRETS_KEY", "ocapi client key new")
	programtest.Refuse(t, []string{"client", "create", "shop", "--database-url", database}, "--secrets-key-file", "OCAPI_SECRETS_KEY", "ocapi client key new")
	keys := programtest.NewKeyFile(t)
	programtest.Succeed(t, "client", "create", "shop", "--database-url", database, "--secrets-key-file", keys)
	programtest.Says(t, programtest.Succeed(t, "client", "list", "--database-url", database), "shop")
	programtest.Succeed(t, "client", "set", "shop", "--siteverify", "--database-url", database)
}

// TestClientSettings sets all there is, beside a running service, and looks at it.
func TestClientSettings(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	at := []string{"--data", dir}
	made := programtest.NewClient(t, dir, "shop", "--origin", "https://SHOP.example:443", "--type", "transcription", "--type", "audio", "--language", "FR")
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	v.Client, v.Secret = "shop", made.Secret
	programtest.WithinASecond(t, "creation", func() bool { return v.Get("/challenge/shop").Status == http.StatusOK })
	from := func(origin string) programtest.Reply {
		return v.Do(http.MethodGet, "/challenge/shop", "", http.Header{"Origin": {origin}})
	}
	if got := from("https://planted.example"); got.Status != http.StatusForbidden || !strings.Contains(string(got.Body), "/problems/foreign-page") {
		t.Errorf("a page of others: %d %s", got.Status, got.Body)
	}
	if got := from("https://shop.example"); got.Status != http.StatusOK {
		t.Errorf("a page of its own: %d", got.Status)
	}
	v.Get("/challenge/shop?type=classification").WantProblem(t, http.StatusServiceUnavailable)
	if c := v.Ask("audio&lang=en"); c.Lang != "fr" {
		t.Errorf("the sound is in %s", c.Lang)
	}
	shown := programtest.Succeed(t, append([]string{"client", "show", "shop"}, at...)...)
	programtest.Says(t, shown, `Types +audio, transcription`, `Languages +fr\n`, `Pages +https://shop\.example\n`, `/siteverify +no\n`)
	var one client.Listed
	if err := json.Unmarshal([]byte(programtest.Succeed(t, append([]string{"client", "show", "shop", "--json"}, at...)...)), &one); err != nil || one.Client != "shop" || len(one.Types) != 2 || len(one.Secrets) != 1 {
		t.Errorf("as JSON it is %+v, %v", one, err)
	}
	programtest.Succeed(t, append([]string{"client", "set", "shop", "--origin", "any", "--type", "any", "--language", "any", "--alias", "store", "--siteverify", "--collection", programtest.FixtureCollection}, at...)...)
	programtest.WithinASecond(t, "any page", func() bool { return from("https://planted.example").Status == http.StatusOK })
	programtest.Says(t, programtest.Succeed(t, append([]string{"client", "show", "store"}, at...)...), `Aliases +store`, `Collections +drawn`, `Types +all`, `Languages +all`, `Pages +any`, `/siteverify +yes`)
	programtest.Succeed(t, append([]string{"client", "set", "store", "--remove-alias", "store", "--no-siteverify", "--collection", "any"}, at...)...)
	programtest.Says(t, programtest.Succeed(t, append([]string{"client", "show", "shop"}, at...)...), `Aliases +-`, `Collections +all`, `/siteverify +no`)
	got := programtest.Command(t, append([]string{"client", "set", "shop", "--type", "transcription"}, at...)...)
	if got.Code != 0 || !strings.Contains(got.Err, "Without --type audio") {
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
		{[]string{"client", "set", "shop", "--alias", programtest.SiteID}, []string{"site already"}},
		{[]string{"client", "set", "shop", "--remove-alias", "x"}, []string{"no alias", "x"}},
		{[]string{"client", "key", "new", "--last"}, []string{"--file"}},
	} {
		args := tt.args
		if args[1] != "key" {
			args = append(args, at...)
		}
		programtest.Refuse(t, args, tt.want...)
	}
}

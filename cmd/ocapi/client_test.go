package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ocapi/domain"
)

// TestClientCommandsAreInForceAtOnceBesideARunningService goes through a
// client's whole life without restarting anything.
func TestClientCommandsAreInForceAtOnceBesideARunningService(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	var now clock
	p := start(t, dir, options{now: now.now})
	v := newVisitor(t, p, f, siteID)
	v.client = "shop-1"
	v.get("/challenge/shop-1").wantProblem(t, http.StatusNotFound)

	made := newClient(t, dir, "shop-1", "--alias", "shop-old", "--collection", fixtureCollection)
	first := made.Secret
	v.secret = first
	var c challenge
	withinASecond(t, "creation", func() bool { return v.get("/challenge/shop-1").status == http.StatusOK })
	c = v.ask("transcription")
	if got := v.state(c.ID); got != "created" {
		t.Errorf("the state under the new secret is %s", got)
	}
	told := func(secret string) int {
		w := *v
		w.secret = secret
		got, err := w.askState(c.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got.status
	}

	var rotated issued
	if err := json.Unmarshal([]byte(succeed(t, "client", "rotate", "shop-old", "--overlap", "2h", "--data", dir)), &rotated); err != nil {
		t.Fatal(err)
	}
	if rotated.Client != "shop-old" || rotated.Secret == first {
		t.Errorf("rotate by an alias printed %+v", rotated)
	}
	second := rotated.Secret
	withinASecond(t, "rotation", func() bool { return told(second) == http.StatusOK })
	if got := told(first); got != http.StatusOK {
		t.Errorf("within the overlap the old secret is answered with %d", got)
	}
	wantListed(t, dir, "shop-1", 2, 2)
	now.advance(3 * time.Hour)
	if got := told(first); got != http.StatusForbidden {
		t.Errorf("after the overlap the old secret is answered with %d", got)
	}
	if got := told(second); got != http.StatusOK {
		t.Errorf("after the overlap the new secret is answered with %d", got)
	}

	secretID := strings.Split(second, "_")[1]
	succeed(t, "client", "revoke", "shop-1", "--secret-id", secretID, "--data", dir)
	withinASecond(t, "revocation", func() bool { return told(second) == http.StatusForbidden })
	refuse(t, []string{"client", "revoke", "shop-1", "--secret-id", secretID, "--data", dir}, "shop-1", secretID)

	// An overlap of nothing ends what there was at once.
	for range 2 {
		if err := json.Unmarshal([]byte(succeed(t, "client", "rotate", "shop-1", "--overlap", "0s", "--data", dir)), &rotated); err != nil {
			t.Fatal(err)
		}
	}
	wantListed(t, dir, "shop-1", 1, 1)
	withinASecond(t, "rotation without an overlap", func() bool { return told(rotated.Secret) == http.StatusOK })

	succeed(t, "client", "disable", "shop-1", "--data", dir)
	withinASecond(t, "disabling", func() bool { return v.get("/challenge/shop-old").status == http.StatusNotFound })
	for _, path := range []string{"/challenge/shop-1", c.Images[0].URL, "/state/shop-1/" + c.ID} {
		v.get(path).wantProblem(t, http.StatusNotFound)
	}
	v.do(http.MethodPost, c.path(), v.wrongForAny(), nil).wantProblem(t, http.StatusNotFound)
	if got := told(rotated.Secret); got != http.StatusNotFound {
		t.Errorf("a disabled client's state is answered with %d", got)
	}
	succeed(t, "client", "disable", "shop-1", "--data", dir) // again: nothing happens
	succeed(t, "client", "enable", "shop-1", "--data", dir)
	withinASecond(t, "enabling", func() bool { return told(rotated.Secret) == http.StatusOK })
	// It asked twice: no command came into force after its end only.
	archivedCreation(t, dir, c.ID)
	if list := events(t, dir, "--client", "shop-1"); len(list) != 2 {
		t.Errorf("the client's events are %+v; it asked twice", list)
	}
}

// wantListed checks a client's secrets as both listings have them, which show
// none.
func wantListed(t *testing.T, dir, id string, secrets, live int) {
	t.Helper()
	table, lines := succeed(t, "client", "list", "--data", dir), succeed(t, "client", "list", "--json", "--data", dir)
	for _, text := range []string{table, lines} {
		if strings.Contains(text, "ocapi_") || !strings.Contains(text, id) {
			t.Errorf("a listing holds a secret, or not the client %s: %s", id, text)
		}
	}
	for line := range strings.Lines(lines) {
		var l listed
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if string(l.Client) != id {
			continue
		}
		n := 0
		for _, s := range l.Secrets {
			if s.Live {
				n++
			}
		}
		if len(l.Secrets) != secrets || n != live || l.Disabled {
			t.Errorf("the client is listed as %s; want %d secrets, %d of them live", line, secrets, live)
		}
	}
}

// TestPrivateIDIsShownOnceAndKeptOutOfEverythingElse looks for secrets where
// people would read them.
func TestPrivateIDIsShownOnceAndKeptOutOfEverythingElse(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := start(t, dir, options{})
	made := newClient(t, dir, "shop")
	if err := checkPrivateID(made.Secret); err != "" {
		t.Errorf("the private id %s", err)
	}
	v := newVisitor(t, p, f, siteID)
	v.client, v.secret = "shop", made.Secret
	c := v.ask("transcription")
	v.state(c.ID)
	v.answer(c, wrongAnswer(c))
	fence(v, dir)
	_, metrics := p.adminGet("/metrics")
	p.stop()
	random := strings.SplitN(made.Secret, "_", 3)[2] // which may hold a "_" itself
	keys, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(string(keys[bytes.LastIndexByte(keys, ':')+1:]))
	if len(key) != 64 {
		t.Fatalf("the file of keys ends in a key of %d digits", len(key))
	}
	inFolder(t, dir, func(path string, content []byte) {
		if strings.Contains(string(content), random) {
			t.Errorf("the private id is in %s", path)
		}
	})
	for where, text := range map[string]string{
		"the log": p.log.String(), "the output": p.out.String(), "the metrics": metrics,
		"the events":   succeed(t, "events", "--data", dir),
		"the listing":  succeed(t, "client", "list", "--data", dir),
		"the client":   succeed(t, "client", "show", "shop", "--data", dir) + succeed(t, "client", "show", "shop", "--json", "--data", dir),
		"its JSON":     succeed(t, "client", "list", "--json", "--data", dir),
		"a new secret": succeed(t, "client", "rotate", "shop", "--data", dir),
		"an error":     command(t, "client", "create", "shop", "--data", dir).err,
	} {
		if strings.Contains(text, random) || strings.Contains(text, key) {
			t.Errorf("the secret or the key is in %s", where)
		}
	}
}

// checkPrivateID says what is wrong with the form.
func checkPrivateID(s string) string {
	parts := strings.SplitN(s, "_", 3)
	if len(parts) != 3 || parts[0] != "ocapi" || parts[1] == "" || len(parts[2]) != 86 {
		return "is not ocapi_<secret id>_<64 bytes in base64url>: " + s
	}
	return ""
}

// TestCommandsSayWhatIsWrong holds errors to being sentences, beside a running
// service and on a stopped folder alike.
func TestCommandsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir, _ := newData(t)
	mistakes := func() {
		t.Helper()
		at := []string{"--data", dir}
		for _, tt := range []struct {
			args []string
			want []string
		}{
			{[]string{"client", "create", siteID}, []string{"ocapi: there is a client site already\n"}},
			{[]string{"client", "create", siteAlias}, []string{"old-site", "alias", "site"}},
			{[]string{"client", "create", "new", "--alias", siteID}, []string{"site already"}},
			{[]string{"client", "create", "new", "--alias", "new"}, []string{"twice"}},
			{[]string{"client", "create", "no spaces"}, []string{"character 3", "letters, digits"}},
			{[]string{"client", "create", strings.Repeat("a", domain.MaxClientIDBytes+1)}, []string{"64"}},
			{[]string{"client", "create", ""}, []string{"at least one character"}},
			{[]string{"client", "rotate", "nobody"}, []string{"no client", "nobody"}},
			{[]string{"client", "rotate", siteID, "--overlap=-1h"}, []string{"overlap", "negative"}},
			{[]string{"client", "rotate", siteID, "--overlap", "soon"}, []string{"--overlap", "soon"}},
			{[]string{"client", "revoke", siteID}, []string{"--secret-id"}},
			{[]string{"client", "revoke", siteID, "--secret-id", "x"}, []string{"the client site has no private id \"x\""}},
			{[]string{"client", "create", "new", "--rate", "5"}, []string{"--burst is 0; it has to be from 1 to 1000000"}},
			{[]string{"client", "create", "new", "--burst", "5"}, []string{"--rate is 0; it has to be from 0.001"}},
			{[]string{"client", "set", siteID}, []string{"either --rate and --burst, or --default-limit"}},
			{[]string{"client", "set", siteID, "--rate", "5", "--burst", "5", "--default-limit"}, []string{"either --rate and --burst, or --default-limit"}},
			{[]string{"client", "set", siteID, "--rate", "NaN", "--burst", "5"}, []string{"--rate is NaN"}},
			{[]string{"client", "set", "nobody", "--rate", "5", "--burst", "5"}, []string{"no client", "nobody"}},
			{[]string{"client", "disable", "nobody"}, []string{"no client", "nobody"}},
			{[]string{"client", "enable", "nobody"}, []string{"no client", "nobody"}},
			{[]string{"corpus", "import", dir, "--collection", "new"}, []string{"manifest.csv"}},
			{[]string{"corpus", "import", dir + "/none", "--collection", "new"}, []string{"none"}},
			{[]string{"corpus", "import", dir, "--collection", "../x"}, []string{"letters, digits"}},
			{[]string{"corpus", "import", dir}, []string{"--collection"}},
			{[]string{"events", "--challenge", "x"}, []string{"--challenge", "UUID"}},
			{[]string{"events", "--since", "yesterday"}, []string{"--since", "2026-01-31T12:00:00Z", "90m"}},
			{[]string{"archive", "accept-gap", "0", "0"}, []string{"no event 0", "from 1"}},
			{[]string{"archive", "accept-gap", "9", "8"}, []string{"no gap from 9 to 8"}},
			{[]string{"archive", "accept-gap", "x", "1"}, []string{"x"}},
			{[]string{"nonsense"}, []string{"nonsense"}},
			{[]string{"client", "create", "new", "--nonsense"}, []string{"--nonsense"}},
		} {
			args := tt.args
			if tt.args[0] != "nonsense" {
				args = append(args[:len(args):len(args)], at...)
			}
			refuse(t, args, tt.want...)
		}
		if got := len(clientsOf(t, dir)); got != 3 {
			t.Errorf("after it there are %d clients; want 3", got)
		}
	}
	mistakes()
	p := start(t, dir, options{})
	mistakes()
	p.stop()
}

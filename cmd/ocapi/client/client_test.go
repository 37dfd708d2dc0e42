package client_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/client"
	"ocapi/cmd/ocapi/programtest"
	"ocapi/domain"
	"ocapi/place"
)

// TestClientCommandsAreInForceAtOnceBesideARunningService goes through a
// client's whole life without restarting anything.
func TestClientCommandsAreInForceAtOnceBesideARunningService(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	var now programtest.Clock
	p := programtest.Start(t, dir, programtest.Options{Now: now.Now})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	v.Client = "shop-1"
	v.Get("/challenge/shop-1").WantProblem(t, http.StatusNotFound)

	made := programtest.NewClient(t, dir, "shop-1", "--alias", "shop-old", "--collection", programtest.FixtureCollection)
	first := made.Secret
	v.Secret = first
	var c programtest.Challenge
	programtest.WithinASecond(t, "creation", func() bool { return v.Get("/challenge/shop-1").Status == http.StatusOK })
	c = v.Ask("transcription")
	if got := v.State(c.ID); got != "created" {
		t.Errorf("the state under the new secret is %s", got)
	}
	told := func(secret string) int {
		w := *v
		w.Secret = secret
		got, err := w.AskState(c.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got.Status
	}

	var rotated client.Issued
	if err := json.Unmarshal([]byte(programtest.Succeed(t, "client", "rotate", "shop-old", "--overlap", "2h", "--data", dir)), &rotated); err != nil {
		t.Fatal(err)
	}
	if rotated.Client != "shop-old" || rotated.Secret == first {
		t.Errorf("rotate by an alias printed %+v", rotated)
	}
	second := rotated.Secret
	programtest.WithinASecond(t, "rotation", func() bool { return told(second) == http.StatusOK })
	if got := told(first); got != http.StatusOK {
		t.Errorf("within the overlap the old secret is answered with %d", got)
	}
	wantListed(t, dir, "shop-1", 2, 2)
	now.Advance(3 * time.Hour)
	if got := told(first); got != http.StatusForbidden {
		t.Errorf("after the overlap the old secret is answered with %d", got)
	}
	if got := told(second); got != http.StatusOK {
		t.Errorf("after the overlap the new secret is answered with %d", got)
	}

	secretID := strings.Split(second, "_")[1]
	programtest.Succeed(t, "client", "revoke", "shop-1", "--secret-id", secretID, "--data", dir)
	programtest.WithinASecond(t, "revocation", func() bool { return told(second) == http.StatusForbidden })
	programtest.Refuse(t, []string{"client", "revoke", "shop-1", "--secret-id", secretID, "--data", dir}, "shop-1", secretID)

	// An overlap of nothing ends what there was at once.
	for range 2 {
		if err := json.Unmarshal([]byte(programtest.Succeed(t, "client", "rotate", "shop-1", "--overlap", "0s", "--data", dir)), &rotated); err != nil {
			t.Fatal(err)
		}
	}
	wantListed(t, dir, "shop-1", 1, 1)
	programtest.WithinASecond(t, "rotation without an overlap", func() bool { return told(rotated.Secret) == http.StatusOK })

	programtest.Succeed(t, "client", "disable", "shop-1", "--data", dir)
	programtest.WithinASecond(t, "disabling", func() bool { return v.Get("/challenge/shop-old").Status == http.StatusNotFound })
	for _, path := range []string{"/challenge/shop-1", c.Images[0].URL, "/state/shop-1/" + c.ID} {
		v.Get(path).WantProblem(t, http.StatusNotFound)
	}
	v.Do(http.MethodPost, c.Path(), v.WrongForAny(), nil).WantProblem(t, http.StatusNotFound)
	if got := told(rotated.Secret); got != http.StatusNotFound {
		t.Errorf("a disabled client's state is answered with %d", got)
	}
	programtest.Succeed(t, "client", "disable", "shop-1", "--data", dir) // again: nothing happens
	programtest.Succeed(t, "client", "enable", "shop-1", "--data", dir)
	programtest.WithinASecond(t, "enabling", func() bool { return told(rotated.Secret) == http.StatusOK })
	// It asked twice: no command came into force after its end only.
	programtest.ArchivedCreation(t, dir, c.ID)
	if list := programtest.Events(t, dir, "--client", "shop-1"); len(list) != 2 {
		t.Errorf("the client's events are %+v; it asked twice", list)
	}
}

// wantListed checks a client's secrets as both listings have them, which show
// none.
func wantListed(t *testing.T, dir, id string, secrets, live int) {
	t.Helper()
	table, lines := programtest.Succeed(t, "client", "list", "--data", dir), programtest.Succeed(t, "client", "list", "--json", "--data", dir)
	for _, text := range []string{table, lines} {
		if strings.Contains(text, "ocapi_") || !strings.Contains(text, id) {
			t.Errorf("a listing holds a secret, or not the client %s: %s", id, text)
		}
	}
	for line := range strings.Lines(lines) {
		var l client.Listed
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
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	made := programtest.NewClient(t, dir, "shop")
	if err := checkPrivateID(made.Secret); err != "" {
		t.Errorf("the private id %s", err)
	}
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	v.Client, v.Secret = "shop", made.Secret
	c := v.Ask("transcription")
	v.State(c.ID)
	v.Answer(c, programtest.WrongAnswer(c))
	programtest.Fence(v, dir)
	_, metrics := p.AdminGet("/metrics")
	p.Stop()
	random := strings.SplitN(made.Secret, "_", 3)[2] // which may hold a "_" itself
	keys, err := os.ReadFile(filepath.Join(dir, place.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(string(keys[bytes.LastIndexByte(keys, ':')+1:]))
	if len(key) != 64 {
		t.Fatalf("the file of keys ends in a key of %d digits", len(key))
	}
	programtest.InFolder(t, dir, func(path string, content []byte) {
		if strings.Contains(string(content), random) {
			t.Errorf("the private id is in %s", path)
		}
	})
	for where, text := range map[string]string{
		"the log": p.Log.String(), "the output": p.Out.String(), "the metrics": metrics,
		"the events":   programtest.Succeed(t, "events", "--data", dir),
		"the listing":  programtest.Succeed(t, "client", "list", "--data", dir),
		"the client":   programtest.Succeed(t, "client", "show", "shop", "--data", dir) + programtest.Succeed(t, "client", "show", "shop", "--json", "--data", dir),
		"its JSON":     programtest.Succeed(t, "client", "list", "--json", "--data", dir),
		"a new secret": programtest.Succeed(t, "client", "rotate", "shop", "--data", dir),
		"an error":     programtest.Command(t, "client", "create", "shop", "--data", dir).Err,
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
	dir, _ := programtest.NewData(t)
	mistakes := func() {
		t.Helper()
		at := []string{"--data", dir}
		for _, tt := range []struct {
			args []string
			want []string
		}{
			{[]string{"client", "create", programtest.SiteID}, []string{"ocapi: there is a client site already\n"}},
			{[]string{"client", "create", programtest.SiteAlias}, []string{"old-site", "alias", "site"}},
			{[]string{"client", "create", "new", "--alias", programtest.SiteID}, []string{"site already"}},
			{[]string{"client", "create", "new", "--alias", "new"}, []string{"twice"}},
			{[]string{"client", "create", "no spaces"}, []string{"character 3", "letters, digits"}},
			{[]string{"client", "create", strings.Repeat("a", domain.MaxClientIDBytes+1)}, []string{"64"}},
			{[]string{"client", "create", ""}, []string{"at least one character"}},
			{[]string{"client", "rotate", "nobody"}, []string{"no client", "nobody"}},
			{[]string{"client", "rotate", programtest.SiteID, "--overlap=-1h"}, []string{"overlap", "negative"}},
			{[]string{"client", "rotate", programtest.SiteID, "--overlap", "soon"}, []string{"--overlap", "soon"}},
			{[]string{"client", "revoke", programtest.SiteID}, []string{"--secret-id"}},
			{[]string{"client", "revoke", programtest.SiteID, "--secret-id", "x"}, []string{"the client site has no private id \"x\""}},
			{[]string{"client", "create", "new", "--rate", "5"}, []string{"--burst is 0; it has to be from 1 to 1000000"}},
			{[]string{"client", "create", "new", "--burst", "5"}, []string{"--rate is 0; it has to be from 0.001"}},
			{[]string{"client", "set", programtest.SiteID}, []string{"either --rate and --burst, or --default-limit"}},
			{[]string{"client", "set", programtest.SiteID, "--rate", "5", "--burst", "5", "--default-limit"}, []string{"either --rate and --burst, or --default-limit"}},
			{[]string{"client", "set", programtest.SiteID, "--rate", "NaN", "--burst", "5"}, []string{"--rate is NaN"}},
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
			programtest.Refuse(t, args, tt.want...)
		}
		if got := len(programtest.ClientsOf(t, dir)); got != 3 {
			t.Errorf("after it there are %d clients; want 3", got)
		}
	}
	mistakes()
	p := programtest.Start(t, dir, programtest.Options{})
	mistakes()
	p.Stop()
}

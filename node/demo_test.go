package node_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/corpus"
	"ocapi/node"
	"ocapi/place"
	"ocapi/place/placetest"
)

// demoThere is what GET /demo says.
func demoThere(t *testing.T, p *programtest.Program) bool {
	t.Helper()
	status, body := programtest.Fetch(t, p.Base+"/demo")
	switch status {
	case http.StatusOK:
		return strings.Contains(body, `id="ocapi-challenge"`)
	case http.StatusNotFound:
	default:
		t.Errorf("GET /demo: %d %s", status, body)
	}
	return false
}

// TestFirstStartOnAnEmptyFolderOffersTheDemonstration starts as "make run" does
// on a fresh machine, interrupts the drawing, and goes on. The start before the
// first fails, which must not spoil it.
func TestFirstStartOnAnEmptyFolderOffersTheDemonstration(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	programtest.Refuse(t, []string{"serve", "--listen", occupy(t, 0), "--data", dir}, "--listen")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the failed start has made the folder (%v)", err)
	}
	p := programtest.Start(t, dir, programtest.Options{Unready: freePort(t)})
	placetest.Eventually(t, "the demonstration", func() bool { return demoThere(t, p) })
	placetest.Eventually(t, "it to be said", func() bool {
		return strings.Contains(p.Out.String(), "This store has no collections") && strings.Contains(p.Out.String(), "Drawing its first pictures")
	})
	if list := programtest.ClientsOf(t, dir); len(list) != 1 || list[0].Client != node.DemoClient {
		t.Errorf("the clients are %+v", list)
	}
	// Interrupted while it draws, it ends; what was drawn is whole.
	began := time.Now()
	if code := p.Stop(); code != 0 || time.Since(began) > node.DrainPatience {
		t.Errorf("while it draws it ends with %d after %v", code, time.Since(began))
	}
	drawn := programtest.ReadRecord(t, dir).Len()

	p = programtest.Start(t, dir, programtest.Options{Unready: freePort(t)})
	placetest.Eventually(t, "the demonstration", func() bool { return demoThere(t, p) })
	if programtest.RaceEnabled {
		t.Logf("%d pictures were drawn; with the race detector the rest takes minutes and is left out", drawn)
		return
	}
	p.AwaitAnnouncement()
	for _, want := range []string{"is ready after", "  Demo page ", "/demo\n", "  Health ", "/readyz\n"} {
		if !strings.Contains(p.Out.String(), want) {
			t.Errorf("it does not say %q: %s", want, p.Out)
		}
	}
	if p.PublicReady() != http.StatusOK || strings.Contains(p.Out.String(), "This store has no collections") {
		t.Errorf("the second start is not ready, or begins anew: %s", p.Out)
	}
	v := programtest.NewVisitor(t, p, programtest.NewFixture(t), node.DemoClient)
	v.Secret = newSecret(t, dir, node.DemoClient)
	for _, kind := range []string{"transcription", "classification"} {
		c := v.Ask(kind)
		v.Reader = programtest.ReadRecord(t, dir) // after asking: more is drawn meanwhile
		if j := v.Answer(c, v.Right(c)); j.State != "validated" {
			t.Errorf("the right answer was judged %+v", j)
		}
	}
	p.Stop()
	if now := programtest.ReadRecord(t, dir).Len(); now <= drawn {
		t.Errorf("there are %d pictures after the second start, %d before it", now, drawn)
	}
	if p = programtest.Start(t, dir, programtest.Options{}); strings.Contains(p.Out.String(), "Drawing its first pictures") {
		t.Errorf("what is there is said to be drawn: %s", p.Out)
	}
}

func newSecret(t *testing.T, dir, id string) string {
	t.Helper()
	_, secret, ok := strings.Cut(programtest.Succeed(t, "client", "rotate", id, "--data", dir), `"secret":"`)
	if !ok {
		t.Fatal("rotate printed no private id")
	}
	return secret[:strings.Index(secret, `"`)]
}

func TestDemonstrationIsOfferedOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		flags   []string
		want    bool
	}{
		{"store with clients and collections", nil, nil, false},
		{"the same where it is asked for", nil, []string{"--demo"}, true},
		{"partner's client of that name", func(t *testing.T, dir string) { programtest.NewClient(t, dir, node.DemoClient) }, nil, false},
		{"one of before", func(t *testing.T, dir string) {
			programtest.NewClient(t, dir, node.DemoClient)
			programtest.DrawnByProgram(t, dir)
		}, nil, true},
		{"one of before, now open to the network", func(t *testing.T, dir string) {
			programtest.NewClient(t, dir, node.DemoClient)
			programtest.DrawnByProgram(t, dir)
		}, []string{"--listen", "0.0.0.0:0"}, false},
		{"one of before, disabled", func(t *testing.T, dir string) {
			programtest.NewClient(t, dir, node.DemoClient)
			programtest.DrawnByProgram(t, dir)
			programtest.Succeed(t, "client", "disable", node.DemoClient, "--data", dir)
		}, []string{"--demo"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, _ := programtest.NewData(t)
			if tt.prepare != nil {
				tt.prepare(t, dir)
			}
			p := programtest.Start(t, dir, programtest.Options{Flags: tt.flags})
			if got := demoThere(t, p); got != tt.want {
				t.Errorf("a demonstration is offered: %t; want %t", got, tt.want)
			}
			if got := strings.Contains(p.Out.String(), "Demo page"); got != tt.want {
				t.Errorf("a demonstration is announced: %t; want %t", got, tt.want)
			}
		})
	}
}

// TestDemonstrationFollowsItsPrivateID starts without a live one, and changes
// it beside the running service.
func TestDemonstrationFollowsItsPrivateID(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	programtest.DrawnByProgram(t, dir)
	secret := programtest.NewClient(t, dir, node.DemoClient).Secret
	revoke := func() {
		t.Helper()
		programtest.Succeed(t, "client", "revoke", node.DemoClient, "--secret-id", strings.Split(secret, "_")[1], "--data", dir)
	}
	revoke()
	p := programtest.Start(t, dir, programtest.Options{Faults: true})
	if !demoThere(t, p) {
		t.Fatal("there is no demonstration")
	}
	v := programtest.NewVisitor(t, p, f, node.DemoClient)
	solved := func() string {
		t.Helper()
		c := v.Ask("transcription")
		if j := v.Answer(c, v.Right(c)); j.State != "validated" {
			t.Fatalf("the right answer was judged %+v", j)
		}
		return c.ID
	}
	refused := solved()
	if got := v.SignIn(refused); got.Status != http.StatusServiceUnavailable || !strings.Contains(string(got.Body), "could not be checked") {
		t.Errorf("without a private id signing in is answered with %d %s", got.Status, got.Body)
	}
	if !strings.Contains(p.Log.String(), "ocapi client rotate demo") {
		t.Errorf("the log does not say what to do: %s", p.Log)
	}
	secret = newSecret(t, dir, node.DemoClient)
	if got := v.SignIn(refused); got.Status != http.StatusOK {
		t.Errorf("with a new private id signing in is answered with %d %s", got.Status, got.Body)
	}
	next := newSecret(t, dir, node.DemoClient)
	revoke() // of the one before
	if got := v.SignIn(solved()); got.Status != http.StatusOK {
		t.Errorf("after the one before was revoked signing in is answered with %d %s", got.Status, got.Body)
	}
	secret = next
	revoke()
	if got := v.SignIn(solved()); got.Status != http.StatusServiceUnavailable {
		t.Errorf("after the last one was revoked signing in is answered with %d %s", got.Status, got.Body)
	}
}

// TestOwnCollectionIsServedWhileTheDemonstrationIsDrawn has a collection of one
// type beside a demonstration of which nothing is drawn: nobody waits for it,
// and its page offers what there is.
func TestOwnCollectionIsServedWhileTheDemonstrationIsDrawn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	programtest.NewClient(t, dir, node.DemoClient)
	programtest.InStores(t, dir, func(s *place.Stores) error {
		return s.Corpus.PutCollection(t.Context(), corpus.Collection{ID: corpus.DemoCollection, Demo: true})
	})
	programtest.Imports(t, dir, programtest.Importable(t, 12), "letters")
	p := programtest.Start(t, dir, programtest.Options{})
	if said := p.Out.String(); !strings.Contains(said, "is ready after") || strings.Contains(said, "Drawing its first pictures") {
		t.Errorf("it says %s", said)
	}
	_, page := programtest.Fetch(t, p.Base+"/demo?type=transcription")
	if !strings.Contains(page, `data-ocapi-type="classification"`) || strings.Contains(page, "instead") {
		t.Errorf("the page offers what there is not: %s", page)
	}
}

// TestDemonstrationLeadsToTheGuide follows the page's link.
func TestDemonstrationLeadsToTheGuide(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--demo"}})
	_, page := programtest.Fetch(t, p.Base+"/demo")
	_, docs := programtest.Fetch(t, p.Base+"/docs")
	link := regexp.MustCompile(`href="/docs#([^"]+)"`).FindStringSubmatch(page)
	if link == nil || !strings.Contains(docs, `id="`+link[1]+`"`) {
		t.Errorf("the page's link leads nowhere: %q", link)
	}
}

// TestClientsMadeBeforeTheFirstStartAreServedTheDemonstration is a newcomer who
// registers a website first and starts the service then.
func TestClientsMadeBeforeTheFirstStartAreServedTheDemonstration(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	programtest.NewClient(t, dir, programtest.SiteID)
	p := programtest.Start(t, dir, programtest.Options{Unready: freePort(t)})
	placetest.Eventually(t, "the demonstration", func() bool { return demoThere(t, p) })
}

// TestEmptyStoreOpenToTheNetworkStaysEmpty: nothing is made up for strangers.
func TestEmptyStoreOpenToTheNetworkStaysEmpty(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	p := programtest.Start(t, dir, programtest.Options{Flags: []string{"--listen", "0.0.0.0:0"}})
	if demoThere(t, p) || p.PublicReady() != http.StatusServiceUnavailable || len(programtest.ClientsOf(t, dir)) != 0 {
		t.Errorf("it says %s", p.Out)
	}
}

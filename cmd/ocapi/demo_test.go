package main

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

	"ocapi/corpus"
)

// demoThere is what GET /demo says.
func demoThere(t *testing.T, p *program) bool {
	t.Helper()
	status, body := fetch(t, p.base+"/demo")
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
	refuse(t, []string{"serve", "--listen", occupy(t, 0), "--data", dir}, "--listen")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the failed start has made the folder (%v)", err)
	}
	p := start(t, dir, options{unready: freePort(t)})
	eventually(t, "the demonstration", func() bool { return demoThere(t, p) })
	eventually(t, "it to be said", func() bool {
		return strings.Contains(p.out.String(), "This store has no collections") && strings.Contains(p.out.String(), "Drawing its first pictures")
	})
	if list := clientsOf(t, dir); len(list) != 1 || list[0].Client != demoClient {
		t.Errorf("the clients are %+v", list)
	}
	// Interrupted while it draws, it ends; what was drawn is whole.
	began := time.Now()
	if code := p.stop(); code != 0 || time.Since(began) > drainPatience {
		t.Errorf("while it draws it ends with %d after %v", code, time.Since(began))
	}
	drawn := readRecord(t, dir).Len()

	p = start(t, dir, options{unready: freePort(t)})
	eventually(t, "the demonstration", func() bool { return demoThere(t, p) })
	if raceEnabled {
		t.Logf("%d pictures were drawn; with the race detector the rest takes minutes and is left out", drawn)
		return
	}
	p.awaitAnnouncement()
	for _, want := range []string{"is ready after", "  Demo page ", "/demo\n", "  Health ", "/readyz\n"} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("it does not say %q: %s", want, p.out)
		}
	}
	if p.publicReady() != http.StatusOK || strings.Contains(p.out.String(), "This store has no collections") {
		t.Errorf("the second start is not ready, or begins anew: %s", p.out)
	}
	v := newVisitor(t, p, newFixture(t), demoClient)
	v.secret = newSecret(t, dir, demoClient)
	for _, kind := range []string{"transcription", "classification"} {
		c := v.ask(kind)
		v.reader = readRecord(t, dir) // after asking: more is drawn meanwhile
		if j := v.answer(c, v.right(c)); j.State != "validated" {
			t.Errorf("the right answer was judged %+v", j)
		}
	}
	p.stop()
	if now := readRecord(t, dir).Len(); now <= drawn {
		t.Errorf("there are %d pictures after the second start, %d before it", now, drawn)
	}
	if p = start(t, dir, options{}); strings.Contains(p.out.String(), "Drawing its first pictures") {
		t.Errorf("what is there is said to be drawn: %s", p.out)
	}
}

func newSecret(t *testing.T, dir, id string) string {
	t.Helper()
	_, secret, ok := strings.Cut(succeed(t, "client", "rotate", id, "--data", dir), `"secret":"`)
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
		{"partner's client of that name", func(t *testing.T, dir string) { newClient(t, dir, demoClient) }, nil, false},
		{"one of before", func(t *testing.T, dir string) {
			newClient(t, dir, demoClient)
			drawnByProgram(t, dir)
		}, nil, true},
		{"one of before, now open to the network", func(t *testing.T, dir string) {
			newClient(t, dir, demoClient)
			drawnByProgram(t, dir)
		}, []string{"--listen", "0.0.0.0:0"}, false},
		{"one of before, disabled", func(t *testing.T, dir string) {
			newClient(t, dir, demoClient)
			drawnByProgram(t, dir)
			succeed(t, "client", "disable", demoClient, "--data", dir)
		}, []string{"--demo"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, _ := newData(t)
			if tt.prepare != nil {
				tt.prepare(t, dir)
			}
			p := start(t, dir, options{flags: tt.flags})
			if got := demoThere(t, p); got != tt.want {
				t.Errorf("a demonstration is offered: %t; want %t", got, tt.want)
			}
			if got := strings.Contains(p.out.String(), "Demo page"); got != tt.want {
				t.Errorf("a demonstration is announced: %t; want %t", got, tt.want)
			}
		})
	}
}

// TestDemonstrationFollowsItsPrivateID starts without a live one, and changes
// it beside the running service.
func TestDemonstrationFollowsItsPrivateID(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	drawnByProgram(t, dir)
	secret := newClient(t, dir, demoClient).Secret
	revoke := func() {
		t.Helper()
		succeed(t, "client", "revoke", demoClient, "--secret-id", strings.Split(secret, "_")[1], "--data", dir)
	}
	revoke()
	p := start(t, dir, options{faults: true})
	if !demoThere(t, p) {
		t.Fatal("there is no demonstration")
	}
	v := newVisitor(t, p, f, demoClient)
	solved := func() string {
		t.Helper()
		c := v.ask("transcription")
		if j := v.answer(c, v.right(c)); j.State != "validated" {
			t.Fatalf("the right answer was judged %+v", j)
		}
		return c.ID
	}
	refused := solved()
	if got := v.signIn(refused); got.status != http.StatusServiceUnavailable || !strings.Contains(string(got.body), "could not be checked") {
		t.Errorf("without a private id signing in is answered with %d %s", got.status, got.body)
	}
	if !strings.Contains(p.log.String(), "ocapi client rotate demo") {
		t.Errorf("the log does not say what to do: %s", p.log)
	}
	secret = newSecret(t, dir, demoClient)
	if got := v.signIn(refused); got.status != http.StatusOK {
		t.Errorf("with a new private id signing in is answered with %d %s", got.status, got.body)
	}
	next := newSecret(t, dir, demoClient)
	revoke() // of the one before
	if got := v.signIn(solved()); got.status != http.StatusOK {
		t.Errorf("after the one before was revoked signing in is answered with %d %s", got.status, got.body)
	}
	secret = next
	revoke()
	if got := v.signIn(solved()); got.status != http.StatusServiceUnavailable {
		t.Errorf("after the last one was revoked signing in is answered with %d %s", got.status, got.body)
	}
}

// TestOwnCollectionIsServedWhileTheDemonstrationIsDrawn has a collection of one
// type beside a demonstration of which nothing is drawn: nobody waits for it,
// and its page offers what there is.
func TestOwnCollectionIsServedWhileTheDemonstrationIsDrawn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	newClient(t, dir, demoClient)
	inStores(t, dir, func(s *stores) error {
		return s.corpus.PutCollection(t.Context(), corpus.Collection{ID: corpus.DemoCollection, Demo: true})
	})
	imports(t, dir, importable(t, 12), "letters")
	p := start(t, dir, options{})
	if said := p.out.String(); !strings.Contains(said, "is ready after") || strings.Contains(said, "Drawing its first pictures") {
		t.Errorf("it says %s", said)
	}
	_, page := fetch(t, p.base+"/demo?type=transcription")
	if !strings.Contains(page, `data-ocapi-type="classification"`) || strings.Contains(page, "instead") {
		t.Errorf("the page offers what there is not: %s", page)
	}
}

// TestDemonstrationLeadsToTheGuide follows the page's link.
func TestDemonstrationLeadsToTheGuide(t *testing.T) {
	t.Parallel()
	dir, _ := newData(t)
	p := start(t, dir, options{flags: []string{"--demo"}})
	_, page := fetch(t, p.base+"/demo")
	_, docs := fetch(t, p.base+"/docs")
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
	newClient(t, dir, siteID)
	p := start(t, dir, options{unready: freePort(t)})
	eventually(t, "the demonstration", func() bool { return demoThere(t, p) })
}

// TestEmptyStoreOpenToTheNetworkStaysEmpty: nothing is made up for strangers.
func TestEmptyStoreOpenToTheNetworkStaysEmpty(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir, options{flags: []string{"--listen", "0.0.0.0:0"}})
	if demoThere(t, p) || p.publicReady() != http.StatusServiceUnavailable || len(clientsOf(t, dir)) != 0 {
		t.Errorf("it says %s", p.out)
	}
}

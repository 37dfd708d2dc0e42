package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	if list := clientsOf(t, dir); len(list) != 0 {
		t.Errorf("the failed start has made the clients %+v", list)
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
	drawn := len(readRecord(t, dir))

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
	if now := len(readRecord(t, dir)); now <= drawn {
		t.Errorf("there are %d pictures after the second start, %d before it", now, drawn)
	}
}

func newSecret(t *testing.T, dir, id string) string {
	t.Helper()
	_, secret, ok := strings.Cut(succeed(t, "client", "rotate", id, "--data", dir), `"secret":"`)
	if !ok {
		t.Fatal("rotate printed no secret")
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

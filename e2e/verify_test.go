package e2e

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/samplestest"
)

// TestVerifyReadme runs every command of the README of the verification clients, in every language.
func TestVerifyReadme(t *testing.T) {
	s := shared.running(t)
	readme := readGuide(t, verifyReadme)
	eachVerifier(t, func(t *testing.T, v verifier) {
		exports := replace(t, readme.block(t, "sh", 0), "http://127.0.0.1:8080", s.base)
		exports = replace(t, exports, "verify-demo", "verify-demo-"+v.name)
		exports = replace(t, exports, "$PWD/data/verify", filepath.Join(t.TempDir(), "verify"))
		exports = replace(t, exports, "./bin/ocapi", `"`+s.binary+`"`)
		site := v.run(t, "export OCAPI_DATA='"+s.data+"'\n"+exports)
		if site.base == "" {
			t.Fatalf("the form does not listen:\n%s", site.log)
		}
		curl := replace(t, readme.block(t, "sh", 5), "http://127.0.0.1:8000", site.base)
		const says = "The challenge was not solved. If there was none, please try again in a moment."
		if !strings.Contains(readme.text, "it says: `"+says+"`") {
			t.Error("the README does not say what the form says")
		}
		until(t, pagePatience, "the new client is known", func() bool {
			out, err := exec.CommandContext(t.Context(), "sh", "-euc", curl).Output()
			if err != nil {
				t.Fatalf("%s: %v", curl, err)
			}
			return strings.TrimSpace(string(out)) == says
		})
	})
}

// TestVerifyOutcomes sends forms with challenges in every state to the form of each language, over the real server.
func TestVerifyOutcomes(t *testing.T) {
	s := shared.running(t)
	other := newAccount(t, s, "verify-stranger")
	eachVerifier(t, func(t *testing.T, v verifier) {
		a := newAccount(t, s, "verify-"+v.name)
		r := newRoute(t, s)
		site := v.start(t, a, verifySettings{"OCAPI_BASE_URL": r.URL + "/"})
		id := solved(t, s, a.id)
		site.gets(t, id, formThanks)
		if path, claims := r.last(t, a.secret); path != "/state/"+a.id+"/"+id || claims["client_id"] != a.id {
			t.Errorf("the site asked for %s and signed %v", path, claims)
		}
		for _, again := range []string{id, strings.ToUpper(id), " " + id + "\n"} {
			site.gets(t, again, formUsed)
		}
		site.gets(t, " "+strings.ToUpper(solved(t, s, a.id))+" ", formThanks)
		site.gets(t, solved(t, s, a.alias), formThanks)
		for name, id := range map[string]string{
			"rejected": answered(t, s, a.id, false), "created": created(t, s, a.id),
			"unknown": someID(), "another client's": solved(t, s, other.id),
		} {
			site.gets(t, id, formNotSolved)
			if path, _ := r.last(t, a.secret); !strings.HasSuffix(path, id) {
				t.Errorf("a challenge that is %s was not asked for", name)
			}
		}

		before := r.count()
		strange := solved(t, s, other.id)
		for _, id := range []string{"", " ", "x", "../" + other.id + "/" + strange, strange + "/", strange + "?x", strange[1:], "{" + strange + "}", strings.Repeat("a", 5000)} {
			site.gets(t, id, formNotSolved)
		}
		if status, body := site.post(t, url.Values{"ocapi-challenge-id[]": {id}}); status != 403 {
			t.Errorf("a form with a list gets %d %s", status, body)
		}
		if asked := r.count() - before; asked != 0 {
			t.Errorf("Ocapi was asked %d times for what is no id", asked)
		}
		if log := site.log.String(); strings.Contains(log, a.secret) || strings.Contains(log, "ocapi: ") {
			t.Errorf("the log says:\n%s", log)
		}
	})
}

// TestVerifyMistakes makes the mistakes of a partner at three in the morning. The log says which, never with a
// secret, and nobody gets in, not even where an Ocapi that is down would let everybody in.
func TestVerifyMistakes(t *testing.T) {
	s := shared.running(t)
	eachVerifier(t, func(t *testing.T, v verifier) {
		a := newAccount(t, s, "verify-wrong-"+v.name)
		id := solved(t, s, a.id)
		elsewhere := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(elsewhere.Close)
		for name, tt := range map[string]struct {
			settings verifySettings
			logs     []string
		}{
			"private id": {verifySettings{"OCAPI_PRIVATE_ID": a.secret[:len(a.secret)-1] + "?"}, []string{"misconfigured", "403", "not signed", "OCAPI_PRIVATE_ID", a.id}},
			"client":     {verifySettings{"OCAPI_CLIENT_ID": "nobody"}, []string{"misconfigured", "does not know client", "nobody", "404", "OCAPI_CLIENT_ID"}},
			"path":       {verifySettings{"OCAPI_BASE_URL": s.base + "/v3"}, []string{"misconfigured", "404", "/v3", "OCAPI_BASE_URL"}},
			"server":     {verifySettings{"OCAPI_BASE_URL": elsewhere.URL}, []string{"misconfigured", "404", "is not Ocapi", elsewhere.URL, "OCAPI_BASE_URL"}},
		} {
			t.Run(name, func(t *testing.T) {
				settings := verifySettings{"OCAPI_BASE_URL": s.base, "OCAPI_WHEN_DOWN": "allow"}
				for name, value := range tt.settings {
					settings[name] = value
				}
				site := v.start(t, a, settings)
				site.gets(t, id, formUnchecked)
				site.gets(t, "", formUnchecked)
				site.logs(t, tt.logs...)
				if log := site.log.String(); strings.Contains(log, a.secret[:len(a.secret)-1]) || strings.Contains(log, "eyJ") {
					t.Errorf("the private id or a token is in the log:\n%s", log)
				}
			})
		}
	})
}

// TestVerifyTroubles breaks the way to Ocapi in all ways. Nobody gets in, but for those who get in when Ocapi is
// down by the website's choice, and nobody waits for longer than two seconds.
func TestVerifyTroubles(t *testing.T) {
	s := shared.running(t)
	eachVerifier(t, func(t *testing.T, v verifier) {
		a := newAccount(t, s, "verify-troubles-"+v.name)
		r := newRoute(t, s)
		strict := v.start(t, a, verifySettings{"OCAPI_BASE_URL": r.URL})
		lenient := v.start(t, a, verifySettings{"OCAPI_BASE_URL": r.URL, "OCAPI_WHEN_DOWN": "allow"})
		open := created(t, s, a.id)

		for _, tt := range []struct {
			name string
			h    http.HandlerFunc
			down bool
			asks int    // with the second try
			logs string // that the log has
		}{
			{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, true, 1, "within 2"},
			{"hangs in the answer", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "21")
				says(200, `{"state":`)(w, r)
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}, true, 1, "within 2"},
			{"drips", drips(t), true, 1, "within 2"},
			{"cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true, 2, "cannot be asked"},
			{"cut in the answer", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "21")
				says(200, `{"state":"valid`)(w, r)
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}, true, 2, "cannot be asked"},
			{"unavailable", says(503, `{"type":"/problems/unavailable","detail":"the log has no quorum"}`), true, 1, "no quorum"},
			{"failed", says(500, `{"type":"/problems/internal"}`), true, 1, "answers 500"},
			{"limited", says(429, ``), true, 1, "answers 429"},
			{"moved", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, trap(t)+"/elsewhere"+r.URL.Path, http.StatusMovedPermanently)
			}, false, 1, "/elsewhere/"},
			{"a page", says(200, "<!DOCTYPE html>\n<title>Sign in to the network</title>"), false, 1, "Sign in to the network"},
			{"a page for 404", says(404, "<title>Not found</title>"), false, 1, "is not Ocapi"},
			{"a problem of others", says(404, `{"type":"about:blank","detail":"no such challenge"}`), false, 1, "is not Ocapi"},
			{"a proxy's 403", says(403, "<title>Forbidden</title>"), false, 1, "is not Ocapi"},
			{"no content", says(204, ""), false, 1, "status 204"},
			{"empty", says(200, ""), false, 1, "status 200"},
			{"created by status", says(201, `{"state":"validated"}`), false, 1, "status 201"},
			{"a list", says(200, `{"state":["validated"]}`), false, 1, "is not Ocapi"},
			{"a string", says(200, `"validated"`), false, 1, "is not Ocapi"},
			{"null", says(200, `null`), false, 1, "is not Ocapi"},
			{"another state", says(200, `{"state":"Validated"}`), false, 1, "is not Ocapi"},
			{"inherited state", says(200, `{"state":"constructor"}`), false, 1, "is not Ocapi"},
			{"bytes", says(200, "\xff\xfe\x00\x01"), false, 1, "is not Ocapi"},
			{"lines for the log", says(200, "x\nocapi: forged\r\x1b[2Jx"), false, 1, "x ocapi: forged"},
			{"huge", says(200, `{"state":"validated","x":"`+strings.Repeat("x", 1<<20)+`"}`), false, 1, "more than 4096"},
			{"endless", func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					if _, err := w.Write(make([]byte, 1<<16)); err != nil {
						return
					}
				}
			}, false, 1, "more than 4096"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				r.breaks(tt.h)
				want := formUnchecked
				if tt.down {
					want = formThanks
				}
				// A busy machine may add something, but not as much again, and not each
				// time. (After five failures Ocapi would not be asked any more.)
				var lost string
				took := time.Hour
				for tries := 0; tries < 3 && took > 3500*time.Millisecond; tries++ {
					lost = someID()
					var wg sync.WaitGroup
					began := time.Now()
					wg.Go(func() { lenient.gets(t, someID(), want) })
					strict.gets(t, lost, formUnchecked)
					wg.Wait()
					took = time.Since(began)
				}
				if took > 3500*time.Millisecond {
					t.Errorf("the visitor waited for %v", took)
				}
				asked := r.countOf(lost)
				if asked == tt.asks+1 && v.name == "go" && tt.asks == 2 {
					asked-- // Go's own try where a connection that it had kept is gone
				}
				if asked != tt.asks {
					t.Errorf("Ocapi was asked %d times, want %d", asked, tt.asks)
				}
				strict.logs(t, tt.logs)
				strict.gets(t, "", formNotSolved)
				if !strings.HasPrefix(tt.logs, "within") { // the others take no time
					lenient.gets(t, "", want)
				}
				r.breaks(nil)
				strict.gets(t, open, formNotSolved)
				lenient.gets(t, open, formNotSolved)
				lenient.gets(t, "", formNotSolved)
			})
		}

		t.Run("a connection is lost once", func(t *testing.T) {
			id := solved(t, s, a.id)
			before := r.count()
			r.breaks(func(http.ResponseWriter, *http.Request) {
				r.breaks(nil)
				panic(http.ErrAbortHandler)
			})
			strict.gets(t, id, formThanks)
			if asked := r.count() - before; asked != 2 {
				t.Errorf("Ocapi was asked %d times, want twice", asked)
			}
		})
		t.Run("nobody listens", func(t *testing.T) {
			v.start(t, a, verifySettings{"OCAPI_BASE_URL": nowhere(t)}).gets(t, open, formUnchecked)
			site := v.start(t, a, verifySettings{"OCAPI_BASE_URL": nowhere(t), "OCAPI_WHEN_DOWN": "allow"})
			for range 7 { // the last ones without being asked for
				site.gets(t, open, formThanks)
				site.gets(t, "", formThanks)
			}
			site.logs(t, "unavailable", "cannot be asked", "has not answered 5 times in a row")
		})
		for _, line := range strings.Split(strict.log.String(), "\n") {
			if strings.HasPrefix(line, "ocapi: forged") {
				t.Errorf("what answered has written a line of the log: %q", line)
			}
		}
		if log := strict.log.String() + lenient.log.String(); strings.Contains(log, a.secret) || strings.Contains(log, "eyJ") {
			t.Error("the private id or a token is in the log")
		}
	})
}

// drips answers a byte at a time, and never to an end.
func drips(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if _, err := fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nX: "); err != nil {
			return
		}
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			_, _ = conn.Read(make([]byte, 1))
		}()
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-gone:
				return
			case <-tick.C:
				if _, err := fmt.Fprint(conn, "x"); err != nil {
					return
				}
			}
		}
	}
}

// TestVerifyBreaker has Ocapi fail until it is not asked any more. Of two forms one finds it mended at its next try,
// the other still failing.
func TestVerifyBreaker(t *testing.T) {
	s := shared.running(t)
	eachVerifier(t, func(t *testing.T, v verifier) {
		const failures, pause = 5, 10 * time.Second
		a := newAccount(t, s, "verify-breaker-"+v.name)
		mended, failing := newRoute(t, s), newRoute(t, s)
		first := v.start(t, a, verifySettings{"OCAPI_BASE_URL": mended.URL})
		second := v.start(t, a, verifySettings{"OCAPI_BASE_URL": failing.URL, "OCAPI_WHEN_DOWN": "allow"})
		id, spare := solved(t, s, a.id), solved(t, s, a.id)
		down := says(503, `{"type":"/problems/unavailable"}`)

		// Four failures and an answer are no five failures.
		mended.breaks(down)
		for range failures - 1 {
			first.gets(t, id, formUnchecked)
		}
		mended.breaks(nil)
		first.gets(t, spare, formThanks)

		mended.breaks(down)
		failing.breaks(down)
		askedFirst := mended.count() + failures
		before := time.Now()
		for range failures {
			first.gets(t, id, formUnchecked)
			second.gets(t, id, formThanks)
		}
		opened := time.Now()
		for range 3 {
			first.gets(t, id, formUnchecked)
			second.gets(t, id, formThanks)
			second.gets(t, "", formThanks)
		}
		if v.name == "php" {
			// Another process of the same site knows.
			v.start(t, a, verifySettings{"OCAPI_BASE_URL": mended.URL, "OCAPI_STATE_DIR": first.state}).gets(t, id, formUnchecked)
		}
		if got := mended.count(); got != askedFirst {
			t.Errorf("Ocapi was asked %d times, want %d", got, askedFirst)
		}
		if got := failing.count(); got != failures {
			t.Errorf("Ocapi was asked %d times, want %d", got, failures)
		}
		first.logs(t, "has not answered 5 times in a row and is asked again within 10")

		mended.breaks(nil)
		// Whoever tries waits for two seconds now, and nobody else with them. PHP's own server takes one form at a
		// time, so that there two of them have to share what they know.
		failing.breaks(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		crowd := []*verifySite{second, second, second}
		if v.name == "php" {
			crowd[1] = v.start(t, a, verifySettings{"OCAPI_BASE_URL": failing.URL, "OCAPI_WHEN_DOWN": "allow", "OCAPI_STATE_DIR": second.state})
		}
		until(t, pause+commandPatience, "Ocapi is tried again by both", func() bool {
			if mended.count() == askedFirst {
				first.post(t, url.Values{"ocapi-challenge-id": {someID()}})
			}
			if failing.count() == failures {
				var wg sync.WaitGroup
				for _, site := range crowd {
					wg.Go(func() { site.gets(t, id, formThanks) })
				}
				wg.Wait()
			}
			return mended.count() > askedFirst && failing.count() > failures
		})
		if least, most := time.Since(opened), time.Since(before); most < pause-time.Second || least > 2*pause-time.Second {
			t.Errorf("Ocapi was tried after %v to %v", least, most)
		}
		// One answer, and all is well.
		first.gets(t, id, formThanks)
		first.gets(t, id, formUsed)
		// One more failure, and nobody waits again.
		for range 5 {
			second.gets(t, id, formThanks)
		}
		if got := failing.count(); got != failures+1 {
			t.Errorf("after one more failure Ocapi was asked %d times more, want once", got-failures)
		}
	})
}

// TestVerifyCertificates has the clients speak to an Ocapi behind TLS, with a certificate that they trust and
// with one that they do not.
func TestVerifyCertificates(t *testing.T) {
	s := shared.running(t)
	eachVerifier(t, func(t *testing.T, v verifier) {
		a := newAccount(t, s, "verify-tls-"+v.name)
		r := newRoute(t, s)
		secure := httptest.NewTLSServer(r.Config.Handler)
		t.Cleanup(secure.Close)
		folder := t.TempDir()
		write(t, folder, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})))
		ca := filepath.Join(folder, "ca.pem")
		write(t, folder, "ca.ini", "curl.cainfo="+ca+"\n")
		id := solved(t, s, a.id)

		stranger := v.start(t, a, verifySettings{"OCAPI_BASE_URL": secure.URL})
		stranger.gets(t, id, formUnchecked)
		stranger.logs(t, "certificate")
		if r.count() != 0 {
			t.Error("a server with a certificate of nobody's was asked")
		}
		v.start(t, a, verifySettings{
			"OCAPI_BASE_URL": secure.URL, "SSL_CERT_FILE": ca, "NODE_EXTRA_CA_CERTS": ca, "PHP_INI_SCAN_DIR": ":" + folder,
		}).gets(t, id, formThanks)
	})
}

// TestVerifySettings starts the forms with settings that are missing or wrong. They say which.
func TestVerifySettings(t *testing.T) {
	shared.running(t) // for the folder of what is built
	eachVerifier(t, func(t *testing.T, v verifier) {
		a := account{id: "nobody", secret: "ocapi_x_not-a-real-secret"}
		for _, tt := range []struct{ name, value string }{
			{"OCAPI_BASE_URL", ""}, {"OCAPI_BASE_URL", "ocapi.example"}, {"OCAPI_BASE_URL", "ftp://ocapi.example"}, {"OCAPI_BASE_URL", "https://"},
			{"OCAPI_BASE_URL", "https://a:b@ocapi.example"}, {"OCAPI_BASE_URL", "https://ocapi.example/?x=1"},
			{"OCAPI_CLIENT_ID", ""}, {"OCAPI_PRIVATE_ID", ""}, {"OCAPI_PRIVATE_ID", a.secret + "\n"}, {"OCAPI_PRIVATE_ID", a.secret[3:]},
			{"OCAPI_WHEN_DOWN", "yes"},
		} {
			settings := verifySettings{"OCAPI_BASE_URL": "https://ocapi.example"}
			settings[tt.name] = tt.value
			site, listens := v.launch(t, a, settings)
			if listens != (v.name == "php") { // whose site reads its settings with each request
				t.Errorf("with %s=%q it listens: %t", tt.name, tt.value, listens)
			}
			if listens {
				if status, body := site.post(t, url.Values{}); status != 500 || strings.Contains(body, a.secret) {
					t.Errorf("with %s=%q the form gets %d %s", tt.name, tt.value, status, body)
				}
			}
			site.logs(t, tt.name)
			if strings.Contains(site.log.String(), a.secret) {
				t.Errorf("the private id is in the log:\n%s", site.log)
			}
		}
	})
}

// TestVerifyTwoAddresses has Ocapi's name lead to two addresses, of which the first takes no connections. Python's
// client goes through them by itself, where the other languages have that built in.
func TestVerifyTwoAddresses(t *testing.T) {
	t.Parallel()
	s := shared.running(t)
	if _, err := exec.LookPath("python3"); err != nil {
		samplestest.Missing(t, "there is no python3; install it, or run as root: make test-deps")
	}
	a := newAccount(t, s, "verify-two")
	nobody, err := url.Parse(nowhere(t))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-c", `
import socket, sys
from ocapi_verify import Verifier
known = socket.getaddrinfo
socket.getaddrinfo = lambda *a, **k: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(sys.argv[1])))] + known(*a, **k)
print(Verifier(sys.argv[2], sys.argv[3], sys.argv[4]).verify(sys.argv[5]))
`, nobody.Port(), s.base, a.id, a.secret, solved(t, s, a.id))
	cmd.Dir = "../examples/verify/python"
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "VALIDATED") {
		t.Errorf("with an address that takes no connections: %s (%v)", out, err)
	}
}

package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/samplestest"
)

// TestPHPForms sends the PHP example forms as a browser does and as somebody
// does who wants in without the work.
func TestPHPForms(t *testing.T) {
	t.Parallel()
	s := shared.running(t)
	a := newAccount(t, s, "php-forms")
	other := newAccount(t, s, "php-stranger")
	own := newPHPSite(t, s, a, phpSettings{"OCAPI_ALIASES": a.alias})
	byForm := newPHPSite(t, s, a, phpSettings{"OCAPI_ALIASES": a.alias, "OCAPI_SIGN": "form"})
	with := func(form url.Values, name, value string) url.Values {
		form.Set(name, value)
		return form
	}
	const in, notSolved = "Welcome, " + userName, "was not solved"
	for _, tt := range []struct {
		name   string
		site   *phpSite
		form   url.Values
		status int
		text   string
	}{
		{"new field", own, filledIn("ocapi", solved(t, s, a.id)), 200, in},
		{"old field", own, filledIn("captchan", solved(t, s, a.id)), 200, in},
		{"old field beside an empty new one", own, with(filledIn("captchan", solved(t, s, a.id)), "ocapi-challenge-id", ""), 200, in},
		{"pasted with blanks", own, filledIn("ocapi", " "+solved(t, s, a.id)+"\n"), 200, in},
		{"capitals", own, filledIn("ocapi", strings.ToUpper(solved(t, s, a.id))), 200, in},
		{"dealt under the alias", own, filledIn("ocapi", solved(t, s, a.alias)), 200, in},
		{"another client in the form, which is not asked", own, with(filledIn("ocapi", solved(t, s, a.id)), "ocapi-client-id", other.id), 200, in},
		{"by form: own id", byForm, with(filledIn("ocapi", solved(t, s, a.id)), "ocapi-client-id", a.id), 200, in},
		{"by form: alias, old names", byForm, with(filledIn("captchan", solved(t, s, a.alias)), "captchan-client-id", a.alias), 200, in},
		{"by form: another client", byForm, with(filledIn("ocapi", solved(t, s, other.id)), "ocapi-client-id", other.id), 403, notSolved},
		{"by form: no client", byForm, filledIn("ocapi", solved(t, s, a.id)), 403, notSolved},
		{"by form: a path", byForm, with(filledIn("ocapi", solved(t, s, a.id)), "ocapi-client-id", "../"+a.id), 403, notSolved},
		{"another client's challenge", own, filledIn("ocapi", solved(t, s, other.id)), 403, notSolved},
		{"rejected", own, filledIn("ocapi", answered(t, s, a.id, false)), 403, notSolved},
		{"unanswered", own, filledIn("ocapi", created(t, s, a.id)), 403, notSolved},
		{"unknown", own, filledIn("ocapi", "5f0c7d0e-4f6b-4c55-9d57-0c1a2b3c4d5e"), 403, notSolved},
		{"no id", own, filledIn("ocapi", ""), 403, notSolved},
		{"no field", own, url.Values{"user": {userName}}, 403, notSolved},
		{"a list", own, url.Values{"user": {userName}, "ocapi-challenge-id[]": {solved(t, s, a.id)}}, 403, notSolved},
		{"a path", own, filledIn("ocapi", "../"+a.id+"/"+solved(t, s, a.id)), 403, notSolved},
		{"more behind the id", own, filledIn("ocapi", solved(t, s, a.id)+"/../x"), 403, notSolved},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.site.gets(t, tt.form, tt.status, tt.text)
		})
	}

	// Ids are the same in either case of letters, so that capitals are no second life.
	id := solved(t, s, a.id)
	own.gets(t, filledIn("ocapi", id), 200, in)
	for _, again := range []string{id, strings.ToUpper(id), " " + id} {
		own.gets(t, filledIn("captchan", again), 403, "used already")
	}

	hostile := url.Values{"user": {`"><script>alert(1)</script>` + "\xff"}}
	if status, body := own.send(t, hostile); status != 403 || strings.Contains(body, "<script>alert") || !strings.Contains(body, `value="&quot;&gt;&lt;script&gt;alert(1)`) {
		t.Errorf("a hostile name gets %d and:\n%s", status, body)
	}
}

// TestPHPCountsAChallengeOnce has two of the site's processes take the same
// challenge at the same moment.
func TestPHPCountsAChallengeOnce(t *testing.T) {
	t.Parallel()
	s := shared.running(t)
	a := newAccount(t, s, "php-once")
	r := newRoute(t, s)
	first := newPHPSite(t, s, a, phpSettings{"OCAPI_SERVER_URL": r.URL})
	second := newPHPSite(t, s, a, phpSettings{"OCAPI_SERVER_URL": r.URL, "OCAPI_USED_DIR": first.used})
	for range 5 {
		form := filledIn("ocapi", solved(t, s, a.id))
		var wg sync.WaitGroup
		statuses := make([]int, 2)
		for i, site := range []*phpSite{first, second} {
			wg.Go(func() {
				resp, err := http.PostForm(site.base+"/", form)
				if err != nil {
					t.Error(err)
					return
				}
				_ = resp.Body.Close()
				statuses[i] = resp.StatusCode
			})
		}
		wg.Wait()
		if statuses[0]+statuses[1] != 200+403 {
			t.Fatalf("two forms with the same challenge get %v", statuses)
		}
	}
}

// TestPHPTroubles breaks the way to Ocapi in all ways, with curl and without.
// Nobody is let in, but where the operator has decided otherwise for an Ocapi
// that is down.
func TestPHPTroubles(t *testing.T) {
	t.Parallel()
	s := shared.running(t)
	a := newAccount(t, s, "php-troubles")
	for client, options := range map[string][]string{
		"curl":    nil,
		"streams": {"-d", "disable_functions=curl_init"},
	} {
		t.Run(client, func(t *testing.T) {
			if client == "curl" && !phpHasCurl(t) {
				samplestest.Missing(t, "PHP has no curl; install it with: apt-get install --no-install-recommends php-curl")
			}
			r := newRoute(t, s)
			hung := make(chan struct{})
			t.Cleanup(func() { close(hung) }) // before the route closes, which waits for its requests
			// A token is for nobody else.
			trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				t.Errorf("the site followed to another server, %s", r.URL)
				_, _ = io.WriteString(w, `{"state":"validated"}`)
			}))
			t.Cleanup(trap.Close)
			settings := phpSettings{"OCAPI_SERVER_URL": r.URL + "//", "OCAPI_TIMEOUT": "2"}
			strict := newPHPSite(t, s, a, settings, options...)
			settings["OCAPI_WHEN_DOWN"] = "allow"
			lenient := newPHPSite(t, s, a, settings, options...)

			const in, unchecked = "Welcome, " + userName, "could not be checked"
			for _, tt := range []struct {
				name string
				h    http.HandlerFunc
				down bool // and not just wrong
			}{
				{"no answer", func(http.ResponseWriter, *http.Request) { <-hung }, true},
				{"cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true},
				{"overloaded", says(503, `{"type":"/problems/unavailable","status":503}`), true},
				{"limited", says(429, `{"type":"/problems/limited","status":429}`), true},
				{"refused", says(403, `{"type":"/problems/forbidden","status":403}`), false},
				{"moved", func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, trap.URL+r.URL.Path, http.StatusFound)
				}, false},
				{"a page", says(200, `<!DOCTYPE html>`), false},
				{"another answer", says(200, `{"state":["validated"]}`), false},
				{"no JSON object", says(200, `"validated"`), false},
			} {
				t.Run(tt.name, func(t *testing.T) {
					id := solved(t, s, a.id)
					r.breaks(tt.h)
					began := time.Now()
					body := strict.gets(t, filledIn("ocapi", id), 503, unchecked)
					if took := time.Since(began); took > 5*time.Second {
						t.Errorf("the visitor waited for %v", took)
					}
					// The next try brings the same challenge; there is no need for another.
					if !strings.Contains(body, `name="ocapi-challenge-id" value="`+id+`"`) || strings.Contains(body, `id="ocapi-challenge"`) {
						t.Errorf("the solved challenge is lost:\n%s", body)
					}
					strict.gets(t, filledIn("ocapi", ""), 403, "was not solved")
					if tt.down {
						lenient.gets(t, filledIn("ocapi", id), 200, in)
						lenient.gets(t, filledIn("ocapi", ""), 200, in)
					} else {
						lenient.gets(t, filledIn("ocapi", id), 503, unchecked)
						lenient.gets(t, filledIn("ocapi", ""), 503, unchecked)
					}
					r.breaks(nil)
					strict.gets(t, filledIn("ocapi", id), 200, in)
					lenient.gets(t, filledIn("ocapi", ""), 403, "was not solved")
				})
			}

			t.Run("an answer that is too long", func(t *testing.T) {
				r.breaks(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, `{"state":"validated","x":"`+strings.Repeat("x", 1<<20)+`"}`)
				})
				defer r.breaks(nil)
				strict.gets(t, filledIn("ocapi", solved(t, s, a.id)), 503, unchecked)
			})
			t.Run("nobody listens", func(t *testing.T) {
				settings := phpSettings{"OCAPI_SERVER_URL": nowhere(t)}
				newPHPSite(t, s, a, settings, options...).gets(t, filledIn("ocapi", solved(t, s, a.id)), 503, unchecked)
				settings["OCAPI_WHEN_DOWN"] = "allow"
				newPHPSite(t, s, a, settings, options...).gets(t, filledIn("ocapi", ""), 200, in)
			})
			t.Run("another private id", func(t *testing.T) {
				site := newPHPSite(t, s, a, phpSettings{"OCAPI_PRIVATE_ID": a.secret + "x", "OCAPI_WHEN_DOWN": "allow"}, options...)
				site.gets(t, filledIn("ocapi", solved(t, s, a.id)), 503, unchecked)
				until(t, commandPatience, "the log says why", func() bool { return strings.Contains(site.log.String(), "status 403") })
				if log := site.log.String(); strings.Contains(log, a.secret) {
					t.Errorf("the private id is in the log:\n%s", log)
				}
			})
		})
	}
}

// says gives a handler with one answer.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// TestPHPSettings starts the PHP example with settings that are missing or
// wrong. It says which.
func TestPHPSettings(t *testing.T) {
	t.Parallel()
	s := shared.running(t)
	a := account{id: "nobody", secret: "ocapi_x_not-a-real-secret"}
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for setting, value := range map[string]string{
		"OCAPI_USED_DIR of a file": file + "/folder", "OCAPI_BASE_URL of a path": "/ocapi",
		"OCAPI_BASE_URL": "", "OCAPI_CLIENT_ID": "", "OCAPI_PRIVATE_ID": "", "OCAPI_SCRIPT_URL": "javascript:alert(1)",
		"OCAPI_SCRIPT_INTEGRITY": "", "OCAPI_USED_DIR": "used", "OCAPI_NAMES": "captain", "OCAPI_SIGN": "both",
		"OCAPI_WHEN_DOWN": "yes", "OCAPI_TIMEOUT": "soon",
	} {
		t.Run(setting, func(t *testing.T) {
			name, _, _ := strings.Cut(setting, " ")
			site := newPHPSite(t, s, a, phpSettings{name: value})
			want := name
			if strings.HasPrefix(value, "javascript") || value == "/ocapi" {
				want = value // an address is quoted, whichever it is
			}
			resp, err := http.Get(site.base)
			if err != nil {
				t.Fatal(err)
			}
			status, body := read(t, resp)
			if status != http.StatusInternalServerError || !strings.Contains(body, want) || strings.Contains(body, "<") || strings.Contains(body, a.secret) {
				t.Errorf("with %s=%q the page has status %d and says: %s", name, value, status, body)
			}
		})
	}
}

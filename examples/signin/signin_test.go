package signin_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"ocapi/examples/signin"
)

const (
	clientID  = "reading-room"
	secret    = "ocapi_1_not-a-real-secret"
	challenge = "5f0c7d0e-4f6b-4c55-9d57-0c1a2b3c4d5e"
)

// fakeOcapi answers the one call that the site makes.
type fakeOcapi struct {
	*httptest.Server
	calls int
}

func newOcapi(t *testing.T, status int, body string) *fakeOcapi {
	t.Helper()
	fake := &fakeOcapi{}
	fake.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fake.calls++
		if want := "/state/" + clientID + "/" + challenge; r.Method != http.MethodGet || r.URL.Path != want {
			t.Errorf("site asked %s %s, want GET %s", r.Method, r.URL.Path, want)
		}
		checkToken(t, r.Header.Get("Authorization"))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(fake.Close)
	return fake
}

func checkToken(t *testing.T, token string) {
	t.Helper()
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte(secret), nil },
		jwt.WithValidMethods([]string{"HS512"}))
	if err != nil {
		t.Errorf("token %q: %v", token, err)
	}
	if claims["client_id"] != clientID {
		t.Errorf("token is for %v, want %s", claims["client_id"], clientID)
	}
}

func config(server string) signin.Config {
	return signin.Config{
		Path:          "/demo",
		ServerBaseURL: server,
		ClientID:      clientID,
		Secret:        func() (string, error) { return secret, nil },
		ScriptURL:     "/ocapi/0.5.0/ocapi-0.5.0.js",
		Integrity:     "sha384-abc+/=",
		Logger:        slog.New(slog.DiscardHandler),
	}
}

func newSite(t *testing.T, cfg signin.Config) http.Handler {
	t.Helper()
	site, err := signin.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func get(site http.Handler, target string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	site.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, target, nil))
	return rec
}

func post(site http.Handler, target string, form url.Values) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	site.ServeHTTP(rec, req)
	return rec
}

func filled(id string) url.Values {
	return url.Values{"user": {"Ada"}, "password": {"x"}, "ocapi-challenge-id": {id}}
}

func TestPage(t *testing.T) {
	t.Parallel()
	site := newSite(t, config("http://127.0.0.1:1"))
	for target, kind := range map[string]string{
		"/demo":                     "transcription",
		"/demo/":                    "transcription",
		"/demo?type=classification": "classification",
		"/demo?type=%22%3E%3Cb%3E":  "transcription",
	} {
		rec := get(site, target)
		if rec.Code != http.StatusOK {
			t.Errorf("%s: status %d", target, rec.Code)
		}
		for _, want := range []string{
			`id="ocapi-challenge"`, `data-ocapi-client="` + clientID + `"`, `data-ocapi-base-url="/"`,
			`data-ocapi-type="` + kind + `"`, `href="/docs#`, "<noscript>", `integrity="sha384-abc&#43;/="`,
		} {
			if !strings.Contains(rec.Body.String(), want) {
				t.Errorf("%s: page lacks %s", target, want)
			}
		}
		if strings.Contains(rec.Body.String(), secret) {
			t.Errorf("%s: page holds the secret", target)
		}
	}
	if rec := get(site, "/demo/style.css"); rec.Code != http.StatusOK || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/css") {
		t.Errorf("style: %d, %s", rec.Code, rec.Header().Get("Content-Type"))
	}
	if rec := get(site, "/demo/page.html"); rec.Code != http.StatusNotFound {
		t.Errorf("template is served: %d", rec.Code)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	cfg := config("http://127.0.0.1:1")
	cfg.BaseURL = "https://api.example/v2/"
	cfg.ScriptURL = "https://cdn.example/ocapi/0.5.0/ocapi-0.5.0.js"
	policy := get(newSite(t, cfg), "/demo").Header().Get("Content-Security-Policy")
	for _, want := range []string{
		"default-src 'none'", "script-src https://cdn.example;", "connect-src https://api.example;",
		"img-src 'self' https://api.example;", "media-src https://api.example;", "require-trusted-types-for 'script'",
	} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q has an exception", policy)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		id     string
		status int
		body   string
		want   int
		text   string
		calls  int
	}{
		"solved":          {challenge, 200, `{"state":"validated"}`, 200, "Welcome, Ada", 1},
		"rejected":        {challenge, 200, `{"state":"rejected"}`, 403, "not solved", 1},
		"unanswered":      {challenge, 200, `{"state":"created"}`, 403, "not solved", 1},
		"unknown":         {challenge, 404, `{"status":404}`, 403, "not solved", 1},
		"without script":  {"", 200, `{"state":"validated"}`, 403, "not solved", 0},
		"wrong secret":    {challenge, 403, `{"status":403}`, 503, "could not be checked", 1},
		"overloaded":      {challenge, 503, `{"status":503}`, 503, "could not be checked", 1},
		"garbage":         {challenge, 200, `<html>`, 503, "could not be checked", 1},
		"answer for ever": {challenge, 200, `{"x":"` + strings.Repeat("x", 1<<20), 503, "could not be checked", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ocapi := newOcapi(t, tt.status, tt.body)
			// A final slash in the address must not double.
			rec := post(newSite(t, config(ocapi.URL+"/")), "/demo?type=classification", filled(tt.id))
			if rec.Code != tt.want || !strings.Contains(rec.Body.String(), tt.text) {
				t.Errorf("got %d without %q, want %d: %s", rec.Code, tt.text, tt.want, rec.Body)
			}
			if ocapi.calls != tt.calls {
				t.Errorf("asked %d times, want %d", ocapi.calls, tt.calls)
			}
			if tt.want != 200 && !strings.Contains(rec.Body.String(), `value="Ada"`) {
				t.Error("the name that was typed is lost")
			}
		})
	}
}

func TestSolvedChallengeCountsOnce(t *testing.T) {
	t.Parallel()
	site := newSite(t, config(newOcapi(t, 200, `{"state":"validated"}`).URL))
	rec := post(site, "/demo", filled(challenge))
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "<title>Signed in –") || strings.Contains(rec.Body.String(), "challenge\n    above") {
		t.Fatalf("first use: %d %s", rec.Code, rec.Body)
	}
	// An id is the same in capitals.
	for _, again := range []string{challenge, strings.ToUpper(challenge)} {
		rec = post(site, "/demo", filled(again))
		if rec.Code != http.StatusForbidden || !strings.Contains(rec.Body.String(), "used already") || strings.Contains(rec.Body.String(), "not solved") {
			t.Errorf("second use: %d %s", rec.Code, rec.Body)
		}
	}
}

// TestOtherTypeKeepsTheName asks for the other type of challenge with the form half filled in.
func TestOtherTypeKeepsTheName(t *testing.T) {
	t.Parallel()
	ocapi := newOcapi(t, 200, `{"state":"validated"}`)
	site := newSite(t, config(ocapi.URL))
	for from, to := range map[string]string{"transcription": "classification", "classification": "transcription"} {
		page := get(site, "/demo?type="+from).Body.String()
		// Enter presses a form's first button, which has to be the one that signs in.
		first, second := strings.Index(page, `<button type="submit">Sign in`), strings.Index(page, `name="instead" value="`+to+`"`)
		if first < 0 || second < first || strings.Count(page, "<button") != 2 {
			t.Errorf("%s: the buttons are wrong: %s", from, page)
		}
		form := filled(challenge)
		form.Set("instead", to)
		rec := post(site, "/demo?type="+from, form)
		if page := rec.Body.String(); rec.Code != http.StatusOK || !strings.Contains(page, `data-ocapi-type="`+to+`"`) || !strings.Contains(page, `value="Ada"`) ||
			!strings.Contains(page, `action="/demo?type=`+to+`"`) || strings.Contains(page, "Welcome") || strings.Contains(page, `role="alert"`) {
			t.Errorf("%s to %s: %d %s", from, to, rec.Code, page)
		}
	}
	if ocapi.calls != 0 {
		t.Errorf("a challenge was spent: %d calls", ocapi.calls)
	}
}

func TestOnlyWhatCanBeServedIsOffered(t *testing.T) {
	t.Parallel()
	const words, images = "transcription", "classification"
	for _, tt := range []struct {
		name        string
		served      []string
		asked       string
		shown, none string
	}{
		{"both", []string{words, images}, images, images, ""},
		{"words only", []string{words}, words, words, "instead"},
		{"words only, images asked for", []string{words}, images, words, "instead"},
		{"images only, words asked for", []string{images, "audio"}, words, images, "instead"},
		{"nothing", []string{}, images, images, "instead"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := config("http://127.0.0.1:1")
			cfg.Types = func() []string { return tt.served }
			page := get(newSite(t, cfg), "/demo?type="+tt.asked).Body.String()
			if !strings.Contains(page, `data-ocapi-type="`+tt.shown+`"`) || tt.none != "" && strings.Contains(page, tt.none) || tt.none == "" && !strings.Contains(page, "instead") {
				t.Errorf("the page is %s", page)
			}
		})
	}
}

// TestPrivateIDIsAskedForEachTime changes it beside the site.
func TestPrivateIDIsAskedForEachTime(t *testing.T) {
	t.Parallel()
	ocapi := newOcapi(t, 200, `{"state":"validated"}`)
	cfg := config(ocapi.URL)
	var failure error
	cfg.Secret = func() (string, error) { return secret, failure }
	var log strings.Builder
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	site := newSite(t, cfg)
	failure = errors.New("the key ring is empty")
	rec := post(site, "/demo", filled(challenge))
	if rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "could not be checked") || ocapi.calls != 0 {
		t.Errorf("without a private id: %d, asked %d times: %s", rec.Code, ocapi.calls, rec.Body)
	}
	if !strings.Contains(log.String(), "the key ring is empty") {
		t.Errorf("the log does not say why: %s", log.String())
	}
	failure = nil
	if rec := post(site, "/demo", filled(challenge)); rec.Code != http.StatusOK {
		t.Errorf("with a private id: %d", rec.Code)
	}
}

func TestOcapiUnreachable(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, address := range map[string]string{"silent": silent.URL, "closed": closed.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(address)
			cfg.HTTPClient = &http.Client{Timeout: 50 * time.Millisecond}
			if rec := post(newSite(t, cfg), "/demo", filled(challenge)); rec.Code != http.StatusServiceUnavailable {
				t.Errorf("status %d, want 503", rec.Code)
			}
		})
	}
}

func TestHostileForms(t *testing.T) {
	t.Parallel()
	site := newSite(t, config("http://127.0.0.1:1"))

	form := url.Values{"user": {`"><script>alert(1)</script>`}}
	if rec := post(site, "/demo", form); strings.Contains(rec.Body.String(), "<script>alert") {
		t.Error("the name is not escaped")
	}

	form = url.Values{"user": {strings.Repeat("x", 1<<20)}}
	if rec := post(site, "/demo", form); rec.Code != http.StatusBadRequest {
		t.Errorf("huge form: %d, want 400", rec.Code)
	}

	req := httptest.NewRequest(http.MethodPost, "/demo", strings.NewReader(filled(challenge).Encode()))
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	rec := httptest.NewRecorder()
	site.ServeHTTP(rec, req)
	if rec.Code != http.StatusForbidden {
		t.Errorf("form from another site: %d, want 403", rec.Code)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*signin.Config){
		"Path":          func(c *signin.Config) { c.Path = "/demo/" },
		"BaseURL":       func(c *signin.Config) { c.BaseURL = "ocapi.example" },
		"ServerBaseURL": func(c *signin.Config) { c.ServerBaseURL = "" },
		"ClientID":      func(c *signin.Config) { c.ClientID = "" },
		"Secret":        func(c *signin.Config) { c.Secret = nil },
		"ScriptURL":     func(c *signin.Config) { c.ScriptURL = "javascript:alert(1)" },
		"Integrity":     func(c *signin.Config) { c.Integrity = "md5-x" },
	} {
		cfg := config("http://127.0.0.1:1")
		spoil(&cfg)
		if _, err := signin.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("spoiled %s: error %v", name, err)
		}
	}
}

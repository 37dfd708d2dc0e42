package e2e

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// oldPage is a page as it was written for the first releases. Of Ocapi it knows
// their names only: the placeholder, its two attributes, and on the server the
// field captchan-challenge-id. What a partner changes are the script's address,
// its integrity and the base URL, which ends in a slash as their documentation
// has it.
var oldPage = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>Guest book</title>
<link rel="icon" href="data:,">
<style>body { font: 14px serif } input, button { background: pink; font-size: 8px } div { letter-spacing: 2px }</style>
<script src="{{.Base}}/ocapi/{{.Version}}/ocapi-{{.Version}}.js" integrity="{{.Integrity}}" crossorigin="anonymous" defer></script>
</head>
<body>
<form action="/sign" method="post">
  <input type="text" name="name">
  <div id="captchan-challenge" data-captchan-client="{{.Client}}" data-captchan-base-url="{{.Base}}/"></div>
  <input type="submit" value="Sign">
</form>
</body>
</html>`))

// partner is another website, on another origin, that uses a client of its own.
type partner struct {
	*httptest.Server
	client, secret string
}

func newPartner(t *testing.T, s *server, client string) *partner {
	t.Helper()
	var made struct {
		Client string `json:"client_id"`
		Secret string `json:"secret"`
	}
	if err := json.Unmarshal(s.run(t, "client", "create", client), &made); err != nil {
		t.Fatal(err)
	}
	w := &partner{client: made.Client, secret: made.Secret}
	version, integrity := published(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, _ *http.Request) {
		if err := oldPage.Execute(rw, map[string]string{
			"Base": s.base, "Client": w.client, "Version": version, "Integrity": integrity,
		}); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /sign", func(rw http.ResponseWriter, r *http.Request) {
		status, body := state(t, s.base, w.client, r.FormValue("captchan-challenge-id"), w.token(t))
		fmt.Fprintf(rw, "<!DOCTYPE html><title>Guest book</title><link rel=icon href=data:,><p>%d %s</p><p>%s</p>",
			status, template.HTMLEscapeString(body), template.HTMLEscapeString(r.FormValue("name")))
	})
	w.Server = httptest.NewServer(mux)
	t.Cleanup(w.Close)
	// To a browser, this name is another site than the server's address.
	w.URL = strings.Replace(w.URL, "127.0.0.1", "localhost", 1)

	// A running server takes a new client up within a second.
	until(t, pagePatience, "the new client is known", func() bool {
		status, body := state(t, s.base, w.client, uuid.NewString(), w.token(t))
		return status == http.StatusNotFound && strings.Contains(body, "challenge")
	})
	return w
}

// token is what the documentation of the first releases has a partner send.
func (w *partner) token(t *testing.T) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{"client_id": w.client}).SignedString([]byte(w.secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// published gives the newest release and its integrity as they are published,
// in the repository.
func published(t *testing.T) (version, integrity string) {
	t.Helper()
	text, err := os.ReadFile("../widget/version.txt")
	if err != nil {
		t.Fatal(err)
	}
	version = strings.TrimSpace(string(text))
	if text, err = os.ReadFile("../widget/releases/ocapi-" + version + ".js.sha384"); err != nil {
		t.Fatal(err)
	}
	return version, strings.TrimSpace(string(text))
}

// TestOldPageOnAnotherOrigin signs a guest book whose page was never touched but
// for the three values that change.
func TestOldPageOnAnotherOrigin(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	w := newPartner(t, s, "guestbook")
	const name, send = `document.querySelector('[name=name]')`, `document.querySelector('[type=submit]')`
	says := func() []string {
		return eval[[]string](p, `[...document.querySelectorAll('p')].map((p) => p.textContent)`)
	}

	p.open(w.URL)
	unsolved := p.dealt("")
	p.enter(name, userName)
	p.submit(send)
	if got := says(); got[0] != `200 {"state":"created"}` || got[1] != userName {
		t.Fatalf("before the challenge is solved, the partner's server learns %q", got)
	}

	p.open(w.URL)
	rejected := p.dealt(unsolved)
	p.answer(s.truth(t, rejected), false)
	p.click(validate)
	solved := p.dealt(rejected)
	p.enter(name, userName)
	p.solve(s, solved)
	p.submit(send)
	if got := says(); got[0] != `200 {"state":"validated"}` || got[1] != userName {
		t.Fatalf("after the challenge is solved, the partner's server learns %q", got)
	}

	for id, want := range map[string]string{unsolved: "created", rejected: "rejected", solved: "validated"} {
		if _, body := state(t, s.base, w.client, id, w.token(t)); body != `{"state":"`+want+`"}` {
			t.Errorf("the state of a %s challenge is %s", want, body)
		}
	}
	for _, r := range p.sent("", "") {
		if r.cookie {
			t.Errorf("a cookie goes along with %s %s", r.method, r.url)
		}
		if r.method == "OPTIONS" {
			t.Errorf("%s costs a preflight", r.url)
		}
	}
}

// TestChangedScriptIsRefused shows what the integrity is for: a browser does not
// run a script that is not the one published.
func TestChangedScriptIsRefused(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	p.expect(`Failed to find a valid digest in the 'integrity' attribute`)
	version, _ := published(t)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = oldPage.Execute(w, map[string]string{
			"Base": s.base, "Client": "demo", "Version": version, "Integrity": "sha384-" + strings.Repeat("A", 64),
		})
	}))
	t.Cleanup(page.Close)
	p.open(page.URL)
	p.until("the browser complains", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.console) > 0
	})
	if eval[bool](p, `!!`+place+`.shadowRoot`) {
		t.Error("the script ran although its integrity is another")
	}
}

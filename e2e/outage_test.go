package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestBackendSlow has an instance that takes requests and does not answer them. After twelve seconds the widget says
// so; the form can be used all the while, nothing that was typed is lost, and all is well once there are answers.
func TestBackendSlow(t *testing.T) {
	t.Parallel()
	t.Run("at load", func(t *testing.T) {
		t.Parallel()
		i, p := newInstance(t, widgetPage("en", "")), newTab(t)
		release := i.stalls()
		p.open(i.page)
		p.enter(nameField, userName)
		p.enters("loading")
		p.says(saysDown)
		p.enters("unavailable")
		release()
		p.click(retry)
		p.dealt("")
		if got := eval[string](p, nameField+`.value`); got != userName {
			t.Errorf("the form's field holds %q", got)
		}
	})
	t.Run("at the answer", func(t *testing.T) {
		t.Parallel()
		i, p := newInstance(t, widgetPage("en", "")), newTab(t)
		p.open(i.page)
		id := p.dealt("")
		p.enter(nameField, userName)
		release := i.stalls()
		p.types(rightAnswer)
		p.enters("sending")
		p.says(saysDown)
		if got := eval[string](p, part("input", 1)+`.value`); got != rightAnswer {
			t.Errorf("the text of an image is %q", got)
		}
		release()
		p.validated(id) // at a try of the widget's own
		if got := eval[string](p, nameField+`.value`); got != userName {
			t.Errorf("the form's field holds %q", got)
		}
	})
}

// TestEverythingGone sends a form while nothing of Ocapi is there: no script, and nobody to ask. What becomes of it
// is what the website has chosen.
func TestEverythingGone(t *testing.T) {
	s := shared.running(t)
	eachVerifier(t, func(t *testing.T, v verifier) {
		version, integrity := published(t)
		id := solved(t, s, "demo")
		a := account{id: "gone", secret: "ocapi_x_not-a-real-secret"}
		for whenDown, want := range map[string]string{"": formNotSolved, "allow": formThanks} {
			down := nowhere(t)
			site := v.start(t, a, verifySettings{"OCAPI_BASE_URL": down, "OCAPI_WHEN_DOWN": whenDown})
			page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/" {
					w.WriteHeader(http.StatusNoContent)
					return
				}
				fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Form</title>
<script src="%[1]s/ocapi/%[2]s/ocapi-%[2]s.js" integrity="%[3]s" crossorigin="anonymous" defer></script>
<form method="post" action="%[4]s/"><input name="name"><div id="ocapi-challenge" data-ocapi-client="gone" data-ocapi-base-url="%[1]s"></div><button>Send</button></form>`,
					down, version, integrity, site.base)
			}))
			t.Cleanup(page.Close)
			p := newTab(t)
			p.expect(`net::ERR_CONNECTION_REFUSED`)
			p.expect(`status of (403|405|501|503)`) // what the form says, also to a browser's question for an icon
			p.open(page.URL)
			p.enter(nameField, userName)
			if status := p.submit(`document.querySelector('button')`); int(status) != formStatus[want] {
				t.Errorf("with %q the form has status %d", whenDown, status)
			}
			if text := eval[string](p, `document.body.textContent`); !strings.Contains(text, want) {
				t.Errorf("with %q the form says %q", whenDown, text)
			}
			// Who has solved a challenge before is told that nobody could be asked.
			site.gets(t, id, map[string]string{"": formUnchecked, "allow": formThanks}[whenDown])
			site.logs(t, "unavailable")
		}
	})
}

// TestVerifyWhilePartsAreGone takes parts away: first the archive of a real server, then the server itself, then nothing any more.
// Each language says what is known, and never more.
func TestVerifyWhilePartsAreGone(t *testing.T) {
	t.Parallel()
	shared.running(t) // which has built what is needed
	s := newServer(shared.binary, t.TempDir())
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.process != nil {
			s.kill()
		}
	})
	until(t, startPatience, "a challenge is served", func() bool { return serves(t, s, "transcription") })
	a := newAccount(t, s, "verify-parts")
	archive, err := sql.Open("sqlite", "file:"+filepath.Join(s.data, "archive.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	rename := func(from, to string) {
		t.Helper()
		if _, err := archive.ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range verifiers {
		t.Run(v.name, func(t *testing.T) {
			v.needed(t)
			site := v.start(t, a, verifySettings{"OCAPI_BASE_URL": s.base})
			first, second, open, nowhere := solved(t, s, a.id), solved(t, s, a.id), created(t, s, a.id), someID()
			site.gets(t, nowhere, formNotSolved)
			rename("events", "events_gone")
			site.gets(t, first, formThanks)
			site.gets(t, open, formNotSolved)
			site.gets(t, nowhere, formUnchecked) // it might be in the archive
			site.logs(t, "unavailable", "503")
			rename("events_gone", "events")
			site.gets(t, nowhere, formNotSolved)

			s.kill()
			site.gets(t, second, formUnchecked)
			site.logs(t, "cannot be asked")
			if err := s.start(); err != nil {
				t.Fatal(err)
			}
			site.gets(t, second, formThanks)
			site.gets(t, first, formUsed)
		})
	}
}

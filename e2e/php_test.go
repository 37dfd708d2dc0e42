package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestPHPSignIn signs in on the PHP example, in both ways of signing and with
// the names of today and of the first releases: a wrong answer first, then a
// right one, then the same one again.
func TestPHPSignIn(t *testing.T) {
	t.Parallel()
	const field = `document.querySelector('input[name=ocapi-challenge-id]')`
	for _, names := range []string{"ocapi", "captchan"} {
		for _, sign := range []string{"own", "form"} {
			t.Run(names+", signed with the id of the "+map[string]string{"own": "settings", "form": "form"}[sign], func(t *testing.T) {
				s, p := shared.running(t), newTab(t)
				a := newAccount(t, s, "php-"+names+"-"+sign)
				r := newRoute(t, s)
				site := newPHPSite(t, s, a, phpSettings{
					"OCAPI_NAMES": names, "OCAPI_SIGN": sign, "OCAPI_SERVER_URL": r.URL, "OCAPI_ALIASES": a.alias,
				})

				p.open(site.base)
				if id := eval[string](p, place+".id"); id != names+"-challenge" {
					t.Errorf("the placeholder is called %s", id)
				}
				unanswered := p.dealt("")
				p.enter(userField, userName)
				p.enter(passwordField, "anything")
				p.isRefused("was not solved")

				rejected := p.dealt(unanswered)
				p.enter(passwordField, "anything")
				p.answer(s.truth(t, rejected), false)
				p.click(validate)
				p.says(saysRejected)
				next := p.dealt(rejected)
				eval[string](p, field+`.value = `+quote(rejected))
				p.isRefused("was not solved")

				solved := p.dealt(next)
				p.enter(passwordField, "anything")
				p.solve(s, solved)
				claim := a.id
				if sign == "form" {
					// The two ways differ where the form carries another name of the same website.
					claim = a.alias
					eval[bool](p, `document.querySelectorAll('input[name$=-client-id]').forEach((i) => i.value = `+quote(a.alias)+`) || true`)
				}
				p.signsIn()
				path, claims := r.last(t, a.secret)
				if path != "/state/"+claim+"/"+solved || claims["client_id"] != claim {
					t.Errorf("the site asked for %s and signed %v, want %s", path, claims, claim)
				}

				p.loads(func() { p.click(`document.querySelector('main a[href]')`) })
				p.dealt(solved)
				p.enter(userField, userName)
				p.enter(passwordField, "anything")
				eval[string](p, field+`.value = `+quote(solved))
				p.isRefused("used already")
			})
		}
	}
}

// TestPHPWhileOcapiIsDown has the way to Ocapi break between the answer and the
// form. Nobody gets in, the page says why, and neither the name nor the solved
// challenge is lost.
func TestPHPWhileOcapiIsDown(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	a := newAccount(t, s, "php-down")
	r := newRoute(t, s)
	site := newPHPSite(t, s, a, phpSettings{"OCAPI_SERVER_URL": r.URL})
	p.expect(`status of 503`)

	p.open(site.base)
	id := p.dealt("")
	p.enter(userField, userName)
	p.enter(passwordField, "anything")
	p.solve(s, id)
	r.breaks(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if status := p.submit(signInButton); status != http.StatusServiceUnavailable {
		t.Errorf("while Ocapi is down the page has status %d", status)
	}
	if notice := eval[string](p, `document.querySelector('[role=alert]').textContent`); !strings.Contains(notice, "could not be checked") {
		t.Errorf("while Ocapi is down the page says %q", notice)
	}
	if name, password := eval[string](p, userField+".value"), eval[string](p, passwordField+".value"); name != userName || password != "" {
		t.Errorf("the fields come back with %q and %q", name, password)
	}
	p.until("the log says that something went wrong", func() bool {
		return strings.Contains(site.log.String(), "ocapi: challenge "+id)
	})

	r.breaks(nil)
	p.enter(passwordField, "anything")
	p.signsIn()
}

// TestPHPReadme runs the commands by which the PHP example is tried out. The
// first of them, which builds and starts Ocapi, is what all tests do.
func TestPHPReadme(t *testing.T) {
	t.Parallel()
	s := shared.running(t)
	findPHP(t)
	readme := readGuide(t, "../examples/php/README.md")
	if first := readme.block(t, "sh", 0); strings.TrimSpace(first) != "make run" {
		t.Errorf("the first command is %s", first)
	}
	commands := readme.block(t, "sh", 1) + "exec " + readme.block(t, "sh", 2)
	commands = replace(t, commands, "http://127.0.0.1:8080", s.base)
	commands = replace(t, commands, "127.0.0.1:8000", "127.0.0.1:0")
	commands = replace(t, commands, "$PWD/data", t.TempDir())
	commands = replace(t, commands, "./bin/ocapi", `"`+s.binary+`"`)
	cmd := exec.Command("sh", "-euc", commands)
	cmd.Dir = ".."
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "OCAPI_") && !strings.HasPrefix(kv, "PHP_CLI_SERVER_WORKERS=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "OCAPI_DATA="+s.data)
	log := startPHP(t, cmd)

	p := newTab(t)
	p.open(phpReady.FindStringSubmatch(log.String())[1])
	id := p.dealt("")
	p.enter(userField, userName)
	p.enter(passwordField, "anything")
	p.solve(s, id)
	p.signsIn()
}

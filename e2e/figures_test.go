package e2e

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ocapi/domain"
	"ocapi/pages"
	"ocapi/pages/pagestest"
)

// figurePages are the pages for partners, institutions and operators, by what
// pictures of them are called.
var figurePages = []struct {
	name, path string
	status     string // what the console says of it; empty: nothing
}{
	{"overview", "/pages/", ""},
	{"client", "/pages/client/site", ""},
	{"collection", "/pages/collection/letters", ""},
	{"long-name", "/pages/client/" + pagestest.LongName, ""}, // from here on in one state only
	{"not-there", "/pages/client/nobody", `status of 404`},
	{"away", "/pages/client/away", `status of 503`},
}

// figures serves the pages with made-up figures.
func figures(t *testing.T, state pagestest.State, viewer func(*http.Request) (pages.Viewer, error)) string {
	t.Helper()
	h, err := pages.New(pages.Config{
		Source: pagestest.Source{State: state}, Viewer: viewer, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return pagestest.Now },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func asOperator(*http.Request) (pages.Viewer, error) { return pages.Operator(), nil }

func asPartner(*http.Request) (pages.Viewer, error) {
	return pages.Viewer{Name: "ada@example.org", Clients: []domain.ClientID{"site"}, Collections: []domain.CollectionID{"letters"}}, nil
}

func asNobody(*http.Request) (pages.Viewer, error) { return pages.Viewer{}, pages.ErrNotSignedIn }

func asFailing(*http.Request) (pages.Viewer, error) {
	return pages.Viewer{}, errors.Join(pages.ErrNoAccess, errors.New("line 3"))
}

// TestAccessibilityOfFigures has axe-core find nothing on any page in any state,
// narrow, at 200 %, dark and in forced colours; and no page is wider than the
// window, asks anybody else, or breaks its own policy.
func TestAccessibilityOfFigures(t *testing.T) {
	t.Parallel()
	script := axe(t)
	shared.chromium(t)
	look := func(t *testing.T, p *tab, base, path, state string) {
		t.Helper()
		p.open(base + path)
		p.accessible(script, state)
		for _, width := range []int64{1280, 320} {
			p.looks("light", width)
		}
		if seen := eval[[]string](p, `e2e.violations.filter((v) => !/script/.test(v))`); len(seen) != 0 { // the checker is a script
			t.Errorf("%s: the policy is breached: %v", state, seen)
		}
		for _, r := range p.sent("", "") {
			if r.url != "" && !strings.HasPrefix(r.url, base) && !strings.HasPrefix(r.url, "data:") && r.url != "about:blank" || r.cookie {
				t.Errorf("%s: the page asks %s (cookie: %t)", state, r.url, r.cookie)
			}
		}
	}
	for _, state := range pagestest.States {
		t.Run(string(state), func(t *testing.T) {
			base := figures(t, state, asOperator)
			p := newTab(t)
			for i, f := range figurePages {
				if i > 2 && state != pagestest.Large {
					break
				}
				if f.status != "" {
					p.expect(f.status)
				}
				look(t, p, base, f.path, string(state)+" "+f.name)
			}
		})
	}
	t.Run("viewers", func(t *testing.T) {
		for what, viewer := range map[string]func(*http.Request) (pages.Viewer, error){
			"a partner's list": asPartner, "not signed in": asNobody, "nobody can be let in": asFailing,
		} {
			p := newTab(t)
			p.expect(`status of (403|503)`)
			look(t, p, figures(t, pagestest.Small, viewer), "/pages/", what)
		}
	})
	t.Run("running service", func(t *testing.T) {
		s := shared.running(t)
		admin := operatorAddress(t, s)
		p := newTab(t)
		look(t, p, admin, "/pages/", "overview")
		look(t, p, admin, "/pages/client/demo", "client")
		look(t, p, admin, "/pages/collection/demo", "collection")
	})
}

// operatorAddress is where a server says that its operator's listener is.
func operatorAddress(t *testing.T, s *server) string {
	t.Helper()
	found := regexp.MustCompile(`Pages +(http://\S+)/pages/ `).FindStringSubmatch(s.log.String())
	if found == nil {
		t.Fatalf("the server does not say where its pages are:\n%s", s.log)
	}
	return found[1]
}

// TestFiguresByKeyboard reaches every link and every table that scrolls.
func TestFiguresByKeyboard(t *testing.T) {
	t.Parallel()
	shared.chromium(t)
	p := newTab(t)
	p.open(figures(t, pagestest.Large, asOperator) + "/pages/collection/letters")
	p.looks("light", 1280)
	want := eval[int](p, `document.querySelectorAll('a[href], [tabindex="0"]').length`)
	reached := 0
	for range want {
		p.press("\t")
		if eval[bool](p, `document.activeElement !== document.body && document.activeElement.matches(':focus-visible') && getComputedStyle(document.activeElement).outlineStyle === 'solid'`) {
			reached++
		}
	}
	if reached != want || want < 5 {
		t.Errorf("the keyboard reaches %d of %d", reached, want)
	}
}

// figurePictures shows the pages in their states.
func figurePictures(t *testing.T) {
	for _, state := range pagestest.States {
		base := figures(t, state, asOperator)
		p := newTab(t)
		for _, f := range figurePages[:3] {
			p.open(base + f.path)
			p.picture("figures-" + f.name + "-" + string(state))
		}
		if state != pagestest.Large {
			continue
		}
		p.open(base + "/pages/client/site")
		p.printed()
		p.shoot("figures-client-printed", `document.documentElement`)
	}
	p := newTab(t)
	p.expect(`status of (403|404)`)
	running := operatorAddress(t, shared.running(t))
	for name, path := range map[string]string{"overview": "", "client": "client/demo", "collection": "collection/demo"} {
		p.open(running + "/pages/" + path)
		p.picture("figures-running-" + name)
	}
	p.open(figures(t, pagestest.Small, asPartner) + "/pages/")
	p.picture("figures-list")
	p.open(figures(t, pagestest.Small, asPartner) + "/pages/client/other")
	p.picture("figures-not-there")
	p.open(figures(t, pagestest.Small, asNobody) + "/pages/")
	p.picture("figures-not-signed-in")
}

// printed has the page look as on A4 paper.
func (p *tab) printed() {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(718, 1000), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}))
}

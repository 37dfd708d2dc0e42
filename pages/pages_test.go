package pages_test

import (
	"bytes"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ocapi/domain"
	"ocapi/pages"
	"ocapi/pages/pagestest"
)

var update = flag.Bool("update", false, "write the pages that are compared with anew")

type viewerFunc func(*http.Request) (pages.Viewer, error)

func operator(*http.Request) (pages.Viewer, error) { return pages.Operator(), nil }

// partner sees one client and one collection.
func partner(*http.Request) (pages.Viewer, error) {
	return pages.Viewer{Name: "ada@example.org", Clients: []domain.ClientID{"site"}, Collections: []domain.CollectionID{"letters"}}, nil
}

func stranger(*http.Request) (pages.Viewer, error) {
	return pages.Viewer{Name: "eve@example.org", Clients: []domain.ClientID{"shop"}, Collections: []domain.CollectionID{"maps"}}, nil
}

func serve(t *testing.T, state pagestest.State, viewer viewerFunc, logged *bytes.Buffer) http.Handler {
	t.Helper()
	if logged == nil {
		logged = &bytes.Buffer{}
	}
	h, err := pages.New(pages.Config{
		Source: pagestest.Source{State: state}, Viewer: viewer, Logger: slog.New(slog.NewTextHandler(logged, nil)),
		Now: func() time.Time { return pagestest.Now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// TestPagesLookAsTheyDid compares every page in every state with what it was when
// somebody last looked at it. After a change: go test ./pages -update, and look
// (make screenshots).
func TestPagesLookAsTheyDid(t *testing.T) {
	t.Parallel()
	style := regexp.MustCompile(`(?s)<style>.*</style>`)                        // every page has it
	for _, state := range []pagestest.State{pagestest.Empty, pagestest.Small} { // the others differ by numbers
		for name, path := range map[string]string{"overview": "/pages/", "client": "/pages/client/site", "collection": "/pages/collection/letters"} {
			t.Run(string(state)+" "+name, func(t *testing.T) {
				t.Parallel()
				w := get(serve(t, state, operator, nil), path)
				if w.Code != http.StatusOK {
					t.Fatalf("%s is %d", path, w.Code)
				}
				got := style.ReplaceAll(w.Body.Bytes(), nil)
				golden := filepath.Join("testdata", string(state)+"-"+name+".html")
				if *update {
					if err := os.WriteFile(golden, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s is another page than %s; look at it, then go test ./pages -update", path, golden)
				}
			})
		}
	}
}

// TestPagesAreWhole checks what every page has to have, in every state.
func TestPagesAreWhole(t *testing.T) {
	t.Parallel()
	ids := regexp.MustCompile(` id="([^"]+)"`)
	refs := regexp.MustCompile(`aria-labelledby="([^"]+)"`)
	for _, state := range pagestest.States {
		for _, path := range []string{"/pages/", "/pages/client/site", "/pages/collection/letters", "/pages/client/nobody", "/pages/nothing"} {
			for who, viewer := range map[string]viewerFunc{"operator": operator, "partner": partner, "stranger": stranger} {
				w := get(serve(t, state, viewer, nil), path)
				body := w.Body.String()
				where := string(state) + " " + path + " " + who
				for _, unwanted := range []string{"<script", "<form", " style=", " onclick", "javascript:", "NaN", "%!", "Inf"} {
					if strings.Contains(body, unwanted) {
						t.Errorf("%s has %q", where, unwanted)
					}
				}
				for _, wanted := range []string{`<html lang="en">`, "<title>", "<h1>", "<main>"} {
					if strings.Count(body, wanted) != 1 && wanted != "<title>" {
						t.Errorf("%s has %q %d times", where, wanted, strings.Count(body, wanted))
					}
				}
				seen := map[string]bool{}
				for _, m := range ids.FindAllStringSubmatch(body, -1) {
					if seen[m[1]] {
						t.Errorf("%s has the id %s twice", where, m[1])
					}
					seen[m[1]] = true
				}
				for _, m := range refs.FindAllStringSubmatch(body, -1) {
					for _, id := range strings.Fields(m[1]) {
						if !seen[id] {
							t.Errorf("%s refers to %s, which is not there", where, id)
						}
					}
				}
				header := w.Header()
				policy := header.Get("Content-Security-Policy")
				if !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") ||
					header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Set-Cookie") != "" {
					t.Errorf("%s has the headers %v", where, header)
				}
			}
		}
	}
}

// TestWhoSeesWhat: what is not for somebody is, to the byte, what is not there.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		viewer viewerFunc
		path   string
		status int
	}{
		{operator, "/pages/client/site", 200},
		{operator, "/pages/client/alias", 200},
		{operator, "/pages/client/nobody", 404},
		{operator, "/pages/collection/letters", 200},
		{operator, "/pages/collection/maps", 404},
		{partner, "/pages/", 200},
		{partner, "/pages/client/site", 200},
		{partner, "/pages/client/alias", 200},
		{partner, "/pages/client/" + pagestest.LongName, 404},
		{partner, "/pages/collection/letters", 200},
		{partner, "/pages/collection/letters/annotations.csv", 200},
		{partner, "/pages/collection/letters/images/img00", 200},
		{partner, "/pages/collection/letters/images/other", 404},
		{stranger, "/pages/client/site", 404},
		{stranger, "/pages/client/alias", 404},
		{stranger, "/pages/collection/letters", 404},
		{stranger, "/pages/collection/letters/annotations.csv", 404},
		{stranger, "/pages/collection/letters/images/img00", 404},
	} {
		h := serve(t, pagestest.Small, tt.viewer, nil)
		w := get(h, tt.path)
		if w.Code != tt.status {
			t.Errorf("%s is %d, want %d", tt.path, w.Code, tt.status)
		}
		if tt.status != 404 {
			continue
		}
		nothing := get(h, "/pages/nothing/here")
		if w.Body.String() != nothing.Body.String() || len(w.Header()) != len(nothing.Header()) {
			t.Errorf("%s tells more than that there is nothing", tt.path)
		}
	}
	index := get(serve(t, pagestest.Small, partner, nil), "/pages/").Body.String()
	for _, wanted := range []string{`href="/pages/client/site"`, `href="/pages/collection/letters"`, "ada@example.org"} {
		if !strings.Contains(index, wanted) {
			t.Errorf("the partner's own page lacks %q", wanted)
		}
	}
	if strings.Contains(index, "Limiter") || strings.Contains(index, "shop") {
		t.Error("the partner's own page shows what is the operator's")
	}
}

func TestErrorsAreTold(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	h := serve(t, pagestest.Small, operator, &logged)
	for path, status := range map[string]int{"/pages/client/broken": 500, "/pages/client/away": 503} {
		w := get(h, path)
		if w.Code != status || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s is %d: %s", path, w.Code, w.Body)
		}
		if status == 503 && w.Header().Get("Retry-After") == "" {
			t.Error("503 does not say when to come again")
		}
	}
	if strings.Count(logged.String(), "a secret reason") != 2 {
		t.Errorf("the log has not the reasons: %s", logged.String())
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/pages/client/site", nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s is %d", method, w.Code)
		}
	}
	if w := get(h, "/pages"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != pages.Path {
		t.Errorf("without its slash it is %d", w.Code)
	}
}

// TestTheTableIsADownload and cannot be run by a browser.
func TestTheTableIsADownload(t *testing.T) {
	t.Parallel()
	w := get(serve(t, pagestest.Small, partner, nil), "/pages/collection/letters/annotations.csv")
	if w.Header().Get("Content-Type") != "text/csv; charset=utf-8" || w.Header().Get("Content-Disposition") != `attachment; filename="letters-annotations.csv"` ||
		!strings.HasPrefix(w.Body.String(), "image_id,") {
		t.Errorf("the table is %v %s", w.Header(), w.Body)
	}
}

package http_test

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestOpenAPIIsServedAsWritten(t *testing.T) {
	t.Parallel()
	got := newFixture(t).get(t, "/openapi.yaml")
	want, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got.status != 200 || !bytes.Equal(got.body, want) || got.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestDocsPageLoadsNothing(t *testing.T) {
	t.Parallel()
	got := newFixture(t).get(t, "/docs")
	page := string(got.body)
	if got.status != 200 || got.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", got.status, got.header)
	}
	csp := got.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'sha256-"} {
		if !strings.Contains(csp, want) {
			t.Errorf("%q is not in the policy %q", want, csp)
		}
	}
	if strings.Contains(csp, "unsafe") {
		t.Errorf("policy = %q", csp)
	}
	for _, forbidden := range []string{`<script[ >]`, `\sstyle="`, `\son[a-z]+="`, `\ssrc="`, `@import`, `url\(`, `<link [^>]*href="[^d]`} {
		if found := regexp.MustCompile(forbidden).FindString(page); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
	if strings.Count(page, "<style>") != 1 {
		t.Error("the page has to have one style sheet, whose hash is in the policy")
	}
}

func TestDocsPageShowsTheContract(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	page := string(f.get(t, "/docs").body)
	for path, item := range f.contract.doc.Paths.Map() {
		if !strings.Contains(page, path) {
			t.Errorf("%s is not on the page", path)
		}
		for _, operation := range item.Operations() {
			if !strings.Contains(page, operation.Summary) {
				t.Errorf("%q is not on the page", operation.Summary)
			}
		}
	}
	for name := range f.contract.doc.Components.Schemas {
		if !strings.Contains(page, `id="schema-`+strings.ToLower(name)+`"`) {
			t.Errorf("%s is not on the page", name)
		}
	}
	// Every link within the page leads somewhere.
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if n := strings.Count(page, `id="`+link[1]+`"`); n != 1 {
			t.Errorf("#%s is there %d times", link[1], n)
		}
	}
}

func TestAddressesThatPeopleTypeLeadToThePage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, path := range []string{"/", "//", "/docs/", "//docs//"} {
		got := f.get(t, path)
		if got.status != http.StatusSeeOther || got.header.Get("Location") != "/docs" || len(got.body) > 0 {
			t.Errorf("GET %s: %d %v %s", path, got.status, got.header, got.body)
		}
	}
	for _, path := range []string{"/v1", "/v1/", "/v2/", "/v1/docs/", "/v2/docs"} { // the contract is there, no page
		f.get(t, path).wantProblem(t, http.StatusNotFound, "not-found")
	}
	if got := f.get(t, "/favicon.ico"); got.status != http.StatusNoContent || len(got.body) > 0 {
		t.Errorf("GET /favicon.ico: %d %v %s", got.status, got.header, got.body)
	}
}

// TestHeadingsOfThePageSkipNoLevel keeps the outline whole for people who walk
// through the page by its headings.
func TestHeadingsOfThePageSkipNoLevel(t *testing.T) {
	t.Parallel()
	page := string(newFixture(t).get(t, "/docs").body)
	headings := regexp.MustCompile(`<h([1-6])[^>]*>(.*?)</h`).FindAllStringSubmatch(page, -1)
	level := 0
	for _, h := range headings {
		next := int(h[1][0] - '0')
		if next > level+1 {
			t.Errorf("%q has level %d and follows level %d", h[2], next, level)
		}
		level = next
	}
	if len(headings) < 20 {
		t.Errorf("the page has %d headings", len(headings))
	}
}

func TestProblemTypesLeadToTheirParagraph(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	page := string(f.get(t, "/docs").body)
	for _, name := range []string{
		"invalid", "forbidden", "not-found", "method-not-allowed", "already-answered", "expired", "too-large", "limited", "internal", "unavailable",
	} {
		got := f.get(t, "/problems/"+name)
		if want := "/docs#problem-" + name; got.status != http.StatusSeeOther || got.header.Get("Location") != want {
			t.Errorf("%s: %d %v", name, got.status, got.header)
		}
		if !strings.Contains(page, `id="problem-`+name+`"`) {
			t.Errorf("%s has no paragraph", name)
		}
	}
}

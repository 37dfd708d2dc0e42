package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// TestNoTraces signs in with both types, wrong answers included, and looks at
// what is left: no cookie, nothing in any storage, and not one request to
// another host.
func TestNoTraces(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	for _, kind := range kinds {
		first := p.openSignIn(s, kind)
		p.answer(s.truth(t, first), false)
		p.click(validate)
		p.solve(s, p.dealt(first))
		if kept := eval[[]string](p, keptScript); len(kept) != 0 {
			t.Errorf("after a %s challenge the browser keeps %v", kind, kept)
		}
		p.signsIn()
	}
	cookies, err := chromedp.CallBrowser(p.ctx, storage.GetCookies, storage.GetCookiesParams{
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID, // else it tells of the default context's
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cookies.Cookies {
		t.Errorf("the browser holds the cookie %s of %s", c.Name, c.Domain)
	}
	requests := p.sent("", "")
	if len(requests) < 40 { // two pages, four challenges and their images are more
		t.Errorf("only %d requests were seen; the test is blind", len(requests))
	}
	for _, r := range requests {
		if !strings.HasPrefix(r.url, s.base+"/") {
			t.Errorf("the page sends %s %s", r.method, r.url)
		}
		if r.cookie {
			t.Errorf("a cookie goes along with %s %s", r.method, r.url)
		}
	}
}

// keptScript lists what a page can leave in a browser, cookies apart.
const keptScript = `(async () => [
	...Object.keys(localStorage), ...Object.keys(sessionStorage), ...await caches.keys(),
	...(await indexedDB.databases()).map((d) => d.name),
	...(await navigator.serviceWorker.getRegistrations()).map((r) => r.scope),
	...(document.cookie ? [document.cookie] : []), ...(window.name ? [window.name] : []),
])()`

// TestStrictPolicy shows that the widget works under a content security policy
// without any exception for it, and that a breach would have been seen. All
// other tests hold their pages to the same.
func TestStrictPolicy(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	resp, err := http.Get(s.base + "/demo")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	policy := resp.Header.Get("Content-Security-Policy")
	for _, needed := range []string{"default-src 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, needed) {
			t.Errorf("the sign-in page's policy %q lacks %s", policy, needed)
		}
	}
	for _, exception := range []string{"unsafe", "nonce-", "data:", "blob:", "*"} {
		if strings.Contains(policy, exception) {
			t.Errorf("the sign-in page's policy %q makes an exception with %s", policy, exception)
		}
	}
	for _, kind := range kinds {
		first := p.openSignIn(s, kind)
		p.answer(s.truth(t, first), false)
		p.click(validate)
		p.solve(s, p.dealt(first))
		if seen := eval[[]string](p, `e2e.violations`); len(seen) != 0 {
			t.Errorf("a %s challenge violates the policy: %v", kind, seen)
		}
		if !eval[bool](p, root+`.adoptedStyleSheets.length > 0 && getComputedStyle(`+root+`.querySelector('.box')).borderRadius === '6px'`) {
			t.Error("the widget has lost its style under the policy")
		}
		p.signsIn()
	}

	// The watch itself: a page of the same policy that does what is forbidden.
	p.openSignIn(s, "transcription")
	p.expect(`violates the following Content Security Policy directive`)
	eval[bool](p, `!!document.head.appendChild(Object.assign(document.createElement('style'), {textContent: 'p {color: red}'}))`)
	wait[bool](p, "the violation is seen", `e2e.violations.length === 1`)
	eval[bool](p, `!(e2e.violations = [])`)
}

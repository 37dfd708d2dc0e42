package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	// testPatience bounds a test in the browser. Most take less than two seconds.
	testPatience = 90 * time.Second
	// pagePatience bounds the wait for anything that a page should do.
	pagePatience = 30 * time.Second
)

// watchScript runs in each document before anything else. What it notes goes
// with the document.
const watchScript = `window.e2e = {validated: [], violations: []};
document.addEventListener('ocapi-challenge-validated', (e) => e2e.validated.push(e.detail.challenge_id));
document.addEventListener('securitypolicyviolation', (e) =>
	e2e.violations.push(e.effectiveDirective + ' ' + e.blockedURI + ' ' + e.sample));`

// tab is a page in a browser context of its own, that is: with cookies,
// storage and cache of its own.
type tab struct {
	t     *testing.T
	ctx   context.Context
	plain bool // no script runs in its pages, the watch's neither

	mu       sync.Mutex
	console  []chromedp.ConsoleMessage
	spoken   int // messages of the console, those still on their way to console included
	requests []request
	expected []*regexp.Regexp
	failed   bool // and tell has told of it
}

// request is what the page sent and what came back.
type request struct {
	id          network.RequestID
	method, url string
	document    bool // it is for a page, not for a part of one
	cookie      bool // a cookie was sent, or one was to be set
	status      int64
	failure     string
}

// newTab opens an empty page and watches it. When the test ends, each complaint
// in its console that was not announced with expect fails the test.
func newTab(t *testing.T) *tab {
	t.Helper()
	p := &tab{t: t}
	own, closeTab := chromedp.NewContext(shared.chromium(t).ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.note))
	ctx, cancel := context.WithTimeout(own, testPatience)
	p.ctx = ctx
	t.Cleanup(func() {
		if t.Failed() {
			p.tell()
		}
		cancel()
		closeTab()
	})
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.console = append(p.console, m)
			p.mu.Unlock()
		}
	}()
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchScript})
		if err != nil {
			return err
		}
		// Each tab believes that it is the one in front.
		_, err = chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	}))
	t.Cleanup(p.complain)
	return p
}

// note keeps what the browser tells, in its order.
func (p *tab) note(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled, *runtime.EventExceptionThrown, *log.EventEntryAdded:
		p.spoken++
	case *network.EventRequestWillBeSent:
		if ev.RedirectResponse != nil { // another request under the same id
			p.requests = append(p.requests, request{id: ev.RequestID})
		}
		p.update(ev.RequestID, func(r *request) {
			r.method, r.url, r.document = ev.Request.Method, ev.Request.URL, ev.Type == network.ResourceTypeDocument
		})
	case *network.EventRequestWillBeSentExtraInfo:
		p.update(ev.RequestID, func(r *request) { r.cookie = r.cookie || len(ev.AssociatedCookies) > 0 })
	case *network.EventResponseReceivedExtraInfo:
		for name := range ev.Headers {
			if strings.EqualFold(name, "Set-Cookie") {
				p.update(ev.RequestID, func(r *request) { r.cookie = true })
			}
		}
	case *network.EventResponseReceived:
		p.update(ev.RequestID, func(r *request) { r.status = ev.Response.Status })
	case *network.EventLoadingFailed:
		p.update(ev.RequestID, func(r *request) { r.failure = ev.ErrorText })
	}
}

// update changes the newest request with an id. The events about one request
// come in no fixed order, so any of them may be the first to name it.
func (p *tab) update(id network.RequestID, change func(*request)) {
	at := len(p.requests) - 1
	for at >= 0 && p.requests[at].id != id {
		at--
	}
	if at < 0 {
		p.requests = append(p.requests, request{id: id})
		at = len(p.requests) - 1
	}
	change(&p.requests[at])
}

// sent gives the requests so far whose method is the one given and whose
// address contains part.
func (p *tab) sent(method, part string) []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []request
	for _, r := range p.requests {
		if (method == "" || r.method == method) && strings.Contains(r.url, part) {
			found = append(found, r)
		}
	}
	return found
}

// expect announces complaints in the console that belong to the test.
func (p *tab) expect(pattern string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, regexp.MustCompile(pattern))
}

// complain fails the test for each unexpected complaint in the console, and
// for each violation of the last document's policy.
func (p *tab) complain() {
	if p.ctx.Err() != nil {
		p.t.Errorf("the test took longer than %v", testPatience)
		return
	}
	// Chromium reports a violation in the console as well; here it has details.
	if !p.plain {
		for _, v := range eval[[]string](p, `e2e.violations`) {
			p.t.Errorf("violation of the content security policy: %s", v)
		}
	}
	p.until("all of the console is read", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.console) >= p.spoken
	})
	p.mu.Lock()
	defer p.mu.Unlock()
messages:
	for _, m := range p.console {
		if m.Type != chromedp.ConsoleError && m.Type != chromedp.ConsoleWarning && !m.IsException() {
			continue
		}
		// The last page of a test may ask for its icon after its server has stopped.
		if strings.HasSuffix(m.URL, "/favicon.ico") && strings.Contains(m.String(), "ERR_CONNECTION_REFUSED") {
			continue
		}
		for _, e := range p.expected {
			if e.MatchString(m.String()) {
				continue messages
			}
		}
		p.t.Errorf("the console says: %s (%s)", m, m.URL)
	}
}

// tell logs what helps to understand a failure.
func (p *tab) tell() {
	if p.failed {
		return
	}
	p.failed = true
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + '\n' + document.body.innerText + '\n--- widget: ' + JSON.stringify((() => {
		const place = document.querySelector('#ocapi-challenge,#captchan-challenge');
		return place && [place.dataset.ocapiState, place.shadowRoot?.querySelector('.box').innerText];
	})())`))
	p.t.Logf("The page (%v):\n%s", err, text)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.console {
		p.t.Logf("console: %s", m)
	}
	for _, r := range p.requests {
		p.t.Logf("request: %s %s -> %d %s", r.method, r.url, r.status, r.failure)
	}
}

// before has a script run in each document from now on, before anything else.
func (p *tab) before(script string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// open goes to an address and waits until it is loaded.
func (p *tab) open(address string) {
	p.t.Helper()
	p.do(chromedp.Navigate(address))
}

// eval evaluates a JavaScript expression, which may be a promise.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until a JavaScript expression gives something other than null,
// undefined, false, 0 and "", and returns that.
func wait[T any](p *tab, what, expression string) T {
	p.t.Helper()
	deadline := time.Now().Add(pagePatience)
	for {
		// A document that is on its way out, or not there yet, gives an error: not yet.
		raw, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]byte](`(`+expression+`) || null`))
		if err == nil && len(raw) > 0 && string(raw) != "null" {
			var v T
			if err := json.Unmarshal(raw, &v); err != nil {
				p.t.Fatalf("%s: %v", expression, err)
			}
			return v
		}
		if p.ctx.Err() != nil || time.Now().After(deadline) {
			p.t.Fatalf("waited in vain until %s (last error: %v)", what, err)
		}
		time.Sleep(pollEvery)
	}
}

// until waits until something is so that the page itself cannot tell.
func (p *tab) until(what string, so func() bool) {
	p.t.Helper()
	until(p.t, pagePatience, what, so)
}

// until waits until something is so.
func until(t *testing.T, patience time.Duration, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(pollEvery) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// click clicks, with the mouse, into the middle of an element that is given as
// a JavaScript expression. It waits until a person could: until the element is
// there, and nothing lies over it.
func (p *tab) click(element string) {
	p.t.Helper()
	at := wait[struct{ X, Y float64 }](p, element+" can be clicked", `(() => {
		const e = `+element+`;
		if (!e) return null;
		e.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = e.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + r.height / 2;
		let hit = document.elementFromPoint(x, y), inner;
		while (hit && hit.shadowRoot && (inner = hit.shadowRoot.elementFromPoint(x, y)) && inner !== hit) hit = inner;
		return hit && (e === hit || e.contains(hit)) ? {X: x, Y: y} : null;
	})()`)
	p.do(chromedp.MouseClickXY(at.X, at.Y))
}

// enter types a text into a field that is given as a JavaScript expression.
func (p *tab) enter(field, text string) {
	p.t.Helper()
	p.click(field)
	p.do(chromedp.KeyEvent(text))
	wait[bool](p, fmt.Sprintf("%s holds %q", field, text), field+`.value === `+quote(text))
}

// submit clicks what sends the form and returns the status of the page that
// comes back.
func (p *tab) submit(button string) int64 {
	p.t.Helper()
	return p.loads(func() { p.click(button) })
}

// loads does something that has another document loaded, waits for it, and
// returns its status.
func (p *tab) loads(act func()) int64 {
	p.t.Helper()
	before := len(p.documents())
	eval[bool](p, `document.old = true`)
	act()
	wait[bool](p, "another page is there", `!document.old && document.readyState === 'complete'`)
	documents := p.documents()
	if len(documents) != before+1 {
		p.t.Fatalf("%d pages were loaded instead of one", len(documents)-before)
	}
	return documents[before].status
}

// documents gives the requests for pages.
func (p *tab) documents() []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []request
	for _, r := range p.requests {
		if r.document {
			found = append(found, r)
		}
	}
	return found
}

// quote gives a JavaScript string.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // no string fails
	}
	return string(b)
}

// pause stops requests at a stage and hands each to a function, which says
// what becomes of it.
func (p *tab) pause(pattern string, stage fetch.RequestStage, decide func(*fetch.EventRequestPaused) error) {
	p.t.Helper()
	paused := chromedp.Events(p.ctx, fetch.RequestPaused)
	go func() {
		for ev, err := range paused {
			if err == nil {
				err = decide(&ev)
			}
			if p.ctx.Err() != nil {
				return // the test has ended
			}
			if err != nil {
				p.t.Errorf("decide about a paused request: %v", err)
			}
		}
	}()
	p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, fetch.Enable, fetch.EnableParams{
			Patterns: []*fetch.RequestPattern{{URLPattern: pattern, RequestStage: stage}},
		})
		return err
	}))
}

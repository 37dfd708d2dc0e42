package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"ocapi/cluster/ports"
)

// nowhere is an address on which nobody listens, nor any other test's server while
// this one runs.
func nowhere(t *testing.T) string {
	t.Helper()
	held := new(ports.Held)
	t.Cleanup(held.Close)
	address, err := held.Next()
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + address
}

// TestFallback has the first instance down: challenges come from the second, and are answered there.
func TestFallback(t *testing.T) {
	t.Parallel()
	p := newTab(t)
	p.expect(`net::ERR_CONNECTION_REFUSED`)
	down := nowhere(t)
	i := newInstance(t, strings.Replace(widgetPage("en", `data-ocapi-fallback-url="BASE/"`), `data-ocapi-base-url="BASE"`, `data-ocapi-base-url="`+down+`"`, 1))
	i.policy = strings.ReplaceAll(i.policy, i.base, i.base+" "+down)
	p.open(i.page)
	first := p.dealt("")
	p.types("wrong")
	second := p.dealt(first)
	p.click(another)
	third := p.dealt(second)
	p.click(listen)
	fourth := p.hears(third)
	p.types(rightAnswer)
	p.validated(fourth)
	if tried := p.sent("GET", down); len(tried) != 1 {
		t.Errorf("the instance that is down was tried %d times, want once", len(tried))
	}
}

// TestFallbackIsForFailuresOnly: an instance that limits, or does not know the client, is up.
func TestFallbackIsForFailuresOnly(t *testing.T) {
	t.Parallel()
	p := newTab(t)
	p.expect(`status of (429|503)`)
	second := newInstance(t, "")
	first := newInstance(t, widgetPage("en", `data-ocapi-fallback-url="`+second.base+`"`))
	first.policy = strings.ReplaceAll(first.policy, first.base, first.base+" "+second.base)
	first.gate = func(url.Values) *refusal { return busy(1) }
	p.open(first.page)
	p.enters("waiting")
	if got := len(second.queries()); got != 0 {
		t.Errorf("the second instance was asked for %d challenges", got)
	}
	// A failing one is another matter.
	first.set(func() { first.gate = func(url.Values) *refusal { return &refusal{status: 503} } })
	p.dealt("")
	if got := len(second.queries()); got != 1 {
		t.Errorf("the second instance was asked for %d challenges, want one", got)
	}
}

// TestBothDown tries three times by itself, says so, and leaves the rest to the person. Then the first
// instance is back.
func TestBothDown(t *testing.T) {
	t.Parallel()
	p := newTab(t)
	p.expect(`net::ERR_CONNECTION_REFUSED`)
	p.expect(`net::ERR_FAILED`)
	down := nowhere(t)
	i := newInstance(t, widgetPage("en", `data-ocapi-fallback-url="`+down+`"`))
	i.policy = strings.ReplaceAll(i.policy, i.base, i.base+" "+down)
	up := false
	p.pause(i.base+"/challenge/*", fetch.RequestStageRequest, func(ev *fetch.EventRequestPaused) (err error) {
		i.set(func() {
			if up {
				_, err = chromedp.Call(p.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
			} else {
				_, err = chromedp.Call(p.ctx, fetch.FailRequest, fetch.FailRequestParams{RequestID: ev.RequestID, ErrorReason: network.ErrorReasonConnectionRefused})
			}
		})
		return err
	})
	p.open(i.page)
	p.says(saysDown)
	p.enter(nameField, userName)
	p.until("it has tried three times", func() bool { return len(p.sent("GET", i.base+"/challenge/")) >= triesAlone })
	wait[bool](p, "it has given up", place+`.dataset.ocapiState === 'unavailable' && `+retry+`.checkVisibility()`)
	if got := eval[string](p, nameField+`.value`); got != userName {
		t.Errorf("the form's field holds %q", got)
	}
	i.set(func() { up = true })
	p.click(retry)
	p.dealt("")
	if got := len(p.sent("GET", down)); got != triesAlone {
		t.Errorf("the second instance was tried %d times, want %d", got, triesAlone)
	}
}

// TestLimited waits for as long as it is told, and counts.
func TestLimited(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("en", ""))
	p := newTab(t)
	p.expect(`status of 429`)
	refused := once(busy(3))
	i.gate = func(url.Values) *refusal { return refused() }
	p.before(`addEventListener('ocapi-challenge-unavailable', (e) => {
		const text = (part) => e.target.shadowRoot.querySelector(part).textContent;
		e2e.waits = e.target.dataset.ocapiState + ': ' + text('.message');
		e2e.counted = setInterval(() => { if (/^0:0[12]$/.test(text('.count'))) e2e.less = true; }, 50);
	})`)
	p.open(i.page)
	p.dealt("")
	if got := eval[string](p, `e2e.waits`); got != "waiting: "+saysBusy {
		t.Errorf("meanwhile it was %q", got)
	}
	if !eval[bool](p, `(clearInterval(e2e.counted), !!e2e.less)`) {
		t.Error("the wait was not counted")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.times) != 2 {
		t.Fatalf("%d requests were made, want 2", len(i.times))
	}
	if waited := i.times[1].Sub(i.times[0]); waited < 3*time.Second {
		t.Errorf("it waited for %v, not for as long as it was told", waited)
	}
}

// TestNotSetUp says that the page's owner has to do something, and does not go on asking.
func TestNotSetUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, to string
		asked    int
	}{
		"unknown client":  {"", "", 1},
		"no client":       {`data-ocapi-client="demo"`, "", 0},
		"base URL broken": {`data-ocapi-base-url="BASE"`, `data-ocapi-base-url="http://"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInstance(t, strings.Replace(widgetPage("en", ""), tt.from, tt.to, 1))
			p := newTab(t)
			p.expect(`status of 404`)
			p.expect(`ocapi: unknown client or base URL`)
			i.gate = func(url.Values) *refusal { return &refusal{status: 404} }
			p.open(i.page)
			p.says("This challenge isn’t set up correctly. Please tell the owner of this site.")
			p.enters("unavailable")
			if got := len(i.queries()); got != tt.asked {
				t.Errorf("%d requests were made, want %d", got, tt.asked)
			}
		})
	}
}

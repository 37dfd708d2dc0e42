package e2e

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// bookPage is a partner's page for people whose browser runs no script.
var bookPage = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Visitors’ book</title>
<link rel="icon" href="data:,">
<style>body { margin: 8px } iframe { display: block; border: 1px solid }</style>
</head>
<body>
<form action="/sign" method="post">
  <label>Name <input name="name"></label>
  <div id="ocapi-challenge" data-ocapi-client="{{.Client}}" data-ocapi-base-url="{{.Base}}"></div>
  <noscript>
    {{if .Link}}<a href="{{.Address}}" target="_blank">Challenge</a>{{else}}
    <iframe src="{{.Address}}" title="Challenge" width="100%" height="700"></iframe>{{end}}
    <label>Code <input name="ocapi-challenge-id" autocomplete="off" required></label>
  </noscript>
  <button>Sign</button>
</form>
</body>
</html>`))

// plainPartner is a website with that page, on another origin.
type plainPartner struct {
	*partner
	url string
}

func newPlainPartner(t *testing.T, s *server, client string) *plainPartner {
	t.Helper()
	w := &plainPartner{partner: newPartner(t, s, client)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		address := s.base + "/noscript/" + w.client + "?lang=en"
		if kind := query.Get("type"); kind != "" {
			address += "&type=" + kind
		}
		if err := bookPage.Execute(rw, map[string]any{
			"Base": s.base, "Client": w.client, "Address": address, "Link": query.Has("link"),
		}); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /sign", func(rw http.ResponseWriter, r *http.Request) {
		_, body := state(t, s.base, w.client, strings.TrimSpace(r.FormValue("ocapi-challenge-id")), w.token(t))
		fmt.Fprintf(rw, "<!DOCTYPE html><html lang=en><title>Signed</title><link rel=icon href=data:,><h1>%s</h1><p>%s</p>",
			template.HTMLEscapeString(body), template.HTMLEscapeString(r.FormValue("name")))
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	w.url = strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
	return w
}

// newPlainTab opens an empty page in which no script runs.
func newPlainTab(t *testing.T) *tab {
	t.Helper()
	p := newTab(t)
	p.withoutScripts()
	return p
}

// withoutScripts switches scripts off, those of the pages, not those by which a
// test looks at them.
func (p *tab) withoutScripts() {
	p.t.Helper()
	p.plain = true
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// attach gives a tab of what has opened beside p: a frame of another site, which
// the browser runs on its own, or a page in another tab.
func (p *tab) attach(kind, address string) *tab {
	p.t.Helper()
	var id target.ID
	own := chromedp.FromContext(p.ctx).BrowserContextID // other tests open the same pages in theirs
	p.until("the "+kind+" "+address+" is there", func() bool {
		list, err := chromedp.Targets(p.ctx)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, info := range list {
			if info.Type == kind && info.BrowserContextID == own && strings.HasPrefix(info.URL, address) {
				id = info.TargetID
			}
		}
		return id != ""
	})
	q := &tab{t: p.t, plain: true}
	ctx, cancel := chromedp.NewContext(p.ctx, chromedp.WithTargetID(id), chromedp.WithListener(q.note))
	q.ctx = ctx
	p.t.Cleanup(func() {
		if p.t.Failed() { // while both are still there
			q.tell()
			p.tell()
		}
		cancel()
	})
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			q.mu.Lock()
			q.console = append(q.console, m)
			q.mu.Unlock()
		}
	}()
	q.do()
	p.t.Cleanup(q.complain)
	return q
}

// frame gives the page without scripts inside the partner's page.
func (p *tab) frame(s *server) *tab {
	p.t.Helper()
	return p.attach("iframe", s.base+"/noscript/")
}

var pageID = regexp.MustCompile(`/noscript/[^/]+/([0-9a-f-]{36})`)

// paged waits until the page shows a challenge other than the one before, with
// all its images, and returns its id.
func (p *tab) paged(before string) string {
	p.t.Helper()
	address := wait[string](p, "a challenge with all its images is there", `(() => {
		const images = [...document.images];
		const before = `+quote(before)+`;
		return !(before && location.pathname.endsWith(before)) && document.readyState === 'complete' && !document.querySelector('#code') &&
			images.length && images.every((i) => i.complete && i.naturalWidth) && location.href;
	})()`)
	found := pageID.FindStringSubmatch(address)
	if found == nil {
		p.t.Fatalf("the challenge is at %s", address)
	}
	return found[1]
}

// item gives the n-th element of the page that a CSS selector finds, from 0.
func item(selector string, n int) string {
	return fmt.Sprintf("document.querySelectorAll(%s)[%d]", quote(selector), n)
}

// The page's parts.
const (
	pageTexts  = `input[name=texts]`
	pageTicks  = `input[name=unreadable]`
	pageTiles  = `input[name=selected]`
	pageButton = `document.querySelector('form button')`
	pageCode   = `document.querySelector('#code')`
	overCode   = `document.querySelector('.code span')` // what a mouse or a finger gets hold of
	pageNotice = `document.querySelector('.notice')?.innerText`
)

// fill answers the page's challenge: as it is on record when right, otherwise
// as it certainly is not. It does not send it.
func (p *tab) fill(truth []position, right bool) {
	p.t.Helper()
	for i, image := range truth {
		switch expected := image.Expected.(type) {
		case string:
			if !right {
				expected = "not what is there"
			}
			p.retype(item(pageTexts, i), expected)
		case bool:
			if expected == right {
				p.click(item(pageTiles, i))
				wait[bool](p, "the image is selected", item(pageTiles, i)+`.checked`)
			}
		case nil:
			if eval[bool](p, `!!`+item(pageTexts, 0)) {
				p.retype(item(pageTexts, i), image.unread())
			}
		}
	}
}

// retype types a text in place of what is in a field.
func (p *tab) retype(field, text string) {
	p.t.Helper()
	p.click(field)
	p.edit("selectAll")
	p.do(chromedp.KeyEvent(text))
	wait[bool](p, fmt.Sprintf("%s holds %q", field, text), field+`.value === `+quote(text))
}

// code waits for the code of a solved challenge.
func (p *tab) code(id string) {
	p.t.Helper()
	if got := wait[string](p, "the code is shown", pageCode+`?.value`); got != id {
		p.t.Fatalf("the code is %s instead of %s", got, id)
	}
	if h1 := eval[string](p, `document.querySelector('h1').innerText`); h1 != saysDone {
		p.t.Errorf("the page with the code says %q", h1)
	}
}

// control is the modifier in the browser's protocol.
const control = 2

// editKeys are the keys that edit, by the browser's name of what they do.
var editKeys = map[string]string{"copy": "c", "paste": "v", "selectAll": "a"}

// edit does what one of those keys does together with the control key.
func (p *tab) edit(command string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, typ := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
			params := input.DispatchKeyEventParams{Type: typ, Modifiers: control, Key: editKeys[command]}
			if typ == input.DispatchKeyEventTypeKeyDown {
				params.Commands = []string{command}
			}
			if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, params); err != nil {
				return err
			}
		}
		return nil
	}))
}

// clipboard is held from a copy to its paste: a browser has one for all its tabs.
var clipboard sync.Mutex

// carry copies what is selected in another tab, goes to a field of this one, and
// pastes it there.
func (p *tab) carry(from *tab, text, field string, goes func()) {
	p.t.Helper()
	clipboard.Lock()
	defer clipboard.Unlock()
	from.edit("copy")
	goes()
	p.edit("paste")
	wait[bool](p, "the text is pasted", field+`.value === `+quote(text))
}

const bookField = `document.querySelector('input[name=ocapi-challenge-id]')`

// signsBook carries the code, which is selected in another tab, into the
// partner's form, sends that, and checks what the partner's server was told.
func (p *tab) signsBook(from *tab, name, id string) {
	p.t.Helper()
	p.carry(from, id, bookField, func() { p.click(bookField) })
	p.click(`document.querySelector('button')`)
	p.signed(name)
}

func (p *tab) signed(name string) {
	p.t.Helper()
	h1 := wait[string](p, "the partner's server has answered", `document.title === 'Signed' && document.querySelector('h1').textContent`)
	if h1 != `{"state":"validated"}` || eval[string](p, `document.querySelector('p').textContent`) != name {
		p.t.Fatalf("the partner's server learns %s", h1)
	}
}

package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

const codeField = `document.querySelector('#code')`

// plainCode solves the challenge in the page's frame, and copies its code into
// the page's form, where Enter then sends it. It returns the challenge's id.
func (p *tab) plainCode(s *server, before string) string {
	p.t.Helper()
	f := p.frame(s)
	id := f.paged(before)
	f.fill(s.truth(p.t, id), true)
	f.click(pageButton)
	wait[bool](f, "the code is shown", pageCode+`?.value === `+quote(id))
	f.click(overCode)
	wait[bool](f, "the code is selected", `getSelection().toString().trim() === `+quote(id))
	p.carry(f, id, codeField, func() {
		// The page has scrolled, and for a moment the browser gives clicks to where the frame was.
		p.until("the field has the focus", func() bool {
			p.click(codeField)
			return eval[bool](p, `document.activeElement === `+codeField)
		})
	})
	return id
}

// TestPHPWithoutScripts signs in to the PHP example in a browser that runs no
// script, in both ways of signing and with both sets of names.
func TestPHPWithoutScripts(t *testing.T) {
	t.Parallel()
	for names, sign := range map[string]string{"ocapi": "own", "captchan": "form"} {
		t.Run(names, func(t *testing.T) {
			s, p := shared.running(t), newPlainTab(t)
			site := newPHPSite(t, s, newAccount(t, s, "php-plain-"+names), phpSettings{"OCAPI_NAMES": names, "OCAPI_SIGN": sign})
			// To a browser, this name is another site than the server's address.
			p.open(strings.Replace(site.base, "127.0.0.1", "localhost", 1))
			p.enter(userField, userName)
			p.enter(passwordField, "anything")
			id := p.plainCode(s, "")
			p.loads(func() { p.press(kb.Enter) })
			p.isSignedIn()
			s.verdict(t, id, "validated")
		})
	}
}

// TestGuideWithoutScripts puts what the guides show for browsers without scripts
// into the page that they show, under their policy.
func TestGuideWithoutScripts(t *testing.T) {
	t.Parallel()
	const placeholder = `<button type="submit">`
	for _, path := range guides {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, p := shared.running(t), newPlainTab(t)
			mySecret(t, s)
			g := readGuide(t, path)
			page, plain := g.block(t, "html", 0), g.block(t, "html", 1)
			for i, b := range g.blocks {
				if b.code == page {
					g.blocks[i].code = replace(t, page, placeholder, plain+placeholder)
				}
			}
			address, forms := guidePage(t, s, g, "")
			p.open(strings.Replace(address, "127.0.0.1", "localhost", 1))
			p.enter(`document.querySelector('textarea')`, userName)
			id := p.plainCode(s, "")
			p.loads(func() { p.press(kb.Enter) })
			if got := (<-forms)["ocapi-challenge-id"]; !slices.Equal(got, []string{id}) {
				t.Errorf("the form brings %q, want %s once", got, id)
			}
		})
	}
}

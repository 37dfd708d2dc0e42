package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestFormWithoutScripts signs a partner's form in a browser that runs no
// script: with a challenge in a frame, or behind a link.
func TestFormWithoutScripts(t *testing.T) {
	t.Parallel()
	for i, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s, p := shared.running(t), newPlainTab(t)
			w := newPlainPartner(t, s, fmt.Sprintf("plain-%d", i))
			p.open(w.url + "?type=" + kind)
			p.enter(`document.querySelector('input[name=name]')`, userName)
			f := p.frame(s)
			id := f.paged("")
			f.fill(s.truth(t, id), true)
			f.click(pageButton)
			f.code(id)
			// One click selects the whole code.
			f.click(overCode)
			p.signsBook(f, userName, id)
			s.verdict(t, id, "validated")
		})
	}
}

// TestNoCodeWithoutTheRightAnswer sends what is not complete, and what is wrong:
// nothing typed is lost, and a new challenge follows.
func TestNoCodeWithoutTheRightAnswer(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newPlainTab(t)
	p.expect(`status of 400`)
	p.open(s.base + "/noscript/demo?lang=en&type=transcription")
	first := p.paged("")
	truth := s.truth(t, first)
	texts := p.texts(truth)
	p.enter(item(pageTexts, 0), texts[0])
	p.submit(pageButton)
	if said := eval[string](p, pageNotice); !strings.HasPrefix(said, "The answer was not complete.") || !strings.Contains(said, "Image 2") {
		t.Errorf("an incomplete answer is told with %q", said)
	}
	if got := eval[string](p, item(pageTexts, 0)+`.value`); got != texts[0] {
		t.Errorf("what was typed comes back as %q", got)
	}
	p.click(`document.querySelector('.notice a')`)
	wait[bool](p, "the link leads to the field", `document.activeElement === `+item(pageTexts, 1))
	if said := eval[string](p, `document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent`); !strings.HasPrefix(said, "Type an answer") {
		t.Errorf("the field is described by %q", said)
	}
	p.fill(truth, false)
	p.click(pageButton)
	second := p.paged(first)
	if said := eval[string](p, pageNotice); said != saysRejected {
		t.Errorf("a wrong answer is told with %q", said)
	}
	s.verdict(t, first, "rejected")

	// Reading it again posts nothing, and neither does the way back.
	p.loads(func() { p.do(chromedp.Reload()) })
	if id := p.paged(""); id != second {
		t.Errorf("loaded again, the page shows %s instead of %s", id, second)
	}
	p.fill(s.truth(t, second), true)
	p.click(pageButton)
	p.code(second)
	p.loads(func() { p.do(chromedp.Reload()) })
	p.code(second)
	if posts := p.sent("POST", "/noscript/"); len(posts) != 3 {
		t.Errorf("%d answers were posted instead of 3", len(posts))
	}
	for _, r := range p.sent("", "") {
		if r.cookie || !strings.HasPrefix(r.url, s.base+"/") {
			t.Errorf("there was %s %s, with a cookie: %t", r.method, r.url, r.cookie)
		}
	}
	if n := eval[int](p, `document.querySelectorAll('script').length`); n != 0 {
		t.Errorf("the page has %d scripts", n)
	}
}

// TestUnreadableWithoutScripts ticks an image as unreadable; what is typed for
// it does not count.
func TestUnreadableWithoutScripts(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newPlainTab(t)
	p.open(s.base + "/noscript/demo?lang=en&type=transcription")
	id := p.paged("")
	truth := s.truth(t, id)
	for !isSplit(truth) {
		p.click(`document.querySelector('a.button')`)
		id = p.paged(id)
		truth = s.truth(t, id)
	}
	p.fill(truth, true)
	at := 0
	if truth[1].Role == "unknown" {
		at = 1
	}
	p.click(item(pageTicks, at))
	if style := eval[string](p, `getComputedStyle(`+item(pageTexts, at)+`).textDecorationLine`); style != "line-through" {
		t.Errorf("the text that does not count has the decoration %q", style)
	}
	p.click(pageButton)
	p.code(id)
	s.verdict(t, id, "validated")
}

// TestFormWithoutScriptsByKeyboard does all of it with the keyboard alone.
func TestFormWithoutScriptsByKeyboard(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newPlainTab(t)
	w := newPlainPartner(t, s, "plain-keyboard")
	p.open(w.url + "?type=classification")
	p.tabTo(`document.querySelector('input[name=name]')`)
	p.press(userName)
	f := p.frame(s)
	id := f.paged("")
	into := func(element string) {
		t.Helper()
		for range 20 {
			p.press(kb.Tab)
			if eval[bool](f, `document.hasFocus() && document.activeElement === `+element) {
				return
			}
		}
		t.Fatalf("the keyboard does not get to %s", element)
	}
	for i, image := range s.truth(t, id) {
		into(item(pageTiles, i))
		ring := eval[string](f, `getComputedStyle(`+item(".ring", i)+`).outlineStyle`)
		if ring == "none" {
			t.Errorf("image %d has the focus, but nobody can see it", i)
		}
		if image.Expected == true {
			p.press(" ")
			wait[bool](f, "the image is selected", item(pageTiles, i)+`.checked`)
		}
	}
	into(pageButton)
	p.press(kb.Enter)
	f.code(id)
	into(pageCode) // and by that, the code is selected
	p.carry(p, id, bookField, func() { p.tabTo(bookField) })
	p.press(kb.Enter)
	p.signed(userName)
}

// TestLinkWithoutScripts solves the challenge on a page of its own, for websites
// that cannot have frames.
func TestLinkWithoutScripts(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newPlainTab(t)
	w := newPlainPartner(t, s, "plain-link")
	p.open(w.url + "?link=1&type=transcription")
	p.enter(`document.querySelector('input[name=name]')`, userName)
	p.click(`document.querySelector('a')`)
	q := p.attach("page", s.base+"/noscript/")
	id := q.paged("")
	q.fill(s.truth(t, id), true)
	q.click(pageButton)
	q.code(id)
	q.click(overCode)
	p.signsBook(q, userName, id)
}

// TestSoundWithoutScripts follows the link to the sound challenge and back.
func TestSoundWithoutScripts(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newPlainTab(t)
	const listen, look = "Listen instead", "See images instead"
	link := func(text string) string {
		return `[...document.querySelectorAll('a')].find((a) => a.textContent === ` + quote(text) + `)`
	}
	p.open(s.base + "/noscript/demo?lang=en")
	p.paged("")
	p.click(link(listen))
	address := wait[string](p, "the sound is there", `document.querySelector('audio')?.readyState >= 1 && document.querySelector('audio').duration > 1 && location.href`)
	id := pageID.FindStringSubmatch(address)[1]
	truth := s.truth(t, id)
	p.click(link(look))
	p.paged("")
	p.open(address)
	p.enter(`document.querySelector('input[name=text]')`, fmt.Sprint(truth[0].Expected))
	p.click(pageButton)
	p.code(id)
}

// TestSignInWithoutScripts signs in to the example.
func TestSignInWithoutScripts(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newPlainTab(t)
	p.open(s.base + "/demo?type=transcription")
	p.enter(userField, userName)
	p.enter(passwordField, "anything")
	// The frame is of the same origin here, so that it is a part of the page.
	const doc = `document.querySelector('iframe').contentDocument`
	address := wait[string](p, "the frame shows a challenge", doc+`?.querySelector('form') && `+doc+`.location.href`)
	id := pageID.FindStringSubmatch(address)[1]
	for i, text := range p.texts(s.truth(t, id)) {
		p.do(chromedp.Evaluate[chromedp.Void](doc + `.querySelectorAll('` + pageTexts + `')[` + fmt.Sprint(i) + `].focus()`))
		p.press(text)
	}
	p.press(kb.Enter)
	wait[bool](p, "the code is shown", doc+`?.querySelector('#code')?.value === `+quote(id))
	p.enter(`document.querySelector('input[name=ocapi-challenge-id]')`, " "+id)
	p.signsIn()
	s.verdict(t, id, "validated")
}

// TestPlainPageFits opens the page on the narrowest of screens, and in colours
// that are the visitor's own: the selection is seen there too.
func TestPlainPageFits(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newPlainTab(t)
	const narrowest = 320
	p.expect(`status of 400`)
	for _, kind := range kinds {
		p.open(s.base + "/noscript/demo?lang=en&type=" + kind)
		id := p.paged("")
		p.looks("light", narrowest) // complains where the page is wider
		p.click(pageButton)
		wait[bool](p, "something is missing", `!!document.querySelector('.notice')`)
		p.paged("")
		p.looks("dark", narrowest)
		small := eval[[]string](p, `[...document.querySelectorAll('a, button, label.tile, label.tick, form input:not([type=checkbox])')]
			.filter((e) => e.getBoundingClientRect().height < 24).map((e) => e.outerHTML)`)
		if len(small) > 0 {
			t.Errorf("%s: too small for a finger: %v", kind, small)
		}
		p.fill(s.truth(t, id), true)
		p.forceColors()
		if kind == "classification" {
			if opacity := eval[string](p, `getComputedStyle(document.querySelector('`+pageTiles+`:checked')).opacity`); opacity != "1" {
				t.Errorf("in forced colours the tick has the opacity %s", opacity)
			}
		}
		if os.Getenv("OCAPI_SCREENSHOTS") != "" {
			p.shoot("plain-"+kind+"-forced", `document.documentElement`)
		}
		p.click(pageButton)
		p.code(id)
		p.looks("light", narrowest)
		cut := eval[bool](p, `((e) => e.scrollWidth > e.clientWidth)(`+pageCode+`)`)
		if cut {
			t.Error("the code is cut off")
		}
	}
}

// forceColors shows the page in the colours that somebody has set for all pages.
func (p *tab) forceColors() {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}},
		})
		return err
	}))
}

// plainPictures shows the page without scripts in all its
// states, for people to look at.
func plainPictures(t *testing.T) {
	s, p := shared.running(t), newPlainTab(t)
	p.expect(`status of 4\d\d`)
	for _, kind := range kinds {
		p.open(s.base + "/noscript/demo?lang=en&type=" + kind)
		id := p.paged("")
		p.picture("plain-" + kind)
		p.click(pageButton)
		wait[bool](p, "something is missing", `!!document.querySelector('.notice')`)
		p.paged("")
		p.picture("plain-" + kind + "-missing")
		truth := s.truth(t, id)
		p.fill(truth, false)
		if kind == "transcription" {
			p.click(item(pageTicks, 1))
		}
		p.picture("plain-" + kind + "-filled")
		p.click(pageButton)
		id = p.paged(id)
		p.picture("plain-" + kind + "-rejected")
		p.fill(s.truth(t, id), true)
		p.click(pageButton)
		p.code(id)
		p.picture("plain-" + kind + "-code")
		p.click(overCode)
		p.picture("plain-" + kind + "-code-selected")
	}
	if serves(t, s, "audio") {
		p.open(s.base + "/noscript/demo?lang=en&type=audio")
		wait[bool](p, "the sound is there", `document.querySelector('audio')?.readyState >= 1`)
		p.picture("plain-audio")
	}
	p.open(s.base + "/noscript/demo?lang=fr&type=transcription")
	p.paged("")
	p.picture("plain-french")
	p.open(s.base + "/noscript/nobody?lang=en")
	p.picture("plain-no-client")
	p.open(s.base + "/noscript/demo/nothing?lang=en")
	p.picture("plain-no-challenge")
	p.open(s.base + "/demo?type=classification")
	wait[bool](p, "the frame shows a challenge", `!!document.querySelector('iframe').contentDocument?.querySelector('form')`)
	p.picture("plain-sign-in")
	w := newPlainPartner(t, s, "plain-pictures")
	p.open(w.url)
	f := p.frame(s)
	f.paged("")
	p.picture("plain-framed")
}

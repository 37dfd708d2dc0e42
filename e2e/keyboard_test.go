package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focused is the element that has the focus, looked for inside the widget too.
const focused = `((e) => e.shadowRoot?.activeElement || e)(document.activeElement)`

// press presses keys; each rune is one key.
func (p *tab) press(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys))
}

// tabTo presses the tabulator until an element has the focus, and checks that
// this can be seen.
func (p *tab) tabTo(element string) {
	p.t.Helper()
	for range 20 { // more than the page has stops
		if eval[bool](p, focused+` === `+element) {
			if outline := eval[string](p, `getComputedStyle(`+focused+`).outlineStyle`); outline == "none" {
				p.t.Errorf("%s has the focus, but nobody can see it", element)
			}
			return
		}
		p.press(kb.Tab)
	}
	p.t.Fatalf("the keyboard does not get to %s; it got to %s", element, eval[string](p, focused+`.outerHTML`))
}

// TestKeyboardAlone signs in without a mouse: from the address bar to the
// welcome, with every stop in between visible.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	t.Run("transcription", func(t *testing.T) {
		s, p := shared.running(t), newTab(t)
		p.open(s.base + "/demo")
		id := p.dealt("")
		p.tabTo(userField)
		p.press(userName)
		p.tabTo(passwordField)
		p.press("anything")
		texts := p.texts(s.truth(t, id))
		p.tabTo(part("input", 0))
		// Enter goes to the next field that is empty, then it sends the answer;
		// never the page's form.
		p.press(texts[0] + kb.Enter)
		wait[bool](p, "Enter leads to the second field", focused+` === `+part("input", 1))
		p.press(texts[1] + kb.Enter)
		p.validated(id)
		p.leaveByKeyboard()
	})
	t.Run("classification", func(t *testing.T) {
		s, p := shared.running(t), newTab(t)
		p.open(s.base + "/demo?type=classification")
		id := p.dealt("")
		p.tabTo(userField)
		p.press(userName + kb.Tab + "anything")
		p.tabTo(part(".tile", 0))
		// The arrows go over the grid; the space bar selects.
		for i, image := range s.truth(t, id) {
			p.tileTo(i)
			if image.Expected == true {
				p.press(" ")
				wait[bool](p, fmt.Sprintf("image %d is selected", i), part(".tile", i)+`.ariaPressed === 'true'`)
			}
		}
		p.tabTo(validate)
		p.press(kb.Enter)
		p.validated(id)
		p.leaveByKeyboard()
	})
	t.Run("wrong at first", func(t *testing.T) {
		s, p := shared.running(t), newTab(t)
		p.open(s.base + "/demo?type=classification")
		first := p.dealt("")
		p.tabTo(userField)
		p.press(userName + kb.Tab + "anything")
		p.tabTo(validate)
		p.press(" ")
		p.says(saysPick)
		wait[bool](p, "the focus is where something is missing", focused+` === `+part(".tile", 0))
		for i, image := range s.truth(t, first) {
			if image.Expected == false {
				p.tabTo(part(".tile", i))
				p.press(" ")
			}
		}
		p.tabTo(validate)
		p.press(kb.Enter)
		p.says(saysRejected)
		second := p.dealt(first)
		// Whoever was in the widget is at the start of the new challenge.
		wait[bool](p, "the new challenge has the focus", focused+` === `+part(".tile", 0))
		for i, image := range s.truth(t, second) {
			if image.Expected == true {
				p.tabTo(part(".tile", i))
				p.press(" ")
			}
		}
		p.tabTo(validate)
		p.press(kb.Enter)
		p.validated(second)
		p.leaveByKeyboard()
	})
}

// texts gives what is to be typed for each image.
func (p *tab) texts(truth []position) []string {
	p.t.Helper()
	texts := make([]string, len(truth))
	for i, image := range truth {
		var known bool
		if texts[i], known = image.Expected.(string); !known {
			texts[i] = image.unread()
		}
	}
	return texts
}

// tileTo goes to the n-th image with the arrows, from the one before.
func (p *tab) tileTo(n int) {
	p.t.Helper()
	switch {
	case n == 0:
	case n%3 == 0: // to the start of the next row
		p.press(kb.ArrowDown + kb.ArrowLeft + kb.ArrowLeft)
	default:
		p.press(kb.ArrowRight)
	}
	wait[bool](p, fmt.Sprintf("image %d has the focus", n), focused+` === `+part(".tile", n))
}

// leaveByKeyboard goes on from the validated widget to the page's button.
func (p *tab) leaveByKeyboard() {
	p.t.Helper()
	// The thing that had the focus is gone; it must not fall back to the page's start.
	wait[bool](p, "the message has the focus", focused+` === `+root+`.querySelector('.message')`)
	p.press(kb.Tab)
	if !eval[bool](p, focused+` === `+signInButton) {
		p.t.Fatalf("after the widget, the focus is on %s", eval[string](p, focused+`.outerHTML`))
	}
	if status := p.loads(func() { p.press(kb.Enter) }); status != 200 {
		p.t.Fatalf("signing in has status %d", status)
	}
	p.isSignedIn()
}

package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestFocusIsNotTaken sends an answer and goes on to another field before the verdict is there.
func TestFocusIsNotTaken(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"validated": rightAnswer, "rejected": "wrong"} {
		t.Run(name, func(t *testing.T) {
			i := newInstance(t, widgetPage("en", ""))
			p := newTab(t)
			p.open(i.page)
			first := p.dealt("")
			p.pause("*/challenge/demo/"+first, fetch.RequestStageRequest, func(ev *fetch.EventRequestPaused) error {
				eval[bool](p, `(`+nameField+`.focus(), true)`)
				_, err := chromedp.Call(p.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
				return err
			})
			p.types(answer)
			if name == "validated" {
				p.enters("validated")
			} else {
				p.dealt(first)
			}
			if !eval[bool](p, focused+` === `+nameField) {
				t.Errorf("the focus was taken to %s", eval[string](p, focused+`.outerHTML`))
			}
		})
	}
}

// TestFocusIsNotLost takes away what has the focus: whoever works with the keyboard is then on the
// message, and goes on from there.
func TestFocusIsNotLost(t *testing.T) {
	t.Parallel()
	const message = root + `.querySelector('.message')`
	i := newInstance(t, widgetPage("en", ""))
	p := newTab(t)
	p.expect(`status of 5`)
	p.open(i.page)
	first := p.dealt("")
	i.set(func() {
		i.answered = func() *refusal { return &refusal{status: 503, headers: map[string]string{"Retry-After": "2"}} }
	})
	for n := range 2 {
		p.enter(part("input", n), rightAnswer)
	}
	p.tabTo(validate)
	p.press(kb.Enter)
	p.enters("waiting") // and the button is gone
	wait[bool](p, "the message has the focus", focused+` === `+message)
	i.set(func() { i.answered = nil })
	p.validated(first)
	wait[bool](p, "the message has the focus", focused+` === `+message)
	p.press(kb.Tab)
	if !eval[bool](p, focused+` === document.querySelector('form > button')`) {
		t.Errorf("after the widget, the focus is on %s", eval[string](p, focused+`.outerHTML`))
	}
}

// TestAlternatives: an image says what is to be done with it, and nothing of what it shows.
func TestAlternatives(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("en", ""))
	p := newTab(t)
	p.open(i.page)
	p.dealt("")
	if got := eval[string](p, root+`.querySelectorAll('img')[1].alt`); got != "Image 2. Type what you read in each image" {
		t.Errorf("the second image is called %q", got)
	}
	p.click(validate)
	p.blames(part("input", 0))
	p.enter(part("input", 0), "x")
	if eval[bool](p, part("input", 0)+`.hasAttribute('aria-invalid') || !!`+part("input", 0)+`.getAttribute('aria-describedby')`) {
		t.Error("the field is still marked as wrong")
	}
	if n := eval[int](p, root+`.querySelectorAll('[role=status],[role=alert],[aria-live]').length`); n != 1 {
		t.Errorf("there are %d live regions", n)
	}
}

// TestSmallAndLarge shows each type on the narrowest screen, also with letters twice as large: nothing
// has to be scrolled sideways, and everything can be hit with a finger.
func TestSmallAndLarge(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "fr", "de", "ar", "fi"} {
		for _, kind := range []string{"transcription", "classification", "audio"} {
			t.Run(lang+" "+kind, func(t *testing.T) {
				i := newInstance(t, widgetPage(lang, ""))
				p := newTab(t)
				i.kinds = []string{kind}
				p.looks("light", 320)
				p.open(i.page)
				p.enters("ready")
				for _, size := range []string{"100%", "200%"} {
					eval[bool](p, `(document.documentElement.style.fontSize = `+quote(size)+`, true)`)
					if wide := eval[int64](p, `Math.max(document.documentElement.scrollWidth, `+root+`.querySelector('.box').scrollWidth)`); wide > 320 {
						t.Errorf("with letters of %s the page is %d pixels wide", size, wide)
					}
					small := eval[[]string](p, `[...`+root+`.querySelectorAll('button, input, audio')].filter((e) => e.checkVisibility()).filter((e) => {
						const r = e.getBoundingClientRect();
						return r.width < 24 || r.height < 24;
					}).map((e) => e.className)`)
					if len(small) > 0 {
						t.Errorf("with letters of %s these are too small: %v", size, small)
					}
				}
			})
		}
	}
}

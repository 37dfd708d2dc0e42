package e2e

import (
	"fmt"
	"strings"
)

// JavaScript expressions for the parts of the widget.
const (
	place    = `document.querySelector('#ocapi-challenge,#captchan-challenge')`
	root     = place + `.shadowRoot`
	validate = root + `.querySelector('.validate')`
	another  = root + `.querySelector('.another')`
	retry    = root + `.querySelector('.retry')`
)

// part gives the n-th element of the widget that a CSS selector finds, from 0.
func part(selector string, n int) string {
	return fmt.Sprintf("%s.querySelectorAll(%s)[%d]", root, quote(selector), n)
}

// Texts that the widget says in English.
const (
	saysRejected = "That didn’t match. Here is a new challenge."
	saysDown     = "The challenge can’t be reached at the moment. What you typed on this page is kept."
	saysNoOther  = "There is no other challenge just now. You can still answer this one."
	saysDone     = "Validated. Thank you!"
	saysPick     = "Select at least one image."
)

// enters waits until the widget is in a state.
func (p *tab) enters(state string) {
	p.t.Helper()
	wait[bool](p, "the widget is "+state, place+`?.dataset.ocapiState === `+quote(state))
}

// says waits until the widget shows a message.
func (p *tab) says(message string) {
	p.t.Helper()
	wait[bool](p, fmt.Sprintf("the widget says %q", message), root+`?.querySelector('.message').textContent === `+quote(message)+
		` && `+root+`.querySelector('.message').checkVisibility()`)
}

// fields gives the values of the four hidden inputs, in the form as the browser
// would send it.
func (p *tab) fields() map[string]string {
	p.t.Helper()
	return eval[map[string]string](p, `Object.fromEntries([...new FormData(document.forms[0])].filter(([name]) => /^(ocapi|captchan)-/.test(name)))`)
}

// dealt waits until a challenge is there with all of its images, other than
// the one before, and returns its id. It checks that the four fields name it.
func (p *tab) dealt(before string) string {
	p.t.Helper()
	id := wait[string](p, "a challenge with all its images is there", `(() => {
		const id = new FormData(document.forms[0]).get('ocapi-challenge-id'), root = `+root+`;
		const images = [...root.querySelectorAll('img')];
		return id !== `+quote(before)+` && `+place+`.dataset.ocapiState === 'ready' &&
			images.length && images.every((i) => i.complete && i.naturalWidth && i.classList.contains('here')) && id;
	})()`)
	fields := p.fields()
	if len(fields) != 4 || fields["captchan-challenge-id"] != id || fields["ocapi-client-id"] == "" ||
		fields["captchan-client-id"] != fields["ocapi-client-id"] {
		p.t.Fatalf("the hidden fields are %v", fields)
	}
	return id
}

// kind gives the type of the challenge that is shown.
func (p *tab) kind() string {
	p.t.Helper()
	return eval[string](p, root+`.querySelector('.transcription,.classification').className`)
}

// answer answers a challenge with the mouse and the keyboard, but does not send it:
// as it is on record when right, otherwise as it certainly is not.
func (p *tab) answer(truth []position, right bool) {
	p.t.Helper()
	for i, image := range truth {
		switch expected := image.Expected.(type) {
		case string:
			if !right {
				expected = "not what is there"
			}
			p.enter(part("input", i), expected)
		case bool:
			if expected == right {
				p.selects(i)
			}
		case nil:
			if p.kind() == "transcription" {
				p.enter(part("input", i), image.unread())
			}
		default:
			p.t.Fatalf("the image at %d should be %T %v", i, expected, expected)
		}
	}
}

// selects clicks the n-th image of a classification.
func (p *tab) selects(n int) {
	p.t.Helper()
	p.click(part(".tile", n))
	wait[bool](p, fmt.Sprintf("image %d is selected", n), part(".tile", n)+`.getAttribute('aria-pressed') === 'true'`)
}

// solve answers the challenge that is shown, right, and waits for the verdict.
func (p *tab) solve(s *server, challenge string) {
	p.t.Helper()
	p.answer(s.truth(p.t, challenge), true)
	p.click(validate)
	p.validated(challenge)
}

// validated waits until the widget has validated a challenge, and checks what
// the page gets to know of it.
func (p *tab) validated(challenge string) {
	p.t.Helper()
	p.enters("validated")
	p.says(saysDone)
	if told := eval[[]string](p, `e2e.validated`); len(told) != 1 || told[0] != challenge {
		p.t.Fatalf("the page was told that %v is validated, not %s once", told, challenge)
	}
	for name, value := range p.fields() {
		if strings.HasSuffix(name, "-challenge-id") && value != challenge {
			p.t.Fatalf("the field %s holds %q, not %s", name, value, challenge)
		}
	}
}

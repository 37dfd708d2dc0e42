package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ocapi/widget"
)

const nameField = `document.querySelector('[name=name]')`

// script is the tag of a release, for pages that an instance serves.
func script(version, how string) string {
	r, _ := widget.Find(version)
	return fmt.Sprintf(`<script src="BASE/ocapi/%s/%s" integrity="%s" crossorigin="anonymous" %s></script>`, r.Version, r.Name, r.Integrity, how)
}

// pageOf is a page with the newest script and a body.
func pageOf(body string) string {
	return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Form</title>` + script(widget.Latest().Version, "defer") +
		`</head><body>` + body + `</body></html>`
}

const placeholder = `<div id="ocapi-challenge" data-ocapi-client="demo" data-ocapi-base-url="BASE"></div>`

// form is a form with the widget of a client.
func form(client string) string {
	return `<form><input name="name" aria-label="Name">` + strings.Replace(placeholder, "demo", client, 1) + `<button>Send</button></form>`
}

// shown waits until the n-th form has a challenge other than before that can be answered.
func (p *tab) shown(n int, before string) string {
	p.t.Helper()
	return wait[string](p, fmt.Sprintf("form %d has a challenge", n), fmt.Sprintf(`(() => {
		const form = document.forms[%d], id = new FormData(form).get('ocapi-challenge-id');
		return id !== %s && form.querySelector('[data-ocapi-state=ready]') && id;
	})()`, n, quote(before)))
}

// within gives an expression for an element of the widget in the n-th form.
func within(n int, selector string) string {
	return fmt.Sprintf(`document.forms[%d].querySelector('#ocapi-challenge').shadowRoot.querySelector(%s)`, n, quote(selector))
}

// TestFetchedLate holds the widget to fetch no challenge that nobody may ever see, and to be there in time.
func TestFetchedLate(t *testing.T) {
	t.Parallel()
	// As tall as that without a style, which the policy forbids.
	far := strings.Repeat("<p>…</p>", 200) + form("demo") + strings.Repeat("<p>…</p>", 200)
	for _, tt := range []struct {
		name, before, act string
	}{
		{"scrolled to", "", `(scrollTo(0, document.forms[0].offsetTop - innerHeight - 200), true)`},
		{"focus in the form", "", `(` + nameField + `.focus({preventScroll: true}), true)`},
		{"filled in by a program", "", nameField + `.dispatchEvent(new Event('input', {bubbles: true}))`},
		{"touched", "", nameField + `.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}))`},
		{"old browser", `delete window.IntersectionObserver`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := newInstance(t, pageOf(far))
			p := newTab(t)
			if tt.before != "" {
				p.before(tt.before)
			}
			p.open(i.page)
			if tt.act != "" {
				// It is there, with its place kept, and has been looked at.
				wait[bool](p, "the skeleton is there", within(0, ".skeleton")+`?.getBoundingClientRect().height > 100`)
				eval[bool](p, `new Promise((done) => new IntersectionObserver(() => setTimeout(() => done(true), 100)).observe(document.forms[0]))`)
				if fields := p.fields(); len(fields) != 4 || fields["ocapi-client-id"] != "demo" || fields["ocapi-challenge-id"] != "" {
					t.Errorf("before there is a challenge, the hidden fields are %v", fields)
				}
				if got := i.queries(); len(got) != 0 {
					t.Errorf("a challenge was fetched that nobody sees: %v", got)
				}
				eval[bool](p, tt.act)
			}
			p.shown(0, "")
			if got := i.queries(); len(got) != 1 {
				t.Errorf("%d challenges were fetched", len(got))
			}
		})
	}
}

// TestRenewed lets challenges run out under a page on which somebody types elsewhere.
func TestRenewed(t *testing.T) {
	t.Parallel()
	i := newInstance(t, pageOf(form("demo")))
	p := newTab(t)
	i.life = 8 * time.Second // in which a busy machine has to begin an answer
	p.before(watchEvents)
	p.open(i.page)
	first := p.shown(0, "")
	p.click(nameField)
	second := p.shown(0, first)
	if !eval[bool](p, `document.activeElement === `+nameField) {
		t.Error("the new challenge took the focus")
	}
	if got := eval[string](p, within(0, ".message")+`.textContent`); got != "" {
		t.Errorf("the widget says %q, which nobody has to know", got)
	}
	// With an answer begun, it stays to its end, and it is said why it went.
	p.enter(within(0, "input"), "half")
	third := p.shown(0, second)
	p.says("That challenge had expired. Here is a new one.")
	// Whoever was in it is in the new one.
	wait[bool](p, "the new challenge has the focus", focused+` === `+within(0, "input"))
	if got := p.told(); !strings.HasPrefix(got, "ready "+first+", expired "+first+", ready "+second+", expired "+second+", ready "+third) {
		t.Errorf("the page was told: %s", got)
	}
}

// watchEvents is run before anything else in a page: it notes the widget's events in their order.
const watchEvents = `(e2e.events = [], ['ready', 'answered', 'rejected', 'expired', 'unavailable', 'validated'].forEach((name) =>
	document.addEventListener('ocapi-challenge-' + name, (e) => e2e.events.push(
		[name, e.detail.challenge_id, e.detail.state || e.detail.reason || e.detail.type || '', e.detail.client_id, e.target.id]))))`

// told gives the widget's events with their challenges, in their order.
func (p *tab) told() string {
	p.t.Helper()
	return eval[string](p, `e2e.events.map(([name, id]) => name + ' ' + id).join(', ')`)
}

// TestEvents notes all that a page gets to know of a challenge that is first wrong, then right.
func TestEvents(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("en", ""))
	p := newTab(t)
	p.before(watchEvents)
	p.expect(`status of 5`)
	p.open(i.page)
	first := p.dealt("")
	p.types("wrong")
	second := p.dealt(first)
	i.set(func() { i.answered = once(&refusal{status: 500}) }) // it tries again by itself
	p.types(rightAnswer)
	p.validated(second)
	want := [][]string{
		{"ready", first, "transcription"}, {"answered", first, "rejected"}, {"rejected", first, ""}, {"ready", second, "transcription"},
		{"unavailable", second, "down"}, {"answered", second, "validated"}, {"validated", second, ""},
	}
	got := eval[[][]string](p, `e2e.events`)
	for n := range want {
		want[n] = append(want[n], "demo", "ocapi-challenge")
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the page was told\n%v, want\n%v", got, want)
	}
}

// TestValidatedIsLeftAlone solves one of two challenges, both under ids that are the same. The other is
// renewed again and again; the solved one is not asked for any more.
func TestValidatedIsLeftAlone(t *testing.T) {
	t.Parallel()
	i := newInstance(t, pageOf(form("demo")+form("other")))
	p := newTab(t)
	p.open(i.page)
	first, second := p.shown(0, ""), p.shown(1, "")
	if first == second {
		t.Fatal("both forms have one challenge")
	}
	i.set(func() { i.life = 2 * time.Second })
	p.types(rightAnswer)
	p.validated(first)
	p.click(within(1, ".another"))
	for range 3 {
		second = p.shown(1, second)
	}
	eval[bool](p, `(dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true})), document.dispatchEvent(new Event('visibilitychange')))`)
	p.click(nameField)
	p.shown(1, second)
	if got := eval[string](p, `OcapiChallenge.getResponse(document.forms[0]) + OcapiChallenge.getResponse(document.forms[1])`); got != first {
		t.Errorf("the forms' responses are %q, want the first form's alone", got)
	}
	if state := eval[string](p, place+`.dataset.ocapiState`); state != "validated" {
		t.Errorf("the solved one is %s", state)
	}
	if got := len(p.sent("GET", "/challenge/demo?")); got != 1 {
		t.Errorf("%d challenges were fetched for the form that is solved", got)
	}
}

// TestReset forgets what was validated: when the page says so, and when its form is reset.
func TestReset(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]string{
		"all":         `(OcapiChallenge.reset(), true)`,
		"placeholder": `(OcapiChallenge.reset(document.querySelector('#ocapi-challenge')), true)`,
		"form":        `(OcapiChallenge.reset(document.forms[0]), true)`,
		"reset event": `(document.forms[0].reset(), true)`,
		// A page that resets as soon as it is told.
		"listener": `true`,
	} {
		t.Run(name, func(t *testing.T) {
			i := newInstance(t, widgetPage("en", ""))
			p := newTab(t)
			p.open(i.page)
			first := p.dealt("")
			if name == "listener" {
				eval[bool](p, `(document.addEventListener('ocapi-challenge-validated', () => OcapiChallenge.reset()), true)`)
				p.types(rightAnswer)
				wait[bool](p, "the page is told", `e2e.validated.length === 1`)
			} else {
				p.types(rightAnswer)
				p.validated(first)
				if got := eval[string](p, `OcapiChallenge.getResponse()`); got != first {
					t.Errorf("the response is %q", got)
				}
			}
			eval[bool](p, act)
			second := p.dealt(first)
			if got := eval[string](p, `OcapiChallenge.getResponse()`); got != "" {
				t.Errorf("after the reset the response is %q", got)
			}
			eval[bool](p, `!(e2e.validated = [])`)
			if name == "listener" {
				return
			}
			p.types(rightAnswer)
			p.validated(second)
			if got := len(i.queries()); got != 2 {
				t.Errorf("%d challenges were fetched, want 2", got)
			}
		})
	}
}

// TestResetThatIsPrevented leaves a form alone whose page has refused the reset.
func TestResetThatIsPrevented(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("en", ""))
	p := newTab(t)
	p.open(i.page)
	id := p.dealt("")
	p.types(rightAnswer)
	p.validated(id)
	eval[bool](p, `new Promise((done) => { document.forms[0].addEventListener('reset', (e) => e.preventDefault()); document.forms[0].reset(); setTimeout(() => done(true), 100); })`)
	if got := eval[string](p, `OcapiChallenge.getResponse()`); got != id || len(i.queries()) != 1 {
		t.Errorf("the response is %q after %d challenges", got, len(i.queries()))
	}
}

// TestComesAndGoes puts a placeholder into a page that is there, takes it out, and puts it in again.
func TestComesAndGoes(t *testing.T) {
	t.Parallel()
	i := newInstance(t, pageOf(form("other")))
	p := newTab(t)
	p.open(i.page)
	other := p.shown(0, "")
	i.set(func() { i.life = 2 * time.Second })
	eval[bool](p, `(() => {
		const form = document.createElement('form'), div = document.createElement('div');
		div.id = 'captchan-challenge';
		div.setAttribute('data-captchan-client', 'late');
		div.setAttribute('data-ocapi-base-url', `+quote(i.base)+`);
		form.append(div);
		document.body.append(form);
		window.late = div;
		return true;
	})()`)
	const state, heard = `late.dataset.ocapiState`, `late.shadowRoot.querySelector('audio')`
	wait[bool](p, "the placeholder that came late has a challenge", state+` === 'ready'`)
	wait[bool](p, "it is renewed", `performance.getEntriesByType('resource').filter((r) => r.name.includes('/challenge/late?')).length >= 2`)
	p.click(`late.shadowRoot.querySelector('.other')`)
	wait[bool](p, "its sound plays", heard+` && !`+heard+`.paused`)
	asked := func() int { return len(p.sent("GET", "/challenge/late?")) }
	eval[bool](p, `(window.sound = `+heard+`, late.remove(), true)`)
	wait[bool](p, "the sound is silent", `sound.paused`)
	before := asked() // not sooner: until it was gone, it was renewed
	// Long enough for two renewals.
	p.click(within(0, ".another"))
	for range 3 {
		other = p.shown(0, other)
	}
	if got := asked(); got != before {
		t.Errorf("the placeholder that is gone asked for %d challenges", got-before)
	}
	eval[bool](p, `(document.forms[1].append(late), true)`)
	p.until("it is at work again", func() bool { return asked() > before })
	wait[bool](p, "it can be answered", state+` === 'ready'`)
	if boxes := eval[int](p, `late.shadowRoot.querySelectorAll('.box').length`); boxes != 1 {
		t.Errorf("it has %d boxes", boxes)
	}
	// The fields that left with it came back with it.
	if fields := eval[int](p, `document.forms[1].querySelectorAll('input[type=hidden]').length`); fields != 4 {
		t.Errorf("its form has %d hidden fields", fields)
	}
}

// TestOneWidgetAForm has more than one placeholder in a form: two would fight over the fields.
func TestOneWidgetAForm(t *testing.T) {
	t.Parallel()
	i := newInstance(t, pageOf(`<form>`+placeholder+placeholder+`</form>`+placeholder))
	p := newTab(t)
	p.open(i.page)
	p.shown(0, "")
	wait[bool](p, "the one outside has a challenge", `document.querySelectorAll('#ocapi-challenge')[2].dataset.ocapiState === 'ready'`)
	if got := eval[[]bool](p, `[...document.querySelectorAll('#ocapi-challenge')].map((e) => !!e.shadowRoot)`); fmt.Sprint(got) != "[true false true]" {
		t.Errorf("of the placeholders, these have a widget: %v", got)
	}
	// When the first goes, the second takes over.
	eval[bool](p, `(document.querySelector('#ocapi-challenge').remove(), true)`)
	wait[bool](p, "the second takes over", `document.forms[0].querySelector('#ocapi-challenge').dataset.ocapiState === 'ready'`)
}

// TestPlaceholderOfAnyKind: not every element takes a shadow tree.
func TestPlaceholderOfAnyKind(t *testing.T) {
	t.Parallel()
	i := newInstance(t, strings.Replace(pageOf(`<form><ul>`+strings.ReplaceAll(placeholder, "div", "li")+`</ul></form>`),
		"</head>", script(widget.Latest().Version, "defer")+"</head>", 1))
	p := newTab(t)
	p.open(i.page)
	wait[bool](p, "there is a challenge", place+`.dataset.ocapiState === 'ready'`)
	eval[bool](p, `new Promise((done) => { document.body.append('x'); setTimeout(() => done(true), 100); })`) // has it looked for placeholders again
	if got := eval[int](p, place+`.querySelectorAll('div').length`); got != 1 || len(i.queries()) != 1 {
		t.Errorf("%d widgets asked for %d challenges", got, len(i.queries()))
	}
}

// TestScriptTwice loads the script twice, also in an older release: there is one widget.
func TestScriptTwice(t *testing.T) {
	t.Parallel()
	latest := widget.Latest().Version
	for _, versions := range [][2]string{{latest, latest}, {"0.5.1", latest}, {latest, "0.5.1"}, {"0.5.0", latest}} {
		t.Run(versions[0]+" and "+versions[1], func(t *testing.T) {
			i := newInstance(t, `<!DOCTYPE html><html lang="en"><head><title>Form</title>`+script(versions[0], "defer")+script(versions[1], "defer")+
				`</head><body>`+form("demo")+`</body></html>`)
			p := newTab(t)
			p.open(i.page)
			id := p.shown(0, "")
			wait[bool](p, "the page is loaded", `document.readyState === 'complete'`)
			if boxes := eval[int](p, root+`.querySelectorAll('.box').length`); boxes != 1 {
				t.Errorf("there are %d boxes", boxes)
			}
			if fields := p.fields(); len(fields) != 4 || eval[int](p, `document.querySelectorAll('input[type=hidden]').length`) != 4 {
				t.Errorf("the form has the fields %v", fields)
			}
			p.types(rightAnswer)
			p.validated(id)
			if got := len(i.queries()); got != 1 {
				t.Errorf("%d challenges were fetched", got)
			}
		})
	}
}

// TestBackFromAnotherPage leaves the page for longer than its challenge lives and goes back.
func TestBackFromAnotherPage(t *testing.T) {
	t.Parallel()
	i := newInstance(t, pageOf(form("demo")))
	p := newTab(t)
	i.life = 3 * time.Second
	p.open(i.page)
	first := p.shown(0, "")
	began := time.Now()
	eval[bool](p, `(window.kept = true, addEventListener('pageshow', (e) => { window.restored = e.persisted; }), true)`)
	p.open("about:blank")
	p.until("the challenge has run out", func() bool { return time.Since(began) > i.life+time.Second })
	eval[bool](p, `(setTimeout(() => history.back()), true)`)
	p.shown(0, first)
	if !eval[bool](p, `!!window.kept && !!window.restored`) {
		t.Log("this browser has loaded the page anew")
	}
}

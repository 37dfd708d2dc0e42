package e2e

import "testing"

const (
	listen = root + `.querySelector('.other')`
	sound  = root + `.querySelector('audio')`
	replay = root + `.querySelector('.replay')`
	slower = root + `.querySelector('.slower')`
)

// hears waits until a sound to be typed is there, other than that of the challenge before, and
// returns its challenge's id.
func (p *tab) hears(before string) string {
	p.t.Helper()
	return wait[string](p, "a sound that can be played is there", `(() => {
		const id = new FormData(document.forms[0]).get('ocapi-challenge-id'), sound = `+sound+`;
		return id !== `+quote(before)+` && `+place+`.dataset.ocapiState === 'ready' && sound && sound.readyState >= 3 && sound.controls && id;
	})()`)
}

// TestListen takes the sound instead of the images, and solves it.
func TestListen(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("en", ""))
	p := newTab(t)
	p.open(i.page)
	images := p.dealt("")
	if eval[bool](p, `!!`+sound) {
		t.Fatal("there is a sound before anybody asked for one")
	}
	p.click(listen)
	first := p.hears(images)
	asked := i.queries()
	if last := asked[len(asked)-1]; last.Get("type") != "audio" || last.Get("lang") != "en" {
		t.Errorf("the sound was asked for with %v", last)
	}
	// Whoever pressed the button wants to hear something.
	wait[bool](p, "the sound plays", `!`+sound+`.paused && `+sound+`.currentTime > 0`)
	wait[bool](p, "the focus is where it can be heard again", focused+` === `+replay)
	if got := eval[string](p, sound+`.crossOrigin + ' ' + `+sound+`.controls + ' ' + `+sound+`.preload`); got != "anonymous true auto" {
		t.Errorf("the sound's element is %q", got)
	}

	p.click(slower)
	wait[bool](p, "it plays slowly at the same pitch", sound+`.playbackRate === .7 && `+sound+`.preservesPitch && `+slower+`.getAttribute('aria-pressed') === 'true'`)
	eval[bool](p, `(`+sound+`.addEventListener('seeked', (e) => { e2e.from = e.target.currentTime; }), `+sound+`.currentTime = 3, true)`)
	wait[bool](p, "it is near its end", `e2e.from >= 3`)
	p.click(replay)
	wait[bool](p, "it plays from its start", `e2e.from < 2`)
	p.click(slower)
	wait[bool](p, "it plays as fast as before", sound+`.playbackRate === 1 && `+slower+`.getAttribute('aria-pressed') === 'false'`)

	p.click(validate)
	p.says("Type what you hear.")
	p.blames(part("input", 0))

	p.types("wrong")
	p.says(saysRejected)
	second := p.hears(first)
	if len(i.queries()) != len(asked) {
		t.Error("the next sound did not come with the verdict")
	}
	if eval[bool](p, `!`+sound+`.paused`) {
		t.Error("the next sound plays by itself")
	}
	p.types(rightAnswer)
	p.validated(second)
	if eval[bool](p, `!!`+sound) {
		t.Error("the sound is still there")
	}
}

// blames checks that a field is marked as wrong and that the message says why.
func (p *tab) blames(field string) {
	p.t.Helper()
	wait[bool](p, "the field has the focus", focused+` === `+field)
	type blame struct {
		Invalid string
		Texts   []string
	}
	got := eval[blame](p, `({Invalid: `+field+`.getAttribute('aria-invalid'), Texts: (`+field+`.getAttribute('aria-describedby') || '').trim().split(/\s+/)
		.map((id) => `+root+`.getElementById(id)?.textContent || '')})`)
	if got.Invalid != "true" || len(got.Texts) == 0 || got.Texts[len(got.Texts)-1] != eval[string](p, root+`.querySelector('.message').textContent`) {
		p.t.Errorf("the field is described by %+v", got)
	}
}

// TestListenAndLookAgain goes back to the images, and is given images again after a reset.
func TestListenAndLookAgain(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("en", `data-ocapi-type="classification"`))
	p := newTab(t)
	p.open(i.page)
	first := p.dealt("")
	p.click(listen)
	heard := p.hears(first)
	wait[bool](p, "the button leads back", listen+`.textContent === 'See images instead'`)
	p.click(listen)
	p.dealt(heard)
	if kind := p.kind(); kind != "classification" {
		t.Errorf("back at the images, the challenge is a %s", kind)
	}
	wait[bool](p, "the button leads to a sound", listen+`.textContent === 'Listen instead'`)
}

// TestNoSound has an instance without sounds: the challenge that is there stays, with what was typed.
func TestNoSound(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("en", ""))
	p := newTab(t)
	p.expect(`status of 503`)
	i.set(func() { i.kinds = []string{"transcription"} })
	p.open(i.page)
	id := p.dealt("")
	p.enter(part("input", 0), rightAnswer)
	p.click(listen)
	p.says(saysNoOther)
	p.enters("ready")
	p.enter(part("input", 1), rightAnswer)
	p.click(validate)
	p.validated(id)
}

// TestSoundInAnotherLanguage: the field says which language is spoken, to people and to keyboards.
func TestSoundInAnotherLanguage(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("fr", ""))
	p := newTab(t)
	p.open(i.page)
	p.click(listen)
	p.hears("")
	if lang := eval[string](p, part("input", 0)+`.lang`); lang != "en" {
		t.Errorf("the field is in %q", lang)
	}
	if label := eval[string](p, part("input", 0)+`.labels[0].textContent`); label != "Ce que vous entendez (anglais)" {
		t.Errorf("the field is labelled %q", label)
	}
}

// TestBrokenSound has the sound fail: nobody can answer what they cannot hear.
func TestBrokenSound(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("en", ""))
	p := newTab(t)
	p.expect(`net::ERR_FAILED`)
	p.open(i.page)
	images := p.dealt("")
	p.loseResponse("*/audio")
	p.expect(`net::ERR_CONNECTION_RESET`)
	p.click(listen)
	p.says(saysDown)
	p.enters("unavailable")
	p.click(retry)
	p.hears(images)
}

package e2e

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// story leads the widget of one mode through all of its states. Whoever has it told looks at each: the
// checker of accessibility, the one who compares trees, the photographer.
type story struct {
	name       string
	attributes string // of the placeholder
	tell       func(*scene)
}

var stories = []story{
	{"empty", "", tellEmpty},
	{"transcription", `data-ocapi-type="transcription"`, tellChallenge},
	{"classification", `data-ocapi-type="classification"`, tellChallenge},
	{"audio", `data-ocapi-type="audio"`, tellChallenge},
	{"game", `data-ocapi-type="transcription" data-ocapi-game-mode="2"`, tellGame},
}

// scene is where a story takes place: a page with the widget and an instance that does as it is told.
type scene struct {
	*tab
	i     *instance
	words map[string]string // what the widget says, by the names of the texts
	look  func(state string)
}

// still has a page hold still while somebody looks at it: tries that the widget makes by itself do not
// come, and a proof of work has no end. It has no part in the states themselves.
const still = `{
	const timeout = setTimeout;
	window.setTimeout = (f, ms) => timeout(f, ms >= 1000 ? 2 ** 30 : ms);
	crypto.subtle.deriveBits = () => new Promise(() => {});
}`

// told tells a story in a language; look is called in each state.
func told(t *testing.T, s story, lang string, look func(sc *scene, state string)) {
	t.Helper()
	sc := &scene{tab: newTab(t), i: newInstance(t, widgetPage(lang, s.attributes)), words: words(t, lang)}
	sc.look = func(state string) { look(sc, state) }
	sc.before(still)
	sc.expect(`status of (400|404|410|429|500|503)`)
	s.tell(sc)
}

// words gives all that the widget says in a language.
func words(t *testing.T, lang string) map[string]string {
	t.Helper()
	body, err := os.ReadFile("../widget/languages/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for name, text := range all {
		texts[name], _ = text.(string)
	}
	return texts
}

// tellEmpty tells of a widget that has no challenge yet.
func tellEmpty(s *scene) {
	release := s.i.stalls()
	s.open(s.i.page)
	wait[bool](s.tab, "the widget says what it does", root+`?.querySelector('.title').textContent === `+quote(s.words["loading"]))
	s.enters("loading")
	s.look("loading")
	s.i.set(func() { s.i.gate = func(url.Values) *refusal { return busy(95) } })
	release()
	s.enters("waiting")
	s.says(s.words["busy"])
	s.look("waiting")
	s.i.set(func() { s.i.gate = func(url.Values) *refusal { return &refusal{status: 500} } })
	s.open(s.i.page)
	s.enters("unavailable")
	s.says(s.words["down"])
	s.look("unavailable")
	s.expect(`unknown client`)
	s.i.set(func() { s.i.gate = func(url.Values) *refusal { return &refusal{status: 404} } })
	s.open(s.i.page)
	s.enters("unavailable")
	s.says(s.words["setup"])
	s.look("not-set-up")
	task := newPuzzle(s.t, 10, 10)
	s.i.set(func() { s.i.gate = func(url.Values) *refusal { return task.asked(10, 95) } })
	s.open(s.i.page)
	s.says(s.words["working"])
	s.look("working")
}

// tellChallenge tells of a challenge from its arrival to its end.
func tellChallenge(s *scene) {
	s.open(s.i.page)
	id := s.arrives("")
	s.look("ready")
	s.click(validate)
	s.says(s.words[map[string]string{"transcription": "fill", "classification": "pick", "audio": "fillAudio"}[s.kind()]])
	s.look("missing")
	s.fill(false)
	s.look("filled")

	release := s.i.stalls()
	s.click(validate)
	s.enters("sending")
	s.look("sending")
	release()
	s.says(s.words["rejected"])
	id = s.arrives(id)
	s.look("rejected")

	release = s.i.stalls()
	s.click(another)
	s.enters("loading")
	s.look("replacing")
	release()
	id = s.arrives(id)

	// What the instance says to an answer.
	answered := func(no *refusal) {
		s.i.set(func() { s.i.answered = func() *refusal { return no } })
		s.fill(false)
		s.click(validate)
	}
	answered(&refusal{status: 400})
	s.says(s.words["refused"])
	s.look("refused")
	s.click(another)
	id = s.arrives(id)
	answered(&refusal{status: 410})
	s.says(s.words["expired"])
	id = s.arrives(id)
	s.look("expired")
	answered(busy(95))
	s.enters("waiting")
	s.says(s.words["busy"])
	s.look("waiting")
	eval[bool](s.tab, `(OcapiChallenge.reset(), true)`)
	id = s.arrives(id)
	answered(&refusal{status: 500})
	s.enters("unavailable")
	s.says(s.words["down"])
	s.look("unavailable")
	s.i.set(func() { s.i.answered = nil })
	s.click(retry)
	s.says(s.words["rejected"])
	s.arrives(id)

	// The other way in is not to be had.
	s.i.set(func() { s.i.gate = func(url.Values) *refusal { return &refusal{status: 503} } })
	s.click(listen)
	s.says(s.words["noOther"])
	s.look("no-other")

	s.fill(true)
	s.click(validate)
	s.enters("validated")
	s.says(s.words["validated"])
	s.look("validated")
}

// tellGame tells of a game of two rounds.
func tellGame(s *scene) {
	s.open(s.i.page)
	id := s.arrives("")
	s.look("first-round")
	s.types(rightAnswer)
	s.arrives(id)
	s.look("second-round")
	s.types("wrong")
	s.enters("finished")
	s.look("score")
}

// arrives waits until a challenge other than the one before is there with all that it is made of.
func (s *scene) arrives(before string) string {
	s.t.Helper()
	return wait[string](s.tab, "a challenge is there", `(() => {
		const parts = [...`+root+`.querySelectorAll('img, audio')];
		const id = parts[0]?.src.split('/')[5];
		return id && id !== `+quote(before)+` && `+place+`.dataset.ocapiState === 'ready' &&
			parts.every((e) => (e.readyState >= 3 && e.controls) || (e.complete && e.naturalWidth && e.classList.contains('here'))) && id;
	})()`)
}

// kind gives the type of the challenge that is shown.
func (s *scene) kind() string {
	s.t.Helper()
	return eval[string](s.tab, root+`.querySelector('.body').firstChild.className`)
}

// fill answers the challenge that is shown, without sending it.
func (s *scene) fill(right bool) {
	s.t.Helper()
	text := rightAnswer
	if !right {
		text = "wrong"
	}
	switch s.kind() {
	case "transcription":
		s.enter(part("input", 0), text)
		if right {
			s.enter(part("input", 1), text)
		} else {
			s.click(part(".unreadable", 1))
		}
	case "classification":
		for n := range 3 {
			if right || n < 2 {
				s.selects(n)
			}
		}
	case "audio":
		s.enter(part("input", 0), text)
	}
}

// view is how somebody sees a page.
type view struct {
	name   string
	width  int64
	zoom   float64
	scheme string
	forced bool // colours of their own for all pages
}

// views are those that make a difference to the widget. Nothing moves in any.
var views = []view{
	{name: "narrow", width: 320, zoom: 1, scheme: "light"},
	{name: "dark", width: 640, zoom: 2, scheme: "dark"}, // 1280 pixels at 200 %
	{name: "forced", width: 640, zoom: 1, scheme: "light", forced: true},
}

// sees shows the page as somebody sees it.
func (p *tab) sees(v view) {
	p.t.Helper()
	colors := "none"
	if v.forced {
		colors = "active"
	}
	p.do(chromedp.EmulateViewport(v.width, 900, chromedp.EmulateScale(v.zoom)), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: v.scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"},
				{Name: "forced-colors", Value: colors},
			},
		})
		return err
	}))
	p.fits()
}

// fits complains where anything is wider than the page, or is cut off within the widget.
func (p *tab) fits() {
	p.t.Helper()
	for _, wide := range eval[[]string](p, `(() => {
		const page = document.documentElement, found = [];
		if (page.scrollWidth > page.clientWidth) found.push('the page is ' + page.scrollWidth + ' wide where there are ' + page.clientWidth);
		const box = `+place+`?.shadowRoot?.querySelector('.box');
		if (!box) return found;
		const edge = box.getBoundingClientRect();
		for (const e of box.querySelectorAll(':not(.hide, .hide *)')) {
			if (!e.checkVisibility() || !e.getClientRects().length) continue;
			const r = e.getBoundingClientRect();
			if (r.left < edge.left - 1 || r.right > edge.right + 1) found.push(e.outerHTML.slice(0, 80) + ' sticks out');
			if (e.matches('button, p, label, span, strong') && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline') found.push(e.outerHTML.slice(0, 80) + ' is cut off');
		}
		return found;
	})()`) {
		p.t.Error(wide)
	}
}

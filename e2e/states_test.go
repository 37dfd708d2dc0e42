package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// languages gives all that the widget speaks.
func languages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../widget/languages/*.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("only %d languages were found: %v", len(files), err)
	}
	var tags []string
	for _, file := range files {
		tags = append(tags, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return tags
}

// TestLongTexts has nothing stick out or cut off at 320 pixels in any language: neither the parts of each
// mode nor the longest messages.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	i, p := newInstance(t, ""), newTab(t)
	p.sees(views[0])
	for _, lang := range languages(t) {
		words := words(t, lang)
		for attributes, kind := range map[string]string{
			`data-ocapi-type="transcription" data-ocapi-game-mode`: "transcription",
			`data-ocapi-type="classification"`:                     "classification",
			`data-ocapi-type="audio"`:                              "audio",
		} {
			i.set(func() { i.html = widgetPage(lang, attributes) })
			p.open(i.page)
			s := &scene{tab: p, i: i, words: words}
			s.arrives("")
			p.fits()
			if kind != "audio" {
				continue
			}
			// Each message in its turn, where the widget puts it; each button that is hidden in most states.
			eval[bool](p, `(`+root+`.querySelector('.retry').hidden = false, `+retry+`.textContent = `+quote(words["retry"])+`, true)`)
			for _, name := range []string{"working", "down", "setup", "noOther", "fill"} {
				eval[bool](p, `(`+root+`.querySelector('.message').textContent = `+quote(words[name])+`, true)`)
				p.fits()
			}
		}
		if t.Failed() {
			t.Fatalf("that was in %s", lang)
		}
	}
}

// TestKeyboardToSound solves a sound with the keyboard alone, wrong at first.
func TestKeyboardToSound(t *testing.T) {
	t.Parallel()
	i, p := newInstance(t, widgetPage("en", "")), newTab(t)
	p.open(i.page)
	images := p.dealt("")
	p.tabTo(listen)
	p.press(kb.Enter)
	first := p.hears(images)
	wait[bool](p, "the focus is where it can be heard again", focused+` === `+replay)
	p.tabTo(slower)
	p.press(" ")
	wait[bool](p, "it plays slowly", slower+`.ariaPressed === 'true'`)
	p.tabTo(part("input", 0))
	p.press("wrong" + kb.Enter)
	p.says(saysRejected)
	second := p.hears(first)
	wait[bool](p, "the new challenge has the focus", focused+` === `+replay)
	p.tabTo(part("input", 0))
	p.press(rightAnswer + kb.Enter)
	p.validated(second)
	wait[bool](p, "the message has the focus", focused+` === `+root+`.querySelector('.message')`)
}

// TestKeyboardGame plays and plays again with the keyboard alone.
func TestKeyboardGame(t *testing.T) {
	t.Parallel()
	i, p := newInstance(t, widgetPage("en", `data-ocapi-game-mode="2"`)), newTab(t)
	p.open(i.page)
	first := p.plays(i, 1, 2, "")
	p.tabTo(part("input", 0))
	p.press(rightAnswer + kb.Enter + rightAnswer + kb.Enter)
	second := p.plays(i, 2, 2, first)
	wait[bool](p, "the next round has the focus", focused+` === `+part("input", 0))
	p.press("wrong" + kb.Enter + "wrong" + kb.Enter)
	p.enters("finished")
	wait[bool](p, "the message has the focus", focused+` === `+root+`.querySelector('.message')`)
	p.press(kb.Tab)
	wait[bool](p, "the next stop plays again", focused+` === `+retry)
	p.press(kb.Enter)
	p.plays(i, 1, 2, second)
	wait[bool](p, "the first round has the focus", focused+` === `+part("input", 0))
}

// TestKeyboardIsNotTrapped goes through every stop of each mode and back: each can be seen, and the ends
// are in the page.
func TestKeyboardIsNotTrapped(t *testing.T) {
	t.Parallel()
	const name, send = `document.querySelector('[name=name]')`, `document.querySelector('form > button')`
	i, p := newInstance(t, ""), newTab(t)
	for kind, want := range map[string][]string{
		"transcription":  {"input", "unreadable", "input", "unreadable", "validate", "another", "other"},
		"classification": {"tile", "tile", "tile", "tile", "tile", "tile", "tile", "tile", "tile", "validate", "another", "other"},
		"audio":          {"audio", "replay", "slower", "input", "validate", "another", "other"},
	} {
		i.set(func() { i.html = widgetPage("en", `data-ocapi-type="`+kind+`"`) })
		p.open(i.page)
		(&scene{tab: p, i: i}).arrives("")
		walk := func(from, to string, back ...chromedp.KeyOption) []string {
			var stops []string
			eval[bool](p, `(`+from+`.focus(), true)`)
			for range 40 { // more than there are
				p.do(chromedp.KeyEvent(kb.Tab, back...))
				if eval[bool](p, focused+` === `+to) {
					return stops
				}
				stop := eval[struct{ Name, Outline string }](p, `((e) => ({Name: e.className || e.localName, Outline: getComputedStyle(e).outlineStyle}))(`+focused+`)`)
				if len(stops) > 0 && stop.Name == "audio" && stops[len(stops)-1] == "audio" {
					continue // the browser's own controls are stops within it, which it marks itself
				}
				if stop.Name != "audio" && stop.Outline == "none" {
					t.Errorf("%s: %s has the focus, but nobody can see it", kind, stop.Name)
				}
				stops = append(stops, stop.Name)
			}
			t.Fatalf("%s: the keyboard does not get out of the widget: %v", kind, stops)
			return nil
		}
		if got := walk(name, send); !slices.Equal(got, want) {
			t.Errorf("%s: the stops are %v, want %v", kind, got, want)
		}
		slices.Reverse(want)
		if got := walk(send, name, chromedp.KeyModifiers(chromedp.ModifierShift)); !slices.Equal(got, want) {
			t.Errorf("%s: the stops back are %v, want %v", kind, got, want)
		}
	}
}

// TestFocusStays: a verdict that comes while somebody is elsewhere in the form leaves them there, and so
// does the challenge that follows.
func TestFocusStays(t *testing.T) {
	t.Parallel()
	const name = `document.querySelector('[name=name]')`
	i, p := newInstance(t, widgetPage("en", "")), newTab(t)
	p.open(i.page)
	id := p.dealt("")
	elsewhere := func(answer string) {
		t.Helper()
		release := i.stalls()
		p.types(answer)
		p.enters("sending")
		p.click(name)
		release()
	}
	elsewhere("wrong")
	p.says(saysRejected)
	id = p.dealt(id)
	if !eval[bool](p, focused+` === `+name) {
		t.Error("the new challenge took the focus")
	}
	elsewhere(rightAnswer)
	p.validated(id)
	if !eval[bool](p, focused+` === `+name) {
		t.Error("the verdict took the focus")
	}
}

// TestSaidOnce listens to the live region as a screen reader does, which reads out each change: nothing
// is said twice, nothing is left out, and the seconds of a wait are not counted aloud.
func TestSaidOnce(t *testing.T) {
	t.Parallel()
	i, p := newInstance(t, widgetPage("en", `data-ocapi-game-mode="2"`)), newTab(t)
	p.expect(`status of 429`)
	p.open(i.page)
	first := p.plays(i, 1, 2, "")
	eval[bool](p, `(() => {
		e2e.said = [];
		// Other regions would speak as well.
		for (const region of `+root+`.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')) {
			new MutationObserver(() => region.textContent && e2e.said.push(region.textContent))
				.observe(region, {childList: true, characterData: true, subtree: true, attributes: true, attributeFilter: ['hidden']});
		}
		return true;
	})()`)
	p.click(validate)
	p.blames(part("input", 0))
	p.types("wrong")
	second := p.plays(i, 2, 2, first)
	i.set(func() { i.answered = once(busy(2)) })
	p.types(rightAnswer)
	p.enters("finished")
	p.click(retry)
	p.plays(i, 1, 2, second)
	want := []string{
		"Type an answer for each image, or say that you can’t read it.",
		saysRejected + " Round 2 of 2",
		saysBusy,
		"1 of 2 right\nThank you for reading with us!",
	}
	if got := eval[[]string](p, `e2e.said`); !slices.Equal(got, want) {
		t.Errorf("the widget said %q, want %q", got, want)
	}
}

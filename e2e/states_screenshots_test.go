package e2e

import (
	"net/url"
	"testing"
)

// moreStatePictures shows the states that the sign-in page does not come into by itself.
func moreStatePictures(t *testing.T) {
	open := func(t *testing.T, lang, attributes string) (*tab, *instance) {
		i := newInstance(t, widgetPage(lang, attributes))
		p := newTab(t)
		p.open(i.page)
		p.dealt("")
		return p, i
	}
	t.Run("audio", func(t *testing.T) {
		p, _ := open(t, "en", "")
		p.click(listen)
		p.hears("")
		p.picture("audio-ready")
		p.click(slower)
		p.click(validate)
		p.says("Type what you hear.")
		p.picture("audio-missing")
	})
	t.Run("audio in French", func(t *testing.T) {
		p, _ := open(t, "fr", "")
		p.click(listen)
		p.hears("")
		p.picture("audio-french")
	})
	t.Run("game", func(t *testing.T) {
		p, i := open(t, "en", `data-ocapi-game-mode="2" data-ocapi-type="classification"`)
		first := p.plays(i, 1, 2, "")
		for n := range 3 {
			p.selects(n)
		}
		p.picture("game-first")
		p.click(validate)
		p.plays(i, 2, 2, first)
		p.picture("game-second")
		p.selects(4)
		p.click(validate)
		p.enters("finished")
		p.picture("game-finished")
	})
	t.Run("limited", func(t *testing.T) {
		p, i := open(t, "en", "")
		p.expect(`status of 429`)
		task := newPuzzle(t, 60_000, 1000)
		i.set(func() { i.gate = func(url.Values) *refusal { return task.asked(1000, 95) } })
		p.types("wrong")
		p.says(saysRejected)
		i.set(func() { i.alone = 95 })
		p.types("wrong")
		p.says("That didn’t match. " + saysWorking)
		p.picture("working")
		i.set(func() { i.gate = func(url.Values) *refusal { return busy(95) } })
		p.open(i.page)
		p.says(saysBusy)
		p.picture("limited")
	})
	t.Run("arabic", func(t *testing.T) {
		p, _ := open(t, "ar", `data-ocapi-type="classification"`)
		for n := range 3 {
			p.selects(n)
		}
		p.picture("arabic-classification")
		p.click(listen)
		p.hears("")
		p.picture("arabic-audio")
	})
	t.Run("german", func(t *testing.T) {
		p, _ := open(t, "de", "")
		p.click(validate)
		p.blames(part("input", 0))
		p.picture("german-missing")
	})
}

package e2e

import (
	"fmt"
	"testing"
)

const progress = root + `.querySelector('.round')`

// plays waits for a round of the game and returns its challenge's id.
func (p *tab) plays(i *instance, round, rounds int, before string) string {
	p.t.Helper()
	wait[bool](p, fmt.Sprintf("round %d is shown", round), progress+`?.textContent === `+quote(fmt.Sprintf("Round %d of %d", round, rounds)))
	p.enters("ready")
	return wait[string](p, "another challenge is there", `(() => {
		const src = `+root+`.querySelector('img').src, id = src.split('/')[5];
		return id !== `+quote(before)+` && id;
	})()`)
}

func (p *tab) formHolds(id string) {
	p.t.Helper()
	for name, value := range p.fields() {
		if (name == "ocapi-challenge-id" || name == "captchan-challenge-id") && value != id {
			p.t.Errorf("the field %s holds %q, not %s", name, value, id)
		}
	}
}

// TestGame plays three rounds, one of them badly, and once more.
func TestGame(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("en", `data-ocapi-game-mode="3"`))
	p := newTab(t)
	p.open(i.page)
	won := func(want ...string) {
		t.Helper()
		if got := eval[[]string](p, `e2e.validated`); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the page was told that %v are validated, not %v", got, want)
		}
	}
	first := p.plays(i, 1, 3, "")
	p.formHolds(first)
	p.types("wrong")
	second := p.plays(i, 2, 3, first)
	p.formHolds(second) // nothing better is there yet
	won()
	p.types(rightAnswer)
	third := p.plays(i, 3, 3, second)
	won(second)
	p.formHolds(second) // and not the one that is still to be solved
	wait[bool](p, "the next round begins with what became of this one", root+`.querySelector('.message').textContent.startsWith('Validated. Thank you!')`)
	p.types(rightAnswer)
	p.enters("finished")
	p.says("2 of 3 right\nThank you for reading with us!")
	won(second, third)
	p.formHolds(third)
	if got := eval[string](p, `OcapiChallenge.getResponse()`); got != third {
		t.Errorf("getResponse gives %q", got)
	}

	wait[bool](p, "there is a button to play again", retry+`.checkVisibility() && `+retry+`.textContent === 'Play again'`)
	p.click(retry)
	p.plays(i, 1, 3, third)
	p.formHolds(third)
	for round := range 3 {
		id := p.plays(i, round+1, 3, "")
		p.types("wrong")
		wait[bool](p, "the round is over", `!`+root+`.querySelector('img')?.src.includes(`+quote(id)+`)`)
	}
	p.enters("finished")
	p.says("0 of 3 right\nThank you for reading with us!")
	won(second, third)
	p.formHolds(third)
}

// TestGameOrNot reads the attribute as pages write it.
func TestGameOrNot(t *testing.T) {
	t.Parallel()
	i := newInstance(t, "")
	p := newTab(t)
	for attributes, want := range map[string]string{
		"":                             "",
		`data-ocapi-game-mode="false"`: "",
		`data-ocapi-game-mode`:         "Round 1 of 5",
		`data-ocapi-game-mode="true"`:  "Round 1 of 5",
		`data-ocapi-game-mode="1"`:     "Round 1 of 5",
		`data-ocapi-game-mode="21"`:    "Round 1 of 5",
		`data-ocapi-game-mode="2.5"`:   "Round 1 of 5",
		`data-ocapi-game-mode="2"`:     "Round 1 of 2",
		`data-ocapi-game-mode="20"`:    "Round 1 of 20",
	} {
		i.set(func() { i.html = widgetPage("en", attributes) })
		p.open(i.page)
		p.dealt("")
		if got := eval[string](p, progress+`?.textContent || ''`); got != want {
			t.Errorf("%s: the widget shows %q, want %q", attributes, got, want)
		}
	}
}

// TestGameWithTheRealThing plays two rounds with real challenges.
func TestGameWithTheRealThing(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	i := newInstance(t, widgetPage("en", `data-ocapi-game-mode="2" data-ocapi-type="classification"`))
	i.set(func() { i.base = s.base; i.policy = strictPolicy(s.base) })
	p.open(i.page)
	first := p.plays(i, 1, 2, "")
	p.answer(s.truth(t, first), true)
	p.click(validate)
	second := p.plays(i, 2, 2, first)
	p.answer(s.truth(t, second), false)
	p.click(validate)
	p.enters("finished")
	p.says("1 of 2 right\nThank you for reading with us!")
	p.formHolds(first)
	s.verdict(t, first, "validated")
	s.verdict(t, second, "rejected")
}

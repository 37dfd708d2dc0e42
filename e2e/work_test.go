package e2e

import (
	"net/url"
	"testing"
)

const saysWorking = "Many people are answering just now. Your device is doing a small sum; this takes a moment."
const saysBusy = "Many people are answering just now. A new try starts by itself."

// frames counts what the page draws while something else goes on.
const frames = `(() => {
	e2e.frames = 0; e2e.longest = 0; e2e.began = performance.now();
	let last = performance.now();
	const frame = () => {
		const now = performance.now();
		e2e.longest = Math.max(e2e.longest, now - last);
		last = now;
		e2e.frames++;
		requestAnimationFrame(frame);
	};
	requestAnimationFrame(frame);
	return true;
})()`

// TestProofOfWork has an instance under pressure ask for a proof of work, which is really computed and
// really checked. Meanwhile the page goes on to live.
func TestProofOfWork(t *testing.T) {
	const cost, most = 5000, 1000 // more than an instance asks, to have something to look at
	i := newInstance(t, widgetPage("en", ""))
	p := newTab(t)
	p.expect(`status of 429`)
	p.open(i.page)
	first := p.dealt("")
	if got := i.queries()[0].Get("pow"); got != "1" {
		t.Errorf("the first request says pow=%q", got)
	}

	task := newPuzzle(t, cost, most)
	solutions := 0
	i.set(func() {
		i.gate = func(query url.Values) *refusal {
			if solution := query.Get("pow_solution"); solution != "" {
				solutions++
				if !task.solved(t, solution) {
					t.Errorf("%q is no solution", solution)
				}
				if query.Get("pow") != "1" || query.Get("lang") != "en" {
					t.Errorf("the request with the solution is %v", query)
				}
				return nil
			}
			return task.asked(most, 600)
		}
	})
	eval[bool](p, frames)
	p.click(another)
	p.says(saysWorking)
	// Somebody goes on with the form meanwhile.
	const name = `document.querySelector('[name=name]')`
	p.enter(name, userName)
	second := p.dealt(first)
	drawn := eval[struct{ Frames, Longest, All float64 }](p, `({Frames: e2e.frames, Longest: e2e.longest, All: performance.now() - e2e.began})`)
	// A page that computes by itself would draw next to nothing; one on a machine that does much else stutters.
	report := t.Logf
	if drawn.Frames < 5*drawn.All/1000 || drawn.Longest > drawn.All/2 {
		report = t.Errorf
	}
	report("while the proof was computed, for %.0f ms, the page drew %.0f frames; the longest pause was %.0f ms", drawn.All, drawn.Frames, drawn.Longest)
	if solutions != 1 {
		t.Errorf("%d solutions were sent", solutions)
	}
	if !eval[bool](p, focused+` === `+name) {
		t.Error("the focus was taken from the form")
	}

	// After a rejection without a next challenge, the next one is worked for as well.
	i.set(func() { i.alone = 600 })
	task = newPuzzle(t, 100, most)
	p.types("wrong")
	third := p.dealt(second)
	p.says(saysRejected)
	i.set(func() { i.gate = nil })
	p.types(rightAnswer)
	p.validated(third)
}

// TestProofOfWorkInVain: a proof that is not taken, and a kind of proof that nobody knows, leave the wait.
func TestProofOfWorkInVain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  func(pow map[string]any)
		queries int // before each wait
	}{
		{"refused", func(map[string]any) {}, 2},
		{"unknown algorithm", func(pow map[string]any) { pow["algorithm"] = "SHA-256" }, 1},
		{"no solution", func(pow map[string]any) { pow["max"] = 1 }, 1},
		{"malformed", func(pow map[string]any) { pow["salt"] = nil }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := newInstance(t, widgetPage("en", ""))
			p := newTab(t)
			p.expect(`status of 429`)
			i.gate = func(url.Values) *refusal {
				no := newPuzzle(t, 10, 1000).asked(1000, 2)
				tt.change(no.body["pow"].(map[string]any))
				return no
			}
			p.open(i.page)
			p.enters("waiting")
			p.says(saysBusy)
			// Should the wait be over by now, it has all begun anew.
			for n, query := range i.queries() {
				if solved := n%tt.queries == 1; query.Has("pow_solution") != solved {
					t.Errorf("request %d is %v; want a solution: %t", n, query, solved)
				}
			}
			i.set(func() { i.gate = nil })
			p.dealt("")
		})
	}
}

// TestNoSecureContext: a page without encryption has no WebCrypto, says nothing of a proof of work and waits.
func TestNoSecureContext(t *testing.T) {
	t.Parallel()
	i := newInstance(t, widgetPage("en", ""))
	p := newTab(t)
	p.expect(`status of 429`)
	i.gate = func(query url.Values) *refusal {
		if query.Has("pow") {
			t.Errorf("the request says pow=%q", query.Get("pow"))
		}
		return newPuzzle(t, 10, 1000).asked(1000, 1)
	}
	p.before(`Object.defineProperty(crypto, 'subtle', {value: undefined})`)
	p.open(i.page)
	p.enters("waiting")
	i.set(func() { i.gate = nil })
	p.dealt("")
}

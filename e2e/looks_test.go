package e2e

import "testing"

// TestGuideFitsPhones opens /docs wide and narrow: the menu stands beside the
// text where there is room, and out of its way where there is none.
func TestGuideFitsPhones(t *testing.T) {
	t.Parallel()
	const (
		menu  = `document.querySelector('nav')`
		first = `document.querySelector('h2').getBoundingClientRect()`
	)
	s, p := shared.running(t), newTab(t)
	p.open(s.base + "/docs")
	for _, tt := range []struct {
		width int64
		menu  bool
	}{{1280, true}, {360, false}} {
		p.looks("light", tt.width)
		if shown := eval[bool](p, menu+`.checkVisibility()`); shown != tt.menu {
			t.Errorf("at %d pixels the menu is shown: %t; want %t", tt.width, shown, tt.menu)
		}
		if top := eval[float64](p, first+`.top`); top > 450 {
			t.Errorf("at %d pixels the text begins at %.0f", tt.width, top)
		}
	}
	p.click(`document.querySelector('summary')`)
	wait[bool](p, "the menu is open", menu+`.checkVisibility()`)
	p.click(`document.querySelector('nav a[href="#about-put-it-into-your-site"]')`)
	wait[bool](p, "its link leads to the guide", `location.hash === '#about-put-it-into-your-site'`)
}

// TestButtonsLookLikeButtons: each has a border or a ground of its own.
func TestButtonsLookLikeButtons(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	for _, kind := range kinds {
		p.openSignIn(s, kind)
		bare := eval[[]string](p, `(() => {
			const clear = (c) => c === 'transparent' || /, 0\)$/.test(c);
			const ground = getComputedStyle(`+root+`.querySelector('.box')).backgroundColor;
			return [...`+root+`.querySelectorAll('button')].filter((b) => b.checkVisibility()).filter((b) => {
				const s = getComputedStyle(b);
				const bordered = s.borderTopStyle !== 'none' && parseFloat(s.borderTopWidth) >= 1 && !clear(s.borderTopColor) && s.borderTopColor !== ground;
				return !bordered && (clear(s.backgroundColor) || s.backgroundColor === ground);
			}).map((b) => b.className);
		})()`)
		if len(bare) > 0 {
			t.Errorf("%s: nobody can see that these are buttons: %v", kind, bare)
		}
	}
}

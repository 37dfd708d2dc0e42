package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ocapi/samplestest"
)

// axePath is where scripts/test-deps puts the checker. It is other people's work, and not part of Ocapi.
const axePath = "../.cache/axe/node_modules/axe-core/axe.min.js"

// axeRun checks the page against the rules of WCAG 2.2 up to AA and what the checker holds for good
// practice. It gives what is wrong, one finding a line.
const axeRun = `axe.run(document, {
	runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']},
	resultTypes: ['violations'],
}).then((r) => r.violations.flatMap((v) => v.nodes.map((n) =>
	v.id + ' at ' + n.target.flat().join(' ') + ': ' + n.failureSummary.replace(/\s+/g, ' '))))`

// axe gives the checker's script.
func axe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile(axePath)
	if err != nil {
		samplestest.Missing(t, "there is no axe-core; fetch it with: make test-deps")
	}
	return string(script)
}

// accessible checks what the page shows now, in every view.
func (p *tab) accessible(script, state string) {
	p.t.Helper()
	if !eval[bool](p, `!!window.axe`) {
		p.do(chromedp.Evaluate[chromedp.Void](script + `;0`))
	}
	for _, v := range views {
		p.sees(v)
		for _, wrong := range eval[[]string](p, axeRun) {
			p.t.Errorf("%s, %s: %s", state, v.name, wrong)
		}
	}
}

// TestAccessibility has axe-core find nothing in any state of the widget, narrow, at 200 %, dark and in
// forced colours, from left to right and from right to left.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	script := axe(t)
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			for _, s := range stories {
				t.Run(s.name, func(t *testing.T) {
					began, states := time.Now(), 0
					told(t, s, lang, func(sc *scene, state string) {
						sc.accessible(script, state)
						states++
					})
					t.Logf("%d states, %d checks, %.1f s", states, states*len(views), time.Since(began).Seconds())
				})
			}
		})
	}
}

// TestAccessibilityOfPages: the page without scripts, the example and the guide.
func TestAccessibilityOfPages(t *testing.T) {
	t.Parallel()
	script := axe(t)
	for _, kind := range kinds {
		t.Run(kind+" without scripts", func(t *testing.T) {
			s, p := shared.running(t), newTab(t)
			p.expect(`status of 400`)
			p.open(s.base + "/noscript/demo?lang=en&type=" + kind)
			id := p.paged("")
			p.accessible(script, "at first")
			p.submit(pageButton)
			p.paged("")
			p.accessible(script, "missing")
			p.fill(s.truth(t, id), false)
			p.click(pageButton) // leads on to another address
			id = p.paged(id)
			p.accessible(script, "rejected")
			p.fill(s.truth(t, id), true)
			p.click(pageButton)
			p.code(id)
			p.accessible(script, "code")
		})
	}
	t.Run("without scripts", func(t *testing.T) {
		s, p := shared.running(t), newTab(t)
		p.expect(`status of 404`)
		for _, path := range []string{"demo?lang=en&type=audio", "demo?lang=ar&type=transcription", "demo?lang=ar&type=classification",
			"demo?lang=ar&type=audio", "nobody?lang=en", "demo/nothing?lang=ar"} {
			p.open(s.base + "/noscript/" + path)
			p.accessible(script, path)
		}
	})
	t.Run("example and guide", func(t *testing.T) {
		s, p := shared.running(t), newTab(t)
		p.expect(`status of 403`)
		id := p.openSignIn(s, "transcription")
		p.accessible(script, "sign-in")
		p.solve(s, id)
		p.accessible(script, "sign-in, validated")
		p.signsIn()
		p.accessible(script, "signed in")
		p.openSignIn(s, "classification")
		p.isRefused("was not solved")
		p.dealt("")
		p.accessible(script, "not signed in")
		p.open(s.base + "/docs")
		p.accessible(script, "guide")
	})
}

// TestAccessibilityIsSeen plants mistakes where the widget's parts are: the checker finds them there.
func TestAccessibilityIsSeen(t *testing.T) {
	t.Parallel()
	script := axe(t)
	i, p := newInstance(t, widgetPage("en", "")), newTab(t)
	p.open(i.page)
	p.dealt("")
	p.do(chromedp.Evaluate[chromedp.Void](script + `;0`))
	p.do(chromedp.Evaluate[chromedp.Void](root + `.querySelector('.body').append(document.createElement('input'));` +
		root + `.querySelector('img').removeAttribute('alt');` +
		root + `.querySelector('.foot p').style.color = '#ddd'; 0`))
	found := strings.Join(eval[[]string](p, axeRun), "\n")
	for _, rule := range []string{"label", "image-alt", "color-contrast"} {
		if !strings.Contains("\n"+found, "\n"+rule+" at ") {
			t.Errorf("a breach of %s was not found; what was found: %s", rule, found)
		}
	}
}

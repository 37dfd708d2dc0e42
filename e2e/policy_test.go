package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// TestPolicyOfACompleteUse uses every mode on another origin, wrong and right, in languages that are
// fetched too, under a policy that allows scripts, calls, images and sounds of the instance and nothing
// else: no breach, no request to anybody else, and nothing is left on the device.
func TestPolicyOfACompleteUse(t *testing.T) {
	t.Parallel()
	s, p := shared.running(t), newTab(t)
	i := newInstance(t, "")
	i.base = s.base
	begin := func(lang, attributes string) {
		i.set(func() { i.html, i.policy = widgetPage(lang, attributes), strictPolicy(s.base) })
		p.open(i.page)
	}
	clean := func(what string) {
		t.Helper()
		if seen := eval[[]string](p, `e2e.violations`); len(seen) != 0 {
			t.Errorf("%s: the policy is breached: %v", what, seen)
		}
		if kept := eval[[]string](p, keptScript); len(kept) != 0 {
			t.Errorf("%s: the browser keeps %v", what, kept)
		}
	}
	heard := func(id string) string { return fmt.Sprint(s.truth(t, id)[0].Expected) }

	for _, kind := range kinds {
		begin("ar", `data-ocapi-type="`+kind+`"`)
		first := p.dealt("")
		p.answer(s.truth(t, first), false)
		p.click(validate)
		second := p.dealt(first)
		p.click(another)
		third := p.dealt(second)
		p.answer(s.truth(t, third), true)
		p.click(validate)
		p.enters("validated")
		clean(kind)
	}

	begin("it", "")
	images := p.dealt("")
	p.click(listen)
	first := p.hears(images)
	p.click(slower)
	p.types("xxxxxxxx")
	second := p.hears(first)
	p.enter(part("input", 0), heard(second))
	p.click(validate)
	p.enters("validated")
	clean("audio")

	begin("el", `data-ocapi-game-mode="2" data-ocapi-type="classification"`)
	game := &scene{tab: p}
	won := game.arrives("")
	p.answer(s.truth(t, won), true)
	p.click(validate)
	lost := game.arrives(won)
	p.answer(s.truth(t, lost), false)
	p.click(validate)
	p.enters("finished")
	p.click(retry)
	game.arrives(lost)
	clean("game")

	var languages []string
	for _, r := range p.sent("", "") {
		if r.cookie {
			t.Errorf("a cookie goes along with %s %s", r.method, r.url)
		}
		if strings.HasPrefix(r.url, "data:image/svg+xml;") {
			continue // what the browser draws its own player with; the policy forbids the page any such image
		}
		if !strings.HasPrefix(r.url, s.base+"/") && r.url != i.page+"/" && r.url != i.page+"/favicon.ico" {
			t.Errorf("the page sends %s %s", r.method, r.url)
		}
		if name, ok := strings.CutSuffix(r.url, ".json"); ok {
			languages = append(languages, name[len(name)-2:])
		}
	}
	for _, lang := range []string{"ar", "it", "el"} {
		if !slices.Contains(languages, lang) {
			t.Errorf("the texts in %s were not fetched, only %v", lang, languages)
		}
	}
	for _, origin := range []string{s.base, i.page} {
		usage, err := chromedp.Run(p.ctx, func(ctx context.Context, target *chromedp.Target) (float64, error) {
			r, err := cdp.Call(ctx, target, storage.GetUsageAndQuota, storage.GetUsageAndQuotaParams{Origin: origin})
			return r.Usage, err
		})
		if err != nil || usage != 0 {
			t.Errorf("%s uses %.0f bytes of the device: %v", origin, usage, err)
		}
	}
	cookies, err := chromedp.CallBrowser(p.ctx, storage.GetCookies, storage.GetCookiesParams{
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
	})
	if err != nil || len(cookies.Cookies) != 0 {
		t.Errorf("the browser holds the cookies %v: %v", cookies.Cookies, err)
	}

	// The watch itself: breaches of each kind, in the same page.
	p.expect(`Content Security Policy|TrustedHTML`)
	eval[bool](p, `(() => {
		document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.2:9/x.png'}));
		fetch('http://127.0.0.2:9/').catch(() => {});
		try { document.body.firstChild.innerHTML = '<b>'; } catch (e) {}
		return true;
	})()`)
	wait[bool](p, "breaches are seen", `['img-src', 'connect-src', 'require-trusted-types-for'].every((d) => e2e.violations.some((v) => v.startsWith(d)))`)
	eval[bool](p, `!(e2e.violations = [])`)
}

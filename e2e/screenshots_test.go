package e2e

import (
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// photographers take pictures for people to look at.
var photographers = map[string]func(t *testing.T){
	"sign-in": signInPictures, "README": readmePictures, "states": statePictures, "more states": moreStatePictures,
	"without scripts": plainPictures, "figures": figurePictures,
}

// TestScreenshots takes all pictures, into the folder that OCAPI_SCREENSHOTS
// names. Without one it takes those of the README and throws them away: they can
// still be made.
func TestScreenshots(t *testing.T) {
	if os.Getenv("OCAPI_SCREENSHOTS") != "" {
		for name, take := range photographers {
			t.Run(name, take)
		}
		return
	}
	folder := t.TempDir()
	t.Setenv("OCAPI_SCREENSHOTS", folder)
	readmePictures(t)
	for _, name := range []string{"widget.png", "demo-classification.png"} {
		f, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		size, err := png.DecodeConfig(f)
		_ = f.Close()
		if err != nil || size.Width != readmeWidth || size.Height < readmeWidth {
			t.Errorf("%s is %d by %d pixels: %v", name, size.Width, size.Height, err)
		}
	}
}

// signInPictures shows every state of the widget in the sign-in page: light and
// dark, wide and narrow.
func signInPictures(t *testing.T) {
	s := shared.running(t)
	t.Run("transcription", func(t *testing.T) {
		p := newTab(t)
		id := p.openSignIn(s, "transcription")
		p.picture("transcription-ready")
		p.click(validate)
		wait[bool](p, "something is missing", part("input", 0)+`.hasAttribute('aria-invalid')`)
		p.picture("transcription-missing")
		truth := s.truth(t, id)
		p.answer(truth, false)
		p.click(part(".unreadable", 1))
		p.picture("transcription-filled")
		p.click(validate)
		p.says(saysRejected)
		id = p.dealt(id)
		p.picture("transcription-rejected")
		p.solve(s, id)
		p.picture("validated")
		p.signsIn()
		p.picture("signed-in")
		p.openSignIn(s, "transcription")
		p.isRefused("was not solved")
		p.dealt("")
		p.picture("not-signed-in")
	})
	t.Run("classification", func(t *testing.T) {
		p := newTab(t)
		id := p.openSignIn(s, "classification")
		p.picture("classification-ready")
		p.answer(s.truth(t, id), true)
		p.picture("classification-selected")
		p.loseResponse("*/challenge/demo/" + id)
		p.expect(`net::ERR_`)
		p.expect(`status of 409`)
		p.click(validate)
		p.says(saysDown)
		p.picture("classification-unavailable")
	})
	t.Run("guide", func(t *testing.T) {
		p := newTab(t)
		p.open(s.base + "/docs")
		p.picture("docs")
	})
	t.Run("before a challenge", func(t *testing.T) {
		p := newTab(t)
		p.intercept("*/challenge/demo?*", nil)
		p.open(s.base + "/demo")
		p.enters("loading")
		p.picture("loading")

		for name, response := range map[string]*fetch.FulfillRequestParams{
			"waiting":     {ResponseCode: 429, ResponseHeaders: []*fetch.HeaderEntry{{Name: "Retry-After", Value: "95"}}},
			"unavailable": {ResponseCode: 500},
			"not-set-up":  {ResponseCode: 404},
		} {
			p := newTab(t)
			p.expect(`status of (404|429|500)`)
			p.expect(`unknown client`)
			p.intercept("*/challenge/demo?*", response)
			p.open(s.base + "/demo")
			wait[bool](p, "the widget has given up", `/waiting|unavailable/.test(`+place+`.dataset.ocapiState)`)
			p.picture(name)
		}
	})
}

// readmeWidth is how wide the pictures of the README are, in pixels.
const readmeWidth = 620

// readmePictures makes the two pictures that the README shows: the page down
// to its buttons.
func readmePictures(t *testing.T) {
	s, p := shared.running(t), newTab(t)
	p.looks("light", readmeWidth)
	id := p.openSignIn(s, "transcription")
	truth := s.truth(t, id)
	for i, text := range p.texts(truth) {
		// Only what is on record is sure to be what the picture shows.
		if truth[i].Expected != nil {
			p.enter(part("input", i), text)
			break
		}
	}
	p.shoot("widget", `document.forms[0]`)
	id = p.openSignIn(s, "classification")
	chosen := 0
	for i, image := range s.truth(t, id) {
		if image.Expected == true && chosen < 2 {
			p.selects(i)
			chosen++
		}
	}
	p.shoot("demo-classification", `document.forms[0]`)
}

// picture takes a state in all looks.
func (p *tab) picture(name string) {
	p.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 320} {
			p.looks(scheme, width)
			p.shoot(fmt.Sprintf("%s-%s-%d", name, scheme, width), `document.documentElement`)
		}
	}
}

// looks sets the colour scheme and the width of the page, and stops what moves.
func (p *tab) looks(scheme string, width int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"},
			},
		})
		return err
	}))
	if wide := eval[int64](p, `document.documentElement.scrollWidth`); wide > width {
		p.t.Errorf("at %d pixels the page is %d wide", width, wide)
	}
}

// shoot saves a picture of the page from its top to the end of an element.
func (p *tab) shoot(name, end string) {
	p.t.Helper()
	const margin = 24 // where the picture ends before the page does
	size := eval[struct{ Width, Height float64 }](p, fmt.Sprintf(`(() => {
		const page = document.documentElement;
		return {Width: page.clientWidth, Height: Math.min(page.scrollHeight, scrollY + %s.getBoundingClientRect().bottom + %d)};
	})()`, end, margin))
	png, err := chromedp.Run(p.ctx, func(ctx context.Context, target *chromedp.Target) ([]byte, error) {
		shot, err := cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Clip:                  &page.Viewport{Width: size.Width, Height: size.Height, Scale: 1},
			CaptureBeyondViewport: new(true),
		})
		return shot.Data, err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	folder := os.Getenv("OCAPI_SCREENSHOTS")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// intercept answers all requests to an address in the server's place; a nil
// response leaves them waiting.
func (p *tab) intercept(pattern string, response *fetch.FulfillRequestParams) {
	p.t.Helper()
	p.pause(pattern, fetch.RequestStageRequest, func(ev *fetch.EventRequestPaused) error {
		if response == nil {
			return nil
		}
		r := *response
		r.RequestID = ev.RequestID
		_, err := chromedp.Call(p.ctx, fetch.FulfillRequest, r)
		return err
	})
}

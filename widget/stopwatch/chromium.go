package stopwatch

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

// HowToInstall says what to do where FindChromium finds none.
const HowToInstall = "install a Chromium with: apt-get install --no-install-recommends chromium fonts-liberation" +
	" (or set OCAPI_CHROMIUM to the path of one)"

// FindChromium gives the path of a Chromium, or "". The environment's OCAPI_CHROMIUM comes first.
func FindChromium() string {
	if path := os.Getenv("OCAPI_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		for _, place := range []string{name, "/usr/bin/" + name} { // the path need not have /usr/bin
			if path, err := exec.LookPath(place); err == nil {
				return path
			}
		}
	}
	return ""
}

// browserPatience bounds the start of the browser, which takes a second.
const browserPatience = 60 * time.Second

// StartChromium starts a browser without a window and gives the context of chromedp's for its pages. stop closes the
// browser and waits for that.
func StartChromium(path string) (ctx context.Context, stop func(), err error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		// Containers seldom allow a sandbox, and no page but our own is opened.
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "en"),
		chromedp.Flag("accept-lang", "en"), // the texts that tests look for
		chromedp.WSURLReadTimeout(browserPatience),
		chromedp.WindowSize(1280, 900),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopContext := chromedp.NewContext(allocator)
	stop = func() {
		// Cancel asks the browser to close and waits; what follows ends it in any case.
		_ = chromedp.Cancel(ctx)
		stopContext()
		stopAllocator()
	}
	if err := chromedp.Do(ctx); err != nil {
		stop()
		return nil, nil, fmt.Errorf("start %s: %w", path, err)
	}
	return ctx, stop, nil
}

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

// browser is one headless Chromium for the whole package.
type browser struct {
	ctx  context.Context
	stop func()
}

// findChromium gives the path of a Chromium, or "".
func findChromium() string {
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

func startBrowser(path string) (*browser, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		// Containers seldom allow a sandbox, and no page but our own is opened.
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "en"),
		chromedp.Flag("accept-lang", "en"), // the texts that are looked for
		chromedp.WSURLReadTimeout(browserPatience),
		chromedp.WindowSize(1280, 900),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopContext := chromedp.NewContext(allocator)
	stop := func() {
		// Cancel asks the browser to close and waits; what follows ends it in any case.
		_ = chromedp.Cancel(ctx)
		stopContext()
		stopAllocator()
	}
	if err := chromedp.Do(ctx); err != nil {
		stop()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return &browser{ctx: ctx, stop: stop}, nil
}

package e2e

import (
	"context"

	"ocapi/widget/stopwatch"
)

// browser is one headless Chromium for the whole package.
type browser struct {
	ctx  context.Context
	stop func()
}

func startBrowser(path string) (*browser, error) {
	ctx, stop, err := stopwatch.StartChromium(path)
	if err != nil {
		return nil, err
	}
	return &browser{ctx: ctx, stop: stop}, nil
}

package node

import (
	"context"
	"time"
)

const (
	// platesEvery is how often plates are made up for, a bounded number each time:
	// with three renderings each, a million images of an older release take six
	// and a half hours of being shown.
	platesEvery = time.Second
	// platesPatience bounds one such write, which waits for its turn while an
	// import writes.
	platesPatience = 10 * time.Second
)

// savePlates stores plates of pictures that an older release imported, as they
// are shown, until ctx ends. Nothing depends on it but how much work a picture is.
func (n *node) savePlates(ctx context.Context) {
	failing, before := false, false
	for sleep(ctx, platesEvery) {
		saved, err := n.savePlatesOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			n.logger.Warn("the plates of pictures that were imported by an older release cannot be stored; they are shown all the same", "error", err)
		}
		if saved > 0 && !before {
			n.logger.Info("some pictures have no plate yet, as an older release imported them; they get theirs as they are shown")
			before = true
		}
		failing = err != nil
	}
}

func (n *node) savePlatesOnce(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, platesPatience)
	defer cancel()
	return n.stores.Corpus.SavePlates(ctx)
}

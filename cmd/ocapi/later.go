package main

import (
	"context"
	"sync"
	"time"
)

// laterPatience is how long work waits for the memory that could do without it.
const laterPatience = time.Minute

// later gives work that begins when the memory holds what the log held, since a
// node is ready no sooner: whatever reads the archive meanwhile (statistics, daily
// figures, votes) takes the processor from it. In the profile of a start with
// 50,000 events in the log it had 7 % of the time and they had three quarters.
func (n *node) later(do func(ctx context.Context)) func(ctx context.Context) {
	return func(ctx context.Context) {
		select {
		case <-n.remembers.channel():
		case <-time.After(laterPatience):
		case <-ctx.Done():
			return
		}
		do(ctx)
	}
}

// remember says that the memory holds what the log held. It is called by one
// goroutine, again each time that the log was lost and found.
func (n *node) remember() {
	if n.caughtUp.CompareAndSwap(false, true) {
		close(n.remembers.channel())
	}
}

// latch is a channel to be closed, whose zero value is ready.
type latch struct {
	once sync.Once
	made chan struct{}
}

func (s *latch) channel() chan struct{} {
	s.once.Do(func() { s.made = make(chan struct{}) })
	return s.made
}

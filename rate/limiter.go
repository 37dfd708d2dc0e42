package rate

import (
	"sync"
	"time"

	"ocapi/domain"
)

// Limiter holds one bucket for each client and one for all together. Its
// memory grows with the number of clients it has been asked about, so it is to
// be asked about clients that exist only.
//
// All methods are safe for concurrent use; none blocks for longer than a
// handful of arithmetic (one mutex, about 50 ns a call).
type Limiter struct {
	perClient, total bucket
	epoch            time.Time

	mu      sync.Mutex
	latest  time.Duration // the latest moment seen, from epoch
	all     Cell
	clients map[domain.ClientID]Cell
}

// bucket is a limit in the terms of [GCRA].
type bucket struct {
	interval time.Duration
	burst    int
}

// NewLimiter makes a limiter whose buckets are all full at the time now. The
// error is that of [Config.Validate].
func NewLimiter(c Config, now time.Time) (*Limiter, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Limiter{
		perClient: bucket{interval: c.PerClient.interval(), burst: c.PerClient.Burst},
		total:     bucket{interval: c.Total.interval(), burst: c.Total.Burst},
		epoch:     now,
		clients:   map[domain.ClientID]Cell{},
	}, nil
}

// Take asks for one request of a client. Allowed, it has been charged to the
// client's bucket and to the total, and retryAfter is 0. Refused, nothing has
// been charged, and retryAfter (positive) is when it is worth coming back.
//
// A now that lies before an earlier one counts as that earlier one: time
// stands still and grants nothing until it is caught up with. Give the value
// of [time.Now] with its monotonic reading (no Truncate, no Round), and a
// clock that is set back does not matter at all.
func (l *Limiter) Take(client domain.ClientID, now time.Time) (retryAfter time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latest = max(l.latest, now.Sub(l.epoch))
	own, ownOK, ownWait := l.perClient.take(l.clients[client], l.latest)
	all, allOK, allWait := l.total.take(l.all, l.latest)
	if !ownOK || !allOK {
		return max(ownWait, allWait), false
	}
	l.clients[client], l.all = own, all
	return 0, true
}

func (b bucket) take(cell Cell, now time.Duration) (Cell, bool, time.Duration) {
	return GCRA(cell, now, b.interval, b.burst)
}

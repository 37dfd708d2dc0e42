package usage

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"ocapi/domain"
)

// Counts are what leaves no event, of one client on one day. The zero value is
// nothing.
type Counts struct {
	// Look-ups of states by the partner's server, by what it was told.
	CheckedValidated, CheckedRejected, CheckedCreated uint64
	ChecksFailed                                      uint64 // answered 503
	Failed                                            uint64 // browsers' requests that were answered 503
	Asked                                             uint64 // requests for a challenge that were asked for a proof of work
	Limited                                           uint64 // such that were told to wait
}

// Checks counts all look-ups that were answered.
func (c Counts) Checks() uint64 { return c.CheckedValidated + c.CheckedRejected + c.CheckedCreated }

// Plus adds up.
func (c Counts) Plus(o Counts) Counts {
	return Counts{
		CheckedValidated: c.CheckedValidated + o.CheckedValidated, CheckedRejected: c.CheckedRejected + o.CheckedRejected,
		CheckedCreated: c.CheckedCreated + o.CheckedCreated, ChecksFailed: c.ChecksFailed + o.ChecksFailed,
		Failed: c.Failed + o.Failed, Asked: c.Asked + o.Asked, Limited: c.Limited + o.Limited,
	}
}

// Date is a day in UTC, counted from 1970-01-01.
type Date int64

// DateOf is the day that a moment is in.
func DateOf(t time.Time) Date {
	seconds := t.Unix()
	const perDay = int64(24 * time.Hour / time.Second)
	if seconds < 0 {
		return 0 // no clock of ours
	}
	return Date(seconds / perDay)
}

// Start is the day's midnight, UTC.
func (d Date) Start() time.Time { return time.Unix(0, 0).UTC().AddDate(0, 0, int(d)) }

// Row are the counts of a client's day.
type Row struct {
	Client domain.ClientID
	Date   Date
	Counts
}

type rowKey struct {
	client domain.ClientID
	date   Date
}

// Counter sums up until it is flushed. It is safe for concurrent use.
type Counter struct {
	now func() time.Time

	mu      sync.Mutex
	pending map[rowKey]Counts
	// flushing are counts on their way into the store; they are added to pending
	// again when they did not arrive.
	flushing map[rowKey]Counts

	turn sync.Mutex // one flush at a time; it comes before mu
}

// NewCounter makes a counter that has counted nothing; now is the clock.
func NewCounter(now func() time.Time) *Counter {
	return &Counter{now: now, pending: map[rowKey]Counts{}}
}

// Add counts for a client, today.
func (c *Counter) Add(client domain.ClientID, more Counts) {
	key := rowKey{client, DateOf(c.now())}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[key] = c.pending[key].Plus(more)
}

// Pending lists what is counted here and not known to be in the store, of one
// client or, where none is named, of all.
func (c *Counter) Pending(client domain.ClientID) []Row {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Row
	for _, counts := range []map[rowKey]Counts{c.pending, c.flushing} {
		for key, n := range counts {
			if client == "" || key.client == client {
				list = append(list, Row{key.client, key.date, n})
			}
		}
	}
	return list
}

// Flush adds what was counted to the store. What could not be added is kept for
// the next time; where it is not known whether it was (the connection broke as it
// was committed) it may count twice.
func (c *Counter) Flush(ctx context.Context, s *Store) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	c.flushing, c.pending = c.pending, map[rowKey]Counts{}
	rows := make([]Row, 0, len(c.flushing))
	for key, n := range c.flushing {
		rows = append(rows, Row{key.client, key.date, n})
	}
	c.mu.Unlock()
	// In one order on all nodes, so that no two wait for each other's rows.
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Date, b.Date)) })
	err := s.Add(ctx, rows)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		for key, n := range c.flushing {
			c.pending[key] = c.pending[key].Plus(n)
		}
	}
	c.flushing = nil
	return err
}

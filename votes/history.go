package votes

import (
	"fmt"
	"math"
	"time"
)

const (
	// halfLife is how fast a past is forgotten: a collection's images change.
	halfLife = 30 * 24 * time.Hour
	// mostRemembered bounds the patterns that a history remembers, 40 bytes each;
	// when there are more, the rarest are forgotten, whose share is next to none.
	mostRemembered = 1 << 17
)

// history counts patterns, by the kind that they are a share of. A count halves
// with every half-life of event time, a day at a time.
type history struct {
	patterns map[uint64]float32
	kinds    map[uint64]float64
	day      int64 // since 1970; 0: nothing was counted
}

func newHistory() history {
	return history{patterns: map[uint64]float32{}, kinds: map[uint64]float64{}}
}

func (h *history) add(kind, pattern uint64, at time.Time) {
	h.age(at.Unix() / int64((24 * time.Hour).Seconds()))
	h.kinds[kind]++
	h.patterns[pattern]++
	if len(h.patterns) > mostRemembered {
		h.forget()
	}
}

// share gives the share of a pattern among all of its kind, and how many those
// are.
func (h *history) share(kind, pattern uint64) (share, of float64) {
	of = h.kinds[kind]
	if of < 1 {
		return 0, of
	}
	return float64(h.patterns[pattern]) / of, of
}

// age brings the counts to a day. Events of an earlier day, from a clock that is
// behind, count as the current day's.
func (h *history) age(day int64) {
	days := day - h.day
	if h.day == 0 || days <= 0 {
		h.day = max(h.day, day)
		return
	}
	h.day = day
	factor := math.Exp2(-float64(days) * 24 / halfLife.Hours())
	for k, n := range h.kinds {
		h.kinds[k] = n * factor
	}
	for k, n := range h.patterns {
		if n *= float32(factor); n < 0.5 {
			delete(h.patterns, k)
		} else {
			h.patterns[k] = n
		}
	}
}

// forget drops the rarest patterns until a quarter of the room is free. What is
// as rare goes together, so the order of the map decides nothing.
func (h *history) forget() {
	for least := float32(1); len(h.patterns) > mostRemembered*3/4; least *= 2 {
		for k, n := range h.patterns {
			if n <= least {
				delete(h.patterns, k)
			}
		}
	}
}

// reason says what an alarm has found, for those who ask later.
func (a *Alarm) reason() string {
	return fmt.Sprintf("%d of %d votes within %v, on %d images; at most %.1f %% were to be expected", a.Votes, a.Of, Window, a.Images, 100*a.Expected)
}

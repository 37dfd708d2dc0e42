package rate

import (
	"fmt"
	"time"

	"ocapi/domain"
)

// Limit is a rate with the burst that it tolerates: PerSecond from 0.001 to
// 1e6, Burst from 1 to 1e6.
type Limit domain.Limit

// Config holds the limits that a challenge has to pass. The zero value is not
// usable; take [DefaultConfig] and change it.
//
// Free challenges go to whoever asks: together with them begins what design
// papers call the soft limit. Beyond, a challenge costs a proof of work and is
// charged to Proven. Both together are the hard limit: who has done the work is
// refused, too, once Proven is used up. The two are separate so that nobody
// with much computing power can take away what those get who have none.
type Config struct {
	Free        Limit // without a proof of work, for each client by itself
	Proven      Limit // with one, beside those, for each client by itself
	TotalFree   Limit // without one, for all clients together; not below Free
	TotalProven Limit // with one, for all clients together; not below Proven
	// AudioShare is the part of a client's limits that audio challenges get, in
	// buckets of their own: neither can those who want images take it away, nor
	// can a recogniser of speech take more. Above 0, at most 1.
	AudioShare float64
}

// DefaultConfig leaves an ordinary site alone: its visitors are asked for no
// work below a burst of 1,000 (a lecture hall that presses the button in the
// same second) and 100 a second.
//
// Proven is more than somebody with 100 cores of 2.5 million iterations a
// second can take up at the second step (500 challenges a second), where a
// phone of 0.75 million works for 1.3 s at most: see [Step]. Its burst is two
// minutes' worth, so that the work which can be saved up while questions live
// does not change the step by more than one.
func DefaultConfig() Config {
	return Config{
		Free:        Limit{PerSecond: 100, Burst: 1_000},
		Proven:      Limit{PerSecond: 800, Burst: 96_000},
		TotalFree:   Limit{PerSecond: 2_000, Burst: 10_000},
		TotalProven: Limit{PerSecond: 2_000, Burst: 240_000},
		AudioShare:  0.2,
	}
}

// Bounds of a limit. They keep every product of the arithmetic far inside the
// range of a time.Duration, and a mistyped option from locking clients out for
// days.
const (
	minPerSecond = 0.001
	maxPerSecond = 1e6
	maxBurst     = 1_000_000
	maxRefill    = 24 * time.Hour
)

// OptionError says that an option is out of its bounds, and what these are.
type OptionError struct {
	Of     string // the field of [Config]; empty for a limit by itself
	Option string // "PerSecond" or "Burst"; empty where the field is a number
	Reason string // follows the option's name: "is 0; it has to be …"
}

// Error implements error.
func (e *OptionError) Error() string {
	name := e.Of
	if e.Option != "" {
		if name != "" {
			name += "."
		}
		name += e.Option
	}
	return name + " " + e.Reason
}

// Validate says with an [OptionError] which option is out of its bounds.
func (c Config) Validate() error {
	for _, limit := range []struct {
		name string
		Limit
	}{{"Free", c.Free}, {"Proven", c.Proven}, {"TotalFree", c.TotalFree}, {"TotalProven", c.TotalProven}} {
		if option, reason := limit.flaw(); option != "" {
			return &OptionError{limit.name, option, reason}
		}
	}
	for _, pair := range []struct {
		name       string
		own, total Limit
	}{{"TotalFree", c.Free, c.TotalFree}, {"TotalProven", c.Proven, c.TotalProven}} {
		if pair.total.PerSecond < pair.own.PerSecond {
			return &OptionError{pair.name, "PerSecond", fmt.Sprintf("is %g; it has to be at least the %g of one client", pair.total.PerSecond, pair.own.PerSecond)}
		}
		if pair.total.Burst < pair.own.Burst {
			return &OptionError{pair.name, "Burst", fmt.Sprintf("is %d; it has to be at least the %d of one client", pair.total.Burst, pair.own.Burst)}
		}
	}
	// Written so that a NaN is refused too.
	if !(c.AudioShare > 0 && c.AudioShare <= 1) {
		return &OptionError{Of: "AudioShare", Reason: fmt.Sprintf("is %g; it has to be more than 0 and at most 1", c.AudioShare)}
	}
	return nil
}

// Validate says with an [OptionError] which option is out of its bounds.
func (l Limit) Validate() error {
	if option, reason := l.flaw(); option != "" {
		return &OptionError{"", option, reason}
	}
	return nil
}

// flaw says which option is out of its bounds, and how; the option is empty
// where none is.
func (l Limit) flaw() (option, reason string) {
	// Written so that a NaN is refused too.
	if !(l.PerSecond >= minPerSecond && l.PerSecond <= maxPerSecond) {
		return "PerSecond", fmt.Sprintf("is %g; it has to be from %g to %d", l.PerSecond, minPerSecond, int(maxPerSecond))
	}
	if l.Burst < 1 || l.Burst > maxBurst {
		return "Burst", fmt.Sprintf("is %d; it has to be from 1 to %d", l.Burst, maxBurst)
	}
	if refill := float64(l.Burst) / l.PerSecond; refill > maxRefill.Seconds() {
		return "Burst", fmt.Sprintf("is %d, which takes %.0f s to refill at %g a second; it may take %.0f s at most", l.Burst, refill, l.PerSecond, maxRefill.Seconds())
	}
	return "", ""
}

// bucket gives the limit in the terms of [GCRA]. The time between two requests
// is rounded up to whole nanoseconds: the rate is never exceeded, not even by a
// fraction.
func (l Limit) bucket() bucket {
	exact := float64(time.Second) / l.PerSecond
	interval := time.Duration(exact)
	if float64(interval) < exact {
		interval++
	}
	return bucket{interval: interval, capacity: time.Duration(l.Burst) * interval}
}

// times scales a limit, its burst to a whole number of at least 1.
func (l Limit) times(x float64) Limit {
	return Limit{PerSecond: l.PerSecond * x, Burst: max(1, int(float64(l.Burst)*x))}
}

package rate

import (
	"fmt"
	"time"
)

// Limit is a rate with the burst that it tolerates.
type Limit struct {
	PerSecond float64 // sustained requests per second, 0.001 to 1e6
	Burst     int     // requests at once after a rest, 1 to 1e6
}

// Config holds the two limits that every request has to pass. The zero value
// is not usable; take [DefaultConfig] and change it.
type Config struct {
	PerClient Limit // for each client by itself
	Total     Limit // for all clients together; not below PerClient
}

// DefaultConfig is generous: it stops a runaway, not a busy form. A burst of
// 1,000 lets a whole lecture hall press the button in the same second.
func DefaultConfig() Config {
	return Config{
		PerClient: Limit{PerSecond: 100, Burst: 1_000},
		Total:     Limit{PerSecond: 2_000, Burst: 10_000},
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
	Total  bool   // it is the limit for all clients together
	Option string // "PerSecond" or "Burst"
	Reason string // follows the option's name: "is 0; it has to be …"
}

// Error implements error.
func (e *OptionError) Error() string {
	limit := "per client"
	if e.Total {
		limit = "total"
	}
	return fmt.Sprintf("%s: option %s %s", limit, e.Option, e.Reason)
}

// Validate says with an [OptionError] which option is out of its bounds.
func (c Config) Validate() error {
	for _, limit := range []struct {
		Limit
		total bool
	}{{c.PerClient, false}, {c.Total, true}} {
		if option, reason := limit.flaw(); option != "" {
			return &OptionError{Total: limit.total, Option: option, Reason: reason}
		}
	}
	if c.Total.PerSecond < c.PerClient.PerSecond {
		return &OptionError{true, "PerSecond", fmt.Sprintf("is %g; it has to be at least the %g of one client", c.Total.PerSecond, c.PerClient.PerSecond)}
	}
	if c.Total.Burst < c.PerClient.Burst {
		return &OptionError{true, "Burst", fmt.Sprintf("is %d; it has to be at least the %d of one client", c.Total.Burst, c.PerClient.Burst)}
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

// interval is the time between two requests at the sustained rate, rounded up
// to whole nanoseconds: the rate is never exceeded, not even by a fraction.
func (l Limit) interval() time.Duration {
	exact := float64(time.Second) / l.PerSecond
	interval := time.Duration(exact)
	if float64(interval) < exact {
		interval++
	}
	return interval
}

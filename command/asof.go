package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"ocapi/eventstore"
)

// AsOfFlag goes back to what was known at a moment of the past.
type AsOfFlag struct {
	AsOf string `help:"As it was known at this moment (RFC 3339), this long ago (as 24h), or after the event of this number."`
}

// Past is a point of the log. The zero value is its end.
type Past struct {
	Before eventstore.Sequence // of the first event that was not there yet; 0: all were
	at     time.Time           // when that was; zero: only the event is known
}

// Now is the moment that figures are looked at from.
func (p Past) Now(now, clock time.Time) time.Time {
	switch {
	case !p.at.IsZero():
		return p.at
	case p.Before != 0:
		return clock
	}
	return now
}

// Point finds the flag's point of the log. What was known at a moment is what had
// been stored by then, whenever it was decided.
func (f AsOfFlag) Point(ctx context.Context, a eventstore.Archive, now time.Time) (Past, error) {
	if f.AsOf == "" {
		return Past{}, nil
	}
	if seq, err := strconv.ParseUint(f.AsOf, 10, 63); err == nil {
		end, err := a.Checkpoint(ctx)
		if err != nil {
			return Past{}, err
		}
		if seq > uint64(end.Seq) {
			return Past{}, fmt.Errorf("--as-of: there is no event %d yet; the archive goes up to event %d", seq, end.Seq)
		}
		return Past{Before: eventstore.Sequence(seq) + 1}, nil
	}
	at, err := ParseMoment("--as-of", f.AsOf, now)
	if err != nil {
		return Past{}, fmt.Errorf("%w, nor the number of an event", err)
	}
	if at.After(now) {
		return Past{}, fmt.Errorf("--as-of: %s is yet to come", at.Format(time.RFC3339))
	}
	last, err := a.LastStoredBefore(ctx, at.Truncate(time.Microsecond).Add(time.Microsecond))
	if err != nil {
		return Past{}, err
	}
	return Past{Before: last + 1, at: at}, nil
}

// ParseMoment reads a flag that is a moment or how long ago it was; zero where it is
// not given.
func ParseMoment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %q is neither a moment such as 2026-01-31T12:00:00Z nor a duration such as 90m", flag, text)
	}
	return t, nil
}

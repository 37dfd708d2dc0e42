package simulation

import (
	"time"

	"ocapi/rate"
)

// limiterDoor asks the service's limiter, on the virtual clock.
type limiterDoor struct {
	limiter *rate.Limiter
	began   time.Time
}

// newLimiterDoor makes the limiter as the service has it by default.
func newLimiterDoor() (door, error) {
	began := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	l, err := rate.NewLimiter(rate.DefaultConfig(), began)
	return &limiterDoor{l, began}, err
}

func (d *limiterDoor) ask(now time.Duration, _ int) admission {
	_, ok := d.limiter.Take("site", d.began.Add(now))
	return admission{admitted: ok}
}

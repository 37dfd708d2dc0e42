package simulation

import (
	"math"
	"time"

	"ocapi/domain"
	"ocapi/rate"
)

// theClient is the one that enumerators ask in the name of.
const theClient domain.ClientID = "site"

// limiterDoor asks the service's limiter, with its default limits, on the
// virtual clock.
type limiterDoor struct {
	limiter  *rate.Limiter
	began    time.Time
	pressure *pressure
}

// newLimiterDoor makes the limiter for a collection of which so many challenges
// show every image in use once.
func newLimiterDoor(cycle int) (door, error) {
	began := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	statistics := &pressure{began: began, cycle: float64(max(1, cycle))}
	l, err := rate.NewLimiter(rate.Params{Config: rate.DefaultConfig(), Now: began, Statistics: statistics})
	return &limiterDoor{l, began, statistics}, err
}

// ask implements [door].
func (d *limiterDoor) ask(now time.Duration, step int) admission {
	at := d.began.Add(now)
	switch decision := d.limiter.Take(rate.Demand{Client: theClient, Step: rate.Step(step)}, at); decision.Outcome { //nolint:gosec // a step that it gave
	case rate.OutcomeFree, rate.OutcomeProven:
		d.pressure.issue(now)
		d.limiter.Issued(theClient, at, at)
		return admission{admitted: true}
	case rate.OutcomeAsked:
		return admission{iterations: decision.Ask.Iterations(), step: int(decision.Ask)}
	default:
		return admission{}
	}
}

// pressure is what the projection of the log tells the limiter of somebody who
// answers nothing: counts that halve in an hour, in steps of a second. A
// challenge has expired when its life is over.
type pressure struct {
	began           time.Time
	cycle           float64
	second          int
	issued, expired float64 // as they weigh in that second
	recent          [int(domain.Lifetime / time.Second)]float64
}

var _ rate.Statistics = (*pressure)(nil)

func (s *pressure) issue(now time.Duration) {
	s.advance(now)
	s.issued++
	s.recent[s.second%len(s.recent)]++
}

func (s *pressure) advance(now time.Duration) {
	decay := math.Exp2(-1 / time.Hour.Seconds())
	for s.second < int(now/time.Second) {
		s.second++
		slot := &s.recent[s.second%len(s.recent)]
		s.issued, s.expired = s.issued*decay, s.expired*decay+*slot
		*slot = 0
	}
}

// Pressure implements [rate.Statistics].
func (s *pressure) Pressure(_ domain.ClientID, now time.Time) rate.Pressure {
	s.advance(now.Sub(s.began))
	// What halves in an hour and comes steadily adds up to 1/ln 2 hours of it.
	p := rate.Pressure{Issued: s.issued * math.Ln2}
	p.Exposures = p.Issued / s.cycle
	if s.expired > 0 {
		p.Unanswered = 1
	}
	return p
}

// TotalPressure implements [rate.Statistics]: there is nobody else.
func (s *pressure) TotalPressure(now time.Time) rate.Pressure { return s.Pressure(theClient, now) }

package domain

import "time"

// NameVerdictConsumed is the stored name of the event; see events.go.
const NameVerdictConsumed = "VerdictConsumed.v1"

// IdempotencyKey names one attempt of a partner to consume a verdict, however
// often it is made. It is the partner's own. The zero value is none.
type IdempotencyKey struct{ UUID }

// VerdictConsumed says that a partner has made use of a validated challenge, the
// one time that it may. It tells all that a second attempt is answered with, so
// that nobody has to look for the events before it.
type VerdictConsumed struct {
	Header
	AnsweredAt time.Time      // when the challenge was answered; UTC, whole microseconds
	Key        IdempotencyKey // zero: the partner gave none
}

// Name implements [Event].
func (*VerdictConsumed) Name() string { return NameVerdictConsumed }

var _ Event = (*VerdictConsumed)(nil)

// ConsumptionOutcome is what became of an attempt to consume a verdict.
type ConsumptionOutcome uint8

// The outcomes. The zero value is invalid. A new one needs its error code in
// package http.
const (
	ConsumptionInvalid  ConsumptionOutcome = iota
	ConsumptionDone                        // the challenge was validated, and this attempt has consumed it
	ConsumptionUnknown                     // there is no such challenge, or it is another client's
	ConsumptionPending                     // it has not been answered yet
	ConsumptionRejected                    // it was answered wrongly
	ConsumptionExpired                     // it was not answered in time
	ConsumptionSpent                       // another attempt has consumed it
)

// String gives the name used in logs and tests.
func (o ConsumptionOutcome) String() string {
	switch o {
	case ConsumptionDone:
		return "done"
	case ConsumptionUnknown:
		return "unknown"
	case ConsumptionPending:
		return "pending"
	case ConsumptionRejected:
		return "rejected"
	case ConsumptionExpired:
		return "expired"
	case ConsumptionSpent:
		return "spent"
	case ConsumptionInvalid:
	}
	return "invalid"
}

// Consumption is what a partner is told of an attempt.
type Consumption struct {
	Outcome    ConsumptionOutcome
	AnsweredAt time.Time // with ConsumptionDone
}

// ConsumeVerdict asks for a verdict to be consumed.
type ConsumeVerdict struct {
	Challenge ChallengeID
	Client    ClientID
	Key       IdempotencyKey // zero: a second attempt is another one
}

// DecideConsumption says what an attempt comes to, and the event that it causes:
// nil unless the challenge is validated and nobody has consumed it. The challenge
// may lack its creation where it has been answered, and its answer where it has
// been consumed: the last event of its subject is enough. With the key of the
// attempt that has consumed the verdict the same is said again.
//
// A verdict does not grow too old to be consumed. Who answers first and fills in
// a long form afterwards is not to be turned away; that each counts once is what
// keeps answers from being collected and used for more than one form.
func DecideConsumption(c Challenge, cmd ConsumeVerdict, now time.Time, id EventID) (Consumption, *VerdictConsumed) {
	if !c.of(cmd.Client, cmd.Challenge) {
		return Consumption{Outcome: ConsumptionUnknown}, nil
	}
	switch {
	case c.Consumed != nil && !cmd.Key.IsZero() && c.Consumed.Key == cmd.Key:
		return Consumption{ConsumptionDone, c.Consumed.AnsweredAt}, nil
	case c.Consumed != nil:
		return Consumption{Outcome: ConsumptionSpent}, nil
	case c.Status == StatusRejected:
		return Consumption{Outcome: ConsumptionRejected}, nil
	case c.Status == StatusValidated && c.Answered != nil:
		at := Moment(c.Answered.At)
		return Consumption{ConsumptionDone, at}, &VerdictConsumed{
			Header:     Header{ID: id, Challenge: cmd.Challenge, Client: cmd.Client, At: Moment(now)},
			AnsweredAt: at, Key: cmd.Key,
		}
	case c.Status == StatusCreated && c.Created != nil && now.Before(c.Created.ExpiresAt):
		return Consumption{Outcome: ConsumptionPending}, nil
	}
	return Consumption{Outcome: ConsumptionExpired}, nil
}

// of reports whether the challenge exists and is this one of this client, by
// whichever of its events is there.
func (c Challenge) of(client ClientID, id ChallengeID) bool {
	var h Header
	switch {
	case c.Consumed != nil:
		h = c.Consumed.Header
	case c.Answered != nil:
		h = c.Answered.Header
	case c.Created != nil:
		h = c.Created.Header
	default:
		return false
	}
	return h.Client == client && h.Challenge == id
}

package rate

import (
	"math"
	"time"

	"ocapi/domain"
)

// Pressure is what the statistics of the events say of how challenges are
// being taken, of one client's or of all. Rates decay with a half-life of an
// hour or so, and with them what follows from them. The zero value is no
// pressure.
type Pressure struct {
	Issued     float64 // challenges an hour
	Unanswered float64 // the share of them that expired without an answer, 0 to 1
	Rejected   float64 // the share of the answered ones that were rejected, 0 to 1
	Exposures  float64 // how often an image that is dealt at present is shown within an hour, on average
}

// Statistics tells the pressure. Its methods are called every few seconds for
// each client, from many goroutines, and have to answer at once.
type Statistics interface {
	Pressure(client domain.ClientID, now time.Time) Pressure
	TotalPressure(now time.Time) Pressure
}

const (
	// quietHour is how many challenges an hour say nothing about anybody: a class
	// of pupils who mistype, and do it ten times over, are far below it. At twice
	// as many the statistics count in full.
	quietHour = 1000

	// A site's visitors leave many challenges unanswered (they look at the form
	// and go) and get many wrong; nobody honest is beyond these shares in a
	// thousand challenges.
	patientShare, tooUnanswered = 0.70, 0.95
	clumsyShare, tooRejected    = 0.60, 0.90

	// tellingExposures is how often an image has to be shown before counting tells
	// anything: a selector that gives itself away does so after two to five.
	tellingExposures = 3

	// leastFactor is what is left of a client's free limit under the highest
	// pressure, leastTotalFactor of that of all: the latter meets clients who
	// have nothing to do with it.
	leastFactor      = 0.05
	leastTotalFactor = 0.25
)

// Factor is what is left of a free limit under pressure, from least (up to 1)
// to 1:
//
//	factor  = 1 - (1-least) * enough * exposed * odd
//	enough  = (issued - 1000) / 1000
//	exposed = 1 - exp(-exposures/3)
//	odd     = the larger of (unanswered - 0.70) / 0.25 and (rejected - 0.60) / 0.30
//
// with each kept from 0 to 1. It never rises with any of the four. All three
// have to come together: many challenges are taken, they expose the
// collection, and they are not taken as people do. A busy site of people who
// answer is no pressure however small its collection; nor is a flood on a
// collection so large that nobody can count its images. As the rates decay it
// goes back to 1 by itself.
func (p Pressure) Factor(least float64) float64 {
	enough := unit((p.Issued - quietHour) / quietHour)
	odd := max(unit((p.Unanswered-patientShare)/(tooUnanswered-patientShare)), unit((p.Rejected-clumsyShare)/(tooRejected-clumsyShare)))
	exposed := unit(1 - math.Exp(-p.Exposures/tellingExposures))
	return 1 - (1-least)*enough*exposed*odd
}

// unit keeps x from 0 to 1. What is not a number is none.
func unit(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return min(1, x)
}

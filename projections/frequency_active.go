package projections

import "ocapi/domain"

// kindCount is how many types of challenge there are, the invalid one among
// them; they index counts.
const kindCount = int(domain.TypeAudio) + 1

// activeMinutes is how long an image that was shown is called active.
const activeMinutes = 60

// activeImages counts the images that were shown within the last hour, by the
// minute in which each was shown last, so that forgetting costs nothing.
type activeImages struct {
	newest  tick // the minute that it is, in ticks from 1970
	minutes [activeMinutes][kindCount]uint32
}

const ticksPerMinute = 60

// advance lets minutes pass.
func (a *activeImages) advance(now tick) {
	now /= ticksPerMinute
	if now <= a.newest {
		return
	}
	if now-a.newest >= activeMinutes {
		clear(a.minutes[:])
	} else {
		for m := a.newest + 1; m <= now; m++ {
			a.minutes[m%activeMinutes] = [kindCount]uint32{}
		}
	}
	a.newest = now
}

// count gives the place of an image that was shown last at a moment; nil when
// that is too long ago.
func (a *activeImages) count(kind domain.ChallengeType, at tick) *uint32 {
	minute := at / ticksPerMinute
	if minute+activeMinutes <= a.newest {
		return nil
	}
	return &a.minutes[minute%activeMinutes][kind]
}

// leave and enter tell of an image that was shown last at a moment no more, and
// of one that is. Moments are not after the last advance.
func (a *activeImages) leave(kind domain.ChallengeType, at tick) {
	if c := a.count(kind, at); c != nil {
		*c--
	}
}

func (a *activeImages) enter(kind domain.ChallengeType, at tick) {
	if c := a.count(kind, at); c != nil {
		*c++
	}
}

// byKind adds up.
func (a *activeImages) byKind() (sum [kindCount]int) {
	for _, minute := range a.minutes {
		for kind, n := range minute {
			sum[kind] += int(n)
		}
	}
	return sum
}

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
	sum     [kindCount]int // of all minutes
}

const ticksPerMinute = 60

// advance lets minutes pass.
func (a *activeImages) advance(now tick) {
	now /= ticksPerMinute
	if now <= a.newest {
		return
	}
	if now-a.newest >= activeMinutes {
		a.minutes, a.sum = [activeMinutes][kindCount]uint32{}, [kindCount]int{}
	} else {
		for m := a.newest + 1; m <= now; m++ {
			gone := &a.minutes[m%activeMinutes]
			for kind, n := range gone {
				a.sum[kind] -= int(n)
			}
			*gone = [kindCount]uint32{}
		}
	}
	a.newest = now
}

// leave tells of an image that was shown last at a moment, and is no more, and
// enter of one that is. Moments are not after the last advance.
func (a *activeImages) leave(kind domain.ChallengeType, at tick) {
	if minute := at / ticksPerMinute; minute+activeMinutes > a.newest {
		a.minutes[minute%activeMinutes][kind]--
		a.sum[kind]--
	}
}

func (a *activeImages) enter(kind domain.ChallengeType, at tick) {
	if minute := at / ticksPerMinute; minute+activeMinutes > a.newest {
		a.minutes[minute%activeMinutes][kind]++
		a.sum[kind]++
	}
}

// all counts the active images of all types.
func (a *activeImages) all() (n int) {
	for _, of := range a.sum {
		n += of
	}
	return n
}

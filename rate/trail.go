package rate

import (
	"math"
	"time"
)

const (
	// thinking is how long people are given before a challenge counts as left
	// unanswered. It expires much later only, when somebody in a hurry has taken
	// all that he wants.
	thinking = 2 * time.Minute
	// trailSlot is how finely the time since a challenge was created is known.
	trailSlot  = 10 * time.Second
	trailSlots = int64(thinking / trailSlot)
	// trailHalfLife is how long it takes until half of it is forgotten.
	trailHalfLife = 10 * time.Minute
	// trailEnds is after how many slots nothing of it is left: 16 half-lives.
	trailEnds = int64(16 * trailHalfLife / trailSlot)
)

// trail is what a client's visitors have made lately of the challenges that
// they got, long before the statistics can know: those expire after twenty
// minutes. The zero value is a client of whom nothing was seen.
type trail struct {
	young [trailSlots]uint32 // challenges by when they were created
	slot  int64              // the newest of them, counted from the epoch
	// ripe are the challenges that people have had time for, answered the answers,
	// both decaying.
	ripe, answered float64
}

// issue counts a challenge that was created at a moment, since the epoch.
func (t *trail) issue(at time.Duration) {
	t.advance(at)
	t.young[t.slot%trailSlots]++
}

// answer counts an answer. That of a young challenge counts before the
// challenge does: nobody honest looks worse for being quick.
func (t *trail) answer(at time.Duration) {
	t.advance(at)
	t.answered++
}

// unanswered is the share of the ripe challenges that were not answered, from 0
// to 1; 0 where they are too few to say anything.
func (t *trail) unanswered(now time.Duration) float64 {
	t.advance(now)
	if t.ripe < quietHour {
		return 0
	}
	return unit(1 - t.answered/t.ripe)
}

// advance brings the trail up to a moment. One that has passed counts as now.
func (t *trail) advance(to time.Duration) {
	slot := int64(to / trailSlot)
	if slot-t.slot > trailEnds {
		*t = trail{slot: slot}
	}
	decay := math.Exp2(-trailSlot.Seconds() / trailHalfLife.Seconds())
	for t.slot < slot {
		t.slot++
		oldest := &t.young[t.slot%trailSlots]
		t.ripe, t.answered = t.ripe*decay+float64(*oldest), t.answered*decay
		*oldest = 0
	}
}

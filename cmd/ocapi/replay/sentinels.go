package replay

import (
	"fmt"
	"iter"

	"ocapi/command/console"
	"ocapi/consensus"
	"ocapi/domain"
	"ocapi/replay"
)

// sentinelCheck is what sentinels say of a method: images whose truth is on
// record, while they played unknown ones. It rests on no model.
type sentinelCheck struct {
	images, settled, wrong int
}

// confidence of what is said of sentinels.
const confidence = 0.95

// check counts what would have been settled of the sentinels, had nothing been on
// record, and how much of it wrongly.
func (b *believer) check(sentinels iter.Seq[*replay.Item]) (c sentinelCheck, err error) {
	for it := range sentinels {
		c.images++
		belief, err := b.model.BeliefBy(b.method, it.Question, &it.Tally, consensus.Prior{})
		if err != nil {
			return c, err
		}
		if b.status(it, &belief, false) != domain.QuestionSettled {
			continue
		}
		c.settled++
		if !sameAnswer(it.Truth, belief.Truth) {
			c.wrong++
		}
	}
	return c, nil
}

// String says it to people.
func (c sentinelCheck) String() string {
	if c.settled == 0 {
		return fmt.Sprintf("Nothing can be said by sentinels yet: none of %s is settled.", console.Counted(c.images, "sentinel"))
	}
	return fmt.Sprintf("%d of %s would be settled, %d of these wrong: of what is settled at most %.1f %% is wrong (at %.0f %% confidence, whatever the model).",
		c.settled, console.Counted(c.images, "sentinel"), c.wrong, 100*consensus.AtMost(c.wrong, c.settled, confidence), 100*confidence)
}

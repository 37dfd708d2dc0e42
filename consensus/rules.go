package consensus

import (
	"fmt"

	"ocapi/domain"
)

// Rules say when a question is done. The zero value is not usable: begin with
// [DefaultRules].
type Rules struct {
	SettleLabel, SettleText float64 // probability from which an answer is accepted
	Withdraw                float64 // probability below which an accepted one, or one on record, is not any more
	LeastVotes              int     // votes that an accepted answer has at least
	LeastPerfect            int     // of them from challenges without a mistake
	CapLabels, CapTexts     int     // votes from which a question that is not settled is disputed
	HardVotes               int     // votes from which one that is likely hard is disputed
	Hard                    float64 // what likely is
	Unreadable              float64 // probability from which an image counts as unreadable
}

// DefaultRules gives the rules by which one label in a hundred that is accepted
// is expected to be wrong; see [RulesFor].
func DefaultRules() Rules {
	return Rules{
		SettleLabel: defaultSettleLabel, SettleText: 0.97, Withdraw: 0.80, LeastVotes: 2, LeastPerfect: 1,
		CapLabels: 12, CapTexts: 8, HardVotes: 6, Hard: 0.5, Unreadable: 0.97,
	}
}

// defaultSettleLabel is what [RulesFor] gives for one in a hundred.
const defaultSettleLabel = 0.996

// measuredErrors are how many of the labels that were settled at a threshold
// were wrong: of 6 to 60 % of 22,557 questions in 26 logs of challenges made from
// public data, half of them with a quarter of blind clicks (see the tests). They
// have images that most people get wrong, and truths that are wrong themselves:
// so more is wrong than the posterior says, and beyond .997 more votes gain
// nothing.
var measuredErrors = []struct{ threshold, wrong float64 }{
	{0.900, 0.042}, {0.950, 0.032}, {0.970, 0.025}, {0.980, 0.020}, {0.985, 0.0173}, {0.990, 0.0141}, {0.994, 0.0108}, {0.996, 0.0083}, {0.997, 0.0075},
}

// RulesFor gives the default rules with the threshold for labels at which, on
// average over public data, no larger a share of what was accepted was wrong:
// .980 for 2 %, .996 for 1 %. What it is in one's own collections only sentinels
// tell. It fails for a share that was not reached, below .75 %, and for one above
// 4.2 %, where answers would be taken that hardly anybody has confirmed. Texts
// have a threshold of their own.
func RulesFor(errorRate float64) (Rules, error) {
	r := DefaultRules()
	for _, m := range measuredErrors {
		if m.wrong <= errorRate {
			r.SettleLabel = m.threshold
			if errorRate > measuredErrors[0].wrong {
				break
			}
			return r, nil
		}
	}
	return Rules{}, fmt.Errorf("an error rate of %v cannot be promised: it should be from %v to %v", errorRate,
		measuredErrors[len(measuredErrors)-1].wrong, measuredErrors[0].wrong)
}

// Of gives the status of a question that is asked about: from what it was, and
// what is believed now. transcription says which of the thresholds apply.
// standing is the probability of the answer that was accepted, where one is.
func (r *Rules) Of(was domain.QuestionStatus, b *Belief, standing float64, transcription bool) domain.QuestionStatus {
	settle, most := r.SettleLabel, r.CapLabels
	if transcription {
		settle, most = r.SettleText, r.CapTexts
	}
	enough := b.Votes >= r.LeastVotes && b.Perfect >= r.LeastPerfect
	switch {
	case was == domain.QuestionSettled && standing >= r.Withdraw:
		return domain.QuestionSettled
	case b.Unreadable >= r.Unreadable && enough:
		return domain.QuestionUnreadable
	case b.Probability >= settle && enough:
		return domain.QuestionSettled
	case b.Votes >= most, b.Votes >= r.HardVotes && b.Hard > r.Hard:
		return domain.QuestionDisputed
	}
	return domain.QuestionOpen
}

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

// DefaultRules gives the rules of consensus.md's section on promotion.
func DefaultRules() Rules {
	return Rules{
		SettleLabel: 0.98, SettleText: 0.97, Withdraw: 0.80, LeastVotes: 2, LeastPerfect: 1,
		CapLabels: 12, CapTexts: 8, HardVotes: 6, Hard: 0.5, Unreadable: 0.97,
	}
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

// MostErrorRate is the largest that [RulesFor] takes: beyond it an answer would be
// accepted that is withdrawn at once.
const MostErrorRate = 0.05

// RulesFor gives the rules by which at most this share of accepted answers is to
// be wrong, above 0 and up to [MostErrorRate]. 0.01 gives [DefaultRules]. An
// answer that is accepted at .98 is the least sure of its kind: most are far
// surer, so that the share of wrong ones is about half of what is left. Texts,
// whose probabilities leave out that people misread alike, get less of it.
func RulesFor(errorRate float64) (Rules, error) {
	if !(errorRate > 0 && errorRate <= MostErrorRate) { // so that NaN is refused, too
		return Rules{}, fmt.Errorf("%g is not an error rate above 0 and up to %g", errorRate, MostErrorRate)
	}
	r := DefaultRules()
	scale := errorRate / defaultErrorRate
	r.SettleLabel, r.SettleText, r.Unreadable = 1-(1-r.SettleLabel)*scale, 1-(1-r.SettleText)*scale, 1-(1-r.Unreadable)*scale
	return r, nil
}

// defaultErrorRate is that of [DefaultRules].
const defaultErrorRate = 0.01

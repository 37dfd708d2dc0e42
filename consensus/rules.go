package consensus

import "ocapi/domain"

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

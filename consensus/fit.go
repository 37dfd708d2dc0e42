package consensus

import (
	"fmt"

	"ocapi/domain"
)

// ReadModel reads the body of a [domain.ModelFitted].
func ReadModel(version uint64, body []byte) (*Model, error) {
	m, err := DecodeModel(body)
	if err == nil && m.Version != version {
		err = fmt.Errorf("model: it says that it is version %d, and its event that it is %d", m.Version, version)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// firstFit is how many challenges with known images there have to be before a
// model is fitted to them; each later one wants twice as many as the one before.
const firstFit = 2000

// FitDue reports whether there is so much more of known images' answers since
// the model in force was fitted that another should be.
func (s *State) FitDue() bool {
	return s.model.Version < 32 && s.gold.Challenges()+s.texts.challenges() >= firstFit<<s.model.Version
}

// Fit gives the event that takes a model into use that is fitted to how known
// images were answered. The same state gives the same model.
func (s *State) Fit() *domain.ModelFitted {
	var gold GoldCounts
	gold.Merge(&s.gold)
	matches, images := map[uint32]uint32{}, map[uint32]uint32{}
	for i := range s.questions.rows {
		if q := &s.questions.rows[i]; q.record.kind == domain.TruthMatch {
			images[q.keyword]++
			if q.record.match {
				matches[q.keyword]++
			}
		}
	}
	for k, n := range images {
		gold.Known(s.questions.keywords.get(k), matches[k], n)
	}
	m := Model{Version: s.model.Version + 1, Labels: FitLabels(&gold), Texts: FitTexts(&s.texts)}
	e := &domain.ModelFitted{Version: m.Version, Body: m.Encode()}
	e.Challenge = domain.ChallengeID(domain.ModelID)
	return e
}

// challenges gives how many pairs were counted.
func (p *TextPairs) challenges() int64 {
	n := int64(0)
	for _, row := range p {
		for _, c := range row {
			n += c
		}
	}
	return n / 2
}

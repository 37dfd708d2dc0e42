package consensus

import (
	"cmp"
	"fmt"
	"slices"

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
			k := s.questions.asked[i].keyword
			images[k]++
			if q.record.match {
				matches[k]++
			}
		}
	}
	for k, n := range images {
		gold.Known(s.questions.keywords.get(k), matches[k], n)
	}
	m := Model{Version: s.model.Version + 1, Labels: FitLabels(&gold), Texts: FitTexts(&s.texts)}
	body := m.Encode()
	for keep := len(m.Labels.keywords); len(body) > modelBytes && keep > 0; {
		keep = keep * 3 / 4
		m.Labels = m.Labels.only(gold.most(keep))
		body = m.Encode()
	}
	e := &domain.ModelFitted{Version: m.Version, Body: body}
	e.Challenge = domain.ChallengeID(domain.ModelID)
	return e
}

// modelBytes bounds a model's stored form, which goes into one event: some
// thousand keywords. Where there are more, those with the most gold have tables of
// their own.
const modelBytes = 48 << 10

// most gives the n keywords with the most challenges, of equal ones the first by
// name.
func (c *GoldCounts) most(n int) map[string]bool {
	order := c.sorted()
	total := make(map[string]int64, len(order))
	for _, k := range order {
		for _, count := range c.keywords[k].outcomes {
			total[k] += count
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(total[b], total[a]) })
	most := make(map[string]bool, n)
	for _, k := range order[:min(n, len(order))] {
		most[k] = true
	}
	return most
}

// only gives the model with what is known of these keywords, and of none else.
func (m LabelModel) only(keywords map[string]bool) LabelModel {
	m.keywords = slices.DeleteFunc(slices.Clone(m.keywords), func(k keywordModel) bool { return !keywords[k.keyword] })
	return newLabelModel(m)
}

// challenges gives about how many challenges were counted: one of two known texts
// has two ballots, one of a known text and a sentinel one.
func (p *TextPairs) challenges() int64 {
	n := int64(0)
	for _, row := range p {
		for _, c := range row {
			n += c
		}
	}
	return n / 2
}

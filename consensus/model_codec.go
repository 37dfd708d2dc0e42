package consensus

import (
	"encoding/binary"
	"errors"

	"ocapi/domain"
)

// The stored form of a [Model] is a version, that of the labels' part with its
// length before it, and that of the texts'. It is what [domain.ModelFitted]
// holds.
const modelForm = 1

// AppendTo appends the model's stored form, from which [ReadModel] makes the same
// model. The model's own version is no part of it.
func (m *Model) AppendTo(b []byte) []byte {
	labels := m.Labels.appendTo(nil)
	b = binary.AppendUvarint(append(b, modelForm), uint64(len(labels)))
	return m.Texts.AppendTo(append(b, labels...))
}

// ReadModel reads a stored model and gives it a version.
func ReadModel(version uint64, body []byte) (*Model, error) {
	if len(body) == 0 || body[0] != modelForm {
		return nil, errors.New("model: another release's form, or none")
	}
	n, size := binary.Uvarint(body[1:])
	rest := body[1+max(size, 0):]
	if size <= 0 || n > uint64(len(rest)) {
		return nil, errors.New("model: cut off")
	}
	labels, err := readLabelModel(rest[:n])
	if err != nil {
		return nil, err
	}
	texts, rest, err := ConsumeTextModel(rest[n:])
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, errors.New("model: it goes on after its end")
	}
	return &Model{Version: version, Labels: labels, Texts: texts}, nil
}

const labelModelForm = 1

func (m *LabelModel) appendTo(b []byte) []byte {
	types := func(list []VisitorType) {
		b = append(b, byte(len(list)))
		for _, t := range list {
			for _, x := range []uint16{t.Sensitivity, t.Rejection, t.Share} {
				b = binary.BigEndian.AppendUint16(b, x)
			}
		}
	}
	b = append(b, labelModelForm)
	types(m.types)
	for _, share := range m.classes {
		b = binary.BigEndian.AppendUint16(b, share)
	}
	b = binary.AppendUvarint(b, uint64(len(m.keywords)))
	for i := range m.keywords {
		k := &m.keywords[i]
		b = binary.AppendUvarint(b, uint64(len(k.keyword)))
		b = append(b, k.keyword...)
		types(k.types)
		b = binary.AppendUvarint(b, uint64(k.matches))
		b = binary.AppendUvarint(b, uint64(k.images))
	}
	return b
}

func readLabelModel(body []byte) (LabelModel, error) {
	r := snapshotReader{b: body}
	small := func() uint16 {
		b := r.bytes(2)
		if r.err != nil {
			return 0
		}
		return binary.BigEndian.Uint16(b)
	}
	types := func() (list []VisitorType) {
		n := r.bytes(1)
		if r.err != nil {
			return nil
		}
		for range n[0] {
			if list = append(list, VisitorType{small(), small(), small()}); r.err != nil {
				return nil
			}
		}
		return list
	}
	var m LabelModel
	if form := r.bytes(1); r.err != nil || form[0] != labelModelForm {
		return m, errors.New("model of labels: another release's form, or none")
	}
	m.types = types()
	for d := range m.classes {
		m.classes[d] = small()
	}
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		k := keywordModel{keyword: r.text()}
		k.types, k.matches, k.images = types(), uint32(r.uint()), uint32(r.uint())
		if k.matches > k.images || len(m.keywords) > 0 && m.keywords[len(m.keywords)-1].keyword >= k.keyword {
			return m, errors.New("model of labels: its keywords are not sorted, or more images show one than there are")
		}
		m.keywords = append(m.keywords, k)
	}
	if r.err != nil || len(r.b) > 0 {
		return m, errors.New("model of labels: cut off, or it goes on after its end")
	}
	return newLabelModel(m), nil
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
	m := Model{Labels: FitLabels(&gold), Texts: FitTexts(&s.texts)}
	e := &domain.ModelFitted{Version: s.model.Version + 1, Body: m.AppendTo(nil)}
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

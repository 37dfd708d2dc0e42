package eventstore

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"ocapi/domain"
)

// encodeFinding begins the body of a decision, whose first field is the finding.
func encodeFinding(f *domain.Finding) []byte {
	b := make([]byte, 0, 96)
	b = appendString(b, 1, string(f.Image))
	b = appendString(b, 2, string(f.Collection))
	b = appendString(b, 3, f.Keyword)
	switch f.Truth.Kind {
	case domain.TruthMatch:
		b = protowire.AppendTag(b, 4, protowire.VarintType)
		b = protowire.AppendVarint(b, protowire.EncodeBool(f.Truth.Match))
	case domain.TruthText:
		b = protowire.AppendTag(b, 5, protowire.BytesType)
		b = protowire.AppendString(b, f.Truth.Text)
	case domain.TruthNone:
	}
	if f.Probability != 0 {
		b = protowire.AppendTag(b, 6, protowire.Fixed64Type)
		b = protowire.AppendFixed64(b, math.Float64bits(f.Probability))
	}
	b = appendUint(b, 7, uint64(f.Votes))
	b = appendBool(b, 8, f.Merged)
	b = appendUint(b, 9, f.Model)
	b = appendUint(b, 10, uint64(f.Through))
	return appendBytes(nil, 1, b)
}

func encodeFitted(e *domain.ModelFitted) []byte {
	b := appendUint(make([]byte, 0, len(e.Body)+16), 1, e.Version)
	if len(e.Body) > 0 {
		b = appendBytes(b, 2, e.Body)
	}
	return b
}

// annotation reads the body of an event about an annotation or about the model.
func (d *decodedEvent) annotation(f field) error {
	switch f.number {
	case 20:
		d.accepted = &domain.AnnotationAccepted{}
		return f.message(func(f field) error { return decodeDecision(f, &d.accepted.Finding, nil, &d.accepted.Reason) })
	case 21:
		d.disputed = &domain.AnnotationDisputed{}
		return f.message(func(f field) error { return decodeDecision(f, &d.disputed.Finding, nil, nil) })
	case 22:
		d.unreadable = &domain.ImageUnreadable{}
		return f.message(func(f field) error { return decodeDecision(f, &d.unreadable.Finding, nil, nil) })
	case 23:
		d.withdrawn = &domain.AnnotationWithdrawn{}
		return f.message(func(f field) error {
			return decodeDecision(f, &d.withdrawn.Finding, &d.withdrawn.Refuted, &d.withdrawn.Reason)
		})
	}
	d.fitted = &domain.ModelFitted{}
	return f.message(func(f field) (err error) {
		switch f.number {
		case 1:
			d.fitted.Version, err = f.uint()
		case 2:
			if err = f.is(protowire.BytesType); err == nil && len(f.bytes) > 0 {
				d.fitted.Body = append([]byte(nil), f.bytes...)
			}
		}
		return err
	})
}

// aboutAnnotation gives the event about an annotation or about the model, with
// its header; nil where there is none.
func (d *decodedEvent) aboutAnnotation() domain.Event {
	switch {
	case d.accepted != nil:
		d.accepted.Header = d.header
		return d.accepted
	case d.disputed != nil:
		d.disputed.Header = d.header
		return d.disputed
	case d.unreadable != nil:
		d.unreadable.Header = d.header
		return d.unreadable
	case d.withdrawn != nil:
		d.withdrawn.Header = d.header
		return d.withdrawn
	case d.fitted != nil:
		d.fitted.Header = d.header
		return d.fitted
	}
	return nil
}

// decodeDecision reads a field of a decision: the finding, then refuted where
// there is such a thing, then the reason where there is one.
func decodeDecision(f field, finding *domain.Finding, refuted *bool, reason *string) (err error) {
	reasonField := protowire.Number(2)
	if refuted != nil {
		reasonField = 3
	}
	switch {
	case f.number == 1:
		err = f.message(func(f field) error { return decodeFinding(f, finding) })
	case f.number == 2 && refuted != nil:
		*refuted, err = f.bool()
	case f.number == reasonField && reason != nil:
		*reason, err = f.text()
	}
	return err
}

func decodeFinding(f field, to *domain.Finding) (err error) {
	var s string
	var v uint64
	switch f.number {
	case 1:
		s, err = f.text()
		to.Image = domain.ImageID(s)
	case 2:
		s, err = f.text()
		to.Collection = domain.CollectionID(s)
	case 3:
		to.Keyword, err = f.text()
	case 4:
		to.Truth = domain.Truth{Kind: domain.TruthMatch}
		to.Truth.Match, err = f.bool()
	case 5:
		to.Truth = domain.Truth{Kind: domain.TruthText}
		to.Truth.Text, err = f.text()
	case 6:
		to.Probability, err = f.double()
	case 7:
		v, err = f.below(1 << 32)
		to.Votes = uint32(v)
	case 8:
		to.Merged, err = f.bool()
	case 9:
		to.Model, err = f.uint()
	case 10:
		v, err = f.uint()
		to.Through = Sequence(v)
	}
	return err
}

// decisionJSON is the view of a decision. Truth is a boolean, a string, or null
// where the image cannot be read.
type decisionJSON struct {
	Image       domain.ImageID      `json:"image_id"`
	Collection  domain.CollectionID `json:"collection"`
	Keyword     string              `json:"keyword,omitempty"`
	Truth       any                 `json:"truth"`
	Probability float64             `json:"probability"`
	Votes       uint32              `json:"votes"`
	Merged      bool                `json:"merged,omitempty"`
	Model       uint64              `json:"model"`
	Through     Sequence            `json:"through"`
	Refuted     *bool               `json:"refuted,omitempty"`
	Reason      string              `json:"reason,omitempty"`
}

func jsonDecision(f *domain.Finding, refuted *bool, reason string) decisionJSON {
	return decisionJSON{
		Image: f.Image, Collection: f.Collection, Keyword: f.Keyword, Truth: jsonTruth(f.Truth), Probability: f.Probability,
		Votes: f.Votes, Merged: f.Merged, Model: f.Model, Through: f.Through, Refuted: refuted, Reason: reason,
	}
}

// fittedJSON has the model's own form in base64.
type fittedJSON struct {
	Model uint64 `json:"model"`
	Bytes int    `json:"bytes"`
	Body  []byte `json:"body"`
}

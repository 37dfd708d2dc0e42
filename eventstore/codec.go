package eventstore

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"ocapi/domain"
)

// codecVersion is the version of the stored form (event.proto) that is written.
const codecVersion = 1

// MaxEventBytes bounds one encoded event. The largest honest one (36 images
// with long texts) is a tenth of it.
const MaxEventBytes = 64 << 10

// EncodeEvent appends the stored form of e to dst. The same event gives the
// same bytes. It fails for an event of a type that has no stored form and for
// one larger than [MaxEventBytes].
func EncodeEvent(dst []byte, e domain.Event) ([]byte, error) {
	h := e.Head()
	start := len(dst)
	var body []byte
	var field protowire.Number
	switch e := e.(type) {
	case *domain.ChallengeCreated:
		field, body = 16, encodeCreated(e)
	case *domain.ChallengeAnswered:
		field, body = 17, encodeAnswered(e)
	case *domain.VotesQuarantined:
		field, body = 18, encodeQuarantined(e)
	case *domain.QuarantineLifted:
		field, body = 19, appendString(nil, 1, e.Reason)
	case *domain.AnnotationAccepted:
		field, body = 20, appendString(encodeFinding(&e.Finding), 2, e.Reason)
	case *domain.AnnotationDisputed:
		field, body = 21, encodeFinding(&e.Finding)
	case *domain.ImageUnreadable:
		field, body = 22, encodeFinding(&e.Finding)
	case *domain.AnnotationWithdrawn:
		field, body = 23, appendString(appendBool(encodeFinding(&e.Finding), 2, e.Refuted), 3, e.Reason)
	case *domain.ModelFitted:
		field, body = 24, encodeFitted(e)
	case *domain.VerdictConsumed:
		field, body = 25, encodeConsumed(e)
	default:
		return nil, fmt.Errorf("encode event %s: %T has no stored form", h.ID, e)
	}
	dst = slices.Grow(dst, headBytes+len(h.Client)+len(body))
	dst = appendUint(dst, 1, codecVersion)
	dst = appendBytes(dst, 2, h.ID.UUID[:])
	dst = appendBytes(dst, 3, h.Challenge.UUID[:])
	dst = appendString(dst, 4, string(h.Client))
	dst = appendUint(dst, 5, uint64(h.At.UnixMicro()))
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	dst = protowire.AppendBytes(dst, body)
	if n := len(dst) - start; n > MaxEventBytes {
		return nil, fmt.Errorf("encode event %s: %d bytes are more than the %d that an event may have", h.ID, n, MaxEventBytes)
	}
	return dst, nil
}

// headBytes is what the header takes at most, with the tags and lengths around
// it and around the body, but for the client's name.
const headBytes = 64

func encodeCreated(e *domain.ChallengeCreated) []byte {
	b := make([]byte, 0, 96+56*len(e.Positions))
	b = appendUint(b, 1, uint64(e.Type))
	b = appendString(b, 2, e.Keyword)
	b = appendString(b, 3, e.Credit)
	b = appendBool(b, 4, e.WhollyKnown)
	mix := make([]byte, 0, 16)
	mix = appendUint(mix, 1, uint64(e.Mix.Matches))
	mix = appendUint(mix, 2, uint64(e.Mix.NonMatches))
	mix = appendUint(mix, 3, uint64(e.Mix.Texts))
	mix = appendUint(mix, 4, uint64(e.Mix.Unknown))
	b = appendBytes(b, 5, mix)
	b = appendUint(b, 6, uint64(e.ExpiresAt.UnixMicro()))
	var collections []domain.CollectionID
	for _, p := range e.Positions {
		if !slices.Contains(collections, p.Collection) {
			collections = append(collections, p.Collection)
			b = protowire.AppendTag(b, 7, protowire.BytesType)
			b = protowire.AppendString(b, string(p.Collection))
		}
	}
	one := make([]byte, 0, 128)
	for _, p := range e.Positions {
		one = appendString(one[:0], 1, string(p.Image))
		one = appendUint(one, 2, uint64(slices.Index(collections, p.Collection)))
		one = appendUint(one, 3, uint64(p.Rendering))
		one = appendUint(one, 4, uint64(p.Role))
		switch p.Expected.Kind {
		case domain.TruthMatch:
			one = protowire.AppendTag(one, 5, protowire.VarintType)
			one = protowire.AppendVarint(one, protowire.EncodeBool(p.Expected.Match))
		case domain.TruthText:
			one = protowire.AppendTag(one, 6, protowire.BytesType)
			one = protowire.AppendString(one, p.Expected.Text)
		case domain.TruthNone:
		}
		one = appendUint(one, 7, uint64(p.Trust))
		if p.Prior != 0 {
			one = protowire.AppendTag(one, 8, protowire.Fixed64Type)
			one = protowire.AppendFixed64(one, math.Float64bits(p.Prior))
		}
		b = appendBytes(b, 8, one)
	}
	b = appendString(b, 9, e.Language)
	b = appendUint(b, 10, e.Generation)
	return b
}

func encodeAnswered(e *domain.ChallengeAnswered) []byte {
	b := make([]byte, 0, 64)
	b = appendUint(b, 1, uint64(e.Verdict))
	b = appendBool(b, 2, e.Answer.Texts != nil)
	for _, t := range e.Answer.Texts {
		b = protowire.AppendTag(b, 3, protowire.BytesType)
		b = protowire.AppendString(b, t)
	}
	b = appendBool(b, 4, e.Answer.Selected != nil)
	b = appendPacked(b, 5, e.Answer.Selected)
	if e.Answer.Text != nil {
		b = protowire.AppendTag(b, 6, protowire.BytesType)
		b = protowire.AppendString(b, *e.Answer.Text)
	}
	b = appendBool(b, 7, e.Answer.Unreadable != nil)
	b = appendPacked(b, 8, e.Answer.Unreadable)
	return b
}

// The append functions leave zero values out, as proto3 does.

func appendUint(b []byte, n protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func appendBool(b []byte, n protowire.Number, v bool) []byte {
	return appendUint(b, n, protowire.EncodeBool(v))
}

func appendString(b []byte, n protowire.Number, v string) []byte {
	if v == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func appendBytes(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func appendPacked(b []byte, n protowire.Number, vs []uint32) []byte {
	if len(vs) == 0 {
		return b
	}
	size := 0
	for _, v := range vs {
		size += protowire.SizeVarint(uint64(v))
	}
	b = protowire.AppendVarint(protowire.AppendTag(b, n, protowire.BytesType), uint64(size))
	for _, v := range vs {
		b = protowire.AppendVarint(b, uint64(v))
	}
	return b
}

// ErrMalformedEvent is wrapped by every error of [DecodeEvent].
var ErrMalformedEvent = errors.New("malformed event")

// DecodeEvent reads the stored form. Fields that it does not know are skipped,
// so that an older program reads a newer one's events; what it does know must
// be well formed. The event shares no memory with data; its strings may be parts
// of one copy of data, so that whoever keeps one of them for long has to clone it.
func DecodeEvent(data []byte) (domain.Event, error) {
	usual := decoders.Get().(*Decoder) //nolint:forcetypeassert // nothing else is put there
	defer decoders.Put(usual)
	if e := usual.usual(string(data)); e != nil {
		return detached(e), nil
	}
	return decodeByField(data)
}

// decoders are used again by those who decode one event now and then.
var decoders = sync.Pool{New: func() any { return new(Decoder) }}

// decodeByField reads a stored form field by field: the one that is not as this
// program writes it, and says what is wrong with it. What [Decoder] reads by
// itself, it reads alike.
func decodeByField(data []byte) (domain.Event, error) {
	d := decodedEvent{header: domain.Header{At: epoch}}
	if err := walk(data, d.field); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformedEvent, err)
	}
	e, err := d.event()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformedEvent, err)
	}
	return e, nil
}

// epoch is the moment that proto3 leaves out, being zero.
var epoch = time.UnixMicro(0).UTC()

type decodedEvent struct {
	version  uint64
	header   domain.Header
	hasIDs   int
	bodies   int // that this program knows
	created  *domain.ChallengeCreated
	answered *domain.ChallengeAnswered
	// About quarantines.
	quarantined *domain.VotesQuarantined
	lifted      *domain.QuarantineLifted
	// About annotations and the model.
	accepted   *domain.AnnotationAccepted
	disputed   *domain.AnnotationDisputed
	unreadable *domain.ImageUnreadable
	withdrawn  *domain.AnnotationWithdrawn
	fitted     *domain.ModelFitted
	consumed   *domain.VerdictConsumed
}

func (d *decodedEvent) field(f field) (err error) {
	switch f.number {
	case 1:
		d.version, err = f.uint()
	case 2:
		d.header.ID.UUID, err = f.uuid()
		d.hasIDs |= 1
	case 3:
		d.header.Challenge.UUID, err = f.uuid()
		d.hasIDs |= 2
	case 4:
		var s string
		s, err = f.text()
		d.header.Client = domain.ClientID(s)
	case 5:
		d.header.At, err = f.moment()
	case 16:
		d.bodies++
		d.created = &domain.ChallengeCreated{ExpiresAt: epoch}
		err = decodeCreated(f, d.created)
	case 17:
		d.bodies++
		d.answered = &domain.ChallengeAnswered{}
		err = decodeAnswered(f, d.answered)
	case 18:
		d.bodies++
		d.quarantined = &domain.VotesQuarantined{From: epoch, To: epoch}
		err = decodeQuarantined(f, d.quarantined)
	case 19:
		d.bodies++
		d.lifted = &domain.QuarantineLifted{}
		err = decodeLifted(f, d.lifted)
	case 20, 21, 22, 23, 24:
		d.bodies++
		err = d.annotation(f)
	case 25:
		d.bodies++
		d.consumed = &domain.VerdictConsumed{AnsweredAt: epoch}
		err = decodeConsumed(f, d.consumed)
	}
	return err
}

func (d *decodedEvent) event() (domain.Event, error) {
	switch {
	case d.version != codecVersion:
		return nil, fmt.Errorf("version %d of the stored form is not known; this program knows %d", d.version, codecVersion)
	case d.hasIDs != 3:
		return nil, errors.New("an identifier is missing")
	case d.bodies > 1:
		return nil, errors.New("two bodies in one event")
	case d.created != nil:
		d.created.Header = d.header
		return d.created, nil
	case d.answered != nil:
		d.answered.Header = d.header
		return d.answered, nil
	case d.quarantined != nil:
		d.quarantined.Header = d.header
		return d.quarantined, nil
	case d.lifted != nil:
		d.lifted.Header = d.header
		return d.lifted, nil
	case d.consumed != nil:
		d.consumed.Header = d.header
		return d.consumed, nil
	}
	if e := d.aboutAnnotation(); e != nil {
		return e, nil
	}
	return nil, errors.New("no body that this program knows")
}

func decodeCreated(f field, e *domain.ChallengeCreated) error {
	var collections []domain.CollectionID
	var index []uint64 // of each position, in the collections
	err := f.message(func(f field) (err error) {
		switch f.number {
		case 1:
			var v uint64
			v, err = f.below(uint64(domain.TypeAudio) + 1)
			e.Type = domain.ChallengeType(v)
		case 2:
			e.Keyword, err = f.text()
		case 3:
			e.Credit, err = f.text()
		case 4:
			e.WhollyKnown, err = f.bool()
		case 5:
			err = f.message(func(f field) error { return decodeMix(f, &e.Mix) })
		case 6:
			e.ExpiresAt, err = f.moment()
		case 7:
			var s string
			s, err = f.text()
			collections = append(collections, domain.CollectionID(s))
		case 8:
			if len(e.Positions) == domain.MaxPositions {
				return fmt.Errorf("more than %d positions", domain.MaxPositions)
			}
			var p domain.Position
			var c uint64
			err = f.message(func(f field) error { return decodePosition(f, &p, &c) })
			e.Positions = append(e.Positions, p)
			index = append(index, c)
		case 9:
			e.Language, err = f.text()
		case 10:
			e.Generation, err = f.uint()
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, c := range index {
		if c >= uint64(len(collections)) {
			return fmt.Errorf("position %d names collection %d of %d", i, c, len(collections))
		}
		e.Positions[i].Collection = collections[c]
	}
	return nil
}

func decodeMix(f field, m *domain.Mix) (err error) {
	var v uint64
	switch f.number {
	case 1, 2, 3, 4:
		if v, err = f.below(256); err != nil {
			return err
		}
	}
	switch f.number {
	case 1:
		m.Matches = uint8(v)
	case 2:
		m.NonMatches = uint8(v)
	case 3:
		m.Texts = uint8(v)
	case 4:
		m.Unknown = uint8(v)
	}
	return nil
}

func decodePosition(f field, p *domain.Position, collection *uint64) (err error) {
	var v uint64
	switch f.number {
	case 1:
		var s string
		s, err = f.text()
		p.Image = domain.ImageID(s)
	case 2:
		*collection, err = f.uint()
	case 3:
		v, err = f.below(1 << 32)
		p.Rendering = uint32(v)
	case 4:
		v, err = f.below(uint64(domain.RoleSentinel) + 1)
		p.Role = domain.Role(v)
	case 5:
		p.Expected = domain.Truth{Kind: domain.TruthMatch}
		p.Expected.Match, err = f.bool()
	case 6:
		p.Expected = domain.Truth{Kind: domain.TruthText}
		p.Expected.Text, err = f.text()
	case 7:
		v, err = f.below(uint64(domain.TrustPromoted) + 1)
		p.Trust = domain.Trust(v)
	case 8:
		p.Prior, err = f.double()
	}
	return err
}

func decodeAnswered(f field, e *domain.ChallengeAnswered) error {
	return f.message(func(f field) (err error) {
		var has bool
		switch f.number {
		case 1:
			var v uint64
			v, err = f.below(uint64(domain.StatusRejected) + 1)
			e.Verdict = domain.Status(v)
		case 2:
			if has, err = f.bool(); has && e.Answer.Texts == nil {
				e.Answer.Texts = []string{}
			}
		case 3:
			var s string
			s, err = f.text()
			e.Answer.Texts = append(e.Answer.Texts, s)
		case 4:
			if has, err = f.bool(); has && e.Answer.Selected == nil {
				e.Answer.Selected = []uint32{}
			}
		case 5:
			e.Answer.Selected, err = f.packed(e.Answer.Selected)
		case 6:
			var s string
			s, err = f.text()
			e.Answer.Text = &s
		case 7:
			if has, err = f.bool(); has && e.Answer.Unreadable == nil {
				e.Answer.Unreadable = []uint32{}
			}
		case 8:
			e.Answer.Unreadable, err = f.packed(e.Answer.Unreadable)
		}
		return err
	})
}

package eventstore

import (
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"ocapi/domain"
)

// Decoder reads stored forms as [DecodeEvent] does, for those who read millions
// of them: it accepts the same ones, and gives the same events. Creations and
// answers it reads into memory of its own, so that none is allocated for an
// event. The zero value is ready for use; it is not safe for concurrent use.
type Decoder struct {
	// Brief leaves the positions of creations out, and as a rule does not look at
	// them: for those who read a second time what is answered.
	Brief bool

	created     domain.ChallengeCreated
	answered    domain.ChallengeAnswered
	positions   []domain.Position
	collections []string
	index       []uint64 // of each position, in the collections
	texts       []string
	selected    []uint32
	unreadable  []uint32
	text        string
}

// Decode reads one stored form. A creation or an answer is the decoder's own:
// it is valid until the next call, and its strings are parts of data, which
// they keep in memory. Errors are those of DecodeEvent.
func (d *Decoder) Decode(data string) (domain.Event, error) {
	if e := d.usual(data); e != nil {
		return e, nil
	}
	// An event of another kind, one of a newer program, or a malformed one: few.
	e, err := decodeByField([]byte(data))
	if c, ok := e.(*domain.ChallengeCreated); ok && d.Brief {
		c.Positions = nil
	}
	return e, err
}

// usual reads a creation or an answer that has nothing in it but what this
// program writes there; nil: DecodeEvent is to say what it is. To go by whole
// tags, whose wire type is a part of them, is twice as fast as to take fields
// apart.
func (d *Decoder) usual(data string) domain.Event {
	h := domain.Header{At: epoch}
	var version uint64
	var ids, kind int
	var body string
	for i := 0; i < len(data); {
		switch data[i] {
		case 1<<3 | varint:
			version, i = number(data, i+1, 1<<63)
		case 2<<3 | length:
			ids |= 1
			i = identifier(data, i+1, &h.ID.UUID)
		case 3<<3 | length:
			ids |= 2
			i = identifier(data, i+1, &h.Challenge.UUID)
		case 4<<3 | length:
			var s string
			s, i = text(data, i+1)
			h.Client = domain.ClientID(s)
		case 5<<3 | varint:
			h.At, i = moment(data, i+1)
		case 0x80 | 0<<3 | length, 0x80 | 1<<3 | length: // of two bytes: 16 and 17
			if kind != 0 || i+1 == len(data) || data[i+1] != 1 {
				return nil
			}
			kind = 16 + int(data[i]>>3&1)
			body, i = part(data, i+2)
		default:
			return nil
		}
		if i < 0 {
			return nil
		}
	}
	if version != codecVersion || ids != 3 {
		return nil
	}
	switch {
	case kind == 16 && d.usualCreated(body):
		d.created.Header = h
		return &d.created
	case kind == 17 && d.usualAnswered(body):
		d.answered.Header = h
		return &d.answered
	}
	return nil
}

func (d *Decoder) usualCreated(body string) bool {
	e := &d.created
	*e = domain.ChallengeCreated{ExpiresAt: epoch}
	d.positions, d.collections, d.index = d.positions[:0], d.collections[:0], d.index[:0]
	var v uint64
	var s string
	for i := 0; i < len(body); {
		switch body[i] {
		case 1<<3 | varint:
			v, i = number(body, i+1, uint64(domain.TypeAudio)+1)
			e.Type = domain.ChallengeType(v)
		case 2<<3 | length:
			e.Keyword, i = text(body, i+1)
		case 3<<3 | length:
			e.Credit, i = text(body, i+1)
		case 4<<3 | varint:
			v, i = number(body, i+1, 1<<63)
			e.WhollyKnown = v != 0
		case 5<<3 | length:
			if s, i = part(body, i+1); !usualMix(s, &e.Mix) {
				return false
			}
		case 6<<3 | varint:
			e.ExpiresAt, i = moment(body, i+1)
		case 7<<3 | length:
			s, i = text(body, i+1)
			d.collections = append(d.collections, s)
		case 8<<3 | length:
			if s, i = part(body, i+1); !d.Brief && (len(d.positions) == domain.MaxPositions || !d.usualPosition(s)) {
				return false
			}
		case 9<<3 | length:
			e.Language, i = text(body, i+1)
		case 10<<3 | varint:
			e.Generation, i = number(body, i+1, 1<<63)
		default:
			return false
		}
		if i < 0 {
			return false
		}
	}
	for i, n := range d.index {
		if n >= uint64(len(d.collections)) {
			return false
		}
		d.positions[i].Collection = domain.CollectionID(d.collections[n])
	}
	if len(d.positions) > 0 {
		e.Positions = d.positions
	}
	return true
}

func usualMix(s string, m *domain.Mix) bool {
	for i := 0; i < len(s); {
		var into *uint8
		switch s[i] {
		case 1<<3 | varint:
			into = &m.Matches
		case 2<<3 | varint:
			into = &m.NonMatches
		case 3<<3 | varint:
			into = &m.Texts
		case 4<<3 | varint:
			into = &m.Unknown
		default:
			return false
		}
		var v uint64
		if v, i = number(s, i+1, math.MaxUint8+1); i < 0 {
			return false
		}
		*into = uint8(v)
	}
	return true
}

func (d *Decoder) usualPosition(s string) bool {
	d.positions = append(d.positions, domain.Position{})
	p := &d.positions[len(d.positions)-1]
	var collection, v uint64
	var t string
	for i := 0; i < len(s); {
		switch s[i] {
		case 1<<3 | length:
			t, i = text(s, i+1)
			p.Image = domain.ImageID(t)
		case 2<<3 | varint:
			collection, i = number(s, i+1, 1<<63)
		case 3<<3 | varint:
			v, i = number(s, i+1, math.MaxUint32+1)
			p.Rendering = uint32(v)
		case 4<<3 | varint:
			v, i = number(s, i+1, uint64(domain.RoleSentinel)+1)
			p.Role = domain.Role(v)
		case 5<<3 | varint:
			v, i = number(s, i+1, 1<<63)
			p.Expected = domain.Truth{Kind: domain.TruthMatch, Match: v != 0}
		case 6<<3 | length:
			t, i = text(s, i+1)
			p.Expected = domain.Truth{Kind: domain.TruthText, Text: t}
		case 7<<3 | varint:
			v, i = number(s, i+1, uint64(domain.TrustPromoted)+1)
			p.Trust = domain.Trust(v)
		case 8<<3 | fixed64:
			p.Prior, i = double(s, i+1)
		default:
			return false
		}
		if i < 0 {
			return false
		}
	}
	d.index = append(d.index, collection)
	return true
}

func (d *Decoder) usualAnswered(body string) bool {
	e := &d.answered
	*e = domain.ChallengeAnswered{}
	d.texts, d.selected, d.unreadable = d.texts[:0], d.selected[:0], d.unreadable[:0]
	var hasTexts, hasSelected, hasUnreadable, v uint64
	var s string
	for i := 0; i < len(body); {
		switch body[i] {
		case 1<<3 | varint:
			v, i = number(body, i+1, uint64(domain.StatusRejected)+1)
			e.Verdict = domain.Status(v)
		case 2<<3 | varint:
			v, i = number(body, i+1, 1<<63)
			hasTexts |= v
		case 3<<3 | length:
			s, i = text(body, i+1)
			d.texts = append(d.texts, s)
		case 4<<3 | varint:
			v, i = number(body, i+1, 1<<63)
			hasSelected |= v
		case 5<<3 | length:
			d.selected, i = packed(d.selected, body, i+1)
		case 6<<3 | length:
			d.text, i = text(body, i+1)
			e.Answer.Text = &d.text
		case 7<<3 | varint:
			v, i = number(body, i+1, 1<<63)
			hasUnreadable |= v
		case 8<<3 | length:
			d.unreadable, i = packed(d.unreadable, body, i+1)
		default:
			return false
		}
		if i < 0 {
			return false
		}
	}
	e.Answer.Texts, d.texts = given(d.texts, hasTexts)
	e.Answer.Selected, d.selected = given(d.selected, hasSelected)
	e.Answer.Unreadable, d.unreadable = given(d.unreadable, hasUnreadable)
	return true
}

// detached gives a decoder's event that outlives the decoder's next one.
func detached(e domain.Event) domain.Event {
	switch e := e.(type) {
	case *domain.ChallengeCreated:
		own := *e
		own.Positions = slices.Clone(e.Positions)
		return &own
	case *domain.ChallengeAnswered:
		own := *e
		own.Answer.Texts = slices.Clone(e.Answer.Texts)
		own.Answer.Selected = slices.Clone(e.Answer.Selected)
		own.Answer.Unreadable = slices.Clone(e.Answer.Unreadable)
		if e.Answer.Text != nil {
			text := *e.Answer.Text
			own.Answer.Text = &text
		}
		return &own
	}
	return e // of no decoder
}

// given is a list as an answer has it, nil where the field was absent, and the
// memory to use again.
func given[T any](list []T, has uint64) (_, memory []T) {
	switch {
	case len(list) == 0 && has == 0:
		return nil, list
	case list == nil:
		list = []T{}
	}
	return list, list
}

// The wire types, in the last three bits of a tag.
const (
	varint  = byte(protowire.VarintType)
	fixed64 = byte(protowire.Fixed64Type)
	length  = byte(protowire.BytesType)
)

// malformed stands where the index of what follows a value does: it is not as
// it should be, which is for [walk] to name.
const malformed = -1

// number reads a number below a limit at i, and gives the index behind it. Ones
// of ten bytes, which are moments before 1970, are not read.
func number(s string, i int, limit uint64) (v uint64, next int) {
	if i < len(s) && s[i] < 0x80 && uint64(s[i]) < limit {
		return uint64(s[i]), i + 1
	}
	const most = 9
	for n := 0; n < most && i+n < len(s); n++ {
		b := s[i+n]
		v |= uint64(b&0x7f) << (7 * n)
		if b < 0x80 {
			if v >= limit {
				break
			}
			return v, i + n + 1
		}
	}
	return 0, malformed
}

// part reads the bytes at i.
func part(s string, i int) (_ string, next int) {
	n, i := number(s, i, 1<<63)
	if i < 0 || n > uint64(len(s)-i) {
		return "", malformed
	}
	return s[i : i+int(n)], i + int(n)
}

func text(s string, i int) (_ string, next int) {
	s, i = part(s, i)
	if !utf8.ValidString(s) {
		return "", malformed
	}
	return s, i
}

func identifier(s string, i int, u *domain.UUID) (next int) {
	s, i = part(s, i)
	if len(s) != len(u) {
		return malformed
	}
	copy(u[:], s)
	return i
}

func moment(s string, i int) (_ time.Time, next int) {
	us, i := number(s, i, 1<<63)
	return time.UnixMicro(int64(us)).UTC(), i
}

func double(s string, i int) (_ float64, next int) {
	const size = 8
	if len(s)-i < size {
		return 0, malformed
	}
	var bits uint64
	for n := range size {
		bits |= uint64(s[i+n]) << (8 * n)
	}
	v := math.Float64frombits(bits)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, malformed
	}
	return v, i + size
}

// packed reads a repeated number in the form that is written.
func packed(list []uint32, s string, i int) (_ []uint32, next int) {
	s, i = part(s, i)
	for at := 0; i >= 0 && at < len(s); {
		var v uint64
		if v, at = number(s, at, math.MaxUint32+1); at < 0 {
			return list, malformed
		}
		list = append(list, uint32(v))
	}
	return list, i
}

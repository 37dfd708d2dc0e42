package eventstore

import (
	"math"
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
	return DecodeEvent([]byte(data))
}

// usual reads a creation or an answer that has nothing in it but what this
// program writes there; nil: DecodeEvent is to say what it is.
func (d *Decoder) usual(data string) domain.Event {
	h := domain.Header{At: epoch}
	var version uint64
	var ids int
	var body string
	var kind protowire.Number
	for c := (cursor{rest: data}); c.rest != ""; {
		if !c.next() {
			return nil
		}
		switch c.number {
		case 1:
			version = c.varint
			c.need(protowire.VarintType)
		case 2:
			ids |= 1
			c.uuid(&h.ID.UUID)
		case 3:
			ids |= 2
			c.uuid(&h.Challenge.UUID)
		case 4:
			h.Client = domain.ClientID(c.utf8())
		case 5:
			h.At = c.moment()
		case 16, 17:
			if kind != 0 {
				return nil
			}
			kind, body = c.number, c.bytes
			c.need(protowire.BytesType)
		default:
			return nil
		}
		if c.bad {
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
	for c := (cursor{rest: body}); c.rest != ""; {
		if !c.next() {
			return false
		}
		switch c.number {
		case 1:
			e.Type = domain.ChallengeType(c.below(uint64(domain.TypeAudio) + 1))
		case 2:
			e.Keyword = c.utf8()
		case 3:
			e.Credit = c.utf8()
		case 4:
			e.WhollyKnown = c.bool()
		case 5:
			if !usualMix(&c, &e.Mix) {
				return false
			}
		case 6:
			e.ExpiresAt = c.moment()
		case 7:
			d.collections = append(d.collections, c.utf8())
		case 8:
			if len(d.positions) == domain.MaxPositions || !d.usualPosition(&c) {
				return false
			}
		case 9:
			e.Language = c.utf8()
		case 10:
			e.Generation = c.varint
			c.need(protowire.VarintType)
		default:
			return false
		}
		if c.bad {
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

func usualMix(outer *cursor, m *domain.Mix) bool {
	outer.need(protowire.BytesType)
	for c := (cursor{rest: outer.bytes}); c.rest != ""; {
		if !c.next() {
			return false
		}
		v := uint8(c.below(math.MaxUint8 + 1))
		switch c.number {
		case 1:
			m.Matches = v
		case 2:
			m.NonMatches = v
		case 3:
			m.Texts = v
		case 4:
			m.Unknown = v
		default:
			return false
		}
		if c.bad {
			return false
		}
	}
	return true
}

func (d *Decoder) usualPosition(outer *cursor) bool {
	outer.need(protowire.BytesType)
	d.positions = append(d.positions, domain.Position{})
	p := &d.positions[len(d.positions)-1]
	var collection uint64
	for c := (cursor{rest: outer.bytes}); c.rest != ""; {
		if !c.next() {
			return false
		}
		switch c.number {
		case 1:
			p.Image = domain.ImageID(c.utf8())
		case 2:
			collection = c.varint
			c.need(protowire.VarintType)
		case 3:
			p.Rendering = uint32(c.below(math.MaxUint32 + 1))
		case 4:
			p.Role = domain.Role(c.below(uint64(domain.RoleSentinel) + 1))
		case 5:
			p.Expected = domain.Truth{Kind: domain.TruthMatch, Match: c.bool()}
		case 6:
			p.Expected = domain.Truth{Kind: domain.TruthText, Text: c.utf8()}
		case 7:
			p.Trust = domain.Trust(c.below(uint64(domain.TrustPromoted) + 1))
		case 8:
			p.Prior = c.double()
		default:
			return false
		}
		if c.bad {
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
	for c := (cursor{rest: body}); c.rest != ""; {
		if !c.next() {
			return false
		}
		switch c.number {
		case 1:
			e.Verdict = domain.Status(c.below(uint64(domain.StatusRejected) + 1))
		case 2:
			if c.bool() && d.texts == nil {
				d.texts = []string{}
			}
			if c.varint != 0 {
				e.Answer.Texts = d.texts
			}
		case 3:
			d.texts = append(d.texts, c.utf8())
			e.Answer.Texts = d.texts
		case 4:
			if c.bool() && d.selected == nil {
				d.selected = []uint32{}
			}
			if c.varint != 0 {
				e.Answer.Selected = d.selected
			}
		case 5:
			d.selected = c.packed(d.selected)
			if len(d.selected) > 0 {
				e.Answer.Selected = d.selected
			}
		case 6:
			d.text = c.utf8()
			e.Answer.Text = &d.text
		case 7:
			if c.bool() && d.unreadable == nil {
				d.unreadable = []uint32{}
			}
			if c.varint != 0 {
				e.Answer.Unreadable = d.unreadable
			}
		case 8:
			d.unreadable = c.packed(d.unreadable)
			if len(d.unreadable) > 0 {
				e.Answer.Unreadable = d.unreadable
			}
		default:
			return false
		}
		if c.bad {
			return false
		}
	}
	return true
}

// cursor goes through the fields of a message. What is not as it should be makes
// it bad, and is for [walk] to name.
type cursor struct {
	rest   string
	number protowire.Number
	kind   protowire.Type
	varint uint64 // the value of a number
	bytes  string // the value of anything else
	bad    bool
}

// next reads one field; false: it cannot be read, or not here.
func (c *cursor) next() bool {
	tag, ok := c.uint()
	if !ok || tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
		return false
	}
	c.number, c.kind = protowire.Number(tag>>3), protowire.Type(tag&7)
	switch c.kind {
	case protowire.VarintType:
		c.bytes = ""
		c.varint, ok = c.uint()
	case protowire.BytesType:
		var n uint64
		if n, ok = c.uint(); !ok || n > uint64(len(c.rest)) {
			return false
		}
		c.varint, c.bytes, c.rest = 0, c.rest[:n], c.rest[n:]
	case protowire.Fixed64Type:
		if len(c.rest) < 8 {
			return false
		}
		c.bytes, c.varint = "", 0
		for i := range 8 {
			c.varint |= uint64(c.rest[i]) << (8 * i)
		}
		c.rest = c.rest[8:]
	case protowire.Fixed32Type, protowire.StartGroupType, protowire.EndGroupType:
		return false
	default:
		return false
	}
	return ok
}

// uint reads a number of at most nine bytes; longer ones are of moments before
// 1970.
func (c *cursor) uint() (v uint64, ok bool) {
	const most = 9
	for i := 0; i < len(c.rest) && i < most; i++ {
		b := c.rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			c.rest = c.rest[i+1:]
			return v, true
		}
	}
	return 0, false
}

func (c *cursor) need(kind protowire.Type) {
	if c.kind != kind {
		c.bad = true
	}
}

func (c *cursor) below(limit uint64) uint64 {
	if c.varint >= limit {
		c.bad = true
	}
	c.need(protowire.VarintType)
	return c.varint
}

func (c *cursor) bool() bool {
	c.need(protowire.VarintType)
	return c.varint != 0
}

func (c *cursor) double() float64 {
	v := math.Float64frombits(c.varint)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.bad = true
	}
	c.need(protowire.Fixed64Type)
	return v
}

func (c *cursor) moment() time.Time {
	c.need(protowire.VarintType)
	return time.UnixMicro(int64(c.varint)).UTC()
}

func (c *cursor) utf8() string {
	c.need(protowire.BytesType)
	if !utf8.ValidString(c.bytes) {
		c.bad = true
	}
	return c.bytes
}

func (c *cursor) uuid(u *domain.UUID) {
	c.need(protowire.BytesType)
	if len(c.bytes) != len(u) {
		c.bad = true
		return
	}
	copy(u[:], c.bytes)
}

// packed reads a repeated number in the form that is written.
func (c *cursor) packed(list []uint32) []uint32 {
	c.need(protowire.BytesType)
	for inner := (cursor{rest: c.bytes}); inner.rest != ""; {
		v, ok := inner.uint()
		if !ok || v > math.MaxUint32 {
			c.bad = true
			return list
		}
		list = append(list, uint32(v))
	}
	return list
}

package eventstore

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"ocapi/domain"
)

// field is one field of a message: its number and its value, still encoded.
type field struct {
	number protowire.Number
	kind   protowire.Type
	varint uint64
	bytes  []byte
}

// walk calls visit for every field of a message, in order.
func walk(data []byte, visit func(field) error) error {
	for len(data) > 0 {
		n, kind, size := protowire.ConsumeTag(data)
		if size < 0 {
			return protowire.ParseError(size)
		}
		data = data[size:]
		f := field{number: n, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.varint, size = protowire.ConsumeVarint(data)
		case protowire.Fixed64Type:
			f.varint, size = protowire.ConsumeFixed64(data)
		case protowire.BytesType:
			f.bytes, size = protowire.ConsumeBytes(data)
		default:
			size = protowire.ConsumeFieldValue(n, kind, data)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		data = data[size:]
		if err := visit(f); err != nil {
			return fmt.Errorf("field %d: %w", n, err)
		}
	}
	return nil
}

func (f field) is(kind protowire.Type) error {
	if f.kind != kind {
		return fmt.Errorf("wire type %d where %d belongs", f.kind, kind)
	}
	return nil
}

func (f field) uint() (uint64, error) { return f.varint, f.is(protowire.VarintType) }

func (f field) below(limit uint64) (uint64, error) {
	if f.varint >= limit {
		return 0, fmt.Errorf("value %d is out of range", f.varint)
	}
	return f.uint()
}

func (f field) bool() (bool, error) { return f.varint != 0, f.is(protowire.VarintType) }

func (f field) double() (float64, error) {
	v := math.Float64frombits(f.varint)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, errors.New("not a finite number")
	}
	return v, f.is(protowire.Fixed64Type)
}

func (f field) moment() (time.Time, error) {
	return time.UnixMicro(int64(f.varint)).UTC(), f.is(protowire.VarintType)
}

func (f field) text() (string, error) {
	if err := f.is(protowire.BytesType); err != nil {
		return "", err
	}
	if !utf8.Valid(f.bytes) {
		return "", errors.New("not valid UTF-8")
	}
	return string(f.bytes), nil
}

func (f field) uuid() (domain.UUID, error) {
	if err := f.is(protowire.BytesType); err != nil {
		return domain.UUID{}, err
	}
	if len(f.bytes) != len(domain.UUID{}) {
		return domain.UUID{}, fmt.Errorf("%d bytes where an identifier has 16", len(f.bytes))
	}
	return domain.UUID(f.bytes), nil
}

func (f field) message(visit func(field) error) error {
	if err := f.is(protowire.BytesType); err != nil {
		return err
	}
	return walk(f.bytes, visit)
}

// packed reads a repeated number in either of its two wire forms.
func (f field) packed(list []uint32) ([]uint32, error) {
	if f.kind == protowire.VarintType {
		v, err := f.below(1 << 32)
		return append(list, uint32(v)), err
	}
	if err := f.is(protowire.BytesType); err != nil {
		return nil, err
	}
	for rest := f.bytes; len(rest) > 0; {
		v, size := protowire.ConsumeVarint(rest)
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		if v >= 1<<32 {
			return nil, fmt.Errorf("value %d is out of range", v)
		}
		list = append(list, uint32(v))
		rest = rest[size:]
	}
	return list, nil
}

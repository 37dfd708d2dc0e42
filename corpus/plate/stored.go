package plate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

// A plate is stored beside its picture, because finding the free bits costs some
// fifty times what reading them back does. Its form, which [Plate.Encode] writes
// and [Restore] reads:
//
//	byte 0      version
//	byte 1      what the picture is: kindJPEG or kindPNG
//	bytes 2-5   CRC-32C of the picture, bytes 0 and 1, and all bytes from 6 on; big endian
//	uvarint     where the segment of random bytes goes
//	uvarints    the free bits in rising order, each as its distance to the one
//	            before, and the first to the highest bit at the segment's place
//
// A plate of 128 bits takes about 270 bytes.

// version names the form and what [New] chooses. Whoever changes either raises
// it: plates of before are then made anew as they are met.
const version = 1

// What a picture is. Zero is neither.
const (
	kindJPEG = 1
	kindPNG  = 2
)

const (
	sumAt    = 2
	bodyAt   = sumAt + crc32.Size
	maxBytes = bodyAt + (1+mostFree)*binary.MaxVarintLen32
)

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrStored says that what was stored is not a plate of this picture, or one
// that [New] of today would not make.
var ErrStored = errors.New("not a plate of this picture")

// Encode gives the plate without its picture, to be stored beside that.
func (p *Plate) Encode() []byte {
	kind := byte(kindJPEG)
	if p.png {
		kind = kindPNG
	}
	b := make([]byte, bodyAt, bodyAt+binary.MaxVarintLen32+2*len(p.free))
	b[0], b[1] = version, kind
	b = binary.AppendUvarint(b, uint64(p.split))
	before := uint32(p.split) << 3
	for _, bit := range p.free {
		b = binary.AppendUvarint(b, uint64(bit-before))
		before = bit
	}
	binary.BigEndian.PutUint32(b[sumAt:], sum(p.picture, b))
	return b
}

// sum is taken of a picture and of its plate, except for where the sum stands.
func sum(picture, stored []byte) uint32 {
	s := crc32.Update(0, castagnoli, picture)
	s = crc32.Update(s, castagnoli, stored[:sumAt])
	return crc32.Update(s, castagnoli, stored[bodyAt:])
}

// Restore gives the plate that [New] would make of a picture, from what
// [Plate.Encode] gave for it. It keeps the picture's bytes, which must not be
// changed after that, and not the stored ones. The error is [ErrStored]: then
// New has to be asked.
func Restore(picture, stored []byte) (*Plate, error) {
	p := &Plate{}
	if err := p.Restore(picture, stored); err != nil {
		return nil, err
	}
	return p, nil
}

// Restore makes a plate into another one, as the function does, in the memory
// that it has. Nobody else may use it. After an error it is of no use until it
// is restored again.
func (p *Plate) Restore(picture, stored []byte) error {
	if len(stored) <= bodyAt || len(stored) > maxBytes || stored[0] != version ||
		binary.BigEndian.Uint32(stored[sumAt:]) != sum(picture, stored) {
		return ErrStored
	}
	// From here on the bytes are as they were written. They are checked all the
	// same, so that no print is ever made beyond its end.
	split, n := binary.Uvarint(stored[bodyAt:])
	if n <= 0 || split > uint64(len(picture)) || stored[1] != kindJPEG && stored[1] != kindPNG {
		return ErrStored
	}
	*p = Plate{picture: picture, split: int(split), png: stored[1] == kindPNG, free: p.free[:0]}
	rest := stored[bodyAt+n:]
	bits := 0
	for _, b := range rest {
		bits += int(^b >> 7) // the last byte of a number is below 0x80
	}
	if bits > mostFree {
		return ErrStored
	}
	p.free = slices.Grow(p.free, bits)
	bit, end := split<<3, uint64(len(picture))<<3
	for len(rest) > 0 {
		distance, n := binary.Uvarint(rest)
		if n <= 0 || distance >= end-bit {
			return ErrStored
		}
		bit += distance
		p.free = append(p.free, uint32(bit))
		rest = rest[n:]
	}
	return nil
}

// Clone gives a plate with a copy of the picture, which stays when the memory is
// gone that this one was restored from.
func (p *Plate) Clone() *Plate {
	clone := *p
	clone.picture, clone.free = bytes.Clone(p.picture), slices.Clone(p.free)
	return &clone
}

// Forget lets go of the picture. The plate is of no use until it is restored again.
func (p *Plate) Forget() { *p = Plate{free: p.free[:0]} }

package domain

import (
	"encoding/binary"
	"time"
)

// RandomBytes is how much randomness [UUIDv7] takes: 74 bits of it are used.
const RandomBytes = 10

// UUIDv7 gives the identifier of a moment (RFC 9562, section 5.7): its 48 bits
// of whole milliseconds since 1970, then the 74 bits that the layout leaves free
// of random, in their order. Identifiers sort by their moments; within a
// millisecond, where others put a counter, these say nothing: whoever knows one
// knows nothing of the next. Moments before 1970 or after 10889 wrap around.
func UUIDv7(at time.Time, random [RandomBytes]byte) UUID {
	var u UUID
	binary.BigEndian.PutUint64(u[:8], uint64(at.UnixMilli())<<16) //nolint:gosec // documented
	copy(u[6:], random[:])
	u[6] = u[6]&0x0f | 0x70 // version 7
	u[8] = u[8]&0x3f | 0x80 // the variant of RFC 9562
	return u
}

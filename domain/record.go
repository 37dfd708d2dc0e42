package domain

import "time"

// Sequence is an event's number in the log: 1 for the first, without gaps.
// Zero means "before the first".
type Sequence uint64

// Incarnation tells apart streams that bore the same name: the moment at which
// the stream was created, in milliseconds since 1970. Later streams have larger
// ones.
type Incarnation int64

// Record is one event with its place in the log.
type Record struct {
	Seq         Sequence
	Incarnation Incarnation
	StoredAt    time.Time // the stream's own timestamp, UTC, whole microseconds
	Event       Event
	Data        []byte // the stored form of Event; never changed
}

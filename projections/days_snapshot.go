package projections

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// The stored form of a [Days], as that of a [Frequency].
const (
	daysMark    = "ocapi days\n"
	daysVersion = 1
)

// Snapshot gives the state in its stored form, and the position that it is the
// state of. The version that wrote it, and no other, reads it. Events wait
// meanwhile, readers do not.
func (d *Days) Snapshot() (Position, []byte) {
	d.feeding.Lock()
	defer d.feeding.Unlock()
	// What feeding guards does not change, so mu need not be held.
	w := writer{b: []byte(daysMark)}
	w.uint(daysVersion)
	w.position(d.position)
	w.uint(uint64(d.clock))
	w.names(&d.clients)
	w.uint(uint64(kindCount))
	w.uint(uint64(timeCount))
	keys := d.sorted()
	w.uint(uint64(len(keys)))
	for _, key := range keys {
		w.uint(uint64(key.day))
		w.uint(uint64(key.client))
		row := d.rows[key]
		for _, o := range row.byKind {
			for _, n := range [...]uint64{o.Issued, o.Validated, o.Rejected, o.Expired} {
				w.uint(n)
			}
		}
		for _, n := range row.times {
			w.uint(uint64(n))
		}
	}
	open := d.open.sorted()
	w.open(open)
	for _, o := range open {
		w.uint(uint64(o.began))
	}
	sum := sha256.Sum256(w.b)
	return d.position, append(w.b, sum[:]...)
}

// Restore brings a Days that has read nothing to the state of a snapshot that is
// said to be of a position. When it fails, with an error that wraps
// [ErrSnapshot], the Days is as it was.
func (d *Days) Restore(at Position, snapshot []byte) error {
	fresh, err := decodeDays(snapshot)
	if err == nil && fresh.position != at {
		err = fmt.Errorf("it goes up to event %d and is said to go up to %d", fresh.position.Seq, at.Seq)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	d.feeding.Lock()
	defer d.feeding.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.position != (Position{}) {
		return fmt.Errorf("%w: the statistics are at event %d already", ErrSnapshot, d.position.Seq)
	}
	d.position, d.clock, d.skipped = fresh.position, fresh.clock, 0
	d.clients, d.rows, d.open = fresh.clients, fresh.rows, fresh.open
	return nil
}

func decodeDays(snapshot []byte) (*Days, error) {
	body := len(snapshot) - sha256.Size
	rest, ok := bytes.CutPrefix(snapshot, []byte(daysMark))
	if !ok || body < len(daysMark) {
		return nil, errors.New("it is none")
	}
	if version, n := binary.Uvarint(rest); n <= 0 || version != daysVersion {
		return nil, fmt.Errorf("it is of version %d, and this program knows %d", version, daysVersion)
	}
	if sum := sha256.Sum256(snapshot[:body]); !bytes.Equal(sum[:], snapshot[body:]) {
		return nil, errors.New("it is damaged: its checksum is not that of its bytes")
	}
	r := &reader{b: snapshot[len(daysMark):body]}
	r.uint() // the version
	d := NewDays()
	d.position = r.position()
	d.clock = r.tick()
	d.clients = r.names()
	if r.uint() != uint64(kindCount) || r.uint() != uint64(timeCount) {
		r.fail(errors.New("it counts other types or times"))
	}
	const leastBytes = 2 + 4*kindCount + timeCount
	for range r.length(leastBytes) {
		key := dayKey{day: uint32(r.below(uint64(dayOf(maxTick)) + 1)), client: uint32(r.below(uint64(len(d.clients.names))))}
		row := &dayRow{}
		for kind := range row.byKind {
			row.byKind[kind] = Outcomes{Issued: r.uint(), Validated: r.uint(), Rejected: r.uint(), Expired: r.uint()}
		}
		for i := range row.times {
			row.times[i] = r.uint32()
		}
		d.rows[key] = row
	}
	for _, o := range r.openList(len(d.clients.names)) {
		o.began = r.tick()
		d.open.add(o.id, o.openChallenge)
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail(fmt.Errorf("%d bytes are left over", len(r.b)))
	}
	return d, r.err
}

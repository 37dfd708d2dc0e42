package projections

import (
	"encoding/binary"
	"hash/maphash"

	"ocapi/domain"
)

// table maps challenges to small values without pointers. It takes the value,
// the 16 bytes of the identifier and 6 to 8 bytes more for each; a map of Go
// takes about twice the two (measured with a million). Rows lie in chunks that
// never move, so that growing copies nothing but the index of four bytes a row,
// a third of which at least is free. The garbage collector sees one pointer for
// each chunk.
//
// What uses it holds several, by the hash of the identifier, so that growing one
// of them stops nobody for long. It is not safe for concurrent use. The zero
// value has to be given a seed.
type table[V any] struct {
	seed maphash.Seed
	// index holds, where the hash points or behind, 8 bits of the hash above a
	// slot's number plus one; 0 where it is free.
	index  []uint32
	chunks []*[chunkRows]row[V]
	used   uint32 // slots that were given out so far
	free   uint32 // one more than the slot that was given back last; 0: none
	count  int
}

type row[V any] struct {
	id    domain.UUID // of a slot that is free: the next one
	value V
}

const (
	chunkRows = 64
	slotBits  = 24 // of what the index holds
	slotMask  = 1<<slotBits - 1
	leastSize = 16
)

func (t *table[V]) hash(id domain.UUID) uint64 { return maphash.Bytes(t.seed, id[:]) }

// home is where in the index a hash points; tag is what is kept of it there. The
// lowest bits are left to whoever chooses among tables.
func (t *table[V]) home(hash uint64) int { return int(hash >> 32 * uint64(len(t.index)) >> 32) }
func tag(hash uint64) uint32             { return uint32(hash) >> slotBits << slotBits }

func (t *table[V]) row(slot uint32) *row[V] { return &t.chunks[slot/chunkRows][slot%chunkRows] }

// at gives the place of an identifier in the index, and its slot. Where it is
// not found, the place is a free one, unless the table is empty.
func (t *table[V]) at(hash uint64, id domain.UUID) (place int, slot uint32, found bool) {
	if len(t.index) == 0 {
		return 0, 0, false
	}
	for place = t.home(hash); t.index[place] != 0; place = t.after(place) {
		if entry := t.index[place]; entry&^slotMask == tag(hash) {
			if slot = entry&slotMask - 1; t.row(slot).id == id {
				return place, slot, true
			}
		}
	}
	return place, 0, false
}

func (t *table[V]) after(place int) int {
	if place++; place == len(t.index) {
		return 0
	}
	return place
}

// get gives the value of an identifier, to be read or changed in place; nil
// where there is none.
func (t *table[V]) get(hash uint64, id domain.UUID) *V {
	if _, slot, found := t.at(hash, id); found {
		return &t.row(slot).value
	}
	return nil
}

// put sets a value and gives its slot, which stays the same until it is removed.
// It is false when the table is full, with 16 million.
func (t *table[V]) put(hash uint64, id domain.UUID, value V) (slot uint32, ok bool) {
	place, slot, found := t.at(hash, id)
	if found {
		t.row(slot).value = value
		return slot, true
	}
	if 4*(t.count+1) > 3*len(t.index) { // fuller, probing gets long
		t.grow()
		place, _, _ = t.at(hash, id)
	}
	switch {
	case t.free != 0:
		slot = t.free - 1
		t.free = binary.LittleEndian.Uint32(t.row(slot).id[:])
	case t.used == slotMask:
		return 0, false
	default:
		slot = t.used
		t.used++
		if int(slot/chunkRows) == len(t.chunks) {
			t.chunks = append(t.chunks, new([chunkRows]row[V]))
		}
	}
	*t.row(slot) = row[V]{id, value}
	t.index[place] = tag(hash) | (slot + 1)
	t.count++
	return slot, true
}

func (t *table[V]) grow() {
	old := t.index
	t.index = make([]uint32, max(leastSize, len(old)+len(old)/2))
	for _, entry := range old {
		if entry == 0 {
			continue
		}
		place := t.home(t.hash(t.row(entry&slotMask - 1).id))
		for t.index[place] != 0 {
			place = t.after(place)
		}
		t.index[place] = entry
	}
}

// remove forgets an identifier; its slot is given to another.
func (t *table[V]) remove(hash uint64, id domain.UUID) {
	hole, slot, found := t.at(hash, id)
	if !found {
		return
	}
	r := t.row(slot)
	*r = row[V]{}
	binary.LittleEndian.PutUint32(r.id[:], t.free)
	t.free = slot + 1
	t.count--
	// What was put behind the hole because that place was taken moves up.
	for place := t.after(hole); t.index[place] != 0; place = t.after(place) {
		home := t.home(t.hash(t.row(t.index[place]&slotMask - 1).id))
		// Whether home lies behind the hole and not behind the place, in a circle.
		between := hole < home && home <= place
		if place < hole {
			between = hole < home || home <= place
		}
		if !between {
			t.index[hole], hole = t.index[place], place
		}
	}
	t.index[hole] = 0
}

// each visits all, in no order. visit must not put or remove.
func (t *table[V]) each(visit func(id domain.UUID, value *V)) {
	for _, entry := range t.index {
		if entry != 0 {
			r := t.row(entry&slotMask - 1)
			visit(r.id, &r.value)
		}
	}
}

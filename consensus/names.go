package consensus

import (
	"hash/maphash"
	"unsafe"
)

// nameTable holds distinct texts: all in one, where each ends, and an open-addressed
// index. A map of strings would be walked by the garbage collector, one by one.
type nameTable struct {
	seed  maphash.Seed
	text  []byte
	ends  []uint64
	slots []nameSlot // a power of two
}

// nameSlot has a text's number + 1, 0 where it is free, below 32 bits of its
// hash: they tell nearly all other texts apart without a look at them, and where
// a text is when the slots become more.
type nameSlot uint64

const hashBits = 32

func (s nameSlot) number() uint32 { return uint32(s) - 1 }

func newNames() nameTable { return nameTable{seed: maphash.MakeSeed(), slots: make([]nameSlot, 1<<4)} }

func (n *nameTable) get(i uint32) string { return string(n.peek(i)) }

// peek is get without a copy, for looking only.
func (n *nameTable) peek(i uint32) []byte {
	begin := uint64(0)
	if i > 0 {
		begin = n.ends[i-1]
	}
	return n.text[begin:n.ends[i]]
}

// find gives a text's number, or the slot where it would be, and the hash there.
func (n *nameTable) find(s string) (i uint32, slot uint64, hash nameSlot, found bool) {
	sum := maphash.String(n.seed, s)
	hash = nameSlot(sum >> hashBits << hashBits)
	for slot = n.home(hash); ; slot = n.after(slot) {
		held := n.slots[slot]
		if held == 0 {
			return nothing, slot, hash, false
		}
		if held>>hashBits == hash>>hashBits && string(n.peek(held.number())) == s {
			return held.number(), slot, hash, true
		}
	}
}

// home is where what has a hash is looked for first.
func (n *nameTable) home(hash nameSlot) uint64 {
	return uint64(hash) >> hashBits & uint64(len(n.slots)-1)
}

func (n *nameTable) after(slot uint64) uint64 { return (slot + 1) & uint64(len(n.slots)-1) }

// add gives a text's number, made where there is none.
func (n *nameTable) add(s string) uint32 {
	i, slot, hash, found := n.find(s)
	if found {
		return i
	}
	i = uint32(len(n.ends))
	n.text = append(n.text, s...)
	n.ends = append(n.ends, uint64(len(n.text)))
	n.slots[slot] = hash | nameSlot(i+1)
	if len(n.ends)*4 > len(n.slots)*3 {
		n.grow()
	}
	return i
}

func (n *nameTable) grow() {
	old := n.slots
	n.slots = make([]nameSlot, 2*len(old))
	for _, held := range old {
		if held == 0 {
			continue
		}
		slot := n.home(held)
		for n.slots[slot] != 0 {
			slot = n.after(slot)
		}
		n.slots[slot] = held
	}
}

func (n *nameTable) bytes() int {
	return cap(n.text) + cap(n.ends)*int(unsafe.Sizeof(uint64(0))) + cap(n.slots)*int(unsafe.Sizeof(nameSlot(0)))
}

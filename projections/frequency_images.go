package projections

import (
	"hash/maphash"

	"ocapi/domain"
)

// roleCount is how many roles an image can have; they index counts from 0.
const roleCount = int(domain.RoleSentinel)

// roleIndex gives a role's place among counts; ok is false for none.
func roleIndex(r domain.Role) (i int, ok bool) {
	return int(r) - 1, r >= domain.RoleKnown && r <= domain.RoleSentinel
}

// imageRow is one image. It has no pointers, as rows that grow with the images
// must not.
type imageRow struct {
	nameEnd    uint64  // where the image's name ends in the names; the row before says where it begins
	shown      decayed // at is when it was shown last
	first      tick    // when it was shown first
	collection uint32  // index; the last event's word
	cells      uint32  // its first cell
	kind       domain.ChallengeType
}

// cell is one image under one keyword.
type cell struct {
	keyword uint32            // index; that of "" in transcription
	next    uint32            // the image's next cell
	counts  [roleCount]uint32 // exposures by role, ever

	generation   uint32 // index of the one that it was shown in last
	inGeneration uint32 // exposures in it
	roles        uint8  // a bit for each role that it had in it
}

// noCell ends an image's list of cells.
const noCell = ^uint32(0)

// imageTable holds the images by their names, in the order in which they came:
// rows, a text with all names, and an open-addressed index into the rows. A
// map of strings would be walked by the garbage collector, name by name.
type imageTable struct {
	seed  maphash.Seed
	names []byte
	rows  []imageRow
	cells []cell
	slots []imageSlot // a power of two

	sought []sought // of seek, used again
}

// imageSlot has an image's row + 1, 0 where it is free, below 32 bits of its
// name's hash: they tell nearly all other names apart without a look at them, and
// where an image is when the slots become more.
type imageSlot uint64

const slotHashBits = 32

func (s imageSlot) row() uint32 { return uint32(s) - 1 }

// is reports whether the slot is of an image with a hash, as far as bits tell.
func (s imageSlot) is(hash imageSlot) bool { return s>>slotHashBits == hash>>slotHashBits && s != 0 }

func newImageTable() imageTable {
	return imageTable{seed: maphash.MakeSeed(), slots: make([]imageSlot, 1<<6)}
}

func (t *imageTable) name(row uint32) []byte {
	begin, end := t.nameAt(row)
	return t.names[begin:end]
}

func (t *imageTable) nameAt(row uint32) (begin, end uint64) {
	if row > 0 {
		begin = t.rows[row-1].nameEnd
	}
	return begin, t.rows[row].nameEnd
}

// hash gives what the slot of an image has of its name.
func (t *imageTable) hash(id domain.ImageID) imageSlot {
	return imageSlot(maphash.String(t.seed, string(id)) >> slotHashBits << slotHashBits)
}

// home is where what has a hash is looked for first.
func (t *imageTable) home(hash imageSlot) uint64 {
	return uint64(hash) >> slotHashBits & uint64(len(t.slots)-1)
}

func (t *imageTable) after(slot uint64) uint64 { return (slot + 1) & uint64(len(t.slots)-1) }

// find gives an image's row by its name and the hash of that, and the slot where
// it is or would be.
func (t *imageTable) find(id domain.ImageID, hash imageSlot) (row uint32, slot uint64, found bool) {
	for slot = t.home(hash); ; slot = t.after(slot) {
		held := t.slots[slot]
		if held == 0 {
			return 0, slot, false
		}
		if held.is(hash) && string(t.name(held.row())) == string(id) {
			return held.row(), slot, true
		}
	}
}

// sought is an image that was looked for.
type sought struct {
	hash       imageSlot
	row        uint32
	begin, end uint64 // of the name of the row
	cell       uint32 // of the keyword; noCell where there is none
	found      bool
}

// seek looks for the images of a challenge and their cells for a keyword, all of
// them step by step: each step is a look at a place of its own in memory, and a
// processor waits for nine of them as long as for one. What it gives is good
// until the next call, also when rows and cells are made meanwhile.
func (t *imageTable) seek(positions []domain.Position, keyword uint32) []sought {
	list := t.sought[:0]
	near := imageSlot(0)
	for i := range positions {
		hash := t.hash(positions[i].Image)
		near |= t.slots[t.home(hash)] // the slots behind it come with it
		list = append(list, sought{hash: hash, cell: noCell})
	}
	if near == 0 {
		return list // none of them was shown before
	}
	for i := range list {
		s := &list[i]
		slot := t.home(s.hash)
		for t.slots[slot] != 0 && !t.slots[slot].is(s.hash) {
			slot = t.after(slot)
		}
		if held := t.slots[slot]; held != 0 {
			s.row, s.found = held.row(), true
			s.begin, s.end = t.nameAt(s.row)
		}
	}
	for i := range list {
		s := &list[i]
		if s.found = s.found && string(t.names[s.begin:s.end]) == string(positions[i].Image); !s.found {
			continue
		}
		for s.cell = t.rows[s.row].cells; s.cell != noCell && t.cells[s.cell].keyword != keyword; {
			s.cell = t.cells[s.cell].next
		}
	}
	t.sought = list
	return list
}

// row gives an image's row, made where there is none.
func (t *imageTable) row(id domain.ImageID, hash imageSlot, at tick) uint32 {
	row, slot, found := t.find(id, hash)
	if found {
		return row
	}
	row = uint32(len(t.rows))
	t.names = append(t.names, id...)
	t.rows = append(t.rows, imageRow{nameEnd: uint64(len(t.names)), first: at, cells: noCell})
	t.slots[slot] = hash | imageSlot(row+1)
	if len(t.rows)*4 > len(t.slots)*3 {
		t.grow()
	}
	return row
}

func (t *imageTable) grow() {
	old := t.slots
	t.slots = make([]imageSlot, 2*len(old))
	for _, held := range old {
		if held == 0 {
			continue
		}
		slot := t.home(held)
		for t.slots[slot] != 0 {
			slot = t.after(slot)
		}
		t.slots[slot] = held
	}
}

// makeCell gives an image's cell for a keyword, made at the end of its list where
// there is none.
func (t *imageTable) makeCell(row, keyword uint32) *cell {
	link := &t.rows[row].cells
	for *link != noCell {
		c := &t.cells[*link]
		if c.keyword == keyword {
			return c
		}
		link = &c.next
	}
	*link = uint32(len(t.cells)) // before the cells may move
	t.cells = append(t.cells, cell{keyword: keyword, next: noCell})
	return &t.cells[len(t.cells)-1]
}

// exposure is what one position of a challenge tells of an image.
type exposure struct {
	image      domain.ImageID
	sought     sought
	kind       domain.ChallengeType
	collection uint32
	keyword    uint32
	generation uint32
	role       int
	at         tick
}

// show counts an exposure. It gives the image's row as it was before; fresh is
// true when there was none.
func (t *imageTable) show(e exposure) (before imageRow, fresh bool) {
	have := len(t.rows)
	row := e.sought.row
	if !e.sought.found {
		row = t.row(e.image, e.sought.hash, e.at)
	}
	im := &t.rows[row]
	before, fresh = *im, len(t.rows) > have
	im.shown.add(e.at, 1)
	im.first = min(im.first, e.at)
	im.collection, im.kind = e.collection, e.kind
	var c *cell
	if e.sought.cell != noCell {
		c = &t.cells[e.sought.cell]
	} else {
		c = t.makeCell(row, e.keyword)
	}
	c.counts[e.role]++
	if c.generation != e.generation {
		c.generation, c.inGeneration, c.roles = e.generation, 0, 0
	}
	c.inGeneration++
	c.roles |= 1 << e.role
	return before, fresh
}

// eachCell visits the cells of an image in the order in which they came.
func (t *imageTable) eachCell(row uint32, visit func(*cell)) {
	for i := t.rows[row].cells; i != noCell; i = t.cells[i].next {
		visit(&t.cells[i])
	}
}

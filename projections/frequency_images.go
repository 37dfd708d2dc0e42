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
	slots []uint32 // row + 1; 0 where it is free; a power of two
}

func newImageTable() imageTable {
	return imageTable{seed: maphash.MakeSeed(), slots: make([]uint32, 1<<6)}
}

func (t *imageTable) name(row uint32) []byte {
	begin := uint64(0)
	if row > 0 {
		begin = t.rows[row-1].nameEnd
	}
	return t.names[begin:t.rows[row].nameEnd]
}

// find gives an image's row, and the slot where it is or would be.
func (t *imageTable) find(id domain.ImageID) (row uint32, slot uint64, found bool) {
	mask := uint64(len(t.slots) - 1)
	for slot = maphash.String(t.seed, string(id)) & mask; ; slot = (slot + 1) & mask {
		held := t.slots[slot]
		if held == 0 {
			return 0, slot, false
		}
		if string(t.name(held-1)) == string(id) {
			return held - 1, slot, true
		}
	}
}

// row gives an image's row, made where there is none.
func (t *imageTable) row(id domain.ImageID, at tick) uint32 {
	row, slot, found := t.find(id)
	if found {
		return row
	}
	row = uint32(len(t.rows))
	t.names = append(t.names, id...)
	t.rows = append(t.rows, imageRow{nameEnd: uint64(len(t.names)), first: at, cells: noCell})
	t.slots[slot] = row + 1
	if len(t.rows)*4 > len(t.slots)*3 {
		t.grow()
	}
	return row
}

func (t *imageTable) grow() {
	t.slots = make([]uint32, 2*len(t.slots))
	mask := uint64(len(t.slots) - 1)
	for row := range t.rows {
		slot := maphash.Bytes(t.seed, t.name(uint32(row))) & mask
		for t.slots[slot] != 0 {
			slot = (slot + 1) & mask
		}
		t.slots[slot] = uint32(row) + 1
	}
}

// cell gives an image's cell for a keyword, made at the end of its list where
// there is none.
func (t *imageTable) cell(row, keyword uint32) *cell {
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
	row := t.row(e.image, e.at)
	im := &t.rows[row]
	before, fresh = *im, len(t.rows) > have
	im.shown.add(e.at, 1)
	im.first = min(im.first, e.at)
	im.collection, im.kind = e.collection, e.kind
	c := t.cell(row, e.keyword)
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

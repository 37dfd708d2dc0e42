package projections

import (
	"crypto/sha256"
	"encoding/binary"
)

// The stored form of a [Frequency]: a mark, the version, numbers as varints and
// texts with their length before them, and a SHA-256 of all that. What can be
// computed from the rest (indexes, active images) is left out. The same events
// give the same bytes. Whoever changes what follows from events, or this form,
// raises the version: older snapshots are then refused, and made anew from the
// archive.
const (
	snapshotMark    = "ocapi frequency\n"
	snapshotVersion = 1
)

// Snapshot gives the state in its stored form, and the position that it is the
// state of. The version that wrote it, and no other, reads it. Events wait
// meanwhile, readers do not.
func (f *Frequency) Snapshot() (Position, []byte) {
	f.feeding.Lock()
	defer f.feeding.Unlock()
	// What feeding guards does not change, so mu need not be held.
	const perImage, perOpen = 56, 24 // guesses: a slice that grows is copied
	w := writer{b: make([]byte, 0, 4096+perImage*len(f.images.rows)+perOpen*f.open.len())}
	w.b = append(w.b, snapshotMark...)
	w.uint(snapshotVersion)
	w.position(f.position)
	w.uint(uint64(f.clock))
	w.names(&f.clients)
	w.names(&f.collections)
	w.names(&f.keywords)
	w.uint(uint64(kindCount))
	w.uint(uint64(roleCount))
	for i := range f.tallies {
		w.tally(&f.tallies[i])
	}
	w.tally(&f.total)
	w.generations(f.generations.rows)
	for _, counts := range f.exposures {
		for _, n := range counts {
			w.uint(n)
		}
	}
	w.images(&f.images)
	w.open(f.open.sorted())
	sum := sha256.Sum256(w.b)
	return f.position, append(w.b, sum[:]...)
}

// writer appends.
type writer struct{ b []byte }

func (w *writer) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }

func (w *writer) text(s []byte) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) position(p Position) {
	w.uint(uint64(p.Seq))
	w.b = binary.AppendVarint(w.b, int64(p.Incarnation))
	w.b = append(w.b, p.Event.UUID[:]...)
}

func (w *writer) names(n *names) {
	w.uint(uint64(len(n.names)))
	for _, name := range n.names {
		w.text([]byte(name))
	}
}

func (w *writer) decayed(d decayed) {
	w.uint(d.value)
	w.uint(uint64(d.at))
}

func (w *writer) tally(t *tally) {
	for _, o := range t.byKind {
		w.uint(o.Issued)
		w.uint(o.Validated)
		w.uint(o.Rejected)
		w.uint(o.Expired)
	}
	for _, d := range []decayed{t.issued, t.validated, t.rejected, t.expired, t.exposed} {
		w.decayed(d)
	}
}

func (w *writer) generations(rows []generationRow) {
	w.uint(uint64(len(rows)))
	for _, r := range rows {
		w.uint(r.id)
		w.uint(uint64(r.kind))
		w.uint(uint64(r.dealt))
		w.uint(uint64(r.first))
		w.uint(uint64(r.last - r.first))
	}
}

func (w *writer) images(t *imageTable) {
	w.uint(uint64(len(t.rows)))
	for i := range t.rows {
		r := &t.rows[i]
		w.text(t.name(uint32(i)))
		w.uint(uint64(r.collection))
		w.uint(uint64(r.kind))
		w.uint(uint64(r.first))
		w.uint(uint64(r.shown.at - r.first))
		w.uint(r.shown.value)
		n := uint64(0)
		t.eachCell(uint32(i), func(*cell) { n++ })
		w.uint(n)
		t.eachCell(uint32(i), func(c *cell) {
			w.uint(uint64(c.keyword))
			for _, count := range c.counts {
				w.uint(uint64(count))
			}
			w.uint(uint64(c.generation))
			w.uint(uint64(c.inGeneration))
			w.uint(uint64(c.roles))
		})
	}
}

// open writes what is sorted by its end.
func (w *writer) open(list []namedOpen) {
	w.uint(uint64(len(list)))
	last := tick(0)
	for _, o := range list {
		w.b = append(w.b, o.id[:]...)
		w.uint(uint64(o.expires - last))
		w.uint(uint64(o.client))
		w.uint(uint64(o.kind))
		last = o.expires
	}
}

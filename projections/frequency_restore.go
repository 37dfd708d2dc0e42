package projections

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"ocapi/domain"
)

// ErrSnapshot is wrapped by every error of [Frequency.Restore]: the snapshot is
// damaged, another version's or of another position. Nothing is lost by that: the archive's events
// make it anew.
var ErrSnapshot = errors.New("the snapshot of the statistics cannot be used")

// Restore brings a Frequency that has read nothing to the state of a snapshot
// that is said to be of a position. It keeps nothing of the bytes. When it fails
// the Frequency is as it was.
func (f *Frequency) Restore(at Position, snapshot []byte) error {
	fresh, err := decodeFrequency(snapshot)
	if err == nil && fresh.position != at {
		err = fmt.Errorf("it goes up to event %d and is said to go up to %d", fresh.position.Seq, at.Seq)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	f.feeding.Lock()
	defer f.feeding.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.position != (Position{}) {
		return fmt.Errorf("%w: the statistics are at event %d already", ErrSnapshot, f.position.Seq)
	}
	f.position, f.clock, f.skipped = fresh.position, fresh.clock, 0
	f.clients, f.collections, f.keywords = fresh.clients, fresh.collections, fresh.keywords
	f.tallies, f.total, f.generations = fresh.tallies, fresh.total, fresh.generations
	f.images, f.exposures, f.active, f.open = fresh.images, fresh.exposures, fresh.active, fresh.open
	return nil
}

func decodeFrequency(snapshot []byte) (*Frequency, error) {
	body := len(snapshot) - sha256.Size
	rest, ok := bytes.CutPrefix(snapshot, []byte(snapshotMark))
	if !ok || body < len(snapshotMark) {
		return nil, errors.New("it is none")
	}
	// Before the checksum: another version may have none.
	if version, n := binary.Uvarint(rest); n <= 0 || version != snapshotVersion {
		return nil, fmt.Errorf("it is of version %d, and this program knows %d", version, snapshotVersion)
	}
	if sum := sha256.Sum256(snapshot[:body]); !bytes.Equal(sum[:], snapshot[body:]) {
		return nil, errors.New("it is damaged: its checksum is not that of its bytes")
	}
	r := &reader{b: snapshot[len(snapshotMark):body]}
	r.uint() // the version
	f := NewFrequency()
	f.position = r.position()
	f.clock = r.tick()
	f.clients, f.collections, f.keywords = r.names(), r.names(), r.names()
	if r.uint() != uint64(kindCount) || r.uint() != uint64(roleCount) {
		r.fail(errors.New("it counts other types or roles"))
	}
	f.tallies = make([]tally, len(f.clients.names))
	for i := range f.tallies {
		r.tally(&f.tallies[i])
	}
	r.tally(&f.total)
	r.generations(&f.generations)
	for kind := range f.exposures {
		for role := range f.exposures[kind] {
			f.exposures[kind][role] = r.uint()
		}
	}
	r.images(f)
	r.open(f)
	if r.err == nil && len(r.b) > 0 {
		r.fail(fmt.Errorf("%d bytes are left over", len(r.b)))
	}
	if r.err != nil {
		return nil, r.err
	}
	f.active.advance(f.clock)
	for i := range f.images.rows {
		f.active.enter(f.images.rows[i].kind, f.images.rows[i].shown.at)
	}
	return f, nil
}

// reader takes values off the front. After the first fault it gives zeros, and
// err says what it was.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail(errors.New("it ends too early"))
		return 0
	}
	r.b = r.b[n:]
	return v
}

// below reads a number that has to be less than a limit.
func (r *reader) below(limit uint64) uint64 {
	v := r.uint()
	if v >= limit {
		r.fail(fmt.Errorf("it holds %d where less than %d can be", v, limit))
		return 0
	}
	return v
}

func (r *reader) tick() tick                 { return tick(r.below(maxTick + 1)) }
func (r *reader) uint32() uint32             { return uint32(r.below(math.MaxUint32 + 1)) }
func (r *reader) kind() domain.ChallengeType { return domain.ChallengeType(r.below(uint64(kindCount))) }

// after reads a moment as the time from an earlier one.
func (r *reader) after(t tick) tick { return t + tick(r.below(uint64(maxTick-t)+1)) }

// length reads how many things follow, of at least so many bytes each: what is
// damaged must not make us ask for more memory than it has bytes.
func (r *reader) length(least int) int {
	return int(r.below(uint64(len(r.b)/least) + 1))
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail(errors.New("it ends too early"))
		return make([]byte, n)
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) uuid() domain.UUID { return domain.UUID(r.take(len(domain.UUID{}))) }

func (r *reader) position() Position {
	p := Position{Seq: domain.Sequence(r.uint())}
	incarnation, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail(errors.New("it ends too early"))
		return Position{}
	}
	r.b = r.b[n:]
	p.Incarnation = domain.Incarnation(incarnation)
	p.Event.UUID = r.uuid()
	return p
}

func (r *reader) names() (n names) {
	for range r.length(1) {
		name := string(r.take(r.length(1)))
		if _, twice := n.find(name); twice {
			r.fail(fmt.Errorf("it names %q twice", name))
			return n
		}
		n.index(name)
	}
	return n
}

func (r *reader) decayed() decayed { return decayed{value: r.uint(), at: r.tick()} }

func (r *reader) tally(t *tally) {
	for kind := range t.byKind {
		t.byKind[kind] = Outcomes{Issued: r.uint(), Validated: r.uint(), Rejected: r.uint(), Expired: r.uint()}
	}
	for _, d := range []*decayed{&t.issued, &t.validated, &t.rejected, &t.expired, &t.exposed} {
		*d = r.decayed()
	}
}

func (r *reader) generations(g *generations) {
	for range r.length(5) {
		row := generationRow{generationKey: generationKey{id: r.uint(), kind: r.kind()}, dealt: int64(r.below(math.MaxInt64)), first: r.tick()}
		row.last = r.after(row.first)
		if _, twice := g.byKey[row.generationKey]; twice {
			r.fail(fmt.Errorf("it has the generation %d twice", row.id))
			return
		}
		g.add(row)
	}
}

func (r *reader) images(f *Frequency) {
	const leastBytes, leastCellBytes = 7, 7
	n := r.length(leastBytes)
	t := &f.images
	for len(t.slots)*3 < n*4 {
		t.slots = make([]imageSlot, 2*len(t.slots))
	}
	t.rows, t.cells = make([]imageRow, 0, n), make([]cell, 0, n)
	for range n {
		id := domain.ImageID(r.take(r.length(1)))
		hash := t.hash(id)
		if _, _, twice := t.find(id, hash); twice {
			r.fail(errors.New("it has an image twice"))
			return
		}
		i := t.row(id, hash, 0)
		row := &t.rows[i]
		row.collection = uint32(r.below(uint64(len(f.collections.names))))
		row.kind = r.kind()
		row.first = r.tick()
		row.shown.at = r.after(row.first)
		row.shown.value = r.uint()
		link := &row.cells
		for range r.length(leastCellBytes) {
			c := cell{keyword: uint32(r.below(uint64(len(f.keywords.names)))), next: noCell}
			for role := range c.counts {
				c.counts[role] = r.uint32()
			}
			c.generation = uint32(r.below(uint64(len(f.generations.rows))))
			c.inGeneration = r.uint32()
			c.roles = uint8(r.below(1 << roleCount))
			*link = uint32(len(t.cells))
			t.cells = append(t.cells, c)
			link = &t.cells[len(t.cells)-1].next
		}
		if r.err != nil {
			return
		}
	}
}

func (r *reader) open(f *Frequency) {
	for _, o := range r.openList(len(f.tallies)) {
		f.open.add(o.id, o.openChallenge)
	}
}

// openList reads the open challenges of so many clients; none after a fault.
func (r *reader) openList(clients int) []namedOpen {
	const leastBytes = 19
	last := tick(0)
	var list []namedOpen
	for range r.length(leastBytes) {
		o := namedOpen{id: r.uuid()}
		last = r.after(last)
		o.expires, o.client, o.kind = last, uint32(r.below(uint64(clients))), r.kind()
		if r.err != nil {
			return nil
		}
		list = append(list, o)
	}
	return list
}

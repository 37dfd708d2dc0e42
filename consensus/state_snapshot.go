package consensus

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"ocapi/domain"
)

// The stored form of a [State]: a mark, the version, numbers as varints and
// texts with their length before them, everything in an order of its own and not
// in that in which it came, and a SHA-256 of all that. Open challenges are not in
// it, which the archive gives when they are answered, nor are quarantines. The
// same events give the same bytes. Whoever changes what follows from events, or
// this form, raises the version: older snapshots are then refused, and made anew
// from the archive.
const (
	snapshotMark    = "ocapi consensus\n"
	snapshotVersion = 2
)

// ErrSnapshot says that a snapshot cannot be used: it is damaged, or another
// release's. The events make it anew.
var ErrSnapshot = errors.New("the snapshot of the consensus cannot be used")

// Snapshot gives the state in its stored form.
func (s *State) Snapshot() []byte {
	const perQuestion = 64 // a guess: a slice that grows is copied
	w := snapshotWriter{b: make([]byte, 0, 4096+perQuestion*len(s.questions.rows))}
	w.b = append(w.b, snapshotMark...)
	w.uint(snapshotVersion)
	w.uint(uint64(s.position.Seq))
	w.b = binary.AppendVarint(w.b, int64(s.position.Incarnation))
	w.b = append(w.b, s.position.Event.UUID[:]...)
	w.uint(s.model.Version)
	w.text(string(s.modelBody))
	w.gold(&s.gold)
	for _, row := range s.texts {
		for _, n := range row {
			w.b = binary.AppendVarint(w.b, n)
		}
	}
	w.questions(&s.questions)
	sum := sha256.Sum256(w.b)
	return append(w.b, sum[:]...)
}

type snapshotWriter struct{ b []byte }

func (w *snapshotWriter) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }

func (w *snapshotWriter) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *snapshotWriter) bool(v bool) {
	if v {
		w.uint(1)
	} else {
		w.uint(0)
	}
}

func (w *snapshotWriter) gold(g *GoldCounts) {
	var keywords []string
	for _, k := range g.sorted() {
		if len(g.keywords[k].outcomes) > 0 {
			keywords = append(keywords, k)
		}
	}
	w.uint(uint64(len(keywords)))
	for _, keyword := range keywords {
		outcomes := g.keywords[keyword].outcomes
		w.text(keyword)
		w.uint(uint64(len(outcomes)))
		for _, key := range slices.Sorted(maps.Keys(outcomes)) {
			w.uint(uint64(key))
			w.b = binary.AppendVarint(w.b, outcomes[key])
		}
	}
}

func (w *snapshotWriter) answer(q *questions, a answer) {
	w.uint(uint64(a.kind))
	switch a.kind {
	case domain.TruthMatch:
		w.bool(a.match)
	case domain.TruthText:
		w.text(q.texts.get(a.text))
	case domain.TruthNone:
	}
}

func (w *snapshotWriter) questions(q *questions) {
	// Names that many questions share are written once, those that none has (any
	// more) not at all.
	shared := func(n *nameTable, of func(row int) uint32) map[uint32]int {
		used := make(map[uint32]bool)
		for i := range q.rows {
			used[of(i)] = true
		}
		order := slices.Collect(maps.Keys(used))
		slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(n.get(a), n.get(b)) })
		place := make(map[uint32]int, len(order))
		w.uint(uint64(len(order)))
		for i, number := range order {
			w.text(n.get(number))
			place[number] = i
		}
		return place
	}
	keywords := shared(&q.keywords, func(row int) uint32 { return q.asked[row].keyword })
	collections := shared(&q.collections, func(row int) uint32 { return q.rows[row].collection })
	w.uint(uint64(len(q.rows)))
	var cells []cell
	for _, row := range q.sorted() {
		r := &q.rows[row]
		w.text(q.images.get(q.asked[row].image))
		w.uint(uint64(keywords[q.asked[row].keyword]))
		w.uint(uint64(collections[r.collection]))
		w.uint(uint64(r.status))
		w.bool(r.held)
		w.uint(uint64(r.decided))
		w.uint(uint64(r.tried))
		w.uint(math.Float64bits(r.prior))
		w.answer(q, r.record)
		w.answer(q, r.accepted)
		cells = cells[:0]
		q.each(row, func(c *cell) { cells = append(cells, *c) })
		slices.SortFunc(cells, func(a, b cell) int {
			if c := cmp.Compare(a.key, b.key); c != 0 || a.text == b.text {
				return c
			}
			return cmp.Compare(q.texts.get(a.text), q.texts.get(b.text))
		})
		w.uint(uint64(len(cells)))
		for i := range cells {
			c := &cells[i]
			w.uint(uint64(c.key))
			w.b = binary.AppendVarint(w.b, int64(c.n))
			if c.onText() && c.vote() == domain.VoteText {
				w.text(q.texts.get(c.text))
			}
		}
	}
}

// RestoreState reads a snapshot. The error is an [ErrSnapshot].
//
// Quarantines are not in it: apply those of the archive up to the snapshot's
// position by [State.Expect]. All questions are looked at by the next
// [State.Decisions]: what was due when the snapshot was made is due still.
func RestoreState(p StateParams, body []byte) (*State, error) {
	s := NewState(p)
	if err := s.restore(body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	s.TouchAll()
	return s, nil
}

func (s *State) restore(body []byte) error {
	if len(body) < len(snapshotMark)+sha256.Size || string(body[:len(snapshotMark)]) != snapshotMark {
		return errors.New("it is none")
	}
	sum := sha256.Sum256(body[:len(body)-sha256.Size])
	if string(sum[:]) != string(body[len(body)-sha256.Size:]) {
		return errors.New("it is damaged")
	}
	r := snapshotReader{b: body[len(snapshotMark) : len(body)-sha256.Size]}
	if v := r.uint(); v != snapshotVersion {
		return fmt.Errorf("its version is %d; this program knows %d", v, snapshotVersion)
	}
	s.position.Seq = domain.Sequence(r.uint())
	s.position.Incarnation = domain.Incarnation(r.int())
	copy(s.position.Event.UUID[:], r.bytes(uint64(len(s.position.Event.UUID))))
	version, model := r.uint(), r.text()
	if r.err == nil && version > 0 {
		m, err := s.p.Model(version, []byte(model))
		if err != nil {
			return fmt.Errorf("read the model of version %d: %w", version, err)
		}
		s.model, s.modelBody = m, []byte(model)
	}
	r.gold(&s.gold)
	for i := range s.texts {
		for j := range s.texts[i] {
			s.texts[i][j] = r.int()
		}
	}
	r.questions(&s.questions)
	for i := range s.questions.rows {
		s.become(domain.QuestionOpen, s.questions.rows[i].status)
	}
	if r.err == nil && len(r.b) > 0 {
		return errors.New("it goes on after its end")
	}
	return r.err
}

type snapshotReader struct {
	b   []byte
	err error
}

var errShort = errors.New("it ends in the middle")

func (r *snapshotReader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.err = nil, errShort
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *snapshotReader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.b, r.err = nil, errShort
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *snapshotReader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.b, r.err = nil, errShort
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *snapshotReader) text() string { return string(r.bytes(r.uint())) }

func (r *snapshotReader) gold(g *GoldCounts) {
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		k := g.of(r.text())
		for n := r.uint(); n > 0 && r.err == nil; n-- {
			key := uint32(r.uint())
			k.outcomes[key] = r.int()
		}
	}
}

func (r *snapshotReader) answer(q *questions) answer {
	t := domain.Truth{Kind: domain.TruthKind(r.uint())}
	switch t.Kind {
	case domain.TruthMatch:
		t.Match = r.uint() != 0
	case domain.TruthText:
		t.Text = r.text()
	case domain.TruthNone:
	}
	return q.answer(t)
}

func (r *snapshotReader) questions(q *questions) {
	shared := func() []string {
		var list []string
		for n := r.uint(); n > 0 && r.err == nil; n-- {
			list = append(list, r.text())
		}
		return list
	}
	keywords, collections := shared(), shared()
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		image := r.text()
		k, c := r.uint(), r.uint()
		if k >= uint64(len(keywords)) || c >= uint64(len(collections)) {
			r.err = errors.New("it names what it does not have")
			return
		}
		row := q.row(domain.ImageID(image), keywords[k])
		made := questionRow{
			collection: q.collections.add(collections[c]), status: domain.QuestionStatus(r.uint()), held: r.uint() != 0,
			decided: domain.Sequence(r.uint()), tried: uint32(r.uint()), prior: math.Float64frombits(r.uint()),
		}
		made.record, made.accepted = r.answer(q), r.answer(q)
		if made.status > domain.QuestionRefuted {
			r.err = errors.New("it has a status of the future")
			return
		}
		q.rows[row] = made
		for n := r.uint(); n > 0 && r.err == nil; n-- {
			key, count := uint32(r.uint()), int32(r.int())
			text := uint32(0)
			if c := (cell{key: key}); c.onText() && c.vote() == domain.VoteText {
				text = q.texts.add(r.text())
			}
			q.add(row, key, text, count)
		}
	}
}

package corpus

import (
	"slices"
	"sync"

	"ocapi/domain"
)

// Distances of difference hashes. Among 363,000 pairs of different words and
// motifs (715 printed words, 69 written lines, 174 labelled crops, 601 drawings of
// the demonstration) none were nearer than 7. A picture saved once more at a
// JPEG quality of 40 stays within 4 in 94 to 100 of 100 cases; one of three
// fifths the size in 91 to 100, of small print in 57.
const (
	// nearDistance is where two pictures are called nearly the same.
	nearDistance = 4

	// sameDistance is where two pictures are taken to be the same, so that of two
	// answers one must be wrong. It leaves an image out, so it is stricter.
	sameDistance = 2
)

// bands is into how many parts a hash is cut to look others up by: of two
// hashes that differ in nearDistance bits, one of nearDistance+1 parts is equal.
const bands = nearDistance + 1

// twin is what is remembered of an image to find it again.
type twin struct {
	hash   PictureHash
	id     domain.ImageID
	known  bool
	answer string   // folded, of a known text
	labels []string // of a known classification
	whole  bool     // labels are all there are
}

// twins finds images that look nearly the same. It is safe for concurrent use.
type twins struct {
	mu    sync.Mutex
	kinds map[domain.ChallengeType]*[bands]map[uint16][]*twin
}

func newTwins() *twins { return &twins{kinds: map[domain.ChallengeType]*[bands]map[uint16][]*twin{}} }

func twinOf(hash PictureHash, e *Entry) *twin {
	return &twin{hash: hash, id: e.ID, known: e.Known, answer: domain.Fold(e.Text), labels: e.Labels, whole: e.Complete}
}

// band gives one part of a hash.
func (h PictureHash) band(i int) uint16 {
	const width = (64 + bands - 1) / bands
	return uint16(h >> (i * width) & (1<<width - 1))
}

// add remembers an image.
func (t *twins) add(hash PictureHash, e *Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(e.Type, twinOf(hash, e))
}

// put adds; the caller holds the lock.
func (t *twins) put(kind domain.ChallengeType, w *twin) {
	index := t.kinds[kind]
	if index == nil {
		index = new([bands]map[uint16][]*twin)
		for i := range index {
			index[i] = map[uint16][]*twin{}
		}
		t.kinds[kind] = index
	}
	for i := range index {
		key := w.hash.band(i)
		index[i][key] = append(index[i][key], w)
	}
}

// likeness says what an image has in common with one that is there.
type likeness struct {
	other    *twin // nil: nothing is like it
	distance int
	// contradicts says that both answers are on record and cannot both be right.
	contradicts bool
}

// meet looks for the image that is most like a new one, and remembers the new
// one, unless it contradicts a twin and consistent says that it is left out. Of an image and its twin that are imported
// at one time, one meets the other.
func (t *twins) meet(hash PictureHash, e *Entry, consistent bool) likeness {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := twinOf(hash, e)
	var found likeness
	if index := t.kinds[e.Type]; index != nil {
		for i := range index {
			for _, other := range index[i][hash.band(i)] {
				l := likeness{other: other, distance: hash.distance(other.hash), contradicts: w.contradicts(other)}
				// Of files with the same bytes one image is made; it is like itself.
				if l.distance <= nearDistance && other.id != w.id && l.before(found) {
					found = l
				}
			}
		}
	}
	if !(consistent && found.same()) {
		t.put(e.Type, w)
	}
	return found
}

// before says which of two likenesses an archivist has to know of: the one that
// contradicts, then the nearer one.
func (l likeness) before(found likeness) bool {
	switch {
	case found.other == nil:
		return true
	case l.contradicts != found.contradicts:
		return l.contradicts
	}
	return l.distance < found.distance
}

// same reports whether an image is to be left out: it is the same picture, and
// its answer contradicts the one that is there.
func (l likeness) same() bool { return l.contradicts && l.distance <= sameDistance }

// contradicts reports whether two images of one type cannot both be right if
// they show the same.
func (w *twin) contradicts(other *twin) bool {
	if !w.known || !other.known {
		return false
	}
	return w.answer != other.answer || w.lacks(other) || other.lacks(w)
}

// lacks reports whether w shows all that its labels say and no more, and the
// other says more.
func (w *twin) lacks(other *twin) bool {
	return w.whole && slices.ContainsFunc(other.labels, func(l string) bool { return !slices.Contains(w.labels, l) })
}

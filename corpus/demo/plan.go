package demo

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strconv"
)

// How many pictures are cut from one imaginary document: a page gives many
// words, a book few prints.
const (
	wordsPerDocument  = 15
	platesPerDocument = 3
)

// numberShare is the share of texts that are years or sums. Numbers are read
// exactly by the judge, so they stay few.
const numberShare = 0.12

// Plan returns what the collection of that seed and size holds, in the order in
// which it should be drawn: first what the first challenges need, then kinds,
// roles and keywords spread evenly, so that every prefix of 130 pictures or more
// can be served. It draws
// nothing and takes about a millisecond for DefaultCounts. The caller owns the
// result. Plan is deterministic and safe for concurrent use.
func Plan(seed uint64, c Counts) []Spec {
	slots := spread(c)
	rng := newRand(seed, "plan")
	texts := newTexts(rng)

	nTexts := max(c.KnownTexts, 0) + max(c.UnknownTexts, 0)
	wordDocs := (nTexts + wordsPerDocument - 1) / wordsPerDocument
	plateDocs := (len(slots) - nTexts + platesPerDocument - 1) / platesPerDocument
	words, plates := 0, 0

	specs := make([]Spec, 0, len(slots))
	for i, slot := range slots {
		s := Spec{ID: opaqueID(seed, "picture", i), Known: slot.known, Keyword: slot.keyword}
		// Neighbours in the order come from different documents, so that two
		// texts of one challenge are easily found in different ones.
		if slot.keyword == "" {
			s.Kind = KindTranscription
			s.Text = texts.next()
			s.Document = opaqueID(seed, "page", words%wordDocs)
			words++
		} else {
			s.Kind = KindClassification
			s.Document = opaqueID(seed, "book", plates%plateDocs)
			plates++
		}
		specs = append(specs, s)
	}
	return specs
}

// slot is a place in the plan: a text when keyword is empty.
type slot struct {
	keyword string
	known   bool
	at      float64
}

// spread returns one slot for every picture, each sort evenly over the whole.
func spread(c Counts) []slot {
	var slots []slot
	add := func(n int, keyword string, known bool, phase float64) {
		for i := range n {
			slots = append(slots, slot{keyword, known, (float64(i) + phase) / float64(n)})
		}
	}
	add(c.KnownTexts, "", true, 0.5)
	add(c.UnknownTexts, "", false, 0.5)
	keywords := Keywords()
	for i, k := range keywords {
		// The phase puts the keywords one behind the other instead of in a heap.
		phase := (float64(i) + 0.5) / float64(len(keywords))
		add(c.KnownPerKeyword, k.ID, true, phase)
		add(c.UnknownPerKeyword, k.ID, false, phase)
	}
	slices.SortStableFunc(slots, func(a, b slot) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	return headFirst(slots)
}

// What has to be there before both kinds of challenge can be served: known
// texts in 56 forms, 44 unknown ones and some of both to spare, and one keyword
// with its non-matches.
const (
	headKnownTexts   = 58
	headUnknownTexts = 48
	headKeywords     = 2
	headKnown        = 6 // of each of these keywords
	headUnknown      = 2
)

// headFirst moves the slots forward that the first challenges need, so that a
// person who starts the program waits for little more than a hundred pictures.
func headFirst(slots []slot) []slot {
	left := map[slot]int{{known: true}: headKnownTexts, {}: headUnknownTexts}
	for _, k := range Keywords()[:headKeywords] {
		left[slot{keyword: k.ID, known: true}] = headKnown
		left[slot{keyword: k.ID}] = headUnknown
	}
	head := make([]slot, 0, len(slots))
	var rest []slot
	for _, s := range slots {
		sort := slot{keyword: s.keyword, known: s.known}
		if left[sort] > 0 {
			left[sort]--
			head = append(head, s)
		} else {
			rest = append(rest, s)
		}
	}
	return append(head, rest...)
}

// texts deals words and numbers like cards: none comes again before all have
// come, so no text is ever frequent.
type texts struct {
	rng            *rand.Rand
	words, numbers []string
	nextWord       int
	nextNumber     int
}

func newTexts(rng *rand.Rand) *texts {
	t := &texts{rng: rng, words: words()}
	for year := 1572; year <= 1948; year++ {
		t.numbers = append(t.numbers, strconv.Itoa(year))
	}
	for range 120 {
		t.numbers = append(t.numbers, strconv.Itoa(101+rng.IntN(899)))
	}
	slices.Sort(t.numbers)
	t.numbers = slices.Compact(t.numbers)
	t.shuffle(t.words)
	t.shuffle(t.numbers)
	return t
}

func (t *texts) shuffle(s []string) {
	t.rng.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

func (t *texts) next() string {
	if t.rng.Float64() < numberShare {
		return t.deal(t.numbers, &t.nextNumber)
	}
	return t.deal(t.words, &t.nextWord)
}

func (t *texts) deal(deck []string, next *int) string {
	if *next == len(deck) {
		t.shuffle(deck)
		*next = 0
	}
	*next++
	return deck[*next-1]
}

// opaqueID hashes, so that an id can be compared and nothing more.
func opaqueID(seed uint64, sort string, n int) string {
	sum := digest(seed, sort+"/"+strconv.Itoa(n))
	return hex.EncodeToString(sum[:16])
}

// newRand returns the random numbers that belong to name under seed. Each
// picture, document and purpose has its own, so that a change in one place
// leaves the others as they are.
func newRand(seed uint64, name string) *rand.Rand {
	sum := digest(seed, name)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])))
}

func digest(seed uint64, name string) [sha256.Size]byte {
	return sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), name...))
}

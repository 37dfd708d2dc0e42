package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"ocapi/challenges"
	"ocapi/domain"
)

// institutions are the collections that there are, with their shares of the
// known images. Of the unknown ones they have as many each: some have annotated
// more than others, and a line of credit could tell of that.
var institutions = []struct {
	id     domain.CollectionID
	credit string
	known  float64
}{
	{"archive", "City Archive", 0.45},
	{"library", "State Library", 0.30},
	{"museum", "Museum of the Sea", 0.15},
	{"parish", "Parish Archive", 0.10},
}

// keywords are what pictures are asked for.
var keywords = []string{"horse", "ship", "tree"}

// ofOneDocument is how many images a document has.
const ofOneDocument = 20

// collections gives what dealing needs to know of them.
func collections() []domain.CollectionInfo {
	infos := make([]domain.CollectionInfo, len(institutions))
	for i, in := range institutions {
		infos[i] = domain.CollectionInfo{ID: in.id, Credit: in.credit, Keywords: map[string]map[string]string{}}
		for _, k := range keywords {
			infos[i].Keywords[k] = map[string]string{"en": k}
		}
	}
	return infos
}

// makeImages makes up all images of a world, sorted by collection.
func makeImages(p Params) []domain.Image {
	rng := rand.New(rand.NewPCG(p.Seed, 1)) //nolint:gosec // has to come out alike again
	words := newVocabulary(rng)
	labels := make([][]string, len(keywords))
	for i, k := range keywords {
		labels[i] = []string{k}
	}
	images := make([]domain.Image, 0, p.Known+p.Unknown)
	knownSoFar, share := 0, 0.0
	for c, in := range institutions {
		share += in.known
		known := int(share*float64(p.Known)+0.5) - knownSoFar
		if c == len(institutions)-1 {
			known = p.Known - knownSoFar
		}
		knownSoFar += known
		unknown := p.Unknown*(c+1)/len(institutions) - p.Unknown*c/len(institutions)
		document := ""
		for i := range known + unknown {
			if i%ofOneDocument == 0 {
				document = fmt.Sprintf("%s %d", in.id, i/ofOneDocument)
			}
			im := domain.Image{ID: domain.ImageID(fmt.Sprintf("%s%d", in.id, i)), Collection: in.id, Document: document, Type: p.Type, Renderings: 4}
			keyword := i % len(keywords)
			switch {
			case i >= known:
				im.Prior = 0.5
				if p.Type == domain.TypeClassification {
					im.Candidates = labels[keyword]
				}
			case p.Type == domain.TypeTranscription:
				im.Known, im.Trust, im.Text = true, domain.TrustImported, words.draw(rng)
			default:
				im.Known, im.Trust, im.Complete = true, domain.TrustImported, true
				if i/len(keywords)%2 == 0 { // one half shows something that is asked for
					im.Labels = labels[keyword]
				}
			}
			images = append(images, im)
		}
	}
	return images
}

// vocabulary is words with how often each is written: by Zipf's law as
// Mandelbrot (1953) put it, the word of rank r in proportion to 1/(r+offset). The
// most frequent one is one text in a hundred, as it is where the shortest words,
// which are never asked for, are left out.
type vocabulary struct {
	words []string
	until []float64 // of the words up to each, the sum of weights
}

const (
	vocabularyWords  = 2_000
	vocabularyOffset = 20
)

func newVocabulary(rng *rand.Rand) *vocabulary {
	const consonants, vowels = "bcdfghklmnprstvz", "aeiou"
	v := &vocabulary{}
	seen := map[string]bool{}
	sum := 0.0
	for len(v.words) < vocabularyWords {
		var b strings.Builder
		for range 2 + rng.IntN(3) {
			b.WriteByte(consonants[rng.IntN(len(consonants))])
			b.WriteByte(vowels[rng.IntN(len(vowels))])
		}
		if rng.IntN(2) == 0 {
			b.WriteByte(consonants[rng.IntN(len(consonants))])
		}
		if w := b.String(); !seen[w] {
			seen[w] = true
			sum += 1 / float64(len(v.words)+1+vocabularyOffset)
			v.words, v.until = append(v.words, w), append(v.until, sum)
		}
	}
	return v
}

func (v *vocabulary) draw(rng *rand.Rand) string {
	x := rng.Float64() * v.until[len(v.until)-1]
	return v.words[sort.SearchFloat64s(v.until, x)]
}

// imageStore is where a world's images are. It is not safe for concurrent use.
type imageStore struct {
	images    []domain.Image
	decisions int64
	own       bool // images is not shared with anybody
}

var _ challenges.Corpus = (*imageStore)(nil)

// Revision implements [challenges.Corpus].
func (s *imageStore) Revision(context.Context) (int64, error) { return 1, nil }

// Decisions implements [challenges.Corpus].
func (s *imageStore) Decisions(context.Context) (int64, error) { return s.decisions, nil }

// Load implements [challenges.Corpus].
func (s *imageStore) Load(context.Context) (challenges.Collections, error) {
	s.own = false // whoever has loaded it keeps it
	infos := collections()
	slices.SortFunc(infos, func(a, b domain.CollectionInfo) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return challenges.Collections{Revision: 1, Decisions: s.decisions, Infos: infos, Images: s.images}, nil
}

// change changes some of the images.
func (s *imageStore) change(do func(im *domain.Image)) {
	if !s.own {
		s.images, s.own = slices.Clone(s.images), true
	}
	for i := range s.images {
		do(&s.images[i])
	}
	s.decisions++
}

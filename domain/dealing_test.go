package domain_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"ocapi/domain"
)

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// run deals from a pool as a node does, generation after generation.
type run struct {
	pool  *domain.Pool
	asked domain.ChallengeType
	rng   *rand.Rand

	number int            // of the next plan
	recent []*domain.Plan // the newest first
	deck   *domain.Deck
	dealt  int64 // of the newest plan
}

func newRun(t testing.TB, pool *domain.Pool, asked domain.ChallengeType, seed uint64) *run {
	t.Helper()
	r := &run{pool: pool, asked: asked, rng: dice(seed)}
	r.turn(t)
	return r
}

// turn begins the next generation.
func (r *run) turn(t testing.TB) {
	t.Helper()
	plan, err := r.pool.Plan(r.asked, r.number, r.recent, r.rng)
	if err != nil {
		t.Fatal(err)
	}
	r.number++
	plan.Generation = uint64(r.number)
	r.recent = append([]*domain.Plan{plan}, r.recent...)
	r.recent = r.recent[:min(len(r.recent), domain.Generations)]
	r.dealt = 0
	if r.deck, err = r.pool.Deck(plan, nil, r.rng); err != nil {
		t.Fatal(err)
	}
}

// next deals one challenge.
func (r *run) next(t testing.TB) domain.Composition {
	t.Helper()
	if r.dealt >= r.deck.Life() {
		r.turn(t)
	}
	r.dealt++
	return r.deck.Compose(r.rng)
}

func newPool(t testing.TB, d domain.Dealing, images []domain.Image) *domain.Pool {
	t.Helper()
	p, err := domain.NewPool(d, infos(), images)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// chiSquare holds counts against the even distribution.
func chiSquare(counts []int) float64 {
	total := 0
	for _, c := range counts {
		total += c
	}
	want := float64(total) / float64(len(counts))
	x := 0.0
	for _, c := range counts {
		x += (float64(c) - want) * (float64(c) - want) / want
	}
	return x
}

// word gives a different word of five letters for every n.
func word(n int) string {
	b := []byte("aaaaa")
	for i := range b {
		b[i] = 'a' + byte(n%26)
		n /= 26
	}
	return string(b)
}

// textImages are known texts, each of its own form and document, and unknown
// ones, each of its own document.
func textImages(known, unknown int) []domain.Image {
	var images []domain.Image
	for i := range known + unknown {
		im := domain.Image{
			ID: domain.ImageID(fmt.Sprintf("text%d", i)), Collection: "papers", Document: fmt.Sprintf("letter %d", i),
			Type: domain.TypeTranscription, Renderings: 4,
		}
		if i < known {
			im.Known, im.Trust, im.Text = true, domain.TrustImported, word(i)
		} else {
			im.Prior = 0.5
		}
		images = append(images, im)
	}
	return images
}

// shipImages are pictures for the one keyword "ship": known matches, known
// non-matches and unknown ones.
func shipImages(matches, nonMatches, unknown int) []domain.Image {
	var images []domain.Image
	for i := range matches + nonMatches + unknown {
		im := domain.Image{
			ID: domain.ImageID(fmt.Sprintf("picture%d", i)), Collection: "prints", Document: fmt.Sprintf("print %d", i),
			Type: domain.TypeClassification, Renderings: 1,
		}
		switch {
		case i < matches:
			im.Known, im.Trust, im.Labels, im.Complete = true, domain.TrustImported, []string{"ship", "sea"}, true
		case i < matches+nonMatches:
			im.Known, im.Trust, im.Complete = true, domain.TrustImported, true
		default:
			im.Candidates = []string{"ship"}
		}
		images = append(images, im)
	}
	return images
}

func infos() []domain.CollectionInfo {
	return []domain.CollectionInfo{
		{ID: "papers", Credit: "City Archive"},
		{ID: "prints", Credit: "Art Library", Keywords: map[string]map[string]string{"ship": {"en": "a ship", "de": "ein Schiff"}}},
	}
}

// gallery has pictures of several keywords, as a real collection does: each
// known one shows one of them, and its labels are complete; each unknown one may
// show any.
func gallery(keywords, known, unknown int) []domain.Image {
	var images []domain.Image
	for k := range keywords {
		for i := range known + unknown {
			im := domain.Image{
				ID: domain.ImageID(fmt.Sprintf("%d.%d", k, i)), Collection: "prints", Document: fmt.Sprintf("print %d %d", k, i),
				Type: domain.TypeClassification, Renderings: 1,
			}
			if i < known {
				im.Known, im.Trust, im.Labels, im.Complete = true, domain.TrustImported, []string{fmt.Sprint("keyword", k)}, true
			}
			images = append(images, im)
		}
	}
	return images
}

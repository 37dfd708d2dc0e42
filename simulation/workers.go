package simulation

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"ocapi/domain"
)

// Worker answers every challenge that it gets, and tries to do so with less
// work than a person has. Workers are not safe for concurrent use.
type Worker interface {
	// Name is what tables call it.
	Name() string
	// Work gives it one more challenge to answer.
	Work(c *Challenge)
	// Passed says what came of its answers.
	Passed() Passed
}

// Passed is the share of answers that were validated.
type Passed struct {
	Rate float64
	// Predicted is the share that the same work brings to somebody who knows
	// nothing: where Rate is no more, knowing has brought nothing. 0: no
	// prediction.
	Predicted float64
}

// HalfWorker works on as many images as decide, and no more: on one of two
// texts, on seven of nine pictures. Which ones, the counts say, or nothing.
type HalfWorker struct {
	counted bool
	rng     *rand.Rand
	counts  []int

	answers, passed int
	predicted       float64
}

var _ Worker = (*HalfWorker)(nil)

// NewHalfWorker makes one that works on the images which came most often, or
// else on any.
func NewHalfWorker(counts bool, seed uint64) *HalfWorker {
	return &HalfWorker{counted: counts, rng: rand.New(rand.NewPCG(seed, 6))} //nolint:gosec // has to come out alike again
}

// Name implements [Worker].
func (h *HalfWorker) Name() string {
	if h.counted {
		return "half, by counts"
	}
	return "half, at random"
}

// Work implements [Worker].
func (h *HalfWorker) Work(c *Challenge) {
	order := h.rng.Perm(len(c.Images))
	for _, i := range c.Images {
		h.counts = grown(h.counts, i)
		h.counts[i]++
	}
	if h.counted {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(h.counts[c.Images[b]], h.counts[c.Images[a]]) })
	}
	worked := 1
	if c.Type() == domain.TypeClassification {
		worked = (7*len(order) + 4) / 9
	}
	h.answers++
	if c.Answer(partialAnswer(c, order[:worked])) {
		h.passed++
	}
	needed := 0
	for i := range c.Images {
		if c.needsWork(i) {
			needed++
		}
	}
	h.predicted += choose(len(order)-needed, worked-needed) / choose(len(order), worked)
}

// Passed implements [Worker]. Of T images, w of which are worked on at random,
// all m that need it are among them with probability C(T-m, w-m)/C(T, w).
func (h *HalfWorker) Passed() Passed {
	return Passed{float64(h.passed) / float64(h.answers), h.predicted / float64(h.answers)}
}

// rubbish is what those write who do not read; it is no word.
const rubbish = "xqjw"

// partialAnswer answers some positions right and no others.
func partialAnswer(c *Challenge, positions []int) domain.Answer {
	if c.Type() == domain.TypeClassification {
		a := domain.Answer{Selected: []uint32{}}
		for _, i := range positions {
			if c.Truth(i).Match {
				a.Selected = append(a.Selected, uint32(i)) //nolint:gosec // a position
			}
		}
		return a
	}
	texts := make([]string, len(c.Images))
	for i := range texts {
		texts[i] = rubbish
	}
	for _, i := range positions {
		if t := c.Truth(i).Text; t != "" {
			texts[i] = t
		}
	}
	return domain.Answer{Texts: texts}
}

func choose(n, k int) float64 {
	if k < 0 || k > n {
		return 0
	}
	c := 1.0
	for i := range k {
		c = c * float64(n-i) / float64(i+1)
	}
	return c
}

// BlindGuesser does not look at all. Of pictures he selects any, always the
// same number of them, the one that passes most often; of texts he writes the
// word that is right most often, to each image. An oracle tells him the number,
// or the word.
type BlindGuesser struct {
	answers int
	// With pictures: by the number selected, the sum over all challenges of the
	// chance to pass. It is exact where drawing would add noise: of T pictures with
	// u that do not matter and m that have to be selected, k selected ones pass
	// with probability C(u, k-m)/C(T, k).
	chances []float64
	// With texts: how often which texts counted. Two are for wholly known ones.
	texts map[[2]string]int
}

var _ Worker = (*BlindGuesser)(nil)

// Name implements [Worker].
func (*BlindGuesser) Name() string { return "blind guess" }

// Work implements [Worker].
func (b *BlindGuesser) Work(c *Challenge) {
	b.answers++
	if c.Type() == domain.TypeClassification {
		needed, open := 0, 0
		for i := range c.Images {
			switch {
			case c.needsWork(i):
				needed++
			case !c.Counts(i):
				open++
			}
		}
		total := len(c.Images)
		for k := range total + 1 {
			b.chances = grown(b.chances, int32(k)) //nolint:gosec // a number of positions
			b.chances[k] += choose(open, k-needed) / choose(total, k)
		}
		return
	}
	var counted [2]string
	n := 0
	for i := range c.Images {
		if c.Counts(i) && n < len(counted) {
			counted[n] = c.Truth(i).Text
			n++
		}
	}
	if b.texts == nil {
		b.texts = map[[2]string]int{}
	}
	b.texts[counted]++
}

// blindWords is how many of the most frequent words are tried.
const blindWords = 50

// Passed implements [Worker].
func (b *BlindGuesser) Passed() Passed {
	if b.chances != nil {
		return Passed{slices.Max(b.chances) / float64(b.answers), 0}
	}
	single := map[string]int{}
	for counted, n := range b.texts {
		single[counted[0]] += n
	}
	words := make([]string, 0, len(single))
	for w := range single {
		words = append(words, w)
	}
	slices.SortFunc(words, func(x, y string) int { return cmp.Or(cmp.Compare(single[y], single[x]), cmp.Compare(x, y)) })
	best := 0
	for _, guess := range words[:min(len(words), blindWords)] {
		right := map[string]bool{"": true}
		for _, w := range words {
			right[w] = domain.TextMatches(w, guess)
		}
		passed := 0
		for counted, n := range b.texts {
			second, seen := right[counted[1]]
			if !seen {
				second = domain.TextMatches(counted[1], guess)
			}
			if right[counted[0]] && second {
				passed += n
			}
		}
		best = max(best, passed)
	}
	return Passed{float64(best) / float64(b.answers), 0}
}

// Prober asks the verdicts. He reads everything and spoils one image on
// purpose: of two texts the one that he rather takes for unknown, of pictures
// the one that he has asked about least. What is validated all the same does not
// count. That takes a person's work for each question, and it is a watcher's
// knowledge as long as images come back.
type Prober struct {
	rng             *rand.Rand
	images          []probe
	answers, passed int
}

type probe struct{ asked, counts int }

// score is the likelihood that an image counts, by what was asked about it.
func (p probe) score() float64 { return (float64(p.counts) + 0.5) / (float64(p.asked) + 1) }

var (
	_ Watcher = (*Prober)(nil)
	_ Worker  = (*Prober)(nil)
)

// NewProber makes one.
func NewProber(seed uint64) *Prober {
	return &Prober{rng: rand.New(rand.NewPCG(seed, 7))} //nolint:gosec // has to come out alike again
}

// Name implements [Watcher] and [Worker].
func (*Prober) Name() string { return "verdict prober" }

// See implements [Watcher]: he works.
func (p *Prober) See(c *Challenge) { p.Work(c) }

// Work implements [Worker].
func (p *Prober) Work(c *Challenge) {
	order := p.rng.Perm(len(c.Images))
	for _, i := range c.Images {
		p.images = grown(p.images, i)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := p.images[c.Images[a]], p.images[c.Images[b]]
		if c.Type() == domain.TypeTranscription {
			return cmp.Compare(x.score(), y.score())
		}
		return cmp.Compare(x.asked, y.asked)
	})
	spoiled := order[0]
	a := partialAnswer(c, order[1:])
	if c.Type() == domain.TypeClassification && !c.Truth(spoiled).Match {
		a.Selected = append(a.Selected, uint32(spoiled)) //nolint:gosec // a position
	}
	passed := c.Answer(a)
	p.answers++
	image := &p.images[c.Images[spoiled]]
	image.asked++
	if passed {
		p.passed++
	} else {
		image.counts++
	}
	if c.Type() == domain.TypeTranscription && passed {
		// What was read alone has decided.
		other := &p.images[c.Images[order[1]]]
		other.asked, other.counts = other.asked+1, other.counts+1
	}
}

// Guess implements [Watcher].
func (p *Prober) Guess(s *Sight) Guess {
	scores := make([]float64, len(p.images))
	for i := range p.images {
		scores[i] = p.images[i].score()
	}
	return plain(s, scores)
}

// Passed implements [Worker].
func (p *Prober) Passed() Passed { return Passed{float64(p.passed) / float64(p.answers), 0} }

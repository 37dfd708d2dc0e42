package simulation

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ocapi/domain"
)

// naive draws every image from all of its sort, each time anew. It is how the
// service dealt that this one replaces, and what the attacks are made for.
// Nodes and restarts mean nothing to it.
type naive struct {
	p        Params
	rng      *rand.Rand
	images   []domain.Image
	known    []int // texts; or pictures, in classifications of one keyword:
	matches  [][]int
	nonMatch [][]int
	unknown  [][]int // of each keyword
	credits  map[domain.CollectionID]string
	total    int
}

var _ World = (*naive)(nil)

// newNaive makes the world that does nothing against counting.
func newNaive(p Params, images []domain.Image, seed uint64) *naive {
	w := &naive{p: p, rng: rand.New(rand.NewPCG(seed, 4)), images: images, credits: map[domain.CollectionID]string{}} //nolint:gosec // has to come out alike again
	for _, c := range collections() {
		w.credits[c.ID] = c.Credit
	}
	w.matches, w.nonMatch, w.unknown = make([][]int, len(keywords)), make([][]int, len(keywords)), make([][]int, len(keywords))
	for i := range images {
		switch im := &images[i]; {
		case im.Known && im.Type == domain.TypeTranscription:
			w.known = append(w.known, i)
		case im.Known:
			for k, keyword := range keywords {
				if im.Shows(keyword) {
					w.matches[k] = append(w.matches[k], i)
				} else {
					w.nonMatch[k] = append(w.nonMatch[k], i)
				}
			}
		case im.Type == domain.TypeTranscription:
			w.unknown[0] = append(w.unknown[0], i)
		default:
			for k, keyword := range keywords {
				if im.Candidates[0] == keyword {
					w.unknown[k] = append(w.unknown[k], i)
				}
			}
		}
	}
	return w
}

// Next implements [World].
func (w *naive) Next(context.Context) (domain.Composition, time.Duration, error) {
	// What others get changes nothing for the attacker but the time that passes.
	w.total++
	for w.p.Share < 1 && w.rng.Float64() >= w.p.Share {
		w.total++
	}
	c := domain.Composition{Type: w.p.Type}
	keyword, m := 0, w.p.Dealing.Classification
	if w.p.Type == domain.TypeClassification {
		keyword = w.rng.IntN(len(keywords))
		c.Keyword = keywords[keyword]
	}
	wholly := w.rng.Float64() < w.p.Dealing.WhollyKnownShare
	known := func() []int {
		if w.p.Type == domain.TypeTranscription {
			return w.known
		}
		if w.rng.IntN(2) == 0 {
			return w.matches[keyword]
		}
		return w.nonMatch[keyword]
	}
	if w.p.Type == domain.TypeTranscription {
		w.add(&c, w.known, domain.RoleKnown)
		m = domain.Mix{Unknown: 1}
	}
	for range m.Matches {
		w.add(&c, w.matches[keyword], domain.RoleKnown)
	}
	for range m.NonMatches {
		w.add(&c, w.nonMatch[keyword], domain.RoleKnown)
	}
	for range m.Unknown {
		switch {
		case wholly:
			w.add(&c, known(), domain.RoleKnown)
		case w.rng.Float64() < w.p.Dealing.SentinelShare:
			w.add(&c, known(), domain.RoleSentinel)
		default:
			w.add(&c, w.unknown[keyword], domain.RoleUnknown)
		}
	}
	w.rng.Shuffle(len(c.Positions), func(i, j int) { c.Positions[i], c.Positions[j] = c.Positions[j], c.Positions[i] })
	c.WhollyKnown = wholly
	c.Credit = creditOf(c.Positions, w.credits)
	return c, time.Duration(float64(w.total-1) / w.p.PerSecond * float64(time.Second)), nil
}

// add draws an image that is not in the challenge yet.
func (w *naive) add(c *domain.Composition, from []int, role domain.Role) {
	for range 1000 { // where there is no other, one comes twice
		im := &w.images[from[w.rng.IntN(len(from))]]
		twice := false
		for i := range c.Positions {
			twice = twice || c.Positions[i].Image == im.ID
		}
		if twice {
			continue
		}
		p := domain.Position{Image: im.ID, Collection: im.Collection, Role: role}
		switch {
		case role == domain.RoleUnknown:
		case im.Type == domain.TypeTranscription:
			p.Expected = domain.Truth{Kind: domain.TruthText, Text: im.Text}
		default:
			p.Expected = domain.Truth{Kind: domain.TruthMatch, Match: im.Shows(c.Keyword)}
		}
		c.Positions = append(c.Positions, p)
		return
	}
}

// creditOf joins the institutions' lines, sorted, as the service does.
func creditOf(positions []domain.Position, lines map[domain.CollectionID]string) string {
	var found []string
	for i := range positions {
		if line := lines[positions[i].Collection]; !slices.Contains(found, line) {
			found = append(found, line)
		}
	}
	slices.Sort(found)
	return strings.Join(found, creditSeparator)
}

// creditSeparator is what stands between two institutions.
const creditSeparator = " · "

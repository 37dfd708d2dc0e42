package simulation

import (
	"math"
	"math/bits"
	"slices"
	"strings"
)

// Watcher takes challenges and answers none. Watchers are not safe for
// concurrent use.
type Watcher interface {
	// Name is what tables call it.
	Name() string
	// See shows it one more challenge. Images are numbered as they come.
	See(c *Challenge)
	// Guess scores all images that it has seen; s is what it has seen.
	Guess(s *Sight) Guess
}

// Guess is what a watcher thinks of the images.
type Guess struct {
	Scores []float64 // by image; the higher, the rather it is taken for known
	AUC    AUC
}

// Pick is how often the watcher is right who answers what he rather takes for
// known: of all pairs of one image that counts and one that does not, shown
// together in a challenge, the share in which the score of the former is higher,
// ties counting half. Where a challenge is of two images, that is the share of
// challenges.
func (g Guess) Pick(s *Sight) float64 {
	right, pairs := 0.0, 0.0
	for i := range s.Challenges {
		c := &s.Challenges[i]
		for a := range c.Images {
			for b := range c.Images {
				if !c.Counts(a) || c.Counts(b) {
					continue
				}
				pairs++
				switch x, y := g.Scores[c.Images[a]], g.Scores[c.Images[b]]; {
				case tied(x, y):
					right += 0.5
				case x > y:
					right++
				}
			}
		}
	}
	if pairs == 0 {
		return 0.5
	}
	return right / pairs
}

// plain takes the scores for what they are.
func plain(s *Sight, scores []float64) Guess {
	all := make([]int, len(s.Known))
	for i := range all {
		all[i] = i
	}
	return Guess{scores, aucOf(scores, s.Known, all)}
}

// crossed is the guess of somebody who is told the truth of one half of the
// images, makes a rule of it, and is measured on the other; and the other way
// round. rule makes it of the images that he is told; it gives scores for all.
// So nothing is picked that only chance has made look well.
func crossed(s *Sight, rule func(told []int) []float64) Guess {
	var halves [2][]int
	for i := range s.Known {
		halves[s.fold(i)] = append(halves[s.fold(i)], i)
	}
	g := Guess{Scores: make([]float64, len(s.Known))}
	var measured []AUC
	for f, told := range halves {
		asked := halves[1-f]
		scores := rule(told)
		measured = append(measured, aucOf(scores, s.Known, asked))
		// What the two rules say is compared by ranks.
		order := slices.Clone(asked)
		slices.SortFunc(order, func(a, b int) int { return compareScores(scores[a], scores[b]) })
		rank := 0
		for k, i := range order {
			if k > 0 && !tied(scores[i], scores[order[k-1]]) {
				rank = k
			}
			g.Scores[i] = float64(rank) / float64(len(order))
		}
	}
	g.AUC = mean(measured)
	return g
}

func compareScores(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// bestOf is crossed with the rule to take the one feature, or its opposite,
// that parts the told images best.
func bestOf(s *Sight, features [][]float64) Guess {
	return crossed(s, func(told []int) []float64 {
		best, most := features[0], -1.0
		up := true
		for _, f := range features {
			if v := aucOf(f, s.Known, told).Value; math.Abs(v-0.5) > most {
				best, most, up = f, math.Abs(v-0.5), v >= 0.5
			}
		}
		if up {
			return best
		}
		down := make([]float64, len(best))
		for i, x := range best {
			down[i] = -x
		}
		return down
	})
}

// Frequency counts how often each image comes: where few are known, they come
// more often.
type Frequency struct{ counts []float64 }

var _ Watcher = (*Frequency)(nil)

// Name implements [Watcher].
func (*Frequency) Name() string { return "frequency" }

// See implements [Watcher].
func (f *Frequency) See(c *Challenge) {
	for _, i := range c.Images {
		f.counts = grown(f.counts, i)
		f.counts[i]++
	}
}

// Guess implements [Watcher].
func (f *Frequency) Guess(s *Sight) Guess { return plain(s, slices.Clone(f.counts)) }

// grown makes a list long enough for an index.
func grown[T any](list []T, index int32) []T {
	for int(index) >= len(list) {
		var zero T
		list = append(list, zero)
	}
	return list
}

// Lifetime notes when images come first and last, for how long they are there,
// how long they stay away, and whether they come back after that. Of these he
// takes what tells most.
type Lifetime struct {
	now    float64 // seconds
	images []lifetime
}

type lifetime struct {
	seen                    int
	first, last, away, back float64
}

var _ Watcher = (*Lifetime)(nil)

// Name implements [Watcher].
func (*Lifetime) Name() string { return "lifetime" }

// comebackAfter is how long an image has to have been away, as a part of all
// the time that has been watched, for its return to be a comeback.
const comebackAfter = 0.1

// See implements [Watcher].
func (l *Lifetime) See(c *Challenge) {
	l.now = c.At.Seconds()
	for _, i := range c.Images {
		l.images = grown(l.images, i)
		im := &l.images[i]
		if im.seen++; im.seen == 1 {
			im.first = l.now
		} else {
			gap := l.now - im.last
			im.away = max(im.away, gap)
			if gap > comebackAfter*l.now {
				im.back++
			}
		}
		im.last = l.now
	}
}

// Guess implements [Watcher].
func (l *Lifetime) Guess(s *Sight) Guess {
	const kinds = 6
	features := make([][]float64, kinds)
	for f := range features {
		features[f] = make([]float64, len(l.images))
	}
	for i, im := range l.images {
		pace := 0.0 // the mean gap; of what has come once, as long as can be
		if im.seen > 1 {
			pace = -(im.last - im.first) / float64(im.seen-1)
		} else {
			pace = -l.now
		}
		for f, x := range [kinds]float64{im.first, im.last, im.last - im.first, im.away, im.back, pace} {
			features[f][i] = x
		}
	}
	return bestOf(s, features)
}

// Degree counts with how many others an image is shown: where few are known,
// each of them meets many.
type Degree struct{ met []map[int32]struct{} }

var _ Watcher = (*Degree)(nil)

// Name implements [Watcher].
func (*Degree) Name() string { return "degree" }

// See implements [Watcher].
func (d *Degree) See(c *Challenge) {
	for _, i := range c.Images {
		d.met = grown(d.met, i)
		if d.met[i] == nil {
			d.met[i] = map[int32]struct{}{}
		}
		for _, j := range c.Images {
			if i != j {
				d.met[i][j] = struct{}{}
			}
		}
	}
}

// Guess implements [Watcher].
func (d *Degree) Guess(s *Sight) Guess {
	scores := make([]float64, len(d.met))
	for i := range d.met {
		scores[i] = float64(len(d.met[i]))
	}
	return plain(s, scores)
}

// Credits groups images by the institutions that are named when they are shown;
// an oracle tells him how much of each group is known. Some institutions have
// annotated more than others.
type Credits struct {
	lines  []string
	images [][]int32 // by image and line: how often they came together
}

var _ Watcher = (*Credits)(nil)

// Name implements [Watcher].
func (*Credits) Name() string { return "credit" }

// maxLines bounds the lines that are told apart.
const maxLines = 64

// See implements [Watcher].
func (w *Credits) See(c *Challenge) {
	for line := range strings.SplitSeq(c.Credit, creditSeparator) {
		at := slices.Index(w.lines, line)
		if at < 0 {
			if line == "" || len(w.lines) == maxLines {
				continue
			}
			at, w.lines = len(w.lines), append(w.lines, line)
		}
		for _, i := range c.Images {
			w.images = grown(w.images, i)
			w.images[i] = grown(w.images[i], int32(at)) //nolint:gosec // below maxLines
			w.images[i][at]++
		}
	}
	for _, i := range c.Images {
		w.images = grown(w.images, i)
	}
}

// Guess implements [Watcher].
func (w *Credits) Guess(s *Sight) Guess {
	// An image is of a line that is always there when it is.
	groups := make([]uint64, len(w.images))
	for i, counts := range w.images {
		if len(counts) == 0 {
			continue
		}
		most := slices.Max(counts)
		for line, n := range counts {
			if n == most {
				groups[i] |= 1 << line
			}
		}
	}
	return crossed(s, func(told []int) []float64 {
		known, all := map[uint64]float64{}, map[uint64]float64{}
		for _, i := range told {
			all[groups[i]]++
			if s.Known[i] {
				known[groups[i]]++
			}
		}
		scores := make([]float64, len(groups))
		for i, g := range groups {
			// One of each sort is added, so that few say little (Laplace).
			scores[i] = (known[g] + 1) / (all[g] + 2)
			if all[g] == 0 { // never met: as its lines by themselves, on average
				scores[i] = w.average(g, known, all)
			}
		}
		return scores
	})
}

func (w *Credits) average(group uint64, known, all map[uint64]float64) float64 {
	sum := 0.0
	for line := range w.lines {
		if bit := uint64(1) << line; group&bit != 0 {
			sum += (known[bit] + 1) / (all[bit] + 2)
		}
	}
	return (sum + 0.5) / float64(bits.OnesCount64(group)+1)
}

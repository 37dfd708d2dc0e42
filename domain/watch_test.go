//go:build !race

package domain_test

import (
	"cmp"
	"math"
	"slices"

	"ocapi/domain"
)

// stream is a number of challenges as somebody sees them who tells all images
// apart: which they are, and nothing else. Images are numbered as they come.
type stream struct {
	challenges [][]int32
	index      map[domain.ImageID]int32
	known      []bool // the truth, which only we know
}

func newStream() *stream { return &stream{index: map[domain.ImageID]int32{}} }

func (s *stream) add(images []domain.ImageID, known func(i int) bool) {
	seen := make([]int32, len(images))
	for i, id := range images {
		at, came := s.index[id]
		if !came {
			at = int32(len(s.known))
			s.index[id] = at
			s.known = append(s.known, known(i))
		}
		seen[i] = at
	}
	s.challenges = append(s.challenges, seen)
}

// after gives the stream as it was after n challenges.
func (s *stream) after(n int) *stream {
	until := &stream{challenges: s.challenges[:n]}
	came := int32(0)
	for _, c := range until.challenges {
		came = max(came, slices.Max(c)+1)
	}
	until.known = s.known[:came]
	return until
}

// watchers give each image a number, from which somebody could try to tell
// whether it is known.
var watchers = map[string]func(s *stream) []float64{
	"frequency":  func(s *stream) []float64 { times, _, _, _ := s.times(); return times },
	"first seen": func(s *stream) []float64 { _, first, _, _ := s.times(); return first },
	"last seen":  func(s *stream) []float64 { _, _, last, _ := s.times(); return last },
	"lifetime": func(s *stream) []float64 {
		_, first, last, _ := s.times()
		for i := range last {
			last[i] -= first[i]
		}
		return last
	},
	// Images that come back after a rest have been away for long.
	"comeback": func(s *stream) []float64 { _, _, _, away := s.times(); return away },
	// Known images meet many others where they are few.
	"degree": func(s *stream) []float64 {
		meetings := make([]uint64, 0, len(s.challenges)*len(s.challenges[0])*(len(s.challenges[0])-1))
		for _, c := range s.challenges {
			for _, i := range c {
				for _, j := range c {
					if i != j {
						meetings = append(meetings, uint64(i)<<32|uint64(j))
					}
				}
			}
		}
		slices.Sort(meetings)
		degree := make([]float64, len(s.known))
		for _, m := range slices.Compact(meetings) {
			degree[m>>32]++
		}
		return degree
	},
}

// times says of each image how often it came, when first and last, and how long
// it stayed away at most.
func (s *stream) times() (times, first, last, away []float64) {
	n := len(s.known)
	times, first, last, away = make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for t, c := range s.challenges {
		for _, i := range c {
			now := float64(t + 1)
			if times[i]++; first[i] == 0 {
				first[i] = now
			} else {
				away[i] = max(away[i], now-last[i])
			}
			last[i] = now
		}
	}
	return times, first, last, away
}

// auc is the chance that a known image has a higher score than an unknown one,
// ties counting half: 0.5 tells nothing. It is the Mann-Whitney statistic, over
// the images that it is asked about.
func (s *stream) auc(score []float64, about func(i int) bool) float64 {
	var order []int
	for i := range score {
		if about(i) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(score[a], score[b]) })
	wins, known, unknown := 0.0, 0.0, 0.0
	for i := 0; i < len(order); {
		k, u := 0.0, 0.0
		first := score[order[i]]
		for ; i < len(order) && score[order[i]] <= first+1e-12; i++ {
			if s.known[order[i]] {
				k++
			} else {
				u++
			}
		}
		wins += k * (unknown + u/2)
		known, unknown = known+k, unknown+u
	}
	return wins / (known * unknown)
}

// spectral is the watcher who looks at who meets whom. He is told the truth of
// one half of the images and finds by least squares what about the places of
// [stream.embed] goes with it, squares and products too; he is measured on the
// other half. Nobody who has to make sense of the clusters by himself does
// better. Images that met are in one half, as couples are.
func (s *stream) spectral() float64 {
	features := [][]float64{make([]float64, len(s.known))}
	for i := range features[0] {
		features[0][i] = 1
	}
	places := s.embed()
	for i, a := range places {
		features = append(features, a)
		for _, b := range places[i:] {
			product := make([]float64, len(a))
			for k := range a {
				product[k] = a[k] * b[k]
			}
			features = append(features, product)
		}
	}
	told := func(i int) bool { return i/2%2 == 0 }
	m := len(features)
	system := make([][]float64, m) // the normal equations, with a little ridge
	for i := range system {
		system[i] = make([]float64, m+1)
		system[i][i] = 1
		for k, known := range s.known {
			if !told(k) {
				continue
			}
			for j := range m {
				system[i][j] += features[i][k] * features[j][k]
			}
			if known {
				system[i][m] += features[i][k]
			}
		}
	}
	for i := range m { // Gauss and Jordan; the ridge keeps pivots from zero
		pivot := system[i][i]
		for j := range system[i] {
			system[i][j] /= pivot
		}
		for k := range m {
			if factor := system[k][i]; k != i {
				for j := range system[k] {
					system[k][j] -= factor * system[i][j]
				}
			}
		}
	}
	score := make([]float64, len(s.known))
	for i := range m {
		for k := range score {
			score[k] += system[i][m] * features[i][k]
		}
	}
	return s.auc(score, func(i int) bool { return !told(i) })
}

// embed gives the images' places along the two extreme eigenvectors, at either
// end, of the graph of who meets whom, normalised by degrees, beside the trivial
// one. At the lower end are groups that keep apart within themselves, as unknown
// images do of which few meet; at the upper end those that keep to themselves.
// Orthogonal iteration (Bauer 1957).
func (s *stream) embed() [][]float64 {
	n := len(s.known)
	times, _, _, _ := s.times()
	root, trivial := make([]float64, n), make([]float64, n)
	total := float64(len(s.challenges) * len(s.challenges[0]))
	for i := range root {
		root[i] = math.Sqrt(times[i])
		trivial[i] = root[i] / math.Sqrt(total)
	}
	rng := dice(77)
	var found [][]float64
	// Eigenvalues of challenge times challenge lie from 0 to the challenges' size;
	// the shift makes the wanted end the largest.
	for _, end := range []struct{ shift, sign float64 }{{float64(len(s.challenges[0])) / 2, -1}, {0, 1}} {
		basis := [][]float64{make([]float64, n), make([]float64, n)}
		for _, x := range basis {
			for i := range x {
				x[i] = rng.NormFloat64()
			}
		}
		y := make([]float64, n)
		const steps = 50
		for range steps {
			for k, x := range basis {
				for _, other := range append([][]float64{trivial}, basis[:k]...) {
					along := dot(x, other)
					for i := range x {
						x[i] -= along * other[i]
					}
				}
				length := math.Sqrt(dot(x, x))
				for i := range x {
					x[i] /= length
					y[i] = 0
				}
				for _, c := range s.challenges {
					sum := 0.0
					for _, i := range c {
						sum += x[i] / root[i]
					}
					for _, i := range c {
						y[i] += sum / root[i]
					}
				}
				for i := range x {
					x[i] = end.shift*x[i] + end.sign*y[i]
				}
			}
		}
		for _, x := range basis {
			for i := range x {
				x[i] /= root[i]
			}
			length := math.Sqrt(dot(x, x) / float64(n))
			for i := range x {
				x[i] /= length
			}
			found = append(found, x)
		}
	}
	return found
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

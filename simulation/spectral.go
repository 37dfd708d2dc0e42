package simulation

import (
	"math"
	"math/rand/v2"
)

// Spectral looks at who is shown with whom. He finds the places of the images
// along the extreme eigenvectors, at either end, of the graph that joins those
// that met, normalised by degrees. At the lower end there are groups that keep
// apart within themselves, as unknown images do of which no two are shown
// together; at the upper end those that keep to themselves. An oracle tells him
// what to make of it: least squares over the places, their squares and
// products. So he does as well as anybody could who has to make sense of the
// clusters, and better.
type Spectral struct{ rng *rand.Rand }

var _ Watcher = (*Spectral)(nil)

// NewSpectral makes one that begins where the seed says.
func NewSpectral(seed uint64) *Spectral {
	return &Spectral{rand.New(rand.NewPCG(seed, 5))} //nolint:gosec // has to come out alike again
}

// Name implements [Watcher].
func (*Spectral) Name() string { return "spectral" }

// See implements [Watcher]. He looks at all of it when he guesses.
func (*Spectral) See(*Challenge) {}

const (
	// spectralSteps are enough: more changed no AUC by 0.01, on planted groups or
	// on ours.
	spectralSteps = 40
	spectralEach  = 2 // eigenvectors at either end
)

// Guess implements [Watcher].
func (w *Spectral) Guess(s *Sight) Guess {
	places := w.embed(s)
	one := make([]float64, len(s.Known))
	for i := range one {
		one[i] = 1
	}
	features := [][]float64{one}
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
	return crossed(s, func(told []int) []float64 { return fitted(s, features, told) })
}

// fitted gives the scores that come nearest to the truth of the told images, by
// least squares with a little ridge.
func fitted(s *Sight, features [][]float64, told []int) []float64 {
	m := len(features)
	system := make([][]float64, m) // the normal equations
	for i := range system {
		system[i] = make([]float64, m+1)
		system[i][i] = 1
		for _, k := range told {
			for j := range m {
				system[i][j] += features[i][k] * features[j][k]
			}
			if s.Known[k] {
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
	scores := make([]float64, len(s.Known))
	for i := range m {
		for k := range scores {
			scores[k] += system[i][m] * features[i][k]
		}
	}
	return scores
}

// embed finds the eigenvectors by orthogonal iteration (Bauer 1957): with
// D^-1/2 A D^-1/2 for the graph, where A counts the challenges that two images
// share, themselves included, eigenvalues lie from 0 to the size of a challenge;
// shifted by one half of it and turned round, the lower end is the larger.
// Places have a mean square of 1.
func (w *Spectral) embed(s *Sight) [][]float64 {
	n := len(s.Known)
	root, trivial := make([]float64, n), make([]float64, n)
	slots := 0.0
	for i := range s.Challenges {
		for _, k := range s.Challenges[i].Images {
			root[k]++
			slots++
		}
	}
	size := slots / float64(len(s.Challenges))
	for i := range root {
		trivial[i] = math.Sqrt(root[i] / slots)
		root[i] = math.Sqrt(root[i])
	}
	var places [][]float64
	for _, end := range []struct{ shift, sign float64 }{{size / 2, -1}, {0, 1}} {
		basis := make([][]float64, spectralEach)
		for k := range basis {
			basis[k] = make([]float64, n)
			for i := range basis[k] {
				basis[k][i] = w.rng.NormFloat64()
			}
		}
		y := make([]float64, n)
		for range spectralSteps {
			for k, x := range basis {
				without(x, trivial)
				for _, before := range basis[:k] {
					without(x, before)
				}
				scale(x, 1/math.Sqrt(dot(x, x)))
			}
			for _, x := range basis {
				clear(y)
				for i := range s.Challenges {
					sum := 0.0
					for _, k := range s.Challenges[i].Images {
						sum += x[k] / root[k]
					}
					for _, k := range s.Challenges[i].Images {
						y[k] += sum / root[k]
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
			scale(x, 1/math.Sqrt(dot(x, x)/float64(n)))
			places = append(places, x)
		}
	}
	return places
}

// without takes from x what it has along a unit vector.
func without(x, unit []float64) {
	along := dot(x, unit)
	for i := range x {
		x[i] -= along * unit[i]
	}
}

func scale(x []float64, by float64) {
	for i := range x {
		x[i] *= by
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

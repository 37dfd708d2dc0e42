package simulation

import (
	"cmp"
	"math"
	"slices"
)

// AUC is the area under the ROC curve: the chance that a known image has a
// higher score than an unknown one, ties counting half. 0.5 tells nothing; 0
// tells as much as 1.
type AUC struct {
	Value float64
	// Error is the standard error by DeLong, DeLong and Clarke-Pearson (1988):
	// for each image the share of the other sort that it is placed right of,
	//
	//	Error² = Var(of known images)/known + Var(of unknown ones)/unknown
	//
	// worked out from midranks as Sun and Xu (2014) do. It takes images to be
	// independent of each other. Images that are always shown together are not:
	// there the error is less.
	Error float64
}

// interval is how many standard errors 95 in 100 lie within, to either side.
const interval = 1.959964

// Margin is the half-width of the interval that 95 in 100 lie within.
func (a AUC) Margin() float64 { return interval * a.Error }

// aucOf measures how the scores of some images part known from unknown. With
// none of one sort they part nothing.
func aucOf(scores []float64, known []bool, images []int) AUC {
	order := slices.Clone(images)
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(scores[a], scores[b]), cmp.Compare(a, b)) })
	m := 0
	for _, i := range order {
		if known[i] {
			m++
		}
	}
	n := len(order) - m
	if m == 0 || n == 0 {
		return AUC{Value: 0.5}
	}
	var ofKnown, ofUnknown moments
	knownBefore, unknownBefore := 0, 0
	for i := 0; i < len(order); {
		j, k := i, 0
		for ; j < len(order) && tied(scores[order[j]], scores[order[i]]); j++ {
			if known[order[j]] {
				k++
			}
		}
		u := j - i - k
		ofKnown.add((float64(unknownBefore)+float64(u)/2)/float64(n), k)
		ofUnknown.add((float64(m-knownBefore-k)+float64(k)/2)/float64(m), u)
		knownBefore, unknownBefore, i = knownBefore+k, unknownBefore+u, j
	}
	return AUC{
		Value: ofKnown.sum / float64(m),
		Error: math.Sqrt(ofKnown.variance()/float64(m) + ofUnknown.variance()/float64(n)),
	}
}

// tied takes numbers for the same that differ by rounding only.
func tied(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-12*math.Max(math.Abs(a), math.Abs(b))
}

type moments struct {
	n            int
	sum, squares float64
}

func (m *moments) add(x float64, times int) {
	m.n += times
	m.sum += x * float64(times)
	m.squares += x * x * float64(times)
}

func (m *moments) variance() float64 {
	if m.n < 2 {
		return 0
	}
	return max(0, (m.squares-m.sum*m.sum/float64(m.n))/float64(m.n-1))
}

// mean averages independent measurements.
func mean(list []AUC) AUC {
	var a AUC
	for _, x := range list {
		a.Value += x.Value / float64(len(list))
		a.Error += x.Error * x.Error
	}
	a.Error = math.Sqrt(a.Error) / float64(len(list))
	return a
}

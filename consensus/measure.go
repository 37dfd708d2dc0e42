package consensus

import "math"

// Scored is one answer with the probability that was claimed for it.
type Scored struct {
	Probability float64
	Right       bool
}

// Accuracy is the share of right answers; 0 of none.
func Accuracy(answers []Scored) float64 {
	right := 0
	for _, a := range answers {
		if a.Right {
			right++
		}
	}
	return float64(right) / float64(max(len(answers), 1))
}

// LogLoss is the mean of -ln of the probability that was given to what came
// true, in nats, with claims kept a millionth away from certainty. 0 is best.
func LogLoss(answers []Scored) float64 {
	const edge = 1e-6
	sum := 0.0
	for _, a := range answers {
		p := min(max(a.Probability, edge), 1-edge)
		if !a.Right {
			p = 1 - p
		}
		sum -= math.Log(p)
	}
	return sum / float64(max(len(answers), 1))
}

// CalibrationError is the expected calibration error (Naeini, Cooper and
// Hauskrecht 2015): answers fall into ten bins of equal width by what is claimed
// for them; it is the mean distance between a bin's claim and its accuracy,
// weighted by the answers in it. 0 is best.
func CalibrationError(answers []Scored) float64 {
	const bins = 10
	var n, claimed, right [bins]float64
	for _, a := range answers {
		i := min(int(a.Probability*bins), bins-1)
		n[i]++
		claimed[i] += a.Probability
		if a.Right {
			right[i]++
		}
	}
	sum := 0.0
	for i := range bins {
		sum += math.Abs(claimed[i] - right[i])
	}
	return sum / float64(max(len(answers), 1))
}

// AtMost is the upper end of the one-sided confidence interval of Clopper and
// Pearson (1934): the largest share of wrong answers with which so few wrong ones
// among n would still come more than one time in 1/(1-confidence). 0 of 299 is at
// most 1 % at 0.95. Of none it is 1.
func AtMost(wrong, n int, confidence float64) float64 {
	if wrong >= n {
		return 1
	}
	low, high := 0.0, 1.0
	for range 60 { // halvings, more than a float64 has digits
		p := (low + high) / 2
		if binomial(wrong, n, p) > 1-confidence {
			low = p
		} else {
			high = p
		}
	}
	return high
}

// binomial is the probability of at most k successes among n, each with the
// probability p, strictly between 0 and 1.
func binomial(k, n int, p float64) float64 {
	sum, term := 0.0, float64(n)*math.Log1p(-p)
	for i := range k + 1 {
		sum += math.Exp(term)
		term += math.Log(float64(n-i)) - math.Log(float64(i+1)) + math.Log(p) - math.Log1p(-p)
	}
	return sum
}

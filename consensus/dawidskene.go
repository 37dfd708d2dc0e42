package consensus

import (
	"errors"
	"fmt"
	"math"
)

// CrowdAnswer is one worker's answer to one task. All three are numbers from 0
// on.
type CrowdAnswer struct{ Task, Worker, Label int32 }

// DawidSkene is what the EM algorithm of A. P. Dawid and A. M. Skene, "Maximum
// likelihood estimation of observer error-rates using the EM algorithm", Applied
// Statistics 28 (1979), finds in answers of workers who are known. Of task i it
// estimates T[i][j], the probability that label j is true, of worker k the
// confusion matrix π[k][j][l], how often they say l where j is true, and of label
// j its share p[j]:
//
//	p[j] = Σ_i T[i][j] / I
//	π[k][j][l] = (n of k's answers l, weighted by T[·][j], + a) / (Σ_l of the same)
//	T[i][j] ∝ p[j] Π_k π[k][j][l(i,k)]
//
// It begins with the share of the votes. The smoothing a keeps a worker with few
// answers from being sure of anything.
type DawidSkene struct {
	Posterior []float64 // T, label by label of one task after the other
	Labels    int
	Rounds    int
}

const (
	skeneSmoothing = 0.01
	skeneRounds    = 300  // at most
	skeneEnough    = 1e-6 // the most that a probability may still move
	skeneCells     = 1 << 26
)

// FitDawidSkene estimates from so many tasks, workers and labels. It fails when
// an answer is of none of them, and when the confusion matrices would take more
// than half a gigabyte.
func FitDawidSkene(answers []CrowdAnswer, tasks, workers, labels int) (*DawidSkene, error) {
	if tasks <= 0 || workers <= 0 || labels <= 0 {
		return nil, errors.New("dawid-skene: there are no answers")
	}
	if workers > skeneCells/labels/labels || tasks > skeneCells/labels {
		return nil, fmt.Errorf("dawid-skene: %d workers, %d tasks and %d labels are too many to be held in memory", workers, tasks, labels)
	}
	t := make([]float64, tasks*labels)
	n := make([]float64, tasks)
	for i, a := range answers {
		if a.Task < 0 || int(a.Task) >= tasks || a.Worker < 0 || int(a.Worker) >= workers || a.Label < 0 || int(a.Label) >= labels {
			return nil, fmt.Errorf("dawid-skene: answer %d is of a task, worker or label that there is not", i)
		}
		t[int(a.Task)*labels+int(a.Label)]++
		n[a.Task]++
	}
	for i := range t {
		if votes := n[i/labels]; votes > 0 {
			t[i] /= votes
		} else {
			t[i] = 1 / float64(labels)
		}
	}
	d := &DawidSkene{Posterior: t, Labels: labels}
	share := make([]float64, labels)
	confusion := make([]float64, workers*labels*labels) // worker, said, true: an answer reads one row
	next := make([]float64, len(t))
	for moved := math.Inf(1); d.Rounds < skeneRounds && moved > skeneEnough; d.Rounds++ {
		d.maximise(answers, share, confusion)
		moved = d.expect(answers, share, confusion, next)
	}
	return d, nil
}

// maximise gives the logarithms of the shares and the confusion matrices that
// the posterior makes likeliest.
func (d *DawidSkene) maximise(answers []CrowdAnswer, share, confusion []float64) {
	l := d.Labels
	clear(share)
	for i, p := range d.Posterior {
		share[i%l] += p
	}
	for j := range share {
		share[j] = math.Log((share[j] + skeneSmoothing) / (float64(len(d.Posterior)/l) + skeneSmoothing*float64(l)))
	}
	for i := range confusion {
		confusion[i] = skeneSmoothing
	}
	for _, a := range answers {
		row := confusion[(int(a.Worker)*l+int(a.Label))*l:][:l]
		for j, p := range d.Posterior[int(a.Task)*l:][:l] {
			row[j] += p
		}
	}
	for k := 0; k < len(confusion); k += l * l {
		for j := range l {
			sum := 0.0
			for said := range l {
				sum += confusion[k+said*l+j]
			}
			for said := range l {
				confusion[k+said*l+j] = math.Log(confusion[k+said*l+j] / sum)
			}
		}
	}
}

// expect gives the posterior anew, and the most that any of it has moved.
func (d *DawidSkene) expect(answers []CrowdAnswer, share, confusion, next []float64) float64 {
	l := d.Labels
	for i := range next {
		next[i] = share[i%l]
	}
	for _, a := range answers {
		row := confusion[(int(a.Worker)*l+int(a.Label))*l:][:l]
		task := next[int(a.Task)*l:][:l]
		for j, p := range row {
			task[j] += p
		}
	}
	moved := 0.0
	for i := 0; i < len(next); i += l {
		task := next[i : i+l]
		top, sum := math.Inf(-1), 0.0
		for _, p := range task {
			top = max(top, p)
		}
		for j := range task {
			task[j] = math.Exp(task[j] - top)
			sum += task[j]
		}
		for j := range task {
			task[j] /= sum
			moved = max(moved, math.Abs(task[j]-d.Posterior[i+j]))
			d.Posterior[i+j] = task[j]
		}
	}
	return moved
}

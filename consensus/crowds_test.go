package consensus

import (
	"math"
	"testing"
)

// Accuracies of a majority and of Dawid-Skene, in per cent. Published are 89.7 and
// 94.0 on product (crowd-kit); of others 88.9 on bluebird and 84.3 on dog, where a
// run that was stopped earlier is one of 108 tasks off.
func TestWorkersWhoAreKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set                          string
		tasks, workers, labels       int
		majority, skene, publishedBy float64
	}{
		{"bluebird", 108, 39, 2, 75.93, 89.81, 88.9},
		{"dog", 807, 109, 4, 82.22, 84.26, 84.3},
		{"product", 8315, 176, 2, 89.66, 94.00, 94.0},
		{"rte", 800, 164, 2, 89.69, 92.75, 0},
		{"sp", 4999, 203, 2, 88.59, 91.48, 0},
		{"sp_amt", 500, 143, 2, 94.30, 94.40, 0},
		{"trec", 19033, 762, 2, 65.14, 70.15, 0},
		{"web", 2665, 177, 5, 73.07, 81.87, 0},
	} {
		t.Run(c.set, func(t *testing.T) {
			t.Parallel()
			rules := DefaultRules()
			crowd := loadCrowd(t, c.set)
			e, err := crowd.evaluate(&rules)
			if err != nil {
				t.Fatal(err)
			}
			if e.Tasks != c.tasks || e.Workers != c.workers || e.Labels != c.labels {
				t.Errorf("there are %d tasks, %d workers and %d labels, want %d, %d and %d", e.Tasks, e.Workers, e.Labels, c.tasks, c.workers, c.labels)
			}
			for _, f := range e.Methods {
				want := map[string]float64{"majority": c.majority, "dawid-skene": c.skene}[f.Method]
				t.Logf("%-22s %.2f (want %.2f, published of Dawid-Skene %.1f), log loss %.3f, calibration error %.3f, votes %.2f", f.Method, 100*f.Accuracy, want, c.publishedBy, f.LogLoss, f.CalibrationError, f.Votes)
				if want != 0 && math.Abs(100*f.Accuracy-want) > 0.006 {
					t.Errorf("%s is right in %.2f %%, want %.2f", f.Method, 100*f.Accuracy, want)
				}
				if f.Method == "dawid-skene" && 100*f.Accuracy < c.publishedBy-0.05 {
					t.Errorf("Dawid-Skene is right in %.2f %%, and %.1f %% is published", 100*f.Accuracy, c.publishedBy)
				}
			}
		})
	}
}

// Three careful workers and two who say the opposite: the majority is wrong where
// these and one mistake agree, and the algorithm finds out who is who.
func TestDawidSkeneLearnsWhoIsWhat(t *testing.T) {
	t.Parallel()
	const tasks = 200
	var answers []CrowdAnswer
	truth := func(i int) int32 { return int32(i / 3 % 2) }
	for i := range tasks {
		z := truth(i)
		for w := range int32(3) { // right in nine of ten, at different tasks
			said := z
			if (i+int(w)*3)%10 == 0 {
				said = 1 - z
			}
			answers = append(answers, CrowdAnswer{int32(i), w, said})
		}
		for w := int32(3); w < 5; w++ { // says the opposite, nearly always
			said := 1 - z
			if (i+int(w))%20 == 0 {
				said = z
			}
			answers = append(answers, CrowdAnswer{int32(i), w, said})
		}
	}
	d, err := FitDawidSkene(answers, tasks, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tasks {
		if p := d.Posterior[2*i+int(truth(i))]; p < 0.75 {
			t.Errorf("task %d: what is true has %v", i, p)
		}
		if sum := d.Posterior[2*i] + d.Posterior[2*i+1]; math.Abs(sum-1) > 1e-12 {
			t.Errorf("task %d: the probabilities add up to %v", i, sum)
		}
	}
}

func TestDawidSkeneRefusesNonsense(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func() error{
		"no tasks":      func() error { _, err := FitDawidSkene(nil, 0, 0, 0); return err },
		"another task":  func() error { _, err := FitDawidSkene([]CrowdAnswer{{1, 0, 0}}, 1, 1, 2); return err },
		"another label": func() error { _, err := FitDawidSkene([]CrowdAnswer{{0, 0, -1}}, 1, 1, 2); return err },
		"no worker":     func() error { _, err := FitDawidSkene([]CrowdAnswer{{0, 7, 0}}, 1, 7, 2); return err },
		"too many":      func() error { _, err := FitDawidSkene(nil, 1, 1<<30, 64); return err },
	} {
		if f() == nil {
			t.Errorf("%s: it is fitted", name)
		}
	}
	if d, err := FitDawidSkene(nil, 1, 1, 4); err != nil || d.Posterior[3] != 0.25 {
		t.Errorf("of a task without answers %v is known, %v", d, err)
	}
}

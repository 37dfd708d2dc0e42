package consensus

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// BenchmarkLabelUpdate is what one vote costs the running service: it is counted,
// the belief is made anew and the rules are asked. The goal is 20 µs at the 99th
// percentile.
func BenchmarkLabelUpdate(b *testing.B) {
	m, rules := fittedModel(), DefaultRules()
	votes := randomVotes(rand.New(rand.NewPCG(1, 2)), 10_000)
	const questions = 1000
	tallies := make([]Tally, questions)
	took := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%(12*questions) == 0 {
			clear(tallies)
		}
		t := &tallies[i%questions]
		began := time.Now()
		t.Add(votes[i%len(votes)], 1)
		belief := m.Belief(lion, t, Prior{})
		rules.Of(0, &belief, 0, false)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns/op")
}

// BenchmarkFitLabels is what a model of two keywords costs.
func BenchmarkFitLabels(b *testing.B) {
	for b.Loop() {
		fittedModel()
	}
}

// An open question has a tally with some six votes of as many outcomes; the goal
// is 200 bytes.
func TestBytesOfOpenQuestions(t *testing.T) {
	t.Parallel()
	votes := randomVotes(rand.New(rand.NewPCG(1, 2)), 6)
	var tally Tally
	for _, v := range votes {
		tally.Add(v, 1)
	}
	if len(tally.labels.cells) != len(votes) {
		t.Fatalf("%d votes have %d outcomes", len(votes), len(tally.labels.cells))
	}
	bytes := unsafe.Sizeof(tally) + uintptr(cap(tally.labels.cells))*unsafe.Sizeof(labelCell{})
	t.Logf("%d bytes a question", bytes)
	if bytes > 200 {
		t.Errorf("an open question takes %d bytes", bytes)
	}
}

package eventstore_test

import (
	"testing"

	"ocapi/domain"
	"ocapi/eventstore"
)

const benchBatch = 1000

// benchBatches makes batches as an archiver gets them: creations, and answers to
// two thirds of the challenges of the batch before.
func benchBatches(b *testing.B, n int) [][]eventstore.Record {
	b.Helper()
	var open, next []*domain.ChallengeCreated
	batches := make([][]eventstore.Record, n)
	for i := range batches {
		for j := range benchBatch {
			var e domain.Event
			if j%5 >= 3 && len(open) > 0 {
				e = answered(open[0], domain.StatusValidated)
				open = open[1:]
			} else {
				c := created("site", newChallengeID())
				next = append(next, c)
				e = c
			}
			batches[i] = append(batches[i], record(b, eventstore.Sequence(i*benchBatch+j+1), e))
		}
		open, next = next, nil
	}
	return batches
}

// BenchmarkArchiveAppend archives batches of 1,000 events, each a transaction.
// SQLite waits for the disk, the tests' PostgreSQL does not: what it does when it
// waits, beside raw inserts of the same rows, bench measures (-only
// postgres-append).
//
//	go test ./eventstore -run '^$' -bench ArchiveAppend -benchtime 300x
func BenchmarkArchiveAppend(b *testing.B) {
	for kind, open := range homes {
		b.Run(kind, func(b *testing.B) {
			a := open(b)
			batches := benchBatches(b, b.N)
			at := checkpoint(b, a)
			b.ResetTimer()
			for _, batch := range batches {
				to := checkpointOf(batch[len(batch)-1])
				if err := a.Append(b.Context(), at, to, batch); err != nil {
					b.Fatal(err)
				}
				at = to
			}
			b.ReportMetric(benchBatch*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkArchiveRebuild makes the states of 100,000 events anew.
func BenchmarkArchiveRebuild(b *testing.B) {
	const total = 100_000
	for kind, open := range homes {
		b.Run(kind, func(b *testing.B) {
			a := open(b)
			for _, batch := range benchBatches(b, total/benchBatch) {
				archive(b, a, batch...)
			}
			for b.Loop() {
				if n, err := a.RebuildStates(b.Context(), nil); err != nil || n != total {
					b.Fatalf("%d events, %v", n, err)
				}
			}
			b.ReportMetric(total*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

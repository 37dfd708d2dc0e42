package eventstore_test

import (
	"testing"

	"ocapi/eventstore"
)

// BenchmarkAppend measures a creation's way into the log, from one caller and from
// many, under each durability.
func BenchmarkAppend(b *testing.B) {
	for _, d := range durabilities() {
		for _, callers := range []int{1, 64} {
			name := d.String() + "/alone"
			if callers > 1 {
				name = d.String() + "/crowd"
			}
			b.Run(name, func(b *testing.B) {
				s := openStore(b, b.TempDir(), d)
				b.ReportAllocs()
				b.SetParallelism(callers)
				if callers == 1 {
					for b.Loop() {
						appendOne(b, s.log)
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						appendOne(b, s.log)
					}
				})
			})
		}
	}
}

func appendOne(b *testing.B, log *eventstore.Log) {
	if _, err := log.Append(b.Context(), created("site", newChallengeID()), 0); err != nil {
		b.Error(err)
	}
}

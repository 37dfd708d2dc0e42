package consensus_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"ocapi/consensus"
)

// BenchmarkTextVote counts the votes of the registers one by one and asks what
// is believed after each, as the service does. p99 is of single votes, in
// microseconds; the goal is 20.
func BenchmarkTextVote(b *testing.B) {
	set := texts(b, "text_hms", false)
	m := consensus.Builtin().Texts
	var took []time.Duration
	for b.Loop() {
		took = took[:0]
		for _, task := range set.Tasks {
			var tally consensus.TextTally
			for _, v := range task.Votes {
				begin := time.Now()
				tally.Add(consensus.GoldExact, v.Text, false, 1)
				m.Belief(&tally, consensus.Prior{})
				took = append(took, time.Since(begin))
			}
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(took)), "ns/vote")
}

// BenchmarkTextManyReadings is the worst case that an image may grow to.
func BenchmarkTextManyReadings(b *testing.B) {
	for _, readings := range []int{8, 100, 300} {
		b.Run(fmt.Sprint(readings), func(b *testing.B) {
			var tally consensus.TextTally
			for i := range readings {
				text := []rune("a text of a hundred letters, as long as an answer may ever be, with more words than anybody types ok")
				text[i%len(text)] = 'x'
				text[i*7%len(text)] = rune('a' + i%26)
				tally.Add(consensus.GoldExact, string(text), false, 1)
			}
			m := consensus.Builtin().Texts
			for b.Loop() {
				m.Belief(&tally, consensus.Prior{})
			}
		})
	}
}

// TestTextTallyIsSmall holds goal G12: at most 200 bytes for an image with a few
// short readings, the header included.
func TestTextTallyIsSmall(t *testing.T) {
	const images, most = 20_000, 200
	tallies := make([]consensus.TextTally, images)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range tallies {
		for _, v := range []string{"Rheumatism", "Rheumatism", "rheumatism", "Rheumatism 2"} {
			tallies[i].Add(consensus.GoldExact, v, false, 1)
		}
		tallies[i].Add(consensus.GoldNear, "", true, 1)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	const header = 24
	each := header + float64(after.HeapAlloc-before.HeapAlloc)/images
	t.Logf("%.0f bytes an image with three readings and marks", each)
	if each > most {
		t.Errorf("%.0f bytes an image, want at most %d", each, most)
	}
	runtime.KeepAlive(tallies)
}

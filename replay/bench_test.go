//go:build unix

package replay_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/replay"
)

// BenchmarkReplay counts votes of stored forms in memory. It reports votes a
// second of CPU time, the collector's included, which is what one core does that
// nobody else uses.
//
//	go test ./replay -run '^$' -bench Replay -cpu 1
func BenchmarkReplay(b *testing.B) {
	for _, keyword := range []string{"", "ship"} {
		name := "pictures"
		if keyword == "" {
			name = "texts"
		}
		b.Run(name, func(b *testing.B) {
			l := newLog(5)
			for range 20_000 {
				c := l.challenge("site", keyword)
				for i := range c.Positions {
					if c.Positions[i].Role == domain.RoleUnknown {
						c.Positions[i].Image = domain.ImageID(fmt.Sprintf("unknown-image-%d", l.random.IntN(5000)))
					}
				}
				if l.random.IntN(3) > 0 {
					l.answer(c)
				}
			}
			var forms []string
			for _, e := range l.events {
				data, err := eventstore.EncodeEvent(nil, e)
				if err != nil {
					b.Fatal(err)
				}
				forms = append(forms, string(data))
			}
			var total replay.Counts
			before := cpuTime()
			b.ReportAllocs()
			for b.Loop() {
				r := replay.New(params(replay.Params{}))
				for i, f := range forms {
					if err := r.Apply(domain.Sequence(i+1), f); err != nil {
						b.Fatal(err)
					}
				}
				c := r.Counts()
				total.Events, total.Votes, total.Challenges = total.Events+c.Events, total.Votes+c.Votes, total.Challenges+c.Challenges
			}
			seconds := (cpuTime() - before).Seconds()
			b.ReportMetric(float64(total.Votes)/seconds, "votes/cpu-s")
			b.ReportMetric(float64(total.Challenges)/seconds, "challenges/cpu-s")
			b.ReportMetric(float64(total.Events)/seconds, "events/cpu-s")
		})
	}
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package rate_test

import (
	"testing"
	"time"

	"ocapi/rate"
)

// TestUnansweredCountsSoon plays clients of whom the statistics know only that
// many challenges are taken: none has expired yet.
func TestUnansweredCountsSoon(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for _, tt := range []struct {
		name      string
		perSecond int
		lasts     time.Duration // how long challenges are taken
		answered  int           // of ten
		after     time.Duration // how long it takes to answer
		at        time.Duration // when to look
		least     float64
		most      float64
	}{
		{"taken and left, before anybody could know", 100, time.Hour, 0, 0, 110 * second, 1, 1},
		{"taken and left", 100, time.Hour, 0, 0, 150 * second, 0.05, 0.06},
		{"a burst of a lecture hall, half of which leaves", 500, second, 0, 0, 10 * time.Minute, 1, 1},
		{"a busy site, most of whose visitors go", 50, time.Hour, 4, 40 * second, 30 * time.Minute, 1, 1},
		{"a busy site in its first minutes", 50, time.Hour, 4, 90 * second, 150 * second, 1, 1},
		{"nine of ten left", 50, time.Hour, 1, 40 * second, 30 * time.Minute, 0.1, 0.4},
		{"long past", 100, 5 * time.Minute, 0, 0, 3 * time.Hour, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := rate.DefaultConfig()
			l, err := rate.NewLimiter(rate.Params{
				Config: c, Now: start(), Statistics: fixedStatistics{rate.Pressure{Issued: 100_000, Exposures: 1000}},
			})
			if err != nil {
				t.Fatal(err)
			}
			for s := time.Duration(0); s < tt.at; s += second {
				now := start().Add(s)
				for i := range tt.perSecond {
					if s < tt.lasts {
						l.Issued("site", now, now)
					}
					if was := s - tt.after; tt.answered > i%10 && was >= 0 && was < tt.lasts {
						l.Answered("site", now, now)
					}
				}
			}
			now := start().Add(tt.at)
			l.Take(rate.Demand{Client: "site"}, now)
			if got := l.Extremes(now).LeastFactor; got < tt.least || got > tt.most {
				t.Errorf("the factor is %g; want %g to %g", got, tt.least, tt.most)
			}
		})
	}
}

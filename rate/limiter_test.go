package rate_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/rate"
)

func start() time.Time { return time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC) }

func newLimiter(t testing.TB, c rate.Config) *rate.Limiter {
	t.Helper()
	l, err := rate.NewLimiter(c, start())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLimiterTakesFromBothOrNeither(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, rate.Config{
		PerClient: rate.Limit{PerSecond: 1, Burst: 3},
		Total:     rate.Limit{PerSecond: 2, Burst: 5},
	})
	now := start()
	take := func(client domain.ClientID, wantOK bool, wantWait time.Duration) {
		t.Helper()
		if wait, ok := l.Take(client, now); ok != wantOK || wait != wantWait {
			t.Errorf("Take(%s) = %s, %v; want %s, %v", client, wait, ok, wantWait, wantOK)
		}
	}
	for range 3 {
		take("a", true, 0)
	}
	for range 10 {
		take("a", false, time.Second) // the client's own bucket; the total is not charged
	}
	take("b", true, 0)
	take("b", true, 0)
	for range 10 {
		take("b", false, 500*time.Millisecond) // the total; the client's own is not charged
	}
	take("a", false, time.Second) // both: the longer wait counts
	now = now.Add(500 * time.Millisecond)
	take("b", true, 0) // its own bucket had one left
	take("b", false, 500*time.Millisecond)
	now = now.Add(500 * time.Millisecond)
	take("a", true, 0)
}

func TestLimiterIsExactUnderConcurrency(t *testing.T) {
	t.Parallel()
	const burst, clients, goroutines, tries = 500, 3, 16, 300
	l := newLimiter(t, rate.Config{
		PerClient: rate.Limit{PerSecond: 1, Burst: burst},
		Total:     rate.Limit{PerSecond: 10, Burst: 2*burst + 7},
	})
	var byClient [clients]atomic.Int64
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range tries {
				c := (g + i) % clients
				if _, ok := l.Take(domain.ClientID(fmt.Sprint(c)), start()); ok {
					byClient[c].Add(1)
				}
			}
		})
	}
	wg.Wait()
	total := int64(0)
	for c := range byClient {
		n := byClient[c].Load()
		if total += n; n > burst {
			t.Errorf("client %d: %d allowed, at most %d may be", c, n, burst)
		}
	}
	if total != 2*burst+7 {
		t.Errorf("%d allowed in all, want exactly %d", total, 2*burst+7)
	}
}

func TestLimiterOneClientConcurrently(t *testing.T) {
	t.Parallel()
	const burst = 1000
	l := newLimiter(t, rate.Config{PerClient: rate.Limit{PerSecond: 1, Burst: burst}, Total: rate.Limit{PerSecond: 1, Burst: 10 * burst}})
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range burst {
				if _, ok := l.Take("demo", start()); ok {
					allowed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := allowed.Load(); n != burst {
		t.Errorf("%d allowed, want exactly %d", n, burst)
	}
}

// TestLimiterOverTime: whatever clients ask and however the clock jumps, no
// client gets more than its burst and its rate, and neither do all together.
func TestLimiterOverTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		perClient := rate.Limit{PerSecond: rapid.Float64Range(0.5, 50).Draw(t, "rate"), Burst: rapid.IntRange(1, 20).Draw(t, "burst")}
		total := rate.Limit{
			PerSecond: perClient.PerSecond * rapid.Float64Range(1, 3).Draw(t, "more rate"),
			Burst:     perClient.Burst + rapid.IntRange(0, 20).Draw(t, "more burst"),
		}
		l, err := rate.NewLimiter(rate.Config{PerClient: perClient, Total: total}, start())
		if err != nil {
			t.Fatal(err)
		}
		now, latest := time.Duration(0), time.Duration(0)
		allowed := map[domain.ClientID]float64{}
		all := 0.0
		for range rapid.IntRange(1, 300).Draw(t, "calls") {
			now += time.Duration(rapid.Int64Range(-int64(100*time.Millisecond), int64(200*time.Millisecond)).Draw(t, "step"))
			latest = max(latest, now)
			client := domain.ClientID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "client"))
			wait, ok := l.Take(client, start().Add(now))
			if ok != (wait == 0) || wait < 0 {
				t.Fatalf("wait %s, allowed %v", wait, ok)
			}
			if !ok {
				continue
			}
			allowed[client]++
			all++
			if most := float64(perClient.Burst) + latest.Seconds()*perClient.PerSecond; allowed[client] > most+1e-9 {
				t.Fatalf("%v allowed for %s within %s, at most %g may be", allowed[client], client, latest, most)
			}
			if most := float64(total.Burst) + latest.Seconds()*total.PerSecond; all > most+1e-9 {
				t.Fatalf("%v allowed in all within %s, at most %g may be", all, latest, most)
			}
		}
	})
}

func TestLimiterStandsStillWhenTheClockGoesBack(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, rate.Config{PerClient: rate.Limit{PerSecond: 1, Burst: 2}, Total: rate.Limit{PerSecond: 1, Burst: 2}})
	for range 2 {
		if _, ok := l.Take("a", start().Add(time.Hour)); !ok {
			t.Fatal("the burst was refused")
		}
	}
	if wait, ok := l.Take("a", start().Add(-time.Hour)); ok || wait != time.Second {
		t.Errorf("%v, wait %s; the wait is counted from the latest moment", ok, wait)
	}
	if _, ok := l.Take("a", start().Add(time.Hour+time.Second)); !ok {
		t.Error("refused after the wait")
	}
}

// TestLimiterNeverRoundsUpTheRate: a third of a second is no whole number of
// nanoseconds.
func TestLimiterNeverRoundsUpTheRate(t *testing.T) {
	t.Parallel()
	third := rate.Limit{PerSecond: 3, Burst: 1}
	l := newLimiter(t, rate.Config{PerClient: third, Total: third})
	for _, tt := range []struct {
		at time.Duration
		ok bool
	}{{0, true}, {333_333_333, false}, {333_333_334, true}} {
		if _, ok := l.Take("a", start().Add(tt.at)); ok != tt.ok {
			t.Errorf("after %d ns: %v", tt.at, ok)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	if err := rate.DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	if d := rate.DefaultConfig(); d.PerClient.Burst < 500 || d.Total.Burst < 500 {
		t.Errorf("the defaults %+v are not generous", d)
	}
	for _, tt := range []struct {
		want   string
		change func(*rate.Config)
	}{
		{"per client: option PerSecond is 0;", func(c *rate.Config) { c.PerClient.PerSecond = 0 }},
		{"per client: option PerSecond is -1;", func(c *rate.Config) { c.PerClient.PerSecond = -1 }},
		{"per client: option PerSecond is NaN;", func(c *rate.Config) { c.PerClient.PerSecond = math.NaN() }},
		{"total: option PerSecond is +Inf;", func(c *rate.Config) { c.Total.PerSecond = math.Inf(1) }},
		{"total: option PerSecond is 1e+07; it has to be from 0.001 to 1000000", func(c *rate.Config) { c.Total.PerSecond = 1e7 }},
		{"per client: option Burst is 0;", func(c *rate.Config) { c.PerClient.Burst = 0 }},
		{"total: option Burst is 1000001;", func(c *rate.Config) { c.Total.Burst = 1_000_001 }},
		{"per client: option Burst is 1000, which takes 1000000 s to refill at 0.001 a second", func(c *rate.Config) { c.PerClient.PerSecond = 0.001 }},
		{"total: option PerSecond is 99;", func(c *rate.Config) { c.Total.PerSecond = 99 }},
		{"total: option Burst is 999;", func(c *rate.Config) { c.Total.Burst = 999 }},
	} {
		c := rate.DefaultConfig()
		tt.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", c, err, tt.want)
		}
		if _, err := rate.NewLimiter(c, start()); err == nil {
			t.Errorf("NewLimiter took %+v", c)
		}
	}
}

func BenchmarkLimiter(b *testing.B) {
	l := newLimiter(b, rate.DefaultConfig())
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.Take("demo", time.Now())
		}
	})
}

package rate_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ocapi/rate"
)

func TestGCRA(t *testing.T) {
	t.Parallel()
	const interval, burst = 100 * time.Millisecond, 3
	type step struct {
		at      time.Duration
		allowed bool
		wait    time.Duration
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"a burst, then at the rate", []step{
			{0, true, 0}, {0, true, 0}, {0, true, 0}, {0, false, interval},
			{interval - 1, false, 1}, {interval, true, 0}, {interval, false, interval}, {2 * interval, true, 0},
		}},
		{"a full bucket holds no more than the burst", []step{
			{time.Hour, true, 0}, {time.Hour, true, 0}, {time.Hour, true, 0}, {time.Hour, false, interval},
		}},
		{"half refilled", []step{
			{0, true, 0}, {0, true, 0}, {0, true, 0}, {2 * interval, true, 0}, {2 * interval, true, 0}, {2 * interval, false, interval},
		}},
		{"refusals cost nothing", []step{
			{0, true, 0}, {0, true, 0}, {0, true, 0}, {0, false, interval}, {0, false, interval}, {interval, true, 0},
		}},
		{"the clock goes back", []step{
			{time.Hour, true, 0}, {time.Hour, true, 0}, {time.Hour, true, 0},
			{0, false, time.Hour + interval}, {-time.Hour, false, 2*time.Hour + interval}, {time.Hour + interval, true, 0},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var cell rate.Cell
			for i, s := range tt.steps {
				next, allowed, wait := rate.GCRA(cell, s.at, interval, burst)
				if allowed != s.allowed || wait != s.wait {
					t.Fatalf("step %d at %s: %v, wait %s; want %v, wait %s", i, s.at, allowed, wait, s.allowed, s.wait)
				}
				if !allowed && next != cell {
					t.Fatalf("step %d: a refusal was charged", i)
				}
				cell = next
			}
		})
	}
}

func TestGCRABurstOfOne(t *testing.T) {
	t.Parallel()
	cell, allowed, _ := rate.GCRA(0, 0, time.Second, 1)
	if !allowed {
		t.Fatal("the first was refused")
	}
	if _, allowed, wait := rate.GCRA(cell, time.Second-1, time.Second, 1); allowed || wait != 1 {
		t.Errorf("%v, wait %s", allowed, wait)
	}
	if _, allowed, _ = rate.GCRA(cell, time.Second, time.Second, 1); !allowed {
		t.Error("refused after the interval")
	}
}

// TestGCRAWindows: within any window of length W at most burst + W/interval
// requests are allowed; and what was refused is allowed after the wait.
func TestGCRAWindows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		interval := time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "interval"))
		burst := rapid.IntRange(1, 50).Draw(t, "burst")
		steps := rapid.SliceOfN(rapid.Int64Range(0, 3*int64(interval)), 1, 300).Draw(t, "steps")
		quick := rapid.Float64Range(0, 1).Draw(t, "quick")
		var cell rate.Cell
		var now time.Duration
		var allowedAt []time.Duration
		for i, step := range steps {
			now += time.Duration(float64(step) * quick)
			next, allowed, wait := rate.GCRA(cell, now, interval, burst)
			if allowed != (wait == 0) || wait < 0 {
				t.Fatalf("step %d: allowed %v, wait %s", i, allowed, wait)
			}
			if allowed {
				allowedAt = append(allowedAt, now)
			} else {
				if _, later, _ := rate.GCRA(cell, now+wait, interval, burst); !later {
					t.Fatalf("step %d: refused after the wait of %s", i, wait)
				}
				if _, earlier, _ := rate.GCRA(cell, now+wait-1, interval, burst); earlier {
					t.Fatalf("step %d: the wait of %s is too long", i, wait)
				}
			}
			cell = next
		}
		for i, from := range allowedAt {
			for j, to := range allowedAt[i:] {
				if most := int64(burst) + int64((to-from)/interval); int64(j+1) > most {
					t.Fatalf("%d allowed within %s, at most %d may be", j+1, to-from, most)
				}
			}
		}
	})
}

// TestGCRAClockThatGoesBack: whatever the clock does, nothing is granted that
// a clock that went straight on to the latest moment would not have granted.
func TestGCRAClockThatGoesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const interval, burst = time.Second, 5
		moments := rapid.SliceOfN(rapid.Int64Range(-int64(time.Minute), int64(time.Minute)), 1, 200).Draw(t, "moments")
		var cell rate.Cell
		allowedCount := int64(0)
		for _, m := range moments {
			next, allowed, _ := rate.GCRA(cell, time.Duration(m), interval, burst)
			if next < cell {
				t.Fatal("the cell went back")
			}
			if cell = next; allowed {
				allowedCount++
			}
		}
		latest := max(0, slices.Max(moments))
		if most := burst + latest/int64(interval); allowedCount > most {
			t.Fatalf("%d allowed until %s, at most %d may be", allowedCount, time.Duration(latest), most)
		}
	})
}

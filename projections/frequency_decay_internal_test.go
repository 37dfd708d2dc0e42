package projections

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDecayIsHalvedEveryHalfLife(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		after time.Duration
		want  float64
	}{
		{0, 1000}, {HalfLife, 500}, {2 * HalfLife, 250}, {10 * HalfLife, 1000.0 / 1024}, {HalfLife / 2, 1000 / math.Sqrt2},
		{time.Second, 1000 * math.Exp2(-1.0/3600)}, {100 * HalfLife, 0}, {20000 * time.Hour, 0},
	} {
		var d decayed
		for range 10 {
			d.add(1_000_000, 100)
		}
		got := d.weight(1_000_000 + tick(tt.after/tickLength))
		if math.Abs(got-tt.want) > 1e-3 {
			t.Errorf("1000 events weigh %g after %v; want %g", got, tt.after, tt.want)
		}
	}
}

// TestDecayTable holds the table, made in whole numbers, against floating point.
func TestDecayTable(t *testing.T) {
	t.Parallel()
	for k, got := range decayTable {
		want := math.Exp2(-float64(k)/float64(halfLifeTicks)) * (1 << decayTableBits)
		if math.Abs(float64(got)-want) > 1 {
			t.Errorf("entry %d is %d; want %f", k, got, want)
		}
	}
}

// TestDecayedIsTheSumOfWeights compares with the definition, whatever the order
// of the events' times.
func TestDecayedIsTheSumOfWeights(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Uint32Range(1_000_000, 1_100_000), 1, 200).Draw(t, "times")
		now := tick(1_100_000 + rapid.Uint32Range(0, 20_000).Draw(t, "later"))
		var d decayed
		want := 0.0
		for _, at := range times {
			d.add(tick(at), 1)
			want += math.Exp2(-float64(uint32(now)-at) / float64(halfLifeTicks))
		}
		if got := d.weight(now); math.Abs(got-want) > float64(len(times)+1)/(1<<decayBits) {
			t.Fatalf("the weight is %g; want %g", got, want)
		}
	})
}

// TestRateOfWhatComesEvenly reaches the rate that it is.
func TestRateOfWhatComesEvenly(t *testing.T) {
	t.Parallel()
	var d decayed
	const every = 10 // seconds: 360 an hour
	at := tick(1_000_000)
	for range 24 * 360 {
		d.add(at, 1)
		at += every
	}
	if got := perHour(d.weight(at)); math.Abs(got-360) > 1 {
		t.Errorf("360 an hour look like %g", got)
	}
}

package rate_test

import (
	"math"
	"strings"
	"testing"

	"ocapi/rate"
)

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	if err := rate.DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for _, tt := range []struct {
		want   string
		change func(*rate.Config)
	}{
		{"Free.PerSecond is 0;", func(c *rate.Config) { c.Free.PerSecond = 0 }},
		{"Free.PerSecond is -1;", func(c *rate.Config) { c.Free.PerSecond = -1 }},
		{"Free.PerSecond is NaN;", func(c *rate.Config) { c.Free.PerSecond = math.NaN() }},
		{"Proven.PerSecond is 0;", func(c *rate.Config) { c.Proven.PerSecond = 0 }},
		{"TotalFree.PerSecond is +Inf;", func(c *rate.Config) { c.TotalFree.PerSecond = math.Inf(1) }},
		{"TotalProven.PerSecond is 1e+07; it has to be from 0.001 to 1000000", func(c *rate.Config) { c.TotalProven.PerSecond = 1e7 }},
		{"Free.Burst is 0;", func(c *rate.Config) { c.Free.Burst = 0 }},
		{"TotalFree.Burst is 1000001;", func(c *rate.Config) { c.TotalFree.Burst = 1_000_001 }},
		{"Free.Burst is 1000, which takes 1000000 s to refill at 0.001 a second", func(c *rate.Config) { c.Free.PerSecond = 0.001 }},
		{"TotalFree.PerSecond is 99;", func(c *rate.Config) { c.TotalFree.PerSecond = 99 }},
		{"TotalFree.Burst is 999;", func(c *rate.Config) { c.TotalFree.Burst = 999 }},
		{"TotalProven.PerSecond is 799;", func(c *rate.Config) { c.TotalProven.PerSecond = 799 }},
		{"TotalProven.Burst is 95999;", func(c *rate.Config) { c.TotalProven.Burst = 95999 }},
		{"AudioShare is 0;", func(c *rate.Config) { c.AudioShare = 0 }},
		{"AudioShare is NaN;", func(c *rate.Config) { c.AudioShare = math.NaN() }},
		{"AudioShare is 1.1;", func(c *rate.Config) { c.AudioShare = 1.1 }},
	} {
		c := rate.DefaultConfig()
		tt.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", c, err, tt.want)
		}
		if _, err := rate.NewLimiter(rate.Params{Config: c, Now: start()}); err == nil {
			t.Errorf("NewLimiter took %+v", c)
		}
	}
	if err := (rate.Limit{PerSecond: 1, Burst: 0}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "Burst is 0;") {
		t.Errorf("a limit by itself: %v", err)
	}
}

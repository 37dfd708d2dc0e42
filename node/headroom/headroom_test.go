package headroom

import (
	"runtime/debug"
	"testing"
)

// TestMemoryIsSparedWhileAnybodyReads is not parallel: it looks at the whole
// process's setting.
func TestMemoryIsSparedWhileAnybodyReads(t *testing.T) {
	percent := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	usual := percent()
	t.Cleanup(func() { debug.SetGCPercent(usual) })
	for _, tt := range []struct {
		name         string
		before, then int
	}{
		{"usual", 100, readingPercent},
		{"more is set", 400, readingPercent},
		{"less is set", 20, 20},
		{"the collector is off", -1, -1},
	} {
		debug.SetGCPercent(tt.before)
		first, second := Spare(), Spare()
		if got := percent(); got != tt.then {
			t.Errorf("%s: %d while two read; want %d", tt.name, got, tt.then)
		}
		first()
		first() // twice does no harm
		if got := percent(); got != tt.then {
			t.Errorf("%s: %d while one reads; want %d", tt.name, got, tt.then)
		}
		second()
		if got := percent(); got != tt.before {
			t.Errorf("%s: %d when nobody reads; want %d", tt.name, got, tt.before)
		}
	}
}

//go:build linux

package events

import (
	"path/filepath"
	"strings"
	"testing"

	"ocapi/bench/machine"
	"ocapi/bench/part"
)

// TestCommitWays has every way commit under a small load, and looks at what is
// printed of it.
func TestCommitWays(t *testing.T) {
	t.Parallel()
	flushes, err := machine.SerialFlushes(t.TempDir(), part.ShortLimit/10)
	if err != nil {
		t.Fatal(err)
	}
	all := commits{committed(waySerial, 1, &flushes, 0)}
	for _, way := range commitWays() {
		for i := range way.counts {
			way.counts[i] = 2 * way.loads[i]
		}
		r := part.Run{Folder: filepath.Join(t.TempDir(), "part")}
		measured, err := way.measure(t.Context(), &r)
		if err != nil {
			t.Fatalf("%s: %v", way.name, err)
		}
		for _, m := range measured {
			if m.Appends != 2*m.Clients || m.Rate <= 0 || m.P50 <= 0 || m.P99 < m.P50 || m.CPU <= 0 {
				t.Errorf("%s with %d: %+v", m.Way, m.Clients, m)
			}
		}
		all = append(all, measured...)
	}
	for _, g := range all.Goals() {
		if g.Ratio.Median <= 0 {
			t.Errorf("%s: nothing was measured for it", g.What)
		}
	}
	text := all.Text(false)
	for _, way := range append(commitWays(), commitWay{name: waySerial}) {
		if !strings.Contains(text, way.name) {
			t.Errorf("nothing is printed of: %s", way.name)
		}
	}
}

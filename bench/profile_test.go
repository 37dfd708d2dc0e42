//go:build linux

package main

import (
	"bytes"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// burn takes CPU time under a name of its own.
//
//go:noinline
func burn(until time.Time) (n int) {
	for time.Now().Before(until) {
		for i := range 1000 {
			n += i * i
		}
	}
	return n
}

// TestReadProfileFindsWhoTookTheTime reads a profile that the runtime writes.
// (It is the only test here that takes one, for there is one a process.)
func TestReadProfileFindsWhoTookTheTime(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	if err := pprof.StartCPUProfile(&file); err != nil {
		t.Fatal(err)
	}
	burn(time.Now().Add(300 * time.Millisecond))
	pprof.StopCPUProfile()
	samples, err := readProfile(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var burnt time.Duration
	for _, s := range samples {
		if strings.Contains(strings.Join(s.frames, " "), "bench.burn") {
			burnt += s.cpu
		}
	}
	if burnt < 20*time.Millisecond || burnt > 2*time.Second { // wide: others use the machine, too
		t.Errorf("burn took %v by the profile, want about 300ms", burnt)
	}
	for _, bad := range [][]byte{nil, []byte("no profile"), file.Bytes()[:file.Len()/2]} {
		if s, err := readProfile(bad); err == nil {
			t.Errorf("%d bytes give %d samples", len(bad), len(s))
		}
	}
}

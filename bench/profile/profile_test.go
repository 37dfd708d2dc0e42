//go:build linux

package profile

import (
	"bytes"
	"runtime"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"
	"time"
)

// burn takes so much CPU time under a name of its own. It goes by its thread's own
// clock, not by the wall's: a busy machine may leave it little of that.
//
//go:noinline
func burn(t *testing.T, cpu time.Duration) (n int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const rusageThread = 1 // of Linux; package syscall does not name it
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(rusageThread, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano())
	}
	for until := used() + cpu; used() < until; {
		for i := range 1_000_000 {
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
	burn(t, 300*time.Millisecond)
	pprof.StopCPUProfile()
	samples, err := ReadProfile(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var burnt time.Duration
	for _, s := range samples {
		if strings.Contains(strings.Join(s.frames, " "), "profile.burn") {
			burnt += s.cpu
		}
	}
	if burnt < 100*time.Millisecond || burnt > 2*time.Second { // a virtual machine's timers are unpunctual
		t.Errorf("burn took %v by the profile, want about 300ms", burnt)
	}
	for _, bad := range [][]byte{nil, []byte("no profile"), file.Bytes()[:file.Len()/2]} {
		if s, err := ReadProfile(bad); err == nil {
			t.Errorf("%d bytes give %d samples", len(bad), len(s))
		}
	}
}

// Package headroom has the collector leave the heap less room while much is read
// that is not kept: at a start, and where projections are made anew.
package headroom

import (
	"runtime/debug"
	"sync"
)

// readingPercent is how much the heap may grow, in percent of what is alive,
// before it is collected while the archive is read at a start. With the
// collector's usual 100 a start without snapshots on a million events had 1,049 MB
// resident by the time that it had read them, and 806 MB with 50 (docs/adr/0039).
const readingPercent = 50

// headroom is the process's, as the collector is, and is shared by all who read.
var headroom struct {
	mu      sync.Mutex
	readers int
	before  int // percent, to go back to
}

// Spare lets the heap of this process grow less until done is called by all who have
// called Spare; then what is free goes back to the system. Who has set less by GOGC, or none, keeps that. It is safe for
// concurrent use, and done may be called twice.
func Spare() (done func()) {
	headroom.mu.Lock()
	defer headroom.mu.Unlock()
	if headroom.readers++; headroom.readers == 1 {
		if headroom.before = debug.SetGCPercent(readingPercent); headroom.before < readingPercent {
			debug.SetGCPercent(headroom.before)
		}
	}
	return sync.OnceFunc(func() {
		if leave() {
			debug.FreeOSMemory() // what was read is not needed again
		}
	})
}

// leave takes one reader away, and reports whether that was the last.
func leave() (last bool) {
	headroom.mu.Lock()
	defer headroom.mu.Unlock()
	if headroom.readers--; headroom.readers > 0 {
		return false
	}
	debug.SetGCPercent(headroom.before)
	return true
}

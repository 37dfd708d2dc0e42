package node

import (
	"sync"
	"time"

	"ocapi/domain"
)

// lagSamples bounds how many moments are kept: a quarter of an hour in seconds,
// and for ever with longer steps.
const lagSamples = 1000

// lag remembers when the log had come how far, to say how old the oldest event
// is that the archive lacks. It is safe for concurrent use; the zero value is
// ready.
type lag struct {
	mu      sync.Mutex
	samples []lagSample   // oldest first, each with a higher sequence
	step    time.Duration // the least time between two; grows as they become many
}

// lagSample says that the log had an event at a time.
type lagSample struct {
	at  time.Time
	seq domain.Sequence
}

// note takes in that the log ends at a sequence now, and the archive at another.
func (l *lag) note(now time.Time, end, archived domain.Sequence) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(archived)
	if len(l.samples) == 0 {
		l.step = 0
	} else if last := l.samples[len(l.samples)-1]; last.seq >= end || now.Sub(last.at) < l.step {
		return
	}
	if end <= archived {
		return
	}
	l.samples = append(l.samples, lagSample{now, end})
	if len(l.samples) > lagSamples {
		// Every other one goes, and new ones come half as often. The oldest stays: it
		// is the one that counts.
		kept := l.samples[:0]
		for i := 0; i < len(l.samples); i += 2 {
			kept = append(kept, l.samples[i])
		}
		l.samples, l.step = kept, 2*max(l.step, lagEvery)
	}
}

// behind tells how long ago it was first noted that the log has an event that is
// not archived; 0 when there is none.
func (l *lag) behind(now time.Time, archived domain.Sequence) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(archived)
	if len(l.samples) == 0 {
		return 0
	}
	return max(0, now.Sub(l.samples[0].at))
}

// forget drops what is archived.
func (l *lag) forget(archived domain.Sequence) {
	gone := 0
	for gone < len(l.samples) && l.samples[gone].seq <= archived {
		gone++
	}
	l.samples = append(l.samples[:0], l.samples[gone:]...)
}

package eventstore_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"ocapi/eventstore"
)

// leased is an archive with a lease that a test gives and takes.
type leased struct {
	eventstore.Archive
	mu    sync.Mutex
	taken bool
}

func (l *leased) TryLease(context.Context) (func(), bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken {
		return nil, false, nil
	}
	l.taken = true
	return l.free, true, nil
}

func (l *leased) free() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken = false
}

// TestArchiverStandsBy: without the lease nothing is archived and the position
// is followed; with it, archiving goes on.
func TestArchiverStandsBy(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityInterval)
	archive := &leased{Archive: s.archive}
	plain := s.archive
	s.archive = archive
	first, stopFirst := s.archiver()
	s.load(2)
	eventually(t, "the first archives", func() bool { return first.Active() && first.Position().Seq == 3 })
	second, _ := s.archiver()
	s.load(2)
	eventually(t, "the second follows", func() bool { return second.Position().Seq == 6 })
	if second.Active() {
		t.Error("two archivers are active")
	}
	stopFirst()
	if first.Active() {
		t.Error("an archiver that has stopped is active")
	}
	s.load(2)
	eventually(t, "the second takes over", func() bool { return second.Active() && second.Position().Seq == 9 })
	at, err := plain.Checkpoint(t.Context())
	if err != nil || at.Seq != 9 {
		t.Errorf("the archive's checkpoint is %d, %v; want 9", at.Seq, err)
	}
}

// TestArchiverGoesAheadOfOneThatHangs: a lease that somebody keeps while
// nothing is archived stops nobody for long.
func TestArchiverGoesAheadOfOneThatHangs(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityInterval)
	s.archive = &leased{Archive: s.archive, taken: true}
	began := time.Now() // before the archiver begins to wait
	a, _ := s.archiver()
	s.load(2)
	eventually(t, "3 events archived", func() bool { return a.Position().Seq == 3 })
	if waited := time.Since(began); waited < 3*time.Second {
		t.Errorf("it went ahead after %v: the one with the lease had no time", waited)
	}
	if !strings.Contains(s.logged.String(), "another node has the lease and archives nothing") {
		t.Errorf("the log does not say so:\n%s", s.logged)
	}
}

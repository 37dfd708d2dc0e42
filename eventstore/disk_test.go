package eventstore_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"ocapi/domain"
	"ocapi/eventstore"
)

// platter is what a disk would hold after a power cut at the worst moment: of
// every file only as much as had been written when its last flush began, and of
// every folder only the names that it had when it was flushed last.
type platter struct {
	t    *testing.T
	root string

	mu    sync.Mutex
	sizes map[any]int64      // by inode
	names map[string][]inode // by folder
}

type inode struct {
	name string
	id   any
}

// watchPlatter begins watching a log that was just opened: what is there is on
// disk.
func watchPlatter(t *testing.T, s *store) *platter {
	t.Helper()
	p := &platter{t: t, root: filepath.Join(s.dir, "log"), sizes: map[any]int64{}, names: map[string][]inode{}}
	s.log.WatchFlushes(func(f *os.File, flush func() error) error {
		size, names := p.look(f.Name())
		if err := flush(); err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if names != nil {
			p.names[f.Name()] = names
			return nil
		}
		info, err := f.Stat()
		if err == nil {
			p.sizes[eventstore.InodeOf(info)] = size
		}
		return err
	})
	err := filepath.WalkDir(p.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		size, names := p.look(path)
		if e.IsDir() {
			p.names[path] = names
			return nil
		}
		info, err := e.Info()
		if err == nil {
			p.sizes[eventstore.InodeOf(info)] = size
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// look gives the size of a file, or the names in a folder.
func (p *platter) look(path string) (size int64, names []inode) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // trimmed meanwhile
	}
	if err != nil {
		p.t.Error(err)
		return 0, nil
	}
	if !info.IsDir() {
		return info.Size(), nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		p.t.Error(err)
	}
	names = []inode{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // else it was removed meanwhile
			names = append(names, inode{e.Name(), eventstore.InodeOf(info)})
		}
	}
	return 0, names
}

// freeze is the moment of a power cut.
func (p *platter) freeze() *platter {
	p.mu.Lock()
	defer p.mu.Unlock()
	frozen := &platter{t: p.t, root: p.root, sizes: map[any]int64{}, names: map[string][]inode{}}
	for k, v := range p.sizes {
		frozen.sizes[k] = v
	}
	for k, v := range p.names {
		frozen.names[k] = v
	}
	return frozen
}

// restore writes what a frozen platter holds into a folder; the blocks end with
// a torn piece of what was not flushed.
func (p *platter) restore(folder string) {
	p.t.Helper()
	for dir, names := range p.names {
		rel, err := filepath.Rel(p.root, dir)
		if err != nil {
			p.t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(folder, rel), 0o700); err != nil {
			p.t.Fatal(err)
		}
		for _, n := range names {
			p.restoreFile(filepath.Join(dir, n.name), filepath.Join(folder, rel, n.name), n.id)
		}
	}
}

func (p *platter) restoreFile(from, to string, id any) {
	p.t.Helper()
	info, err := os.Stat(from)
	if err != nil || info.IsDir() || eventstore.InodeOf(info) != id {
		return // replaced or removed since; no test needs the old one
	}
	data, err := os.ReadFile(from)
	if err != nil {
		p.t.Fatal(err)
	}
	durable := min(p.sizes[id], int64(len(data)))
	kept := data[:durable]
	if strings.HasSuffix(from, ".blk") {
		if rest := int64(len(data)) - durable; rest > 0 {
			torn := append([]byte(nil), data[durable:durable+rand.Int64N(rest)]...)
			clear(torn[len(torn)/2:])
			kept = append(append([]byte(nil), kept...), torn...)
		}
	}
	if err := os.WriteFile(to, kept, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// appendLong appends events of which a block of the stream holds some 400, by so
// many clients at once, and calls told with each that was acknowledged, one after
// the other.
func appendLong(t *testing.T, s *store, clients, events int, told func(eventstore.Record)) {
	t.Helper()
	long := strings.Repeat("An archive. ", 1700)
	var (
		mu    sync.Mutex
		turns atomic.Int64
		wg    sync.WaitGroup
	)
	for range clients {
		wg.Go(func() {
			for turns.Add(1) <= int64(events) {
				c := created("site", newChallengeID())
				c.Credit = long
				r, err := s.log.Append(t.Context(), c, 0)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				told(r)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestAcknowledgedSurvivesAPowerCut cuts the power at random moments under
// load, over several blocks: whatever was acknowledged before the cut is there
// after it, where it was said to be.
func TestAcknowledgedSurvivesAPowerCut(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	p := watchPlatter(t, s)
	const clients, events, cuts = 32, 1300, 6
	type cut struct {
		told []eventstore.Record
		disk *platter
	}
	var told []eventstore.Record
	var taken []cut
	appendLong(t, s, clients, events, func(r eventstore.Record) {
		told = append(told, r)
		if len(told)%(events/cuts) == 0 {
			taken = append(taken, cut{told: append([]eventstore.Record(nil), told...), disk: p.freeze()})
		}
	})
	if len(taken) < cuts {
		t.Fatalf("the power was cut %d times, not %d", len(taken), cuts)
	}
	for _, c := range taken {
		dir := t.TempDir()
		c.disk.restore(filepath.Join(dir, "log"))
		after := openStore(t, dir, eventstore.DurabilityFsync)
		for _, r := range c.told {
			got, found, err := after.log.Get(t.Context(), r.Seq)
			if err != nil || !found || got.Event.Head().ID != r.Event.Head().ID {
				t.Fatalf("%d events were acknowledged before the cut; event %d is not there after it: found %v, %v", len(c.told), r.Seq, found, err)
			}
		}
		if _, err := after.log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil {
			t.Errorf("append after the cut: %v", err)
		}
		after.close()
	}
	if blocks, err := filepath.Glob(filepath.Join(p.root, "jetstream", "*", "streams", "OCAPI", "msgs", "*.blk")); err != nil || len(blocks) < 3 {
		t.Errorf("the stream has the blocks %v, %v: no block was left behind", blocks, err)
	}
}

// TestNobodyIsToldOfWhatIsNotOnDisk holds a flush up: neither the caller nor a
// reader nor a follower hears of the event before it ends.
//
//nolint:paralleltest // it counts the goroutines that wait for a flush
func TestNobodyIsToldOfWhatIsNotOnDisk(t *testing.T) {
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	begun, release := make(chan struct{}), make(chan struct{})
	var flushed atomic.Bool
	once := sync.OnceFunc(func() {
		close(begun)
		<-release
		flushed.Store(true)
	})
	s.log.WatchFlushes(func(_ *os.File, flush func() error) error {
		once()
		return flush()
	})
	c := created("site", newChallengeID())
	var wg sync.WaitGroup
	tell := func(who string, err error) {
		if err != nil {
			t.Errorf("%s: %v", who, err)
		}
		if !flushed.Load() {
			t.Errorf("the %s was told of an event that was not on disk", who)
		}
	}
	wg.Go(func() {
		_, err := s.log.Append(t.Context(), c, 0)
		tell("caller", err)
	})
	<-begun
	wg.Go(func() {
		_, _, err := s.log.Last(t.Context(), "site", c.Challenge)
		tell("reader", err)
	})
	done := errors.New("done")
	wg.Go(func() {
		err := s.log.Follow(t.Context(), 1, 1, 0, func([]eventstore.Record) error { return done }, nil)
		if errors.Is(err, done) {
			err = nil
		}
		tell("follower", err)
	})
	// All three wait now, or one does not.
	eventually(t, "three to wait for the flush", func() bool { return t.Failed() || flushesWaitedFor() == 3 })
	close(release)
	wg.Wait()
}

// TestAFlushServesNobodyWhoCameLater: an event that was written after a flush
// began needs another.
//
//nolint:paralleltest // it counts the goroutines that wait for a flush
func TestAFlushServesNobodyWhoCameLater(t *testing.T) {
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	begun, release := make(chan struct{}), make(chan struct{})
	var flushes atomic.Int64
	s.log.WatchFlushes(func(_ *os.File, flush func() error) error {
		err := flush()
		if flushes.Add(1) == 1 {
			close(begun)
			<-release
		}
		return err
	})
	var wg sync.WaitGroup
	add := func(c *domain.ChallengeCreated) {
		wg.Go(func() {
			if _, err := s.log.Append(t.Context(), c, 0); err != nil {
				t.Error(err)
			}
		})
	}
	add(created("site", newChallengeID()))
	<-begun
	late := created("site", newChallengeID())
	add(late)
	wg.Go(func() {
		for {
			if _, found, err := s.log.Last(t.Context(), "site", late.Challenge); found || err != nil {
				if n := flushes.Load(); n < 2 || err != nil {
					t.Errorf("the second event was read after %d flushes, %v; want its own", n, err)
				}
				return
			}
		}
	})
	eventually(t, "the reader to wait", func() bool { return t.Failed() || flushesWaitedFor() == 2 })
	close(release)
	wg.Wait()
}

// flushesWaitedFor counts the goroutines in a flush.
func flushesWaitedFor() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "eventstore.(*disk).flush(")
}

// TestAFailedFlushIsTheLast: what a disk that failed once says later is not
// believed.
func TestAFailedFlushIsTheLast(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, eventstore.DurabilityFsync)
	if _, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk is broken")
	var fail atomic.Bool
	fail.Store(true)
	s.log.WatchFlushes(func(_ *os.File, flush func() error) error {
		if fail.Load() {
			return broken
		}
		return flush()
	})
	if err := s.log.FlushFailure(); err != nil {
		t.Errorf("before anything failed: %v", err)
	}
	for i := range 2 {
		c := created("site", newChallengeID())
		if _, err := s.log.Append(t.Context(), c, 0); domain.CodeOf(err) != domain.CodeUnavailable || !errors.Is(err, broken) {
			t.Errorf("append: %v; want unavailable, because of the disk", err)
		}
		_, found, err := s.log.Last(t.Context(), "site", c.Challenge)
		switch {
		case i == 0 && domain.CodeOf(err) != domain.CodeUnavailable:
			t.Errorf("read what is not on disk: %v; want unavailable", err)
		case i == 1 && (found || err != nil):
			t.Errorf("an append after the failure was stored (%v, %v); nobody can be told of it", found, err)
		}
		if err := s.log.FlushFailure(); !errors.Is(err, broken) {
			t.Errorf("the log says that it failed by %v", err)
		}
		fail.Store(false)
	}
	s.close()
	s = openStore(t, dir, eventstore.DurabilityFsync)
	if r, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil || r.Seq != 3 {
		t.Errorf("append after a start: sequence %d, %v; want 3", r.Seq, err)
	}
}

// TestALogIsNotOpenedUnflushed: whoever goes by the connection alone would get
// acknowledgements of what is on no disk.
func TestALogIsNotOpenedUnflushed(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	_, err := eventstore.OpenLog(t.Context(), s.embedded.Conn(), eventstore.LogConfig{AckTimeout: patience, Logger: s.logger}, 0)
	if err == nil || !strings.Contains(err.Error(), "Embedded.OpenLog") {
		t.Errorf("open the log by its connection: %v; want it refused", err)
	}
}

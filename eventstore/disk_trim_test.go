package eventstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/eventstore"
)

// TestTrimLeavesWhatIsNotArchived: a trim rewrites a block, so nothing that
// anybody was told of may be only there.
func TestTrimLeavesWhatIsNotArchived(t *testing.T) {
	t.Parallel()
	const block = eventstore.BlockEvents
	for _, tt := range []struct {
		name                    string
		upTo, archived, durable eventstore.Sequence
		want                    []eventstore.Sequence // trimmed up to
	}{
		{name: "all is archived", upTo: 10, archived: 20, durable: 20, want: []eventstore.Sequence{10}},
		{name: "all of all", upTo: 20, archived: 20, durable: 20, want: []eventstore.Sequence{20}},
		{name: "an event is not archived", upTo: 10, archived: 20, durable: 21},
		{name: "less than a block behind", upTo: block, archived: block + 20, durable: block + 21, want: []eventstore.Sequence{20}},
		{name: "a block behind", upTo: 10, archived: block + 10, durable: 2 * block, want: []eventstore.Sequence{10}},
		{name: "nothing is archived", upTo: 0, archived: 0, durable: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
			s.log.SetDurable(tt.durable)
			var got []eventstore.Sequence
			if err := s.log.TrimBy(tt.upTo, tt.archived, func(upTo eventstore.Sequence) error {
				got = append(got, upTo)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("trimmed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAReplacedBlockIsFlushed puts another file in the place of the last block,
// as a trim by the server does: that one is flushed, too.
func TestAReplacedBlockIsFlushed(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	if _, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(s.dir, "log", "jetstream", "*", "streams", "OCAPI", "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("the stream has the blocks %v, %v; want one", blocks, err)
	}
	block := blocks[0]
	data, err := os.ReadFile(block)
	if err == nil {
		err = os.WriteFile(block+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(block+".new", block)
	}
	if err != nil {
		t.Fatal(err)
	}
	there, err := os.Stat(block)
	if err != nil {
		t.Fatal(err)
	}
	var flushed atomic.Bool
	s.log.WatchFlushes(func(f *os.File, flush func() error) error {
		if info, err := f.Stat(); err == nil && os.SameFile(info, there) {
			flushed.Store(true)
		}
		return flush()
	})
	if _, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil {
		t.Fatal(err)
	}
	if !flushed.Load() {
		t.Error("the file that took the block's place was not flushed")
	}
}

// TestTrimmedLogGoesOnFlushing trims blocks away, and the last one in part, and
// cuts the power afterwards.
func TestTrimmedLogGoesOnFlushing(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	p := watchPlatter(t, s)
	const events = 600 // one and a half blocks
	long := strings.Repeat("An archive. ", 1700)
	add := func(n int) (last eventstore.Record) {
		t.Helper()
		for range n {
			c := created("site", newChallengeID())
			c.Credit = long
			r, err := s.log.Append(t.Context(), c, 0)
			if err != nil {
				t.Fatal(err)
			}
			last = r
		}
		return last
	}
	for _, upTo := range []eventstore.Sequence{100, events - 20, events} {
		if last := add(int(events - s.log.Seen())); last.Seq > 0 && last.Seq != events {
			t.Fatalf("the log ends at %d", last.Seq)
		}
		if err := s.log.Trim(t.Context(), upTo, events); err != nil {
			t.Fatal(err)
		}
		extent, err := s.log.Extent(t.Context())
		if err != nil || extent.First != upTo+1 {
			t.Fatalf("after a trim up to %d the log begins at %d, %v", upTo, extent.First, err)
		}
	}
	last := add(3)
	dir := t.TempDir()
	p.freeze().restore(filepath.Join(dir, "log"))
	after := openStore(t, dir, eventstore.DurabilityFsync)
	if got, found, err := after.log.Get(t.Context(), last.Seq); err != nil || !found || got.Event.Head().ID != last.Event.Head().ID {
		t.Errorf("after trims and a power cut the last event is not there: found %v, %v", found, err)
	}
}

// TestAnEmptyLogIsOpened: all was trimmed before a stop, or before a power cut.
func TestAnEmptyLogIsOpened(t *testing.T) {
	t.Parallel()
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprintf("power cut %v", cut), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
			p := watchPlatter(t, s)
			const events = 7
			appendMany(t, s, events)
			if err := s.log.Trim(t.Context(), events, events); err != nil {
				t.Fatal(err)
			}
			dir := s.dir
			if cut {
				dir = t.TempDir()
				p.freeze().restore(filepath.Join(dir, "log"))
			} else {
				s.log.Close()
				s.embedded.Stop()
			}
			after := openStore(t, dir, eventstore.DurabilityFsync)
			extent, err := after.log.Extent(t.Context())
			if err != nil || extent.First != events+1 || extent.Last != events {
				t.Errorf("the log holds %d to %d, %v; want nothing after %d", extent.First, extent.Last, err, events)
			}
			if r, err := after.log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil || r.Seq != events+1 {
				t.Errorf("the next event is %d, %v; want %d", r.Seq, err, events+1)
			}
		})
	}
}

// TestTrimUnderLoad trims all that is archived, again and again, while events
// are appended and archived: no flush is lost or fails by it, and after a power
// cut whatever was not trimmed is there.
func TestTrimUnderLoad(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	p := watchPlatter(t, s)
	const clients, events = 16, 2400 // some 6 blocks
	var (
		told     []eventstore.Record
		archived atomic.Uint64
		by       sync.WaitGroup
	)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	by.Go(func() {
		err := s.log.Follow(ctx, 1, 100, time.Millisecond, func(batch []eventstore.Record) error {
			archived.Store(uint64(batch[len(batch)-1].Seq))
			return nil
		}, nil)
		if err != nil {
			t.Errorf("follow: %v", err)
		}
	})
	var trimmed eventstore.Sequence
	by.Go(func() {
		for ctx.Err() == nil {
			upTo := eventstore.Sequence(archived.Load())
			if upTo <= trimmed {
				runtime.Gosched()
				continue
			}
			if err := s.log.Trim(context.WithoutCancel(ctx), upTo, upTo); err != nil {
				t.Errorf("trim up to %d: %v", upTo, err)
				return
			}
			trimmed = upTo
		}
	})
	appendLong(t, s, clients, events, func(r eventstore.Record) { told = append(told, r) })
	stop()
	by.Wait()
	if extent, err := s.log.Extent(t.Context()); err != nil || extent.First == 1 {
		t.Fatalf("nothing was trimmed: the log begins at %d, %v", extent.First, err)
	}
	dir := t.TempDir()
	p.freeze().restore(filepath.Join(dir, "log"))
	after := openStore(t, dir, eventstore.DurabilityFsync)
	for _, r := range told {
		if r.Seq <= trimmed {
			continue
		}
		got, found, err := after.log.Get(t.Context(), r.Seq)
		if err != nil || !found || got.Event.Head().ID != r.Event.Head().ID {
			t.Fatalf("event %d, behind the trim up to %d, is not there after a power cut: found %v, %v", r.Seq, trimmed, found, err)
		}
	}
	if r, err := after.log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil || r.Seq != events+1 {
		t.Errorf("the next event is %d, %v; want %d", r.Seq, err, events+1)
	}
}

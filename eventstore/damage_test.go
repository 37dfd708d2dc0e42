package eventstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/eventstore"
)

// flipBit changes one bit in the middle of the stored event at index (0-based)
// in the stream's files.
func flipBit(t *testing.T, dir string, stored []byte) {
	t.Helper()
	var blocks []string
	err := filepath.WalkDir(filepath.Join(dir, "log"), func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".blk") && strings.Contains(path, "streams/OCAPI/msgs") {
			blocks = append(blocks, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range blocks {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if at := strings.Index(string(data), string(stored)); at >= 0 {
			data[at+len(stored)/2] ^= 0x10
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("the event is in none of the files %v", slices.Sorted(slices.Values(blocks)))
}

// forgetIndex makes the server rebuild its index from the blocks, as it does
// after a kill.
func forgetIndex(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "log", "jetstream", "*", "streams", "OCAPI", "msgs", "index.db"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the server's index is not where it was: %v, %v", files, err)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
}

// TestFlippedBitIsFound damages one stored event in every way that matters:
// at the start, in the middle and at the end; archived and not; after a clean
// stop and after a kill. Nothing that was acknowledged may go missing silently.
func TestFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		which    int // event, 0-based, of 30
		killed   bool
		archived bool
		from, to eventstore.Sequence // the gap that is refused; 0: nothing is lost
	}{
		{name: "in the middle", which: 10, from: 11, to: 11},
		{name: "at the end", which: 29, from: 30, to: 30},
		{name: "in the middle, archived", which: 10, archived: true},
		{name: "at the end, archived", which: 29, archived: true},
		{name: "in the middle, killed", which: 10, killed: true, from: 11, to: 30},
		{name: "at the end, killed", which: 29, killed: true, from: 30, to: 30},
		{name: "at the start, killed", which: 0, killed: true, from: 1, to: 30},
		{name: "in the middle, killed, archived", which: 10, killed: true, archived: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := openStore(t, dir, eventstore.DurabilityFsync)
			events := s.load(20)
			if tt.archived {
				a, stop := s.archiver()
				eventually(t, "30 events archived", func() bool { return a.Position().Seq == 30 })
				stop()
			}
			stored, err := eventstore.EncodeEvent(nil, events[tt.which])
			if err != nil {
				t.Fatal(err)
			}
			s.close()
			flipBit(t, dir, stored)
			if tt.killed {
				forgetIndex(t, dir)
			}

			s = openStore(t, dir, eventstore.DurabilityFsync)
			a, _ := s.archiver()
			if tt.to == 0 {
				// All is archived: the log goes on, on a number never used.
				r, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0)
				if err != nil || r.Seq != 31 {
					t.Fatalf("the next event stands at %d (%v); want 31", r.Seq, err)
				}
				eventually(t, "event 31 archived", func() bool { return a.Position().Seq == 31 })
				return
			}
			var gap *eventstore.GapError
			eventually(t, "the gap to be refused", func() bool {
				_, err := a.Failure()
				return errors.As(err, &gap)
			})
			if gap.From != tt.from || gap.To != tt.to {
				t.Fatalf("the gap goes from %d to %d; want %d to %d", gap.From, gap.To, tt.from, tt.to)
			}
			eventually(t, "the log to name the way out", func() bool { return strings.Contains(s.logged.String(), "ocapi archive accept-gap") })
			if err := s.archive.AcceptGap(t.Context(), eventstore.Gap{Incarnation: s.log.Incarnation(), From: gap.From, To: gap.To}, time.Now()); err != nil {
				t.Fatal(err)
			}
			r, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0)
			if err != nil || r.Seq != 31 {
				t.Fatalf("the next event stands at %d (%v); want 31", r.Seq, err)
			}
			eventually(t, "what is left archived", func() bool { return a.Position().Seq == 31 })
			if got, want := len(s.archived(eventstore.EventFilter{})), 31-int(tt.to-tt.from+1); got != want {
				t.Errorf("%d events are archived; want %d", got, want)
			}
		})
	}
}

// TestForeignLogIsAdopted takes the documented way out of a refused log.
func TestForeignLogIsAdopted(t *testing.T) {
	eachStore(t, func(t *testing.T, folder func() string) {
		mine, other := folder(), folder()
		var events []domain.Event
		for _, dir := range []string{mine, other} {
			s := openStore(t, dir, eventstore.DurabilityInterval)
			a, stop := s.archiver()
			events = append(events, s.load(2)...)
			eventually(t, "3 events archived", func() bool { return a.Position().Seq == 3 })
			stop()
			s.close()
		}
		if err := errors.Join(os.RemoveAll(filepath.Join(mine, "log")), os.Rename(filepath.Join(other, "log"), filepath.Join(mine, "log"))); err != nil {
			t.Fatal(err)
		}
		s, err := tryOpenStore(t, mine, eventstore.DurabilityInterval)
		if err == nil {
			t.Fatal("the foreign log was not refused")
		}
		for round, want := range []int{3, 0} {
			if n, err := eventstore.Adopt(t.Context(), s.log, s.archive); err != nil || n != want {
				t.Fatalf("adoption %d took over %d events, %v; want %d", round, n, err, want)
			}
		}
		s.close()
		s = openStore(t, mine, eventstore.DurabilityInterval)
		if diff := cmp.Diff(events, eventsOf(s.archived(eventstore.EventFilter{}))); diff != "" {
			t.Errorf("the archive does not hold both stories (-want +archived):\n%s", diff)
		}
		r, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0)
		if err != nil || r.Seq != 7 {
			t.Errorf("the next event stands at %d (%v); want 7", r.Seq, err)
		}
	})
}

func TestDamagedMarkSaysNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, eventstore.DurabilityFsync)
	s.load(2)
	if got := s.mark.Value(); got != 3 {
		t.Errorf("the mark is %d; want 3", got)
	}
	s.close()
	if err := os.WriteFile(filepath.Join(dir, "log.mark"), []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir, eventstore.DurabilityFsync)
	if got := s.mark.Value(); got != 0 || !strings.Contains(s.logged.String(), "damaged") {
		t.Errorf("a damaged mark says %d, and the log %q", got, s.logged)
	}
}

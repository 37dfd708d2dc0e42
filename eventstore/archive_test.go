package eventstore_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/eventstore"
)

// load appends n challenges, every second of them answered, and gives the
// events in the log's order.
func (s *store) load(n int) []domain.Event {
	s.t.Helper()
	var events []domain.Event
	for i := range n {
		c := created("site", newChallengeID())
		r, err := s.log.Append(s.t.Context(), c, 0)
		if err != nil {
			s.t.Fatalf("append challenge %d: %v", i, err)
		}
		events = append(events, c)
		if i%2 == 1 {
			a := answered(c, domain.StatusRejected)
			if _, err := s.log.Append(s.t.Context(), a, r.Seq); err != nil {
				s.t.Fatalf("append answer %d: %v", i, err)
			}
			events = append(events, a)
		}
	}
	return events
}

func (s *store) archived(filter eventstore.EventFilter) []eventstore.Record {
	s.t.Helper()
	var records []eventstore.Record
	err := s.archive.Events(s.t.Context(), filter, func(r eventstore.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		s.t.Fatalf("read the archive: %v", err)
	}
	return records
}

func eventsOf(records []eventstore.Record) []domain.Event {
	var events []domain.Event
	for _, r := range records {
		events = append(events, r.Event)
	}
	return events
}

func TestArchiverKeepsEverythingInOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, folder func() string) {
		dir := folder()
		s := openStore(t, dir, eventstore.DurabilityInterval)
		_, stop := s.archiver()
		want := s.load(40)
		eventually(t, "60 events archived", func() bool { return len(s.archived(eventstore.EventFilter{})) == 60 })

		// A second start goes on after the checkpoint and archives nothing twice.
		stop()
		s.close()
		s = openStore(t, dir, eventstore.DurabilityInterval)
		want = append(want, s.load(2)...)
		a, _ := s.archiver()
		eventually(t, "63 events archived", func() bool { return a.Position().Seq == 63 })
		got := s.archived(eventstore.EventFilter{})
		if diff := cmp.Diff(want, eventsOf(got)); diff != "" {
			t.Fatalf("the archive differs from what was appended (-appended +archived):\n%s", diff)
		}
		for i, r := range got {
			if r.Seq != eventstore.Sequence(i+1) || r.Incarnation != s.log.Incarnation() {
				t.Fatalf("record %d stands at %d of incarnation %d", i, r.Seq, r.Incarnation)
			}
			if e, err := eventstore.EncodeEvent(nil, r.Event); err != nil || !bytes.Equal(e, r.Data) {
				t.Fatalf("record %d does not hold the stored form of its event (%v)", i, err)
			}
		}
		for _, e := range want {
			h := e.Head()
			state, found, err := s.archive.State(t.Context(), h.Challenge)
			if err != nil || !found {
				t.Fatalf("state of %s: found %v, %v", h.Challenge, found, err)
			}
			if _, isAnswer := e.(*domain.ChallengeAnswered); isAnswer && state.Status != domain.StatusRejected {
				t.Errorf("state of %s is %v; want rejected", h.Challenge, state.Status)
			}
		}
	})
}

// TestTwoArchiversAtOnce lets two run against each other under load.
func TestTwoArchiversAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, folder func() string) {
		s := openStore(t, folder(), eventstore.DurabilityInterval)
		s.archiver()
		s.archiver()
		want := s.load(100)
		eventually(t, "150 events archived", func() bool { return len(s.archived(eventstore.EventFilter{})) == 150 })
		if diff := cmp.Diff(want, eventsOf(s.archived(eventstore.EventFilter{}))); diff != "" {
			t.Errorf("two archivers spoilt the archive (-appended +archived):\n%s", diff)
		}
	})
}

func TestTrimmerRemovesOnlyWhatIsArchivedAndOver(t *testing.T) {
	eachStore(t, func(t *testing.T, folder func() string) {
		s := openStore(t, folder(), eventstore.DurabilityInterval)
		a, stop := s.archiver()
		s.load(10)
		eventually(t, "15 events archived", func() bool { return a.Position().Seq == 15 })
		stop()
		s.load(4) // these 6 are not archived

		now := time.Now()
		trim := func(at time.Time) eventstore.Extent {
			t.Helper()
			trimmer := eventstore.NewTrimmer(s.log, s.archive, time.Hour, s.logger, func() time.Time { return at })
			if err := trimmer.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			extent, err := s.log.Extent(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return extent
		}
		if e := trim(now.Add(domain.Lifetime)); e.First != 1 {
			t.Errorf("events were trimmed within the margin: the log begins at %d", e.First)
		}
		crowded := eventstore.NewTrimmer(s.log, s.archive, time.Hour, s.logger, func() time.Time { return now })
		crowded.SetKeep(3)
		if err := crowded.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e, _ := s.log.Extent(t.Context()); e.First != 1 {
			t.Errorf("a crowded log was trimmed of what is alive: it begins at %d", e.First)
		}
		crowded = eventstore.NewTrimmer(s.log, s.archive, 48*time.Hour, s.logger, func() time.Time { return now.Add(domain.Lifetime + 2*time.Hour) })
		crowded.SetKeep(3)
		if err := crowded.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e, _ := s.log.Extent(t.Context()); e.First != 16 {
			t.Errorf("a crowded log begins at %d; want 16: all that is archived and over, whatever the margin", e.First)
		}
		if e := trim(now.Add(domain.Lifetime + 2*time.Hour)); e.First != 16 || e.Last != 21 {
			t.Errorf("the log holds %d to %d; want 16 to 21: all that is archived goes, nothing else", e.First, e.Last)
		}
		// A log that has been trimmed goes on, and so does the archiver.
		s.load(2)
		s.archiver()
		eventually(t, "24 events archived", func() bool { return len(s.archived(eventstore.EventFilter{})) == 24 })
	})
}

// TestLogBehindArchiveIsMadeAnew is a power cut under DurabilityInterval: the
// archive has events that the log has lost.
func TestLogBehindArchiveIsMadeAnew(t *testing.T) {
	eachStore(t, func(t *testing.T, folder func() string) {
		dir := folder()
		s := openStore(t, dir, eventstore.DurabilityInterval)
		_, stop := s.archiver()
		s.load(4)
		eventually(t, "6 events archived", func() bool { return len(s.archived(eventstore.EventFilter{})) == 6 })
		stop()
		s.close()
		older := filepath.Join(dir, "older")
		if err := os.CopyFS(older, os.DirFS(filepath.Join(dir, "log"))); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, dir, eventstore.DurabilityInterval)
		was := s.log.Incarnation()
		_, stop = s.archiver()
		s.load(4)
		eventually(t, "12 events archived", func() bool { return len(s.archived(eventstore.EventFilter{})) == 12 })
		stop()
		s.close()
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, "log")), os.Rename(older, filepath.Join(dir, "log"))); err != nil {
			t.Fatal(err)
		}

		s = openStore(t, dir, eventstore.DurabilityInterval)
		if s.log.Incarnation() <= was {
			t.Errorf("the new stream has incarnation %d after %d", s.log.Incarnation(), was)
		}
		if !strings.Contains(s.logged.String(), "made anew") {
			t.Errorf("nothing was said of it: %s", s.logged)
		}
		r, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0)
		if err != nil || r.Seq != 13 {
			t.Errorf("the first event after it stands at %d (%v); want 13", r.Seq, err)
		}
		a, _ := s.archiver()
		eventually(t, "13 events archived", func() bool { return a.Position().Seq == 13 })
	})
}

// TestLostLogIsMadeAnew is a log whose folder is gone.
func TestLostLogIsMadeAnew(t *testing.T) {
	eachStore(t, func(t *testing.T, folder func() string) {
		dir := folder()
		s := openStore(t, dir, eventstore.DurabilityInterval)
		a, stop := s.archiver()
		s.load(2)
		eventually(t, "3 events archived", func() bool { return a.Position().Seq == 3 })
		stop()
		s.close()
		if err := os.RemoveAll(filepath.Join(dir, "log")); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, dir, eventstore.DurabilityInterval)
		if r, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil || r.Seq != 4 {
			t.Errorf("the first event after it stands at %d (%v); want 4", r.Seq, err)
		}
	})
}

// TestForeignLogIsRefused is a log restored from another service's backup.
func TestForeignLogIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, folder func() string) {
		mine, other := folder(), folder()
		for _, dir := range []string{mine, other} {
			s := openStore(t, dir, eventstore.DurabilityInterval)
			a, stop := s.archiver()
			s.load(2)
			eventually(t, "3 events archived", func() bool { return a.Position().Seq == 3 })
			stop()
			s.close()
		}
		if err := errors.Join(os.RemoveAll(filepath.Join(mine, "log")), os.Rename(filepath.Join(other, "log"), filepath.Join(mine, "log"))); err != nil {
			t.Fatal(err)
		}
		if _, err := tryOpenStore(t, mine, eventstore.DurabilityInterval); err == nil || !strings.Contains(err.Error(), "not this archive's") {
			t.Errorf("a foreign log: %v; want it refused", err)
		}
	})
}

func TestArchiverStopsAtAGapUntilItIsAccepted(t *testing.T) {
	eachStore(t, func(t *testing.T, folder func() string) {
		s := openStore(t, folder(), eventstore.DurabilityInterval)
		s.load(4)
		// The log loses its beginning, which nobody has archived.
		if err := s.log.Trim(t.Context(), 4, 4); err != nil {
			t.Fatal(err)
		}
		a, _ := s.archiver()
		var gap *eventstore.GapError
		eventually(t, "the gap to be refused", func() bool {
			_, err := a.Failure()
			return errors.As(err, &gap)
		})
		if gap.From != 1 || gap.To != 4 {
			t.Errorf("the gap goes from %d to %d; want 1 to 4", gap.From, gap.To)
		}
		if !strings.Contains(s.logged.String(), "accept-gap 1 4") {
			t.Errorf("the log does not name the way out: %s", s.logged)
		}
		if got := s.archived(eventstore.EventFilter{}); len(got) != 0 {
			t.Errorf("%d events were archived beyond the gap", len(got))
		}
		if err := s.archive.AcceptGap(context.Background(), eventstore.Gap{Incarnation: s.log.Incarnation(), From: 1, To: 4}, time.Now()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "2 events archived after the gap", func() bool { return len(s.archived(eventstore.EventFilter{})) == 2 })
		if _, err := a.Failure(); err != nil {
			t.Errorf("the archiver still fails: %v", err)
		}
	})
}

// TestNearlyFullLogRefusesCreationsAndTakesAnswers fills a log whose archive is
// out of reach: what is left of it is kept for challenges already handed out.
func TestNearlyFullLogRefusesCreationsAndTakesAnswers(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityInterval)
	trimmer := eventstore.NewTrimmer(s.log, s.archive, time.Hour, s.logger, time.Now)
	c := created("site", newChallengeID())
	r, err := s.log.Append(t.Context(), c, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.load(40)
	extent, err := s.log.Extent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		maxBytes int64
		refused  bool
	}{
		{"with room", 2 * extent.Bytes, false},
		{"nearly full", extent.Bytes + extent.Bytes/20, true},
	} {
		s.log.SetMaxBytes(tt.maxBytes)
		if err := trimmer.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0)
		if refused := domain.CodeOf(err) == domain.CodeUnavailable; refused != tt.refused {
			t.Errorf("%s: a creation gives %v; refused should be %t", tt.name, err, tt.refused)
		}
	}
	if _, err := s.log.Append(t.Context(), answered(c, domain.StatusValidated), r.Seq); err != nil {
		t.Errorf("the answer to a challenge already handed out: %v", err)
	}
}

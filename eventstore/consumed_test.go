package eventstore_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/eventstore"
)

// TestConsumptionInLogAndArchive consumes a verdict that is in the log and one
// that has left it: each once, and the states stay what they were.
func TestConsumptionInLogAndArchive(t *testing.T) {
	eachStore(t, func(t *testing.T, folder func() string) {
		s := openStore(t, folder(), eventstore.DurabilityFsync)
		ctx := t.Context()
		answer := func() (*domain.ChallengeCreated, domain.Sequence) {
			t.Helper()
			c := created("site", newChallengeID())
			first, err := s.log.Append(ctx, c, 0)
			if err != nil {
				t.Fatal(err)
			}
			second, err := s.log.Append(ctx, answered(c, domain.StatusValidated), first.Seq)
			if err != nil {
				t.Fatal(err)
			}
			return c, second.Seq
		}
		archived := func(c *domain.ChallengeCreated, events int) []domain.Record {
			t.Helper()
			var list []domain.Record
			eventually(t, "the challenge is archived", func() bool {
				var err error
				list, err = s.archive.Challenge(ctx, c.Challenge)
				return err == nil && len(list) == events
			})
			return list
		}
		once := func(c *domain.ChallengeCreated, expected domain.Sequence) {
			t.Helper()
			e := consumed(c)
			if _, err := s.log.Append(ctx, e, expected); err != nil {
				t.Fatal(err)
			}
			if _, err := s.log.Append(ctx, consumed(c), expected); domain.CodeOf(err) != domain.CodeConflict {
				t.Errorf("it is consumed twice: %v", err)
			}
			last, found, err := s.log.Last(ctx, "site", c.Challenge)
			if err != nil || !found {
				t.Fatalf("found %v, %v", found, err)
			}
			if diff := cmp.Diff(domain.Event(e), last.Event); diff != "" {
				t.Errorf("the last event differs (-appended +read):\n%s", diff)
			}
			list := archived(c, 3)
			if diff := cmp.Diff(domain.Event(e), list[2].Event); diff != "" {
				t.Errorf("the archived event differs (-appended +read):\n%s", diff)
			}
			state, found, err := s.archive.State(ctx, c.Challenge)
			if err != nil || !found || state.Status != domain.StatusValidated || state.FinalSeq != list[1].Seq {
				t.Errorf("the state is %+v, %v, %v", state, found, err)
			}
		}
		s.archiver()
		c, seq := answer()
		once(c, seq)

		c, seq = answer()
		archived(c, 2)
		trimmer := eventstore.NewTrimmer(s.log, s.archive, time.Hour, s.logger, func() time.Time { return time.Now().Add(domain.Lifetime + 2*time.Hour) })
		if err := trimmer.Once(ctx); err != nil {
			t.Fatal(err)
		}
		if _, found, err := s.log.Last(ctx, "site", c.Challenge); found || err != nil {
			t.Fatalf("it has not left the log: %v, %v", found, err)
		}
		if _, err := s.log.Append(ctx, consumed(c), seq); domain.CodeOf(err) != domain.CodeConflict {
			t.Errorf("whoever believes it to be in the log consumes it: %v", err)
		}
		once(c, 0)
	})
}

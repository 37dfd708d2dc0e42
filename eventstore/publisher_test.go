package eventstore_test

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"ocapi/domain"
	"ocapi/eventstore"
)

// openDeaf opens a log that gets no acknowledgements and waits for them as long
// as is said.
func openDeaf(t *testing.T, d eventstore.Durability, timeout time.Duration) *store {
	t.Helper()
	s := openStore(t, t.TempDir(), d)
	s.log.Close()
	log, err := s.embedded.OpenLog(t.Context(), eventstore.LogConfig{AckTimeout: timeout, Now: time.Now, Logger: s.logger}, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.log = log
	if err := log.LoseAcks(); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLostAcknowledgementsAreLookedUp: what became of an append is known though
// nobody said it.
func TestLostAcknowledgementsAreLookedUp(t *testing.T) {
	t.Parallel()
	for _, d := range durabilities() {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			s := openDeaf(t, d, time.Second)
			c := created("site", newChallengeID())
			first, err := s.log.Append(t.Context(), c, 0)
			if err != nil || first.Seq != 1 {
				t.Fatalf("append: sequence %d, %v; want 1", first.Seq, err)
			}
			var wg sync.WaitGroup
			var mu sync.Mutex
			outcomes := map[domain.Code]int{}
			for range 10 {
				wg.Go(func() {
					_, err := s.log.Append(t.Context(), answered(c, domain.StatusValidated), first.Seq)
					mu.Lock()
					defer mu.Unlock()
					outcomes[domain.CodeOf(err)]++
				})
			}
			wg.Wait()
			if outcomes[domain.CodeOf(nil)] != 1 || outcomes[domain.CodeConflict] != 9 {
				t.Errorf("of ten racing answers whose acknowledgements were lost: %v; want one stored and nine conflicts", outcomes)
			}
		})
	}
}

// TestBrokenConnectionIsNotWaitedFor: appends whose acknowledgement cannot come
// any more are told so long before the time is up, and closing does not hang.
func TestBrokenConnectionIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := openDeaf(t, eventstore.DurabilityFsync, 10*patience)
	var wg sync.WaitGroup
	const appends = 20
	for range appends {
		wg.Go(func() {
			if _, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0); domain.CodeOf(err) != domain.CodeUnavailable {
				t.Errorf("append: %v; want unavailable", err)
			}
		})
	}
	eventually(t, "the appends to wait", func() bool { return s.log.Waiting() == appends })
	s.embedded.Stop()
	wg.Wait()
	s.log.Close()
}

// TestTooManyAppendsAreShed fills the table of waiting appends.
func TestTooManyAppendsAreShed(t *testing.T) {
	t.Parallel()
	s := openDeaf(t, eventstore.DurabilityInterval, 10*patience)
	var wg sync.WaitGroup
	for range eventstore.PublishSlots {
		wg.Go(func() { _, _ = s.log.Append(t.Context(), created("site", newChallengeID()), 0) })
	}
	eventually(t, "the appends to wait", func() bool { return s.log.Waiting() == eventstore.PublishSlots })
	if _, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("one append more: %v; want unavailable", err)
	}
	s.embedded.Stop()
	wg.Wait()
}

// TestASecondReplyIsNobodyElses: a server that is not ours may reply again, as
// two do in a cluster that changes its leader. Nobody else is told by it.
func TestASecondReplyIsNobodyElses(t *testing.T) {
	t.Parallel()
	url := startServer(t, server.Options{JetStream: true, SyncAlways: true})
	logger := slog.New(slog.DiscardHandler)
	conn, other := connect(t, url, logger), connect(t, url, logger)
	log, err := eventstore.OpenLog(t.Context(), conn, eventstore.LogConfig{
		Durability: eventstore.DurabilityInterval, AckTimeout: patience, Now: time.Now, Logger: logger,
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	published, err := other.SubscribeSync("challenge.>")
	if err == nil {
		err = other.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), created("site", newChallengeID()), 0); err != nil {
		t.Fatal(err)
	}
	first, err := published.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var again sync.WaitGroup
	again.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := other.Publish(first.Reply, []byte(`{"stream":"OCAPI","seq":4711}`)); err != nil {
				t.Error(err)
				return
			}
			if err := other.Flush(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range 200 {
		r, err := log.Append(t.Context(), created("site", newChallengeID()), 0)
		if want := eventstore.Sequence(i + 2); err != nil || r.Seq != want {
			t.Errorf("an append was told sequence %d, %v; it has %d", r.Seq, err, want)
			break
		}
	}
	close(stop)
	again.Wait()
}

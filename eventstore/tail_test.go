package eventstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"ocapi/eventstore"
)

// appendMany appends n creations, some at a time.
func appendMany(t *testing.T, s *store, n int) {
	t.Helper()
	errs := make(chan error, n)
	slots := make(chan struct{}, 64)
	for range n {
		slots <- struct{}{}
		go func() {
			_, err := s.log.Append(t.Context(), created("site", newChallengeID()), 0)
			<-slots
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// followed is a follower that checks that every event comes once and in order.
type followed struct {
	next   atomic.Uint64
	broken atomic.Bool
	done   chan error
	stop   context.CancelFunc
}

// followFrom follows until it is stopped; pause is before each batch.
func followFrom(t *testing.T, s *store, from eventstore.Sequence, most int, pause func()) *followed {
	ctx, cancel := context.WithCancel(t.Context())
	f := &followed{done: make(chan error, 1), stop: cancel}
	f.next.Store(uint64(from))
	go func() {
		f.done <- s.log.Follow(ctx, from, most, time.Millisecond, func(batch []eventstore.Record) error {
			pause()
			if len(batch) > most {
				f.broken.Store(true)
			}
			for _, r := range batch {
				if !f.next.CompareAndSwap(uint64(r.Seq), uint64(r.Seq)+1) {
					f.broken.Store(true)
				}
			}
			return nil
		}, nil)
	}()
	return f
}

func (f *followed) end(t *testing.T, what string, next uint64) {
	t.Helper()
	eventually(t, what+" has read everything", func() bool { return f.next.Load() == next || f.broken.Load() })
	if f.broken.Load() {
		t.Errorf("%s: an event was left out, doubled or out of order at %d", what, f.next.Load())
	}
	f.stop()
	if err := <-f.done; err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// consumers counts those from whom somebody asks for events; those that are left
// behind go away by themselves, later.
func consumers(t *testing.T, s *store) (asked int) {
	t.Helper()
	js, err := jetstream.New(s.embedded.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "OCAPI")
	if err != nil {
		t.Fatal(err)
	}
	list := stream.ListConsumers(t.Context())
	for info := range list.Info() {
		if info.NumWaiting > 0 {
			asked++
		}
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return asked
}

// TestFollowersShareOneConsumer has followers begin at different places while
// events come, one of them much too slow: each gets every event once, in order,
// and when all are near the end the server sends each event once.
func TestFollowersShareOneConsumer(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityInterval)
	appendMany(t, s, 2_000)
	held := make(chan struct{})
	at := func() {}
	early := followFrom(t, s, 1, 100, at)
	late := followFrom(t, s, 1_900, 1_000, at)
	slow := followFrom(t, s, 1_990, 10, func() { <-held })
	eventually(t, "the early one is there", func() bool { return early.next.Load() == 2_001 })
	appendMany(t, s, 10_000) // more than are held for the slow one
	eventually(t, "the late one is there", func() bool { return late.next.Load() == 12_001 })
	eventually(t, "two share a consumer", func() bool { return consumers(t, s) == 1 })
	close(held)
	eventually(t, "the slow one is there", func() bool { return slow.next.Load() == 12_001 })
	appendMany(t, s, 100)
	eventually(t, "all share a consumer", func() bool { return consumers(t, s) == 1 })
	early.end(t, "the early one", 12_101)
	late.end(t, "the late one", 12_101)
	slow.end(t, "the slow one", 12_101)
	eventually(t, "nobody reads any more", func() bool { return consumers(t, s) == 0 })
	again := followFrom(t, s, 12_101, 10, at)
	appendMany(t, s, 10)
	again.end(t, "one that begins anew", 12_111)
}

// TestTheEndIsReadFromNearTheEnd: whoever is far behind, because the log went on
// while it caught up, reads by itself. Reading for all would be far ahead of it,
// and begun anew again and again.
func TestTheEndIsReadFromNearTheEnd(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityInterval)
	appendMany(t, s, 1_000)
	began, step := make(chan struct{}, 1), make(chan struct{})
	slow := followFrom(t, s, 1, 100, func() {
		select {
		case began <- struct{}{}:
		default:
		}
		<-step
	})
	<-began
	appendMany(t, s, 5_000)
	for range 20 { // it takes what it asked for before, and goes beyond where the end was
		step <- struct{}{}
		if s.log.TailReads() {
			t.Fatalf("at %d of 6000 the end is read for all", slow.next.Load())
		}
	}
	close(step)
	eventually(t, "it reads the end", s.log.TailReads)
	slow.end(t, "the slow one", 6_001)
}

// TestFollowersAreToldOfALostLog ends the connection under two followers.
func TestFollowersAreToldOfALostLog(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityInterval)
	appendMany(t, s, 10)
	one, two := followFrom(t, s, 1, 100, func() {}), followFrom(t, s, 5, 100, func() {})
	eventually(t, "both are there", func() bool { return one.next.Load() == 11 && two.next.Load() == 11 })
	s.embedded.Conn().Close()
	for _, f := range []*followed{one, two} {
		if err := <-f.done; err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("the follower ended with %v", err)
		}
	}
}

// TestReadingToTheEndOutlivesItsConsumer takes the consumer away under a reader
// that has to come to the end, as a cluster does that has just been started.
func TestReadingToTheEndOutlivesItsConsumer(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityInterval)
	const events = 5_000 // more than are sent ahead
	appendMany(t, s, events)
	js, err := jetstream.New(s.embedded.Conn())
	if err != nil {
		t.Fatal(err)
	}
	next, taken := eventstore.Sequence(1), false
	err = s.log.FollowToTheEnd(t.Context(), 1, func(batch []eventstore.Record) error {
		if !taken {
			taken = true
			stream, err := js.Stream(t.Context(), "OCAPI")
			if err != nil {
				return err
			}
			list := stream.ConsumerNames(t.Context())
			for name := range list.Name() {
				if err := stream.DeleteConsumer(t.Context(), name); err != nil {
					return err
				}
			}
		}
		for _, r := range batch {
			if r.Seq != next {
				t.Errorf("event %d came where %d was to come", r.Seq, next)
			}
			next = r.Seq + 1
		}
		if next > events {
			return eventstore.ErrArchivedAll
		}
		return nil
	})
	if err != nil || next != events+1 {
		t.Errorf("read up to %d of %d: %v", next-1, events, err)
	}
	refused := errors.New("refused")
	if err := s.log.FollowToTheEnd(t.Context(), 1, func([]eventstore.Record) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("what handle says is lost: %v", err)
	}
}

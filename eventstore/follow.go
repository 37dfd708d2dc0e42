package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// followBuffer is how many events are fetched ahead of a follower.
	followBuffer = 2000
	// followHeartbeat is how often the server says that there is nothing: after
	// two that do not come the consumer is made anew. A request that a cluster
	// loses (its consumer is not there yet, its server dies) would otherwise cost
	// the library's 10 s, which is longer than a takeover may take.
	followHeartbeat = time.Second
	followExpiry    = 10 * time.Second

	// followOpen bounds the wait for a consumer.
	followOpen = 3 * time.Second

	// followIdle lets the server drop the consumer of a follower that is gone.
	followIdle = 30 * time.Second
)

// Follow reads events in the log's order, from the sequence from on, and calls
// handle with batches of at most most events: a batch is handed over when it
// is full or linger after its first event. It returns when ctx ends (nil), when
// handle fails (that error), or when the log cannot be read any more.
//
// Follow passes on what the stream holds and judges no gaps: comparing
// sequences is the handler's part. caughtUp, where not nil, is called once,
// after everything that was in the stream at the start has been handled.
func (l *Log) Follow(ctx context.Context, from Sequence, most int, linger time.Duration, handle func([]Record) error, caughtUp func()) error {
	return l.follow(ctx, followParams{from: from, most: most, linger: linger, caughtUp: caughtUp, links: &links{}}, handle)
}

// followParams are the parameters of Follow; links gets the traced ones among
// what is read. alone reads from the log by itself, and not what others read.
type followParams struct {
	from     Sequence
	most     int
	linger   time.Duration
	caughtUp func()
	links    *links
	alone    bool
}

func (l *Log) follow(ctx context.Context, p followParams, handle func([]Record) error) error {
	extent, err := l.Extent(ctx)
	if err != nil {
		return err
	}
	f := follower{log: l, p: p, end: extent.Last, next: max(p.from, 1)}
	defer f.close()
	behind := p.caughtUp != nil
	reached := max(f.next, extent.First)
	for {
		if behind && reached > extent.Last {
			behind = false
			p.caughtUp()
		}
		batch, err := f.batch(ctx)
		if len(batch) > 0 {
			if err := handle(batch); err != nil {
				return err
			}
			reached = batch[len(batch)-1].Seq + 1
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// follower reads what others of this process read, too, where it is near the
// log's end, and by itself where it is not.
type follower struct {
	log    *Log
	p      followParams
	end    Sequence // of the log, as far as is known
	next   Sequence
	shared *tailFollower
	own    *source
}

// batch waits for one event and then takes what comes within the linger.
func (f *follower) batch(ctx context.Context) (batch []Record, err error) {
	if f.shared == nil && !f.p.alone {
		if f.shared = f.log.tail.join(f.next, f.end); f.shared != nil {
			f.closeOwn()
		}
	}
	switch {
	case f.shared != nil:
		var behind bool
		if batch, behind, err = f.shared.batch(ctx, f.p.most, f.p.linger, f.p.links); behind {
			f.closeShared()
		}
	case f.own == nil:
		f.own, err = f.log.source(ctx, f.next)
	default:
		batch, err = f.own.batch(ctx, f.p.most, f.p.linger, f.p.links)
		f.end = max(f.end, f.own.end, f.log.Seen())
	}
	if len(batch) > 0 {
		f.next = batch[len(batch)-1].Seq + 1
	}
	return batch, err
}

func (f *follower) closeOwn() {
	if f.own != nil {
		f.own.stop()
		f.own = nil
	}
}

func (f *follower) closeShared() {
	if f.shared != nil {
		f.shared.leave()
		f.shared = nil
	}
}

func (f *follower) close() {
	f.closeOwn()
	f.closeShared()
}

// source reads from the log by a consumer of its own.
type source struct {
	log      *Log
	messages jetstream.MessagesContext
	taken    uint64   // messages of this consumer
	end      Sequence // of the log, as the last of them was sent
}

// source opens a consumer from the sequence from on: one without
// acknowledgements that lives while it is read. The library's ordered consumer
// would do the same and mend itself, but waits ten seconds for a cluster that
// has placed it on a server that has just died; here it is given up soon, and
// whoever follows begins anew.
func (l *Log) source(ctx context.Context, from Sequence) (*source, error) {
	ctx, cancel := context.WithTimeout(ctx, followOpen)
	defer cancel()
	consumer, err := l.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       uint64(from),
		AckPolicy:         jetstream.AckNonePolicy,
		MaxDeliver:        1,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: followIdle,
	})
	if err != nil {
		return nil, fmt.Errorf("follow the log from %d: %w", from, err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(followBuffer),
		jetstream.PullExpiry(followExpiry), jetstream.PullHeartbeat(followHeartbeat))
	if err != nil {
		return nil, fmt.Errorf("follow the log from %d: %w", from, err)
	}
	return &source{log: l, messages: messages}, nil
}

func (s *source) stop() { s.messages.Stop() }

// batch waits for one event and then takes what comes within linger. What was
// read before an error is returned with it.
func (s *source) batch(ctx context.Context, most int, linger time.Duration, links *links) ([]Record, error) {
	first, err := s.next(ctx)
	if err != nil {
		return nil, err
	}
	links.read(first.traceparent)
	batch := append(make([]Record, 0, 16), first.Record)
	soon, cancel := context.WithTimeout(ctx, linger)
	defer cancel()
	for len(batch) < most {
		var e tailEvent
		if e, err = s.next(soon); err != nil {
			break
		}
		links.read(e.traceparent)
		batch = append(batch, e.Record)
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = nil
	}
	if failed := s.log.onDisk(batch[len(batch)-1].Seq); failed != nil {
		return nil, failed
	}
	return batch, err
}

// next reads one event, which must not leave the log before it is on disk.
func (s *source) next(ctx context.Context) (tailEvent, error) {
	m, err := s.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return tailEvent{}, err
	}
	meta, err := m.Metadata()
	if err != nil {
		return tailEvent{}, fmt.Errorf("read an event's place in the log: %w", err)
	}
	if s.taken++; meta.Sequence.Consumer != s.taken {
		return tailEvent{}, fmt.Errorf("messages %d to %d of the consumer were lost on their way", s.taken, meta.Sequence.Consumer-1)
	}
	s.log.saw(Sequence(meta.Sequence.Stream))
	s.end = Sequence(meta.Sequence.Stream + meta.NumPending)
	r, err := s.log.decode(Sequence(meta.Sequence.Stream), meta.Timestamp, m.Data())
	return tailEvent{Record: r, traceparent: parentIn(m.Headers())}, err
}

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
// what is read.
type followParams struct {
	from     Sequence
	most     int
	linger   time.Duration
	caughtUp func()
	links    *links
}

func (l *Log) follow(ctx context.Context, p followParams, handle func([]Record) error) error {
	extent, err := l.Extent(ctx)
	if err != nil {
		return err
	}
	from := max(p.from, 1)
	messages, err := l.messages(ctx, from)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("follow the log from %d: %w", from, err)
	}
	defer messages.Stop()

	f := follower{log: l, messages: messages, ctx: ctx, links: p.links}
	behind := p.caughtUp != nil
	next := max(from, extent.First)
	for {
		if behind && next > extent.Last {
			behind = false
			p.caughtUp()
		}
		batch, err := f.batch(p.most, p.linger)
		if len(batch) > 0 {
			if err := handle(batch); err != nil {
				return err
			}
			next = batch[len(batch)-1].Seq + 1
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// messages opens a consumer from the sequence from on: one without
// acknowledgements that lives while it is read. The library's ordered consumer
// would do the same and mend itself, but waits ten seconds for a cluster that
// has placed it on a server that has just died; here it is given up soon, and
// whoever follows begins anew.
func (l *Log) messages(ctx context.Context, from Sequence) (jetstream.MessagesContext, error) {
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
		return nil, err
	}
	return consumer.Messages(jetstream.PullMaxMessages(followBuffer),
		jetstream.PullExpiry(followExpiry), jetstream.PullHeartbeat(followHeartbeat))
}

type follower struct {
	log      *Log
	messages jetstream.MessagesContext
	ctx      context.Context
	taken    uint64 // messages of this consumer
	links    *links
}

// batch waits for one event and then takes what comes within linger. What was
// read before an error is returned with it.
func (f *follower) batch(most int, linger time.Duration) ([]Record, error) {
	first, err := f.next(f.ctx)
	if err != nil {
		return nil, err
	}
	batch := append(make([]Record, 0, 16), first)
	soon, cancel := context.WithTimeout(f.ctx, linger)
	defer cancel()
	for len(batch) < most {
		r, err := f.next(soon)
		if errors.Is(err, context.DeadlineExceeded) && f.ctx.Err() == nil {
			return batch, nil
		}
		if err != nil {
			return batch, err
		}
		batch = append(batch, r)
	}
	return batch, nil
}

func (f *follower) next(ctx context.Context) (Record, error) {
	m, err := f.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return Record{}, err
	}
	meta, err := m.Metadata()
	if err != nil {
		return Record{}, fmt.Errorf("read an event's place in the log: %w", err)
	}
	if f.taken++; meta.Sequence.Consumer != f.taken {
		return Record{}, fmt.Errorf("messages %d to %d of the consumer were lost on their way", f.taken, meta.Sequence.Consumer-1)
	}
	f.links.read(m.Headers())
	f.log.saw(Sequence(meta.Sequence.Stream))
	return f.log.record(Sequence(meta.Sequence.Stream), meta.Timestamp, m.Data())
}

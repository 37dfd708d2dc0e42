package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ocapi/domain"
)

const (
	streamName     = "OCAPI"
	subjectPrefix  = "challenge."
	incarnationKey = "ocapi-incarnation"
)

// Codes of the JetStream API that are told apart (nats-server, errors.json).
const (
	codeWrongLastSequence = 10071 // the expectation of one subject was not met
	codeWrongLastConstant = 10164 // the same, within a batch
	codeStreamFull        = 10077 // maximum bytes exceeded
	codeStoreFailed       = 10049 // the stream's files could not be made
)

// createReserve is the share of MaxBytes that creations leave free, so that
// answers to challenges already handed out still find room.
const createReserve = 0.10

// LogConfig says how the log uses its stream.
type LogConfig struct {
	MaxBytes   int64 // upper bound of the stream's size; appends beyond it are refused
	Durability Durability
	// AckTimeout bounds the wait for one acknowledgement; after it the outcome
	// is looked up. A cluster that loses its leader answers again after 6.5 s.
	AckTimeout time.Duration
	Mark       *Mark // raised before a caller is told; nil: none is kept
	Now        func() time.Time
	Logger     *slog.Logger
}

// Log is the one stream of events. It is safe for concurrent use.
type Log struct {
	cfg         LogConfig
	conn        *nats.Conn
	js          jetstream.JetStream
	stream      jetstream.Stream
	incarnation Incarnation
	gather      *gatherer   // nil with DurabilityInterval
	nearlyFull  atomic.Bool // creations are refused; kept by the Trimmer
}

// OpenLog opens the stream, creating it after the sequence after when there is
// none: 0 on an empty store, the archive's checkpoint when the stream was lost.
// Close it before the connection.
func OpenLog(ctx context.Context, conn *nats.Conn, cfg LogConfig, after Sequence) (*Log, error) {
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(cfg.AckTimeout))
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	l := &Log{cfg: cfg, conn: conn, js: js}
	l.stream, err = js.Stream(ctx, streamName)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		err = l.create(ctx, after)
	case err == nil:
		err = l.adopt()
	}
	if err != nil {
		return nil, fmt.Errorf("open the stream %s: %w", streamName, err)
	}
	if cfg.Durability == DurabilityFsync {
		l.gather = startGatherer(l)
	}
	return l, nil
}

func (l *Log) create(ctx context.Context, after Sequence) error {
	l.incarnation = Incarnation(l.cfg.Now().UnixMilli())
	var err error
	l.stream, err = l.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:               streamName,
		Description:        "events of Ocapi's challenges",
		Subjects:           []string{subjectPrefix + "*.*"},
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.LimitsPolicy,
		Discard:            jetstream.DiscardNew,
		MaxBytes:           l.cfg.MaxBytes,
		MaxMsgSize:         MaxEventBytes + 1<<10,
		FirstSeq:           uint64(after) + 1,
		AllowAtomicPublish: true,
		// Reads have to see what the leader acknowledged.
		AllowDirect: false,
		DenyDelete:  true,
		Metadata:    map[string]string{incarnationKey: strconv.FormatInt(int64(l.incarnation), 10)},
	})
	return err
}

func (l *Log) adopt() error {
	cfg := l.stream.CachedInfo().Config
	n, err := strconv.ParseInt(cfg.Metadata[incarnationKey], 10, 64)
	if err != nil || n <= 0 {
		return fmt.Errorf("its metadata names no incarnation (%q): this stream was not made by Ocapi", cfg.Metadata[incarnationKey])
	}
	l.incarnation = Incarnation(n)
	if !cfg.AllowAtomicPublish {
		return errors.New("it does not allow atomic publishing; Ocapi needs nats-server 2.15 or later")
	}
	return nil
}

// Recreate deletes the stream and makes it anew, numbering after the sequence
// after, with a new incarnation. It is for a stream that is behind the archive
// and must not be running appends.
func (l *Log) Recreate(ctx context.Context, after Sequence) error {
	if err := l.js.DeleteStream(ctx, streamName); err != nil {
		return fmt.Errorf("delete the stream %s: %w", streamName, err)
	}
	// The server removes the old files in the background and may stumble over
	// them; it is asked again until they are gone.
	for tries := 0; ; tries++ {
		err := l.create(ctx, after)
		if err == nil {
			return nil
		}
		api, refused := errors.AsType[*jetstream.APIError](err)
		if !refused || api.ErrorCode != codeStoreFailed || tries == createTries {
			return fmt.Errorf("create the stream %s after sequence %d: %w", streamName, after, err)
		}
		time.Sleep(createPause)
	}
}

const (
	createTries = 100
	createPause = 50 * time.Millisecond
)

// Close waits for the appends under way and ends gathering. Later appends fail.
func (l *Log) Close() {
	if l.gather != nil {
		l.gather.close()
	}
}

// Extent says what the stream holds.
type Extent struct {
	First, Last Sequence // First is Last+1 when it is empty
	Bytes       int64
	Deleted     int // events missing between First and Last
}

// Extent asks the stream's leader what the stream holds.
func (l *Log) Extent(ctx context.Context) (Extent, error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return Extent{}, domain.Unavailable("the event log does not answer", err)
	}
	s := info.State
	return Extent{First: Sequence(s.FirstSeq), Last: Sequence(s.LastSeq), Bytes: int64(s.Bytes), Deleted: s.NumDeleted}, nil
}

// Incarnation tells which stream this is.
func (l *Log) Incarnation() Incarnation { return l.incarnation }

// Append adds an event whose subject's last event must be at the sequence
// expected: 0 for the creation of a challenge, the creation's sequence for its
// answer. The returned record says where it stands.
//
// Errors: CodeConflict when the subject has moved on (the event is not in the
// log); CodeUnavailable when the log is full or does not answer. In the latter
// case the outcome was looked up and could not be had: the event may be in the
// log or get there still. ctx bounds the wait, not the append.
func (l *Log) Append(ctx context.Context, e domain.Event, expected Sequence) (Record, error) {
	if expected == 0 && l.nearlyFull.Load() {
		return Record{}, domain.Unavailable("the event log is nearly full", nil)
	}
	data, err := EncodeEvent(nil, e)
	if err != nil {
		return Record{}, err
	}
	h := e.Head()
	a := &appending{
		subject: subject(h.Client, h.Challenge), id: h.ID, expected: expected, data: data,
		done: make(chan struct{}),
	}
	if l.gather != nil {
		if err := l.gather.add(a); err != nil {
			return Record{}, err
		}
	} else {
		go l.single(a)
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return Record{}, domain.Unavailable("the event log did not acknowledge in time", ctx.Err())
	}
	if a.err != nil {
		return Record{}, a.err
	}
	if l.cfg.Mark != nil {
		l.cfg.Mark.raise(a.seq)
	}
	return Record{Seq: a.seq, Incarnation: l.incarnation, StoredAt: h.At, Event: e, Data: data}, nil
}

// appending is one append under way. Whoever holds it sets seq or err and then
// closes done, once.
type appending struct {
	subject  string
	id       domain.EventID
	expected Sequence
	data     []byte

	seq  Sequence
	err  error
	done chan struct{}
}

func (a *appending) settle(seq Sequence, err error) {
	a.seq, a.err = seq, err
	close(a.done)
}

func (a *appending) message() *nats.Msg {
	return &nats.Msg{Subject: a.subject, Data: a.data, Header: nats.Header{
		jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(uint64(a.expected), 10)},
	}}
}

// single publishes one event plainly and settles it.
func (l *Log) single(a *appending) {
	ack, err := l.request(a.message())
	if err == nil {
		a.settle(Sequence(ack.Sequence), nil)
		return
	}
	a.settle(l.resolve(a, err))
}

// request publishes a message and waits for the acknowledgement. Errors are
// *jetstream.APIError where the server refused, anything else otherwise.
func (l *Log) request(m *nats.Msg) (pubAck, error) {
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.AckTimeout)
	defer cancel()
	reply, err := l.conn.RequestMsgWithContext(ctx, m)
	if err != nil {
		return pubAck{}, err
	}
	var ack pubAck
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return pubAck{}, fmt.Errorf("read an acknowledgement: %w", err)
	}
	if ack.Error != nil {
		return pubAck{}, ack.Error
	}
	if ack.Stream != streamName || ack.Sequence == 0 {
		return pubAck{}, fmt.Errorf("an acknowledgement names stream %q and sequence %d", ack.Stream, ack.Sequence)
	}
	return ack, nil
}

// pubAck is JetStream's acknowledgement of a publish, of a batch's last
// message for the whole of it.
type pubAck struct {
	Stream    string              `json:"stream"`
	Sequence  uint64              `json:"seq"`
	BatchSize int                 `json:"count"`
	Error     *jetstream.APIError `json:"error"`
}

// resolve says what became of an append whose publish failed. A refusal is
// final; after anything else the subject's last event tells.
func (l *Log) resolve(a *appending, cause error) (Sequence, error) {
	if api, ok := errors.AsType[*jetstream.APIError](cause); ok {
		switch api.ErrorCode {
		case codeWrongLastSequence, codeWrongLastConstant:
			// The first of two tries whose acknowledgement was lost may be
			// what stands there: then the event is in the log, as asked.
			return l.resolveByID(a, domain.Conflict(cause))
		case codeStreamFull:
			return 0, domain.Unavailable("the event log is full", cause)
		}
		return 0, domain.Unavailable("the event log refused the event", cause)
	}
	return l.resolveByID(a, domain.Unavailable("the event log did not acknowledge", cause))
}

func (l *Log) resolveByID(a *appending, otherwise *domain.Error) (Sequence, error) {
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.AckTimeout)
	defer cancel()
	last, found, err := l.last(ctx, a.subject)
	switch {
	case err != nil:
		return 0, domain.Unavailable("the event log does not answer", errors.Join(otherwise.Cause, err))
	case found && last.Event.Head().ID == a.id:
		return last.Seq, nil
	case found && last.Seq != a.expected:
		return 0, domain.Conflict(otherwise.Cause)
	}
	return 0, otherwise
}

// Last reads the last event of a challenge from the stream's leader, so it
// sees everything that was acknowledged. found is false when the log holds
// none: there never was one, or it has been trimmed. Error: CodeUnavailable.
func (l *Log) Last(ctx context.Context, client domain.ClientID, id domain.ChallengeID) (r Record, found bool, err error) {
	r, found, err = l.last(ctx, subject(client, id))
	if err != nil {
		return Record{}, false, domain.Unavailable("the event log does not answer", err)
	}
	return r, found, nil
}

func (l *Log) last(ctx context.Context, subject string) (Record, bool, error) {
	m, err := l.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Record{}, false, nil
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("read the last event of %s: %w", subject, err)
	}
	r, err := l.record(Sequence(m.Sequence), m.Time, m.Data)
	return r, err == nil, err
}

func (l *Log) record(seq Sequence, stored time.Time, data []byte) (Record, error) {
	e, err := DecodeEvent(data)
	if err != nil {
		return Record{}, fmt.Errorf("event %d of the log: %w", seq, err)
	}
	return Record{Seq: seq, Incarnation: l.incarnation, StoredAt: domain.Moment(stored), Event: e, Data: data}, nil
}

// Trim removes the events up to and including upTo. The caller vouches that
// they are archived.
func (l *Log) Trim(ctx context.Context, upTo Sequence) error {
	if err := l.stream.Purge(ctx, jetstream.WithPurgeSequence(uint64(upTo)+1)); err != nil {
		return fmt.Errorf("trim the log up to %d: %w", upTo, err)
	}
	return nil
}

func subject(client domain.ClientID, id domain.ChallengeID) string {
	return subjectPrefix + string(client) + "." + id.String()
}

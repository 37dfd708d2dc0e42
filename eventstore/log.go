package eventstore

import (
	"context"
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

// Codes of the JetStream API that are told apart (nats-server, errors.json).
const (
	codeWrongLastSequence = 10071 // the expectation of one subject was not met
	codeWrongLastConstant = 10164 // the same, within a batch
	codeStreamFull        = 10077 // maximum bytes exceeded
	codeStoreFailed       = 10049 // the stream's files could not be made
	codeNoPeers           = 10005 // too few servers of the cluster are there, or have room (yet)
)

// createReserve is the share of MaxBytes that creations leave free, so that
// answers to challenges already handed out still find room.
const createReserve = 0.10

// DefaultLogMaxBytes is some seven million events.
const DefaultLogMaxBytes = 2 << 30

// LogConfig says how the log uses its stream.
type LogConfig struct {
	MaxBytes   int64 // upper bound of the stream's size; appends beyond it are refused. 0: what the stream has, else DefaultLogMaxBytes
	Durability Durability
	// AckTimeout bounds the wait for one acknowledgement; after it the outcome
	// is looked up. A cluster that loses its leader answers again after 6.5 s.
	AckTimeout time.Duration
	Mark       *Mark // raised before a caller is told; nil: none is kept
	Shared     bool  // other processes may be using the stream: it is never made anew by itself
	Now        func() time.Time
	Logger     *slog.Logger
}

// Log is the one stream of events. It is safe for concurrent use.
type Log struct {
	cfg         LogConfig
	conn        *nats.Conn
	js          jetstream.JetStream
	stream      jetstream.Stream
	publisher   *publisher
	gather      *gatherer // where a server syncs for every publish by itself; else nil
	disk        *disk     // where the log flushes the server's files; else nil
	metrics     *logMetrics
	tail        tail
	incarnation atomic.Int64
	floor       atomic.Uint64         // the highest sequence that is known to have been in the log
	nearlyFull  atomic.Bool           // creations are refused; kept by the Trimmer
	silent      atomic.Pointer[error] // the log has not answered for long, and why; kept by the Trimmer
	behind      atomic.Bool           // the log has given a number twice: it takes no more appends
}

// OpenLog opens the stream, creating it after the sequence after when there is
// none: 0 on an empty store, the archive's checkpoint when the stream was lost.
// A stream whose settings do not suit is refused with the reason,
// or brought up to date where the server can. Close it before the connection.
func OpenLog(ctx context.Context, conn *nats.Conn, cfg LogConfig, after Sequence) (*Log, error) {
	if cfg.Durability == DurabilityFsync && conn.ConnectedServerName() == unflushedServer {
		return nil, errors.New("the embedded server leaves flushing to the log: open it with Embedded.OpenLog")
	}
	return openLog(ctx, conn, cfg, after, nil)
}

// openLog opens the stream; d, where not nil, flushes the server's files.
func openLog(ctx context.Context, conn *nats.Conn, cfg LogConfig, after Sequence, d *disk) (*Log, error) {
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(cfg.AckTimeout))
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	l := &Log{cfg: cfg, conn: conn, js: js, disk: d}
	l.tail.log = l
	l.metrics = newLogMetrics(l.queued)
	if err := l.open(ctx, after); err != nil {
		return nil, fmt.Errorf("open the stream %s: %w", streamName, err)
	}
	if d != nil {
		// What an earlier process left unflushed may be read, and told of, from now on.
		if err := d.flushFolder(Sequence(l.stream.CachedInfo().State.LastSeq)); err != nil {
			return nil, err
		}
	}
	if l.publisher, err = startPublisher(l); err != nil {
		return nil, err
	}
	if cfg.Durability == DurabilityFsync && d == nil {
		l.gather = startGatherer(l)
	}
	return l, nil
}

// Close waits for the appends under way and ends gathering. Later appends fail.
func (l *Log) Close() {
	if l.gather != nil {
		l.gather.close()
	}
	l.publisher.close()
	if l.disk != nil {
		_ = l.disk.close() // what was written through it is flushed
	}
}

// queued is how many appends wait for a flush to serve them.
func (l *Log) queued() float64 {
	switch {
	case l.gather != nil:
		return float64(len(l.gather.queue))
	case l.disk != nil:
		return float64(l.publisher.waiting())
	}
	return 0
}

// Incarnation tells which stream this is.
func (l *Log) Incarnation() Incarnation { return Incarnation(l.incarnation.Load()) }

// Seen is the highest sequence that this process knows to have been in the log.
func (l *Log) Seen() Sequence { return Sequence(l.floor.Load()) }

// Append adds an event whose subject's last event must be at the sequence
// expected: 0 for the first of its subject (the creation of a challenge, say),
// and for what follows the sequence of the one before. The returned record says where it stands.
//
// Errors: CodeConflict when the subject has moved on (the event is not in the
// log); CodeUnavailable when the log is full or does not answer. In the latter
// case the outcome was looked up and could not be had: the event may be in the
// log or get there still. ctx bounds the wait, not the append.
func (l *Log) Append(ctx context.Context, e domain.Event, expected Sequence) (Record, error) {
	_, creation := e.(*domain.ChallengeCreated)
	if err := l.refuses(creation); err != nil {
		l.metrics.outcomes[outcomeRefused].Inc()
		return Record{}, err
	}
	data, err := EncodeEvent(nil, e)
	if err != nil {
		return Record{}, err
	}
	h := e.Head()
	a := &appending{
		subject: subjectOf(e), id: h.ID, expected: expected, data: data,
		floor: Sequence(l.floor.Load()), done: make(chan struct{}),
	}
	began := time.Now() // the stopwatch's own clock
	span := traceAppend(ctx, e)
	a.traceparent = parentOf(span)
	begin := l.publisher.publish
	if l.gather != nil {
		begin = l.gather.add
	}
	if err := begin(a); err != nil {
		l.metrics.outcomes[outcomeRefused].Inc()
		endAppend(span, a, err)
		return Record{}, err
	}
	err = l.await(ctx, a)
	l.metrics.done(began, err)
	endAppend(span, a, err)
	if err != nil {
		return Record{}, err
	}
	l.saw(a.seq)
	if l.cfg.Mark != nil {
		l.cfg.Mark.raise(a.seq)
	}
	return Record{Seq: a.seq, Incarnation: l.Incarnation(), StoredAt: h.At, Event: e, Data: data}, nil
}

// await waits for an append to be settled.
func (l *Log) await(ctx context.Context, a *appending) error {
	select {
	case <-a.done:
	case <-ctx.Done():
		return domain.Unavailable("the event log did not acknowledge in time", ctx.Err())
	}
	if a.err == nil && a.seq <= a.floor {
		return l.fellBehind(a)
	}
	return a.err
}

// refuses says why the log takes no append now, without asking it.
func (l *Log) refuses(creation bool) error {
	switch {
	case l.behind.Load():
		return domain.Unavailable("the event log is behind what it has acknowledged", nil)
	case l.FlushFailure() != nil:
		// It could store the event, but nobody could be told of it.
		return domain.Unavailable("the event log cannot be flushed to disk", l.FlushFailure())
	case creation && l.nearlyFull.Load():
		return domain.Unavailable("the event log is nearly full", nil)
	}
	return l.answers()
}

// answers says that the log has not answered for so long that asking it would
// only make the caller wait; nil while it does.
func (l *Log) answers() error {
	if err := l.silent.Load(); err != nil {
		return domain.Unavailable("the event log does not answer", *err)
	}
	return nil
}

// fellBehind ends appending: a number that was known to be taken before the
// append began was given to it, so the log has lost its end and numbers events
// anew. Nobody is told of the event, and the next start sorts things out.
func (l *Log) fellBehind(a *appending) error {
	err := &BehindError{Log: a.seq, Known: a.floor}
	if !l.behind.Swap(true) {
		l.cfg.Logger.Error("the event log has lost its end and gives numbers anew; no more events are taken", "error", err)
	}
	return domain.Unavailable("the event log is behind what it has acknowledged", err)
}

// Behind says that the log gives numbers anew, if it does.
func (l *Log) Behind() bool { return l.behind.Load() }

// FlushFailure is why the log, whose files it flushes itself, takes no more
// events: the disk failed, and only a start tells what it holds. It is nil while
// all is well, and where servers flush by themselves.
func (l *Log) FlushFailure() error {
	if l.disk == nil {
		return nil
	}
	return l.disk.failure()
}

// appending is one append under way. Whoever holds it sets seq or err and then
// closes done, once.
type appending struct {
	subject  string
	id       domain.EventID
	expected Sequence
	floor    Sequence // the highest sequence that was known when it began
	data     []byte
	// traceparent names the append's span, where its trace is recorded.
	traceparent string

	seq      Sequence
	gathered int // events that the flush served, where they are gathered
	err      error
	done     chan struct{}
}

func (a *appending) settle(seq Sequence, err error) {
	a.seq, a.err = seq, err
	close(a.done)
}

// ofTheFirst is the header of most messages; nobody changes it.
var ofTheFirst = nats.Header{jetstream.ExpectedLastSubjSeqHeader: {"0"}}

// message makes the event's message, whose header is not to be changed.
func (a *appending) message() *nats.Msg {
	h := ofTheFirst
	if a.expected != 0 || a.traceparent != "" {
		h = nats.Header{jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(uint64(a.expected), 10)}}
	}
	if a.traceparent != "" {
		h[traceHeader] = []string{a.traceparent}
	}
	return &nats.Msg{Subject: a.subject, Data: a.data, Header: h}
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
	return readReply(reply)
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
	if err := l.answers(); err != nil {
		return Record{}, false, err
	}
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
	l.saw(Sequence(m.Sequence))
	r, err := l.record(Sequence(m.Sequence), m.Time, m.Data)
	return r, err == nil, err
}

// record makes a record of what was read from the stream. No event that is not
// on disk leaves the log: neither is anybody told of it, nor is it archived.
func (l *Log) record(seq Sequence, stored time.Time, data []byte) (Record, error) {
	if err := l.onDisk(seq); err != nil {
		return Record{}, err
	}
	return l.decode(seq, stored, data)
}

// onDisk returns when the events up to seq, which were read, are on disk as far
// as the log's durability promises it.
func (l *Log) onDisk(seq Sequence) error {
	if l.disk == nil {
		return nil
	}
	return l.disk.flush(seq)
}

// decode makes a record that must not leave the log before it is on disk.
func (l *Log) decode(seq Sequence, stored time.Time, data []byte) (Record, error) {
	e, err := DecodeEvent(data)
	if err != nil {
		return Record{}, fmt.Errorf("event %d of the log: %w", seq, err)
	}
	return Record{Seq: seq, Incarnation: l.Incarnation(), StoredAt: domain.Moment(stored), Event: e, Data: data}, nil
}

// LastLike reads the last event of the subject that e belongs to, as
// [Log.Last] does for a challenge.
func (l *Log) LastLike(ctx context.Context, e domain.Event) (r Record, found bool, err error) {
	if err := l.answers(); err != nil {
		return Record{}, false, err
	}
	r, found, err = l.last(ctx, subjectOf(e))
	if err != nil {
		return Record{}, false, domain.Unavailable("the event log does not answer", err)
	}
	return r, found, nil
}

// about is what an event's header names where a challenge's has the challenge.
type about uint8

const (
	aboutChallenge about = iota
	aboutQuarantine
	aboutAnnotation
	aboutModel
)

func aboutOf(e domain.Event) about {
	switch e.(type) {
	case *domain.VotesQuarantined, *domain.QuarantineLifted:
		return aboutQuarantine
	case *domain.AnnotationAccepted, *domain.AnnotationDisputed, *domain.ImageUnreadable, *domain.AnnotationWithdrawn:
		return aboutAnnotation
	case *domain.ModelFitted:
		return aboutModel
	}
	return aboutChallenge
}

// subjectOf gives the subject of an event: that of what its header names.
func subjectOf(e domain.Event) string {
	h := e.Head()
	switch aboutOf(e) {
	case aboutQuarantine:
		return quarantinePrefix + h.Challenge.String()
	case aboutAnnotation:
		return annotationPrefix + h.Challenge.String()
	case aboutModel:
		return modelPrefix + h.Challenge.String()
	case aboutChallenge:
	}
	return subject(h.Client, h.Challenge)
}

func subject(client domain.ClientID, id domain.ChallengeID) string {
	return subjectPrefix + string(client) + "." + id.String()
}

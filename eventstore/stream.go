package eventstore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ocapi/domain"
)

const (
	streamName    = "OCAPI"
	subjectPrefix = "challenge."
	// quarantinePrefix is before the id: a quarantine may be of all clients.
	quarantinePrefix = "quarantine."
	// annotationPrefix and modelPrefix are before the ids of what is decided by votes.
	annotationPrefix = "annotation."
	modelPrefix      = "model."
	incarnationKey   = "ocapi-incarnation"
)

// clusterReplicas is on how many servers of a cluster each event is, before it
// is acknowledged on two of them. On a server alone it is 1.
const clusterReplicas = 3

// open finds the stream or creates it after the sequence after, and holds its
// configuration against what the log needs.
func (l *Log) open(ctx context.Context, after Sequence) error {
	ctx, cancel := context.WithTimeout(ctx, clusterReady)
	defer cancel()
	return untilAnswered(ctx, func(ctx context.Context) error {
		stream, err := l.js.Stream(ctx, streamName)
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound) && l.cfg.Shared && after > 0:
			return final{fmt.Errorf("there is none, though events up to %d are archived (another cluster or account? lost files?); to make it anew, run: ocapi archive adopt-stream", after)}
		case errors.Is(err, jetstream.ErrStreamNotFound):
			// Two nodes may do it at once; the second takes what the first made.
			if err = l.create(ctx, after); !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
				return refusal(err, codeNoPeers)
			}
			return err
		case err != nil:
			return err
		}
		l.stream = stream
		return l.adopt(ctx)
	})
}

// refusal makes what the server said no to final: only silence, a server that
// cannot answer yet, and the codes that may pass by themselves are asked again.
func refusal(err error, passing ...jetstream.ErrorCode) error {
	api, refused := errors.AsType[*jetstream.APIError](err)
	if !refused || slices.Contains(passing, api.ErrorCode) || api.Code >= 500 && api.ErrorCode != codeStoreFailed {
		return err
	}
	return final{err}
}

// require sets what the log needs of its stream, and leaves the rest (placement,
// say) to the operator.
func (l *Log) require(c *jetstream.StreamConfig) {
	c.Subjects = []string{subjectPrefix + "*.*", quarantinePrefix + "*", annotationPrefix + "*", modelPrefix + "*"}
	c.Replicas = replicasOf(l.conn)
	c.Discard = jetstream.DiscardNew
	c.MaxBytes = l.cfg.MaxBytes
	c.MaxMsgSize = MaxEventBytes + 1<<10
	c.MaxAge, c.MaxMsgs, c.MaxMsgsPerSubject = 0, -1, -1
	c.AllowAtomicPublish = true
	c.AllowDirect = false // reads have to see what the leader acknowledged
}

func replicasOf(conn *nats.Conn) int {
	if conn.ConnectedClusterName() == "" {
		return 1
	}
	return clusterReplicas
}

func (l *Log) create(ctx context.Context, after Sequence) error {
	if l.cfg.MaxBytes == 0 {
		l.cfg.MaxBytes = DefaultLogMaxBytes
	}
	incarnation := Incarnation(l.cfg.Now().UnixMilli())
	config := jetstream.StreamConfig{
		Name:        streamName,
		Description: "events of Ocapi's challenges",
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		FirstSeq:    uint64(after) + 1,
		DenyDelete:  true,
		Metadata:    map[string]string{incarnationKey: strconv.FormatInt(int64(incarnation), 10)},
	}
	l.require(&config)
	stream, err := l.js.CreateStream(ctx, config)
	if err != nil {
		return err
	}
	l.stream = stream
	l.incarnation.Store(int64(incarnation))
	l.floor.Store(uint64(after))
	return nil
}

// MaxBytes is the most that the stream may hold, in bytes.
func (l *Log) MaxBytes() int64 { return l.cfg.MaxBytes }

// adopt refuses a stream that is none of ours, or that keeps events in a way
// that cannot be changed, and brings the rest of its settings up to date.
func (l *Log) adopt(ctx context.Context) error {
	have := l.stream.CachedInfo().Config
	incarnation, err := incarnationOf(have)
	if err != nil {
		return final{err}
	}
	l.incarnation.Store(int64(incarnation))
	switch {
	case have.Storage != jetstream.FileStorage:
		return final{fmt.Errorf("it keeps events in %s storage; they belong on disk", have.Storage)}
	case have.Retention != jetstream.LimitsPolicy:
		return final{fmt.Errorf("its retention is %s: it would drop events before they are archived", have.Retention)}
	case have.Mirror != nil, len(have.Sources) > 0, have.Sealed:
		return final{errors.New("it is a mirror, has sources or is sealed: it cannot take Ocapi's events")}
	}
	if l.cfg.MaxBytes == 0 {
		l.cfg.MaxBytes = have.MaxBytes
	}
	want := have
	l.require(&want)
	if reflect.DeepEqual(have, want) {
		return nil
	}
	l.cfg.Logger.Warn("the stream's settings are brought up to date", "stream", streamName,
		"max_bytes", want.MaxBytes, "max_bytes_before", have.MaxBytes, "replicas", want.Replicas, "replicas_before", have.Replicas)
	stream, err := l.js.UpdateStream(ctx, want)
	if err != nil {
		return refusal(fmt.Errorf("bring its settings up to date: %w", err), codeNoPeers)
	}
	l.stream = stream
	return nil
}

func incarnationOf(cfg jetstream.StreamConfig) (Incarnation, error) {
	n, err := strconv.ParseInt(cfg.Metadata[incarnationKey], 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("its metadata names no incarnation (%q): this stream was not made by Ocapi", cfg.Metadata[incarnationKey])
	}
	return Incarnation(n), nil
}

// Recreate deletes the stream and makes it anew, numbering after the sequence
// after, with a new incarnation. It is for a stream that is behind the archive
// and must not be running appends.
func (l *Log) Recreate(ctx context.Context, after Sequence) error {
	if err := l.js.DeleteStream(ctx, streamName); err != nil {
		return fmt.Errorf("delete the stream %s: %w", streamName, err)
	}
	// The servers remove the old files, and give back the room that was reserved
	// for them, in the background: they are asked again until that is done.
	ctx, cancel := context.WithTimeout(ctx, clusterReady)
	defer cancel()
	if err := untilAnswered(ctx, func(ctx context.Context) error { return refusal(l.create(ctx, after), codeNoPeers, codeStoreFailed) }); err != nil {
		return fmt.Errorf("create the stream %s after sequence %d: %w", streamName, after, err)
	}
	if l.disk != nil {
		return l.disk.flushFolder(after)
	}
	return nil
}

// Extent says what the stream holds.
type Extent struct {
	First, Last Sequence // First is Last+1 when it is empty
	Bytes       int64
	Deleted     int // events missing between First and Last
}

// peerSilence is how long a replica may be silent and still count as there;
// replicas that are there speak every second.
const peerSilence = 10 * time.Second

// Extent asks the stream's leader what the stream holds. Error:
// CodeUnavailable, also when the leader has lost its quorum, when the stream is
// another one than this log was opened on or has lost its end: then nothing
// that it says can be relied upon.
func (l *Log) Extent(ctx context.Context) (Extent, error) {
	floor := Sequence(l.floor.Load())
	info, err := l.stream.Info(ctx)
	if err != nil {
		return Extent{}, domain.Unavailable("the event log does not answer", err)
	}
	if err := quorum(info.Cluster); err != nil {
		return Extent{}, domain.Unavailable("the event log has no quorum", err)
	}
	incarnation, err := incarnationOf(info.Config)
	if err != nil {
		return Extent{}, domain.Unavailable("the event log is not Ocapi's", err)
	}
	l.incarnation.Store(int64(incarnation))
	s := info.State
	if last := Sequence(s.LastSeq); last < floor {
		return Extent{}, domain.Unavailable("the event log ends before what it has acknowledged", &BehindError{Log: last, Known: floor})
	}
	return Extent{First: Sequence(s.FirstSeq), Last: Sequence(s.LastSeq), Bytes: int64(s.Bytes), Deleted: s.NumDeleted}, nil
}

// LogExtent asks what the log holds without opening it: nothing is created or
// changed.
func LogExtent(ctx context.Context, conn *nats.Conn) (Extent, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return Extent{}, fmt.Errorf("use JetStream: %w", err)
	}
	stream, err := js.Stream(ctx, streamName)
	if err != nil {
		return Extent{}, fmt.Errorf("look at the stream %s: %w", streamName, err)
	}
	return (&Log{stream: stream}).Extent(ctx)
}

// quorum reports whether a leader hears enough of its replicas to commit.
func quorum(c *jetstream.ClusterInfo) error {
	if c == nil {
		return nil
	}
	there, all := 1, 1+len(c.Replicas)
	for _, r := range c.Replicas {
		if !r.Offline && r.Active < peerSilence {
			there++
		}
	}
	if 2*there <= all {
		return fmt.Errorf("its leader %s hears %d of %d servers", c.Leader, there, all)
	}
	return nil
}

// BehindError says that the log ends before a sequence that is known to have
// been acknowledged: it lost its end, or is an older copy.
type BehindError struct{ Log, Known Sequence }

// Error says what is missing and which command is the way out.
func (e *BehindError) Error() string {
	return fmt.Sprintf("the event log ends at %d, but events up to %d were acknowledged or archived (a power cut, or an older copy?); where it does not recover by itself, stop all nodes and run: ocapi archive adopt-stream", e.Log, e.Known)
}

// saw remembers that the log held an event at seq.
func (l *Log) saw(seq Sequence) {
	for {
		floor := l.floor.Load()
		if uint64(seq) <= floor || l.floor.CompareAndSwap(floor, uint64(seq)) {
			return
		}
	}
}

// Trim removes the events up to and including upTo. The caller vouches that
// all up to the sequence archived, which is not below upTo, is in the archive.
// Near the log's end less may be removed than was asked for.
func (l *Log) Trim(ctx context.Context, upTo, archived Sequence) error {
	purge := func(upTo Sequence) error {
		return l.stream.Purge(ctx, jetstream.WithPurgeSequence(uint64(upTo)+1))
	}
	var err error
	if l.disk != nil {
		err = l.disk.trim(upTo, archived, purge)
	} else {
		err = purge(upTo)
	}
	if err != nil {
		return fmt.Errorf("trim the log up to %d: %w", upTo, err)
	}
	return nil
}

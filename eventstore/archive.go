package eventstore

import (
	"context"
	"errors"
	"time"

	"ocapi/domain"
)

// Checkpoint is up to where the log has been archived. The zero value is an
// empty archive.
type Checkpoint struct {
	Incarnation Incarnation
	Seq         Sequence
	EventID     domain.EventID // of the event at Seq; zero where there is none
}

// ErrFenced says that the checkpoint was not where this archiver left it:
// another one has written. Whoever gets it must stop or begin anew.
var ErrFenced = errors.New("another archiver has moved the checkpoint")

// State is a challenge's row: what its archived events add up to.
type State struct {
	Challenge  domain.ChallengeID
	Client     domain.ClientID
	Status     domain.Status
	CreatedSeq Sequence
	FinalSeq   Sequence // 0 until there is a verdict
	ExpiresAt  time.Time
}

// Gap is a range of sequences, ends included, that an operator declared lost.
type Gap struct {
	Incarnation Incarnation
	From, To    Sequence
}

func (g Gap) check() error {
	if g.From == 0 || g.To < g.From {
		return domain.Invalid("gap", "a gap goes from a sequence of at least 1 to one that is not before it; this one goes from %d to %d", g.From, g.To)
	}
	return nil
}

// EventFilter chooses archived events. The zero value chooses all.
type EventFilter struct {
	After     Sequence           // only later ones
	Before    Sequence           // only earlier ones; 0: to the end
	Challenge domain.ChallengeID // zero: any
	Client    domain.ClientID    // empty: any
	Since     time.Time          // decided at or after it; zero: any
}

// Archive is where events are kept for good, with the projection of their
// challenges' states. There are two, [SQLiteArchive] and [PostgresArchive], and
// one conformance suite that says what each method means; every method is safe
// for concurrent use.
type Archive interface {
	// Append archives a batch in the log's order, together with the rows of its
	// challenges' states and the checkpoint to, in one transaction: all of it or
	// nothing. from is the checkpoint that the caller believes in; when the
	// archive has another one the error is [ErrFenced]. A batch may be empty, to
	// move the checkpoint over an accepted gap. A sequence or an event id that
	// is taken is refused.
	Append(ctx context.Context, from, to Checkpoint, batch []Record) error
	// Checkpoint reads up to where the log has been archived.
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// TryLease takes the right to archive, which one process at a time has; ok
	// is false when another has it. It ends with release or with the process.
	// It is a courtesy that keeps archivers from working in vain: what keeps
	// them from harm is Append's comparison of checkpoints.
	TryLease(ctx context.Context) (release func(), ok bool, err error)

	// State reads the row of one challenge; found is false when the archive has
	// none. Errors are CodeUnavailable.
	State(ctx context.Context, id domain.ChallengeID) (s State, found bool, err error)
	// Challenge reads the events of one challenge in their order; none when the
	// archive has none. Errors are CodeUnavailable.
	Challenge(ctx context.Context, id domain.ChallengeID) ([]Record, error)
	// EventAt reads the event at a sequence; found is false when there is none.
	EventAt(ctx context.Context, seq Sequence) (r Record, found bool, err error)
	// Has reports whether the event is in the archive, at whatever sequence.
	Has(ctx context.Context, id domain.EventID) (bool, error)
	// LastStoredBefore finds the last sequence whose event was stored before t;
	// 0 when there is none.
	LastStoredBefore(ctx context.Context, t time.Time) (Sequence, error)
	// Events visits archived events in the log's order, in bounded memory, until
	// visit fails. It sees what is archived while it runs.
	Events(ctx context.Context, f EventFilter, visit func(Record) error) error
	// Walk is Events for those who read millions and keep nothing: the record is
	// the archive's own until visit returns, its strings keep a page of events in
	// memory, and the next page is read while one is visited.
	Walk(ctx context.Context, f EventFilter, visit func(Record) error) error
	// Scan visits the stored forms of archived events, page by page, as Events
	// does one by one: for those who read millions of them (see [Decoder]). The
	// next page is read while one is visited, and no more than that. It holds no
	// view of the database open.
	Scan(ctx context.Context, f EventFilter, visit func(Page) error) error

	// Quarantines visits the archived events about quarantines in the log's
	// order, until visit fails. They are found without a look at the others.
	Quarantines(ctx context.Context, visit func(Record) error) error

	// Annotations visits the archived events about annotations and about the
	// model that come after a sequence, in the log's order, until visit fails.
	// They are found without a look at the others.
	Annotations(ctx context.Context, after Sequence, visit func(Record) error) error

	// AcceptGap records that an operator has declared a range lost. Doing it
	// twice changes nothing. A range that is none is CodeInvalid.
	AcceptGap(ctx context.Context, g Gap, at time.Time) error
	// Gaps lists the accepted gaps that reach beyond a sequence, in order.
	Gaps(ctx context.Context, after Sequence) ([]Gap, error)

	// RebuildStates makes the rows of all challenges' states anew from the
	// events, in one transaction, by what Append does to them: readers see the
	// old rows until all new ones are there, and archiving waits. It gives the
	// number of events read. progress, where not nil, is told of it now and then.
	RebuildStates(ctx context.Context, progress func(events int)) (int, error)
	// States visits the rows of all challenges' states, in the order of the
	// challenges' ids, until visit fails.
	States(ctx context.Context, visit func(State) error) error

	// PutSnapshot keeps a projection's snapshot in place of the one of the same
	// name. The event that it goes up to has to be in the archive, with the
	// snapshot's incarnation and id: what a log may still lose must not be
	// remembered; else the error is [ErrNotArchived].
	PutSnapshot(ctx context.Context, s Snapshot) error
	// Snapshot reads a projection's snapshot. found is false when there is none,
	// and when the archive does not have the event that it goes up to.
	Snapshot(ctx context.Context, name string) (s Snapshot, found bool, err error)
}

// Snapshot is what a projection made of the events up to a sequence. The body
// is the projection's own, and none of the archive's business.
type Snapshot struct {
	Name   string
	At     Checkpoint // the last event that is in it
	MadeAt time.Time  // whole microseconds
	Body   []byte
}

// ErrNotArchived says that a snapshot goes up to an event that the archive does
// not have.
var ErrNotArchived = errors.New("the archive does not have the snapshot's last event")

var _ Archive = (*SQLiteArchive)(nil)

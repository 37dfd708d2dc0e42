package annotation

import (
	"context"
	"errors"
	"time"

	"ocapi/consensus"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/pairing"
)

// SnapshotName is the name under which the archive keeps the count of votes.
const SnapshotName = "consensus"

// archiveHistory shows an archive to the consensus.
type archiveHistory struct{ eventstore.Archive }

var errRead = errors.New("all that was asked for is read")

// Decided implements [consensus.History].
func (h archiveHistory) Decided(ctx context.Context, since time.Time, through domain.Sequence, visit func(domain.Record) error) error {
	err := h.Events(ctx, eventstore.EventFilter{Since: since}, func(r domain.Record) error {
		if r.Seq > through {
			return errRead
		}
		return visit(r)
	})
	if errors.Is(err, errRead) {
		return nil
	}
	return err
}

// StateParams are those of a count over an archive; recent may be nil.
func StateParams(a eventstore.Archive, recent pairing.Recent) consensus.StateParams {
	return consensus.StateParams{Decode: eventstore.DecodeEvent, History: archiveHistory{a}, Recent: recent, Model: consensus.ReadModel}
}

// restore gives the state of the archive's snapshot, or an empty one
// where it has none. The error is a [consensus.ErrSnapshot] when it cannot be
// used: the events make it anew.
func restore(ctx context.Context, a eventstore.Archive, recent pairing.Recent) (*consensus.State, eventstore.Snapshot, error) {
	kept, found, err := a.Snapshot(ctx, SnapshotName)
	if err != nil {
		return nil, kept, err
	}
	if !found {
		return consensus.NewState(StateParams(a, recent)), eventstore.Snapshot{}, nil
	}
	s, err := consensus.RestoreState(StateParams(a, recent), kept.Body)
	if err != nil {
		return nil, kept, err
	}
	var q domain.Quarantines
	err = a.Quarantines(ctx, func(r domain.Record) error {
		if r.Seq <= kept.At.Seq {
			q.Apply(r.Event)
		}
		return nil
	})
	s.Expect(q)
	return s, kept, err
}

// Replay applies what is archived after the state's position. It gives
// the number of events. visit, where not nil, is called after each.
func Replay(ctx context.Context, a eventstore.Archive, s *consensus.State, visit func(r domain.Record) error) (events int, err error) {
	err = a.Events(ctx, eventstore.EventFilter{After: s.Position().Seq}, func(r domain.Record) error {
		if err := s.Apply(ctx, r); err != nil {
			return err
		}
		events++
		if visit != nil {
			if err := visit(r); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	return events, err
}

// Put stores the state, whose last event has to be archived, as the
// archive's snapshot. It gives what was stored.
func Put(ctx context.Context, a eventstore.Archive, s *consensus.State, now time.Time) (eventstore.Snapshot, error) {
	at := s.Position()
	kept := eventstore.Snapshot{
		Name: SnapshotName, MadeAt: now, Body: s.Snapshot(),
		At: eventstore.Checkpoint{Incarnation: at.Incarnation, Seq: at.Seq, EventID: at.Event},
	}
	return kept, a.PutSnapshot(ctx, kept)
}

// projection brings decisions from events to the collections.
type projection struct {
	corpus *corpus.Store
	list   []corpus.Annotation
	mark   corpus.AnnotationsMark
}

// projectMost bounds the decisions of one transaction.
const projectMost = 500

// RowOf gives the row that an event about an annotation makes; ok is false
// for any other.
func RowOf(r domain.Record) (row corpus.Annotation, ok bool) {
	a := domain.EvolveAnnotation(domain.Annotation{}, r.Seq, r.Event)
	if a.Event == nil {
		return row, false
	}
	h := r.Event.Head()
	return corpus.Annotation{Finding: a.Finding, Status: a.Status, Seq: r.Seq, Event: h.ID, DecidedAt: h.At}, true
}

// hold takes an event for the next put.
func (p *projection) hold(r domain.Record) {
	if row, ok := RowOf(r); ok {
		p.list = append(p.list, row)
		p.mark = corpus.AnnotationsMark{Incarnation: r.Incarnation, Seq: r.Seq}
	}
}

// add takes an event, and puts when there are many.
func (p *projection) add(ctx context.Context, r domain.Record) error {
	p.hold(r)
	if len(p.list) < projectMost {
		return nil
	}
	return p.put(ctx)
}

// put writes what has been added; it keeps it where that fails. Doing it twice
// changes nothing.
func (p *projection) put(ctx context.Context) error {
	if len(p.list) == 0 {
		return nil
	}
	if err := p.corpus.PutAnnotations(ctx, p.mark, p.list); err != nil {
		return err
	}
	p.list = p.list[:0]
	return nil
}

package annotation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"ocapi/consensus"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/node/headroom"
	"ocapi/pairing"
)

// The node that archives counts what it archives, decides by the votes, and
// appends its decisions to the log, from where they come back to it and to the
// next node that archives. Should two nodes do so for a moment, the log takes the
// first decision about a question, and the other one is dropped: whoever made it
// sees the first one come and looks again.

const (
	// annotateBatches may wait to be counted; what is dropped beyond that is read
	// from the archive.
	annotateBatches = 64
	// annotateEvery is how often it is looked whether this node archives, and for
	// what was dropped.
	annotateEvery = time.Second
	// reportEvery is how often it is written to the collections which images are
	// nearly settled, and how often settled ones were tried.
	reportEvery = 10 * time.Second
	// annotateRetry is how long counting rests after it has failed: to begin again
	// reads the snapshot, and what came after it.
	annotateRetry = 5 * time.Second
	// decideMost bounds the questions that are looked at in one go, decideAtOnce
	// the decisions that wait for the log together: it writes them in one flush.
	decideMost   = 10_000
	decideAtOnce = 64
	// storeEvery is how often the count is stored while it changes, and
	// storeBytesPerSecond spaces large ones out; as with the statistics.
	storeEvery          = 5 * time.Minute
	storeBytesPerSecond = 64 << 10
	// finishWithin bounds the last of it when stopping.
	finishWithin = 5 * time.Second
	// reportMost bounds the images that are reported in one transaction.
	reportMost = 1000
)

// Annotator keeps the consensus of a running node, while the node is the one
// that archives. Run needs a goroutine; Finish comes after it has ended. The rest
// is safe for concurrent use.
type Annotator struct {
	Params
	batches chan []domain.Record

	// Of the goroutine that runs; nil while this node does not archive.
	state   *consensus.State
	project projection // what is on its way to the collections
	store   stored
	due     time.Time // the next report
	retry   time.Time // not before it is begun again, after a failure
	failure error
	again   []consensus.Question

	mu      sync.Mutex
	figures Figures
}

// stored is what this node knows of the archive's snapshot.
type stored struct {
	seq eventstore.Sequence // 0: there is none
	due time.Time           // the next one
}

// Params are what an annotator works with; all are needed but Recent and Every.
type Params struct {
	Archive  eventstore.Archive
	Recent   pairing.Recent       // what the node remembers of challenges; may be nil
	Log      *eventstore.Log      // takes the decisions
	Archiver *eventstore.Archiver // tells whether this node archives, and how far
	Corpus   *corpus.Store        // gets the decisions when they are archived
	Rules    consensus.Rules      // when a question is settled
	Logger   *slog.Logger
	Now      func() time.Time // the service's clock
	Every    time.Duration    // between snapshots; 0: storeEvery
}

// Figures are what an annotator tells of itself.
type Figures struct {
	Seq       domain.Sequence                 // the last event that is counted
	Questions [domain.QuestionRefuted + 1]int // by how far they have come
	Bytes     int                             // of memory that the count takes
	Model     uint64                          // version of the model that votes are weighed by; 0: the program's own
	Decisions map[string]uint64               // since the start, by what was decided
}

// DecisionNames are what may be decided, as the figures tell it.
var DecisionNames = []string{"accepted", "disputed", "unreadable", "withdrawn", "refuted", "model"}

// New makes an annotator, which counts nothing until Run.
func New(p Params) *Annotator {
	if p.Every == 0 {
		p.Every = storeEvery
	}
	return &Annotator{
		Params: p, batches: make(chan []domain.Record, annotateBatches),
		figures: Figures{Decisions: map[string]uint64{}},
	}
}

// Observe takes what was archived, or leaves it to be read from the archive.
func (a *Annotator) Observe(batch []domain.Record) {
	select {
	case a.batches <- batch:
	default:
	}
}

// Run keeps the consensus until ctx ends.
func (a *Annotator) Run(ctx context.Context) {
	tick := time.NewTicker(annotateEvery)
	defer tick.Stop()
	var said string
	for {
		var batch []domain.Record
		select {
		case <-ctx.Done():
			return
		case batch = <-a.batches:
		case <-tick.C:
		}
		err := a.step(ctx, batch)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			said = ""
		case said != err.Error():
			said = err.Error()
			a.Logger.Warn("the votes are not counted; what is missed is counted when they can be", "error", err)
		}
	}
}

// step counts what has been archived, and decides.
func (a *Annotator) step(ctx context.Context, batch []domain.Record) error {
	if !a.Archiver.Active() {
		a.state = nil // another node counts, and this one begins with its snapshot
		a.tell()
		return nil
	}
	if a.state == nil {
		if time.Now().Before(a.retry) {
			return a.failure
		}
		a.retry = time.Now().Add(annotateRetry)
		if a.failure = a.begin(ctx); a.failure != nil {
			return a.failure
		}
	}
	if err := a.count(ctx, batch); err != nil {
		a.state, a.failure = nil, err // it may have counted half of an event
		return err
	}
	a.tell()
	if err := a.project.put(ctx); err != nil {
		return err
	}
	if err := a.decide(ctx); err != nil {
		return err
	}
	if now := time.Now(); !now.Before(a.due) {
		a.due = now.Add(reportEvery)
		if err := a.report(ctx); err != nil {
			return err
		}
	}
	return a.keep(ctx, false)
}

// begin takes up the archive's snapshot, or nothing, and brings the collections
// up to it.
func (a *Annotator) begin(ctx context.Context) error {
	began := time.Now()
	s, kept, err := restore(ctx, a.Archive, a.Recent)
	if errors.Is(err, consensus.ErrSnapshot) {
		a.Logger.Warn("the votes are counted anew from the archive", "error", err)
		s, kept, err = consensus.NewState(StateParams(a.Archive, a.Recent)), eventstore.Snapshot{}, nil
	}
	if err != nil {
		return err
	}
	a.store = a.storedAs(kept)
	mark, err := a.Corpus.AnnotationsThrough(ctx)
	if err != nil {
		return err
	}
	done := headroom.Spare()
	_, err = Replay(ctx, a.Archive, s, nil)
	done()
	if err != nil {
		return err
	}
	// All that the collections lack, be it before the snapshot or after, and no more
	// than is counted: what comes then is put then.
	a.project = projection{corpus: a.Corpus}
	if err := a.Archive.Annotations(ctx, mark.Seq, func(r domain.Record) error {
		if r.Seq > s.Position().Seq {
			return nil
		}
		return a.project.add(ctx, r)
	}); err != nil {
		return err
	}
	if err := a.project.put(ctx); err != nil {
		return err
	}
	if err := a.catchUpTrials(ctx, s); err != nil {
		return err
	}
	a.state, a.again = s, nil
	a.Logger.Info("the votes are counted", "event", s.Position().Seq, "from_snapshot", kept.At.Seq, "questions", s.Questions(), "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// count takes in a batch, and before it what was missed; without a batch all that
// is archived.
func (a *Annotator) count(ctx context.Context, batch []domain.Record) error {
	at := a.state.Position().Seq
	take := func(r domain.Record) error {
		if r.Seq <= at {
			return nil
		}
		if err := a.state.Apply(ctx, r); err != nil {
			return err
		}
		at = r.Seq
		a.project.hold(r)
		return nil
	}
	if len(batch) == 0 && a.Archiver.Position().Seq > at || len(batch) > 0 && batch[0].Seq > at+1 {
		if err := a.Archive.Events(ctx, eventstore.EventFilter{After: at}, take); err != nil {
			return err
		}
	}
	for _, r := range batch {
		if err := take(r); err != nil {
			return err
		}
	}
	return nil
}

// decide appends what the votes say. What the log does not take now is looked at
// again with the next step.
func (a *Annotator) decide(ctx context.Context) error {
	for _, q := range a.again {
		a.state.Touch(q)
	}
	a.again = nil
	if a.state.FitDue() {
		if err := a.fit(ctx); err != nil {
			return err
		}
	}
	for {
		list, looked := a.state.Decisions(&a.Rules, decideMost)
		for len(list) > 0 {
			n := min(len(list), decideAtOnce)
			if err := a.append(ctx, list[:n]); err != nil {
				for _, d := range list {
					a.again = append(a.again, d.Question) // those that were taken are decided when they come
				}
				return err
			}
			list = list[n:]
		}
		if looked < decideMost || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// append appends decisions together.
func (a *Annotator) append(ctx context.Context, list []consensus.Decision) error {
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() { errs[i] = a.appendOne(ctx, &list[i]) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (a *Annotator) appendOne(ctx context.Context, d *consensus.Decision) error {
	id, err := newEventID()
	if err != nil {
		return err
	}
	e := d.Event(id, a.Now())
	done, err := a.appendAfter(ctx, e, d.After)
	if err != nil {
		return fmt.Errorf("decide about image %s: %w", d.Question.Image, err)
	}
	if done {
		a.decided(e, d)
	}
	return nil
}

// appendAfter appends an event after the last of its subject that has been
// counted. done is false where there is another by now, which will come.
func (a *Annotator) appendAfter(ctx context.Context, e domain.Event, after domain.Sequence) (done bool, err error) {
	if after > 0 {
		// It may have been trimmed: then the log holds nothing of the subject.
		last, found, err := a.Log.LastLike(ctx, e)
		if err != nil {
			return false, err
		}
		if found && last.Seq != after {
			return false, nil
		}
		if !found {
			after = 0
		}
	}
	_, err = a.Log.Append(ctx, e, after)
	if domain.CodeOf(err) == domain.CodeConflict {
		return false, nil
	}
	return err == nil, err
}

func (a *Annotator) decided(e domain.Event, d *consensus.Decision) {
	what := "withdrawn"
	switch e := e.(type) {
	case *domain.AnnotationAccepted:
		what = "accepted"
	case *domain.AnnotationDisputed:
		what = "disputed"
	case *domain.ImageUnreadable:
		what = "unreadable"
	case *domain.AnnotationWithdrawn:
		if e.Refuted {
			what = "refuted"
			// Somebody should look: the institution's own record is wrong, or visitors are.
			a.Logger.Warn("good answers contradict what is on record of an image; it is not relied on (see: ocapi consensus list --status refuted)",
				"image", d.Question.Image, "keyword", d.Question.Keyword, "collection", d.Finding.Collection, "votes", d.Finding.Votes)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.figures.Decisions[what]++
}

// fit takes a model into use that is fitted to what there is by now.
func (a *Annotator) fit(ctx context.Context) error {
	last, found, err := a.Log.LastLike(ctx, &domain.ModelFitted{Header: domain.Header{Challenge: domain.ChallengeID(domain.ModelID)}})
	if err != nil {
		return err
	}
	if found && last.Seq > a.state.Position().Seq {
		return nil // a model is on its way
	}
	e := a.state.Fit()
	if e.ID, err = newEventID(); err != nil {
		return err
	}
	e.At = domain.Moment(a.Now())
	done, err := a.appendAfter(ctx, e, last.Seq)
	if err != nil {
		return fmt.Errorf("take model %d into use: %w", e.Version, err)
	}
	if done {
		a.mu.Lock()
		a.figures.Decisions["model"]++
		a.mu.Unlock()
		a.Logger.Info("what answers are worth is fitted anew to those about known images", "model", e.Version, "challenges", a.state.Gold().Challenges())
	}
	return nil
}

// keep stores the state now and then, or now.
func (a *Annotator) keep(ctx context.Context, now bool) error {
	if at := a.state.Position().Seq; at == a.store.seq || !now && time.Now().Before(a.store.due) {
		return nil
	}
	kept, err := Put(ctx, a.Archive, a.state, a.Now())
	if err != nil {
		a.store.due = time.Now().Add(a.Every)
		return err
	}
	a.store = a.storedAs(kept)
	return nil
}

// storedAs says up to where the count is stored, and when the next time is.
func (a *Annotator) storedAs(kept eventstore.Snapshot) stored {
	pause := max(a.Every, time.Duration(len(kept.Body))*time.Second/storeBytesPerSecond)
	return stored{seq: kept.At.Seq, due: time.Now().Add(pause)}
}

// Finish counts and stores what has been archived since, after run has ended and
// while the archiver still runs. Nothing is decided any more.
func (a *Annotator) Finish() {
	if a.state == nil || !a.Archiver.Active() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
	defer cancel()
	err := a.count(ctx, nil)
	if err == nil {
		err = errors.Join(a.project.put(ctx), a.report(ctx), a.keep(ctx, true))
	}
	if err != nil {
		a.Logger.Warn("the count of the votes could not be stored; the next start takes longer", "error", err)
	}
}

// tell publishes the figures of now.
func (a *Annotator) tell() {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := Figures{Decisions: a.figures.Decisions}
	if s := a.state; s != nil {
		f.Seq, f.Questions, f.Bytes, f.Model = s.Position().Seq, s.Statuses(), s.Bytes(), s.Model().Version
	}
	a.figures = f
}

// Figures gives the figures. Their map of decisions is shared, and may be read in
// Figure only.
func (a *Annotator) Figures() Figures {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.figures
}

// Figure has read look at the figures while they do not change.
func (a *Annotator) Figure(read func(f *Figures) float64) float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return read(&a.figures)
}

func newEventID() (domain.EventID, error) {
	id, err := uuid.NewV7()
	return domain.EventID{UUID: domain.UUID(id)}, err
}

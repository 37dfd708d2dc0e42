package node

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/pairing"
	"ocapi/votes"
)

// The node that archives watches what it archives for floods of votes, and
// answers one with a quarantine. Should two nodes do so for a moment, both mean
// the same quarantine, and the log takes the first.

const (
	// watchBatches may wait for the watch, a second's worth at full speed; what is
	// dropped beyond that is read from the archive.
	watchBatches = 64
	// watchWarm is how many archived events a watch reads that begins: enough for
	// its window at 7 challenges a second, and for a past to compare with.
	watchWarm = 50_000
	// quarantineEvery is how often pending alarms are looked at.
	quarantineEvery = time.Second
)

// voteWatch feeds a watch from the archiver.
type voteWatch struct {
	*votes.Watch
	archive eventstore.Archive
	recent  pairing.Recent
	pairs   *votes.Pairing
	batches chan []domain.Record
	last    domain.Sequence // that was taken in
}

func newVoteWatch(archive eventstore.Archive, recent pairing.Recent) *voteWatch {
	w := &voteWatch{Watch: votes.NewWatch(0), archive: archive, recent: recent, batches: make(chan []domain.Record, watchBatches)}
	w.restart()
	return w
}

// restart has answers count to what is created from the next event on.
func (w *voteWatch) restart() {
	w.pairs = votes.NewPairing(pairing.Params{Decode: eventstore.DecodeEvent, History: w.archive, Recent: w.recent, Most: watchWarm})
}

// observe takes what was archived, or leaves it to be read from the archive.
func (w *voteWatch) observe(batch []domain.Record) {
	select {
	case w.batches <- batch:
	default:
	}
}

// begin reads all quarantines, and where to begin.
func (w *voteWatch) begin(ctx context.Context) error {
	at, err := w.archive.Checkpoint(ctx)
	if err != nil {
		return err
	}
	w.last = before(at.Seq)
	return w.archive.Quarantines(ctx, func(r domain.Record) error {
		w.Apply(r.Event)
		return nil
	})
}

// before is where a watch begins that is to know of the events up to a sequence.
func before(seq domain.Sequence) domain.Sequence { return max(seq, watchWarm) - watchWarm }

// take takes in a batch, and before it what was missed.
func (w *voteWatch) take(ctx context.Context, batch []domain.Record) error {
	first := batch[0].Seq
	apply := func(r domain.Record) error { return w.apply(ctx, r) }
	if from := before(first); from > w.last { // this node may have stood by for weeks
		w.last = from
		w.restart()
	}
	if first > w.last+1 {
		if err := w.archive.Events(ctx, eventstore.EventFilter{After: w.last}, apply); err != nil {
			return err
		}
	}
	for _, r := range batch {
		if err := apply(r); err != nil {
			return err
		}
	}
	return nil
}

func (w *voteWatch) apply(ctx context.Context, r domain.Record) error {
	if r.Seq <= w.last {
		return nil
	}
	w.last = r.Seq
	if c, ok := r.Event.(*domain.ChallengeCreated); ok {
		w.Learn(c)
	}
	found, err := w.pairs.Apply(ctx, r)
	if domain.CodeOf(err) == domain.CodeUnavailable {
		w.last = r.Seq - 1 // it is read again when the archive can be
		return err
	}
	w.Take(found)
	w.Apply(r.Event)
	return err
}

// watchVotes runs the watch until ctx ends.
func (n *node) watchVotes(ctx context.Context) {
	for {
		err := n.votes.begin(ctx)
		if err == nil {
			break
		}
		if !sleep(ctx, time.Second) {
			return
		}
		n.logger.Debug("the quarantines cannot be read yet", "error", err)
	}
	tick := time.NewTicker(quarantineEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case batch := <-n.votes.batches:
			err := n.votes.take(ctx, batch)
			if err != nil && !failing && ctx.Err() == nil {
				n.logger.Warn("the votes cannot be watched; what is missed is read when they can", "error", err)
			}
			failing = err != nil
		case <-tick.C:
			for _, a := range n.votes.Pending() {
				n.quarantine(ctx, &a)
			}
		}
	}
}

// quarantine answers an alarm. What fails is tried again with the next tick, as
// long as the alarm is pending.
func (n *node) quarantine(ctx context.Context, a *votes.Alarm) {
	if !n.archiver.Active() {
		return
	}
	cmd := a.Quarantine()
	id, err := uuid.NewV7()
	if err != nil {
		n.logIf("make an event id", err)
		return
	}
	e, err := domain.DecideQuarantine(n.votes.Quarantine(cmd.Quarantine), cmd, n.env.Clock()(), domain.EventID{UUID: domain.UUID(id)})
	if err != nil {
		n.logIf("quarantine a flood of votes", err)
		return
	}
	switch _, err = n.log.Append(ctx, e, 0); {
	case domain.CodeOf(err) == domain.CodeConflict: // it is on its way to the archive
	case err != nil:
		n.logIf("quarantine a flood of votes", err)
	default:
		// What they say is not for a log file: an operator asks for it.
		n.logger.Warn("one answer floods unknown images; its votes are set aside (see: ocapi quarantine list)", "quarantine", cmd.Quarantine,
			"client_id", a.Client, "kind", a.Pattern.Kind, "votes", a.Votes, "of", a.Of, "images", a.Images)
	}
}

// registerVotes shows what the watch knows. All have a fixed number of series.
func registerVotes(n *node) {
	for kind := domain.PatternText; kind <= domain.PatternSelection; kind++ {
		n.metrics.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "ocapi_vote_floods_total", Help: "Floods of one answer on unknown images that this node has found.",
			ConstLabels: prometheus.Labels{"kind": kind.String()},
		}, func() float64 { return float64(n.votes.Figures().Raised[kind]) }))
	}
	gauge := func(name, help string, value func(votes.Figures) int) {
		n.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value(n.votes.Figures())) }))
	}
	gauge("ocapi_quarantines", "Quarantines of votes in force, where this node archives.", func(f votes.Figures) int { return f.InForce })
	gauge("ocapi_vote_floods_pending", "Floods of votes that no quarantine has answered yet.", func(f votes.Figures) int { return f.Pending })
	gauge("ocapi_votes_watched", "Votes of the last hour that are watched for floods.", func(f votes.Figures) int { return f.WindowVotes })
}

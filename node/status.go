package node

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ocapi/domain"
	"ocapi/eventstore"
)

// logGrace is how long the event log may be silent, a leader's election say,
// before the node says that it is not ready.
const logGrace = 3 * time.Second

// databaseGrace is how long the archive or the clients may be out of reach
// before the node says that it is not ready. The log holds hours, so that the
// restart of a database, or the change to its standby, is no reason to send
// visitors away; after it the node is the one that is cut off, and it would go
// on accepting a private id that was revoked.
const databaseGrace = 2 * time.Minute

// readiness is why the node cannot serve at this stage of its life; empty while
// it runs.
type readiness struct{ reason atomic.Pointer[string] }

func (r *readiness) set(reason string) { r.reason.Store(&reason) }

func (r *readiness) get() string {
	if p := r.reason.Load(); p != nil {
		return *p
	}
	return ""
}

// ready says why the node cannot serve, or nil.
func (n *node) ready() error {
	if reason := n.readiness.get(); reason != "" {
		return errors.New(reason)
	}
	if !n.caughtUp.Load() {
		return errors.New("the projection is catching up with the event log")
	}
	if n.log.Behind() {
		return errors.New("the event log has lost its end; stop all nodes and run: ocapi archive adopt-stream")
	}
	if err := n.log.FlushFailure(); err != nil {
		return fmt.Errorf("the event log takes no more events; look at the disk and start the node anew: %w", err)
	}
	if since, err := n.trimmer.LogFailure(); err != nil && n.env.Clock()().Sub(since) > logGrace {
		return err
	}
	if since, err := n.archiver.Failure(); err != nil {
		_, gap := errors.AsType[*eventstore.GapError](err)
		if gap || n.env.Clock()().Sub(since) > databaseGrace {
			return fmt.Errorf("archiving has stopped: %w", err)
		}
	}
	if err := n.registry.Err(); err != nil && n.registry.Age() > databaseGrace {
		return fmt.Errorf("the clients cannot be read: %w", err)
	}
	if !n.drawn.Load() && !n.demoServable(n.demo) {
		return errors.New("the demonstration's first pictures are being drawn")
	}
	types, err := n.dealer.Servable(&domain.Client{})
	if err != nil {
		return err
	}
	if len(types) == 0 && len(n.dealer.Refused(&domain.Client{})) > 0 {
		return errors.New("the collections have too few images to hide which are known (ocapi corpus check says what is missing, --small-pools serves them all the same)")
	}
	if len(types) == 0 {
		return errors.New("no collection can serve a challenge")
	}
	return nil
}

// registerGauges shows what the node knows of itself. All have a fixed number
// of series.
func registerGauges(n *node) {
	gauge := func(name, help string, value func() float64) {
		n.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("ocapi_archive_sequence", "Sequence of the last archived event.", func() float64 {
		return float64(n.archiver.Position().Seq)
	})
	gauge("ocapi_archiver_active", "1 while this node is the one that archives.", func() float64 {
		if n.archiver.Active() {
			return 1
		}
		return 0
	})
	gauge("ocapi_archive_failing", "1 while archiving has stopped.", func() float64 {
		if _, err := n.archiver.Failure(); err != nil {
			return 1
		}
		return 0
	})
	gauge("ocapi_challenges_remembered", "Challenges whose state is in memory.", func() float64 {
		return float64(n.memory.Len())
	})
	gauge("ocapi_clients", "Registered clients.", func() float64 { return float64(n.registry.Len()) })
	gauge("ocapi_clients_age_seconds", "Time since the registry was last known to be current.", func() float64 {
		return n.registry.Age().Seconds()
	})
	gauge("ocapi_ready", "1 while the node serves.", func() float64 {
		if n.ready() != nil {
			return 0
		}
		return 1
	})
}

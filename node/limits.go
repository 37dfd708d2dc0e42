package node

import (
	"context"
	"time"

	"ocapi/domain"
	"ocapi/projections"
	"ocapi/rate"
)

// workKey is the name of the key that signs questions of the proof of work.
const workKey = "proof-of-work"

// newGate makes the limiter, and the proofs of work with the key that all nodes
// share; the frequency tells what visitors do. Its buckets are full until the log's recent events are charged to
// them, as they are followed.
func (n *node) newGate(ctx context.Context, frequency *projections.Frequency) (*rate.Gate, error) {
	now := n.env.Clock()
	limiter, err := rate.NewLimiter(rate.Params{Config: n.cfg.limits(), Now: now(), LimitOf: n.limitOf, Statistics: pressure{frequency}})
	if err != nil {
		return nil, err
	}
	key, err := n.stores.Clients.ServiceKey(ctx, workKey)
	if err != nil {
		return nil, err
	}
	puzzles, err := rate.NewPuzzles(key, now())
	if err != nil {
		return nil, err
	}
	return rate.NewGate(rate.GateParams{
		Limiter: limiter, Puzzles: puzzles, Logger: n.logger, Now: now,
		Issued: func(id domain.ChallengeID) bool {
			_, status := n.memory.Status(id)
			return status != domain.StatusNone
		},
	}), nil
}

// limitOf gives a client's own limit.
func (n *node) limitOf(id domain.ClientID) domain.Limit {
	if c, ok := n.registry.Client(string(id)); ok {
		return c.Limit
	}
	return domain.Limit{}
}

// pressure tells the limiter what the statistics know.
type pressure struct{ frequency *projections.Frequency }

var _ rate.Statistics = pressure{}

// Pressure implements [rate.Statistics].
func (p pressure) Pressure(client domain.ClientID, now time.Time) rate.Pressure {
	return pressureOf(p.frequency.Pressure(client, now))
}

// TotalPressure implements [rate.Statistics].
func (p pressure) TotalPressure(now time.Time) rate.Pressure {
	return pressureOf(p.frequency.TotalPressure(now))
}

func pressureOf(p projections.Pressure) rate.Pressure {
	return rate.Pressure{
		Issued: p.IssuedPerHour, Unanswered: p.UnansweredShare, Rejected: p.RejectedShare, Exposures: p.ExposuresPerImage,
	}
}

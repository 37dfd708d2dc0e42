package challenges

import (
	"context"
	"slices"
	"sync"

	"ocapi/domain"
)

// Plans is where the plans are that all nodes deal from. Plans of one pool and
// type are a line, numbered from 0.
type Plans interface {
	// PlanHeads tells the number of the newest plan in each line. It is asked
	// twice a second.
	PlanHeads(ctx context.Context) (map[domain.PlanKey]int, error)
	// RecentPlans gives the newest plans of a line, the newest first, at most
	// domain.Generations; none where there are none.
	RecentPlans(ctx context.Context, key domain.PlanKey) ([]*domain.Plan, error)
	// AddPlan stores the next plan of a line, unless there is one of that number
	// already, or a later one: then it reports false. Whoever comes first has made
	// the plan.
	AddPlan(ctx context.Context, pool domain.PoolKey, plan *domain.Plan) (added bool, err error)
}

// Exposures counts what has been dealt.
type Exposures interface {
	// Dealt is the number of challenges that were dealt from a plan, on all nodes
	// and ever, as far as this node knows. It does not shrink.
	Dealt(generation uint64) int64
}

// PlanMemory keeps plans in memory, for whoever deals in one process: it is
// what a simulation needs. It is safe for concurrent use; the zero value is
// ready.
type PlanMemory struct {
	mu    sync.Mutex
	lines map[domain.PlanKey][]*domain.Plan // the newest first
}

var _ Plans = (*PlanMemory)(nil)

// PlanHeads implements [Plans].
func (m *PlanMemory) PlanHeads(context.Context) (map[domain.PlanKey]int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	heads := make(map[domain.PlanKey]int, len(m.lines))
	for key, line := range m.lines {
		heads[key] = line[0].Number
	}
	return heads, nil
}

// RecentPlans implements [Plans].
func (m *PlanMemory) RecentPlans(_ context.Context, key domain.PlanKey) ([]*domain.Plan, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lines[key]), nil
}

// AddPlan implements [Plans].
func (m *PlanMemory) AddPlan(_ context.Context, pool domain.PoolKey, plan *domain.Plan) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := domain.PlanKey{Pool: pool, Type: plan.Type}
	line := m.lines[key]
	if len(line) > 0 && line[0].Number >= plan.Number {
		return false, nil
	}
	if m.lines == nil {
		m.lines = map[domain.PlanKey][]*domain.Plan{}
	}
	line = append([]*domain.Plan{plan}, line...)
	m.lines[key] = line[:min(len(line), domain.Generations)]
	return true, nil
}

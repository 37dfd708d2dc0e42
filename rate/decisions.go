package rate

import "time"

// DecisionCount counts requests for a challenge by what was decided, and by whose
// bucket.
type DecisionCount struct {
	Outcome  Outcome
	Scope    Scope
	Requests uint64
}

// Decisions counts what the gate has decided since it was made; what it has never
// decided is left out.
func (g *Gate) Decisions() []DecisionCount {
	var list []DecisionCount
	for o := OutcomeInvalid + 1; o < outcomeCount; o++ {
		for s := ScopeInvalid + 1; s < scopeCount; s++ {
			if n := g.decisions[o][s].Load(); n > 0 {
				list = append(list, DecisionCount{o, s, uint64(n)})
			}
		}
	}
	return list
}

// Extremes is the state of the gate's limiter at a moment.
func (g *Gate) Extremes(now time.Time) Extremes { return g.limiter.Extremes(now) }

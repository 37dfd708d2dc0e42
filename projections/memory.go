package projections

import (
	"time"

	"ocapi/domain"
)

// Memory is what a node knows of recent challenges without asking anybody:
// their states, and the creations that answers are judged from. It is safe for
// concurrent use.
type Memory struct {
	states *States
	recent *Recent
	decode func([]byte) (domain.Event, error)
}

// NewMemory makes an empty memory that remembers states for at least the
// retention and creations up to about recentBytes of their stored form; decode
// reads the stored form.
func NewMemory(retention time.Duration, recentBytes int, decode func([]byte) (domain.Event, error)) *Memory {
	return &Memory{states: NewStates(retention), recent: NewRecent(recentBytes), decode: decode}
}

// Apply takes in an event that is in the log. Applying one again does no harm.
func (m *Memory) Apply(r domain.Record) {
	m.states.Apply(r.Event, r.Seq)
	if _, ok := r.Event.(*domain.ChallengeCreated); ok {
		m.recent.Put(r.Event.Head().Challenge, r.Seq, r.Data)
	}
}

// Follow takes in the next event of the log, as Apply does that of any event.
// Whoever follows leaves none out: so it is known which answer was the first
// ([Memory.FirstAnswered]).
func (m *Memory) Follow(r domain.Record) {
	m.states.Apply(r.Event, r.Seq)
	m.recent.Follow(r)
}

// Holds reports whether a creation is remembered.
func (m *Memory) Holds(id domain.ChallengeID) bool { return m.recent.Holds(id) }

// FirstAnswered is [Recent.FirstAnswered].
func (m *Memory) FirstAnswered(id domain.ChallengeID, answer domain.Sequence) (data []byte, created domain.Sequence, ok bool) {
	return m.recent.FirstAnswered(id, answer)
}

// Status tells what is known of a challenge; StatusNone when nothing is.
func (m *Memory) Status(id domain.ChallengeID) (domain.ClientID, domain.Status) {
	e, _ := m.states.Get(id)
	return e.Client, e.Status
}

// Created gives a recent creation and its sequence; found is false when it is
// not remembered.
func (m *Memory) Created(id domain.ChallengeID) (created *domain.ChallengeCreated, seq domain.Sequence, found bool) {
	data, seq, ok := m.recent.Get(id)
	if !ok {
		return nil, 0, false
	}
	e, err := m.decode(data)
	if err != nil {
		return nil, 0, false // the log has the same bytes and will say what is wrong
	}
	created, found = e.(*domain.ChallengeCreated)
	return created, seq, found
}

// Len counts the challenges whose states are remembered.
func (m *Memory) Len() int { return m.states.Len() }

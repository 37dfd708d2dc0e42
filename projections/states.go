package projections

import (
	"hash/maphash"
	"sync"
	"time"

	"ocapi/domain"
)

// StateEntry is what the projection knows of one challenge.
type StateEntry struct {
	Client     domain.ClientID
	Status     domain.Status
	CreatedSeq domain.Sequence // 0 where only the verdict was seen
	ExpiresAt  time.Time       // zero where only the verdict was seen
}

// States maps recent challenges to their status. It holds no pointers, so the
// garbage collector does not walk it: a million challenges cost a full
// collection about a millisecond. It is safe for concurrent use.
//
// Challenges are forgotten by age, a generation at a time: at the earliest
// after the retention, and a quarter of it later while events keep coming.
// Time is the events' own; without events nothing is forgotten.
type States struct {
	retention time.Duration
	seed      maphash.Seed
	shards    [stateShards]stateShard

	clientsMu sync.RWMutex
	clients   []domain.ClientID // by index; grows with the number of clients only
	index     map[domain.ClientID]uint32
}

const (
	stateShards      = 16 // lock contention is gone at 64 connections
	stateGenerations = 5  // four quarters of the retention, and the one being filled
)

type stateShard struct {
	mu          sync.RWMutex
	generations [stateGenerations]map[domain.UUID]packedState // the newest first; nil when unused
	began       time.Time                                     // of the newest
}

// packedState has no pointers.
type packedState struct {
	createdSeq domain.Sequence
	expires    int64 // µs since 1970; 0 where only the verdict was seen
	client     uint32
	status     domain.Status
}

// NewStates makes an empty projection that remembers challenges for at least
// the retention.
func NewStates(retention time.Duration) *States {
	return &States{retention: retention, seed: maphash.MakeSeed(), index: map[domain.ClientID]uint32{}}
}

// Apply takes in one event that is in the log at the sequence seq. Applying an
// event again, or an answer before its creation, does no harm.
func (s *States) Apply(e domain.Event, seq domain.Sequence) {
	h := e.Head()
	shard := s.shard(h.Challenge)
	client := s.clientIndex(h.Client)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	shard.rotate(h.At, s.retention/(stateGenerations-1))
	old, generation, found := shard.find(h.Challenge.UUID)
	if !found {
		generation = 0
	}
	next := packedState{client: client}
	switch e := e.(type) {
	case *domain.ChallengeCreated:
		next.createdSeq, next.expires, next.status = seq, e.ExpiresAt.UnixMicro(), domain.StatusCreated
		if found && old.status.Final() {
			next.status = old.status // a verdict is final whatever comes after it
		}
	case *domain.ChallengeAnswered:
		if found && old.status.Final() || !e.Verdict.Final() {
			return
		}
		next.createdSeq, next.expires, next.status = old.createdSeq, old.expires, e.Verdict
	case *domain.VerdictConsumed: // there is none without a verdict, which may have left the log
		if found && old.status.Final() {
			return
		}
		next.createdSeq, next.expires, next.status = old.createdSeq, old.expires, domain.StatusValidated
	default:
		return
	}
	shard.generations[generation][h.Challenge.UUID] = next
}

// Get tells what is known of a challenge; found is false when nothing is.
func (s *States) Get(id domain.ChallengeID) (StateEntry, bool) {
	shard := s.shard(id)
	shard.mu.RLock()
	p, _, found := shard.find(id.UUID)
	shard.mu.RUnlock()
	if !found {
		return StateEntry{}, false
	}
	s.clientsMu.RLock()
	client := s.clients[p.client]
	s.clientsMu.RUnlock()
	entry := StateEntry{Client: client, Status: p.status, CreatedSeq: p.createdSeq}
	if p.expires != 0 {
		entry.ExpiresAt = time.UnixMicro(p.expires).UTC()
	}
	return entry, true
}

// Len counts the challenges that are remembered.
func (s *States) Len() int {
	n := 0
	for i := range s.shards {
		shard := &s.shards[i]
		shard.mu.RLock()
		for _, g := range shard.generations {
			n += len(g)
		}
		shard.mu.RUnlock()
	}
	return n
}

func (s *States) shard(id domain.ChallengeID) *stateShard {
	return &s.shards[maphash.Bytes(s.seed, id.UUID[:])%stateShards]
}

func (s *States) clientIndex(id domain.ClientID) uint32 {
	s.clientsMu.RLock()
	i, ok := s.index[id]
	s.clientsMu.RUnlock()
	if ok {
		return i
	}
	s.clientsMu.Lock()
	defer s.clientsMu.Unlock()
	if i, ok := s.index[id]; ok {
		return i
	}
	i = uint32(len(s.clients))
	s.clients = append(s.clients, id)
	s.index[id] = i
	return i
}

// rotate begins a new generation when the newest has lasted its time and
// forgets the oldest. Time is the events' own, so a replay forgets alike.
func (s *stateShard) rotate(at time.Time, lasts time.Duration) {
	if s.generations[0] == nil {
		s.generations[0], s.began = map[domain.UUID]packedState{}, at
		return
	}
	if at.Sub(s.began) < lasts {
		return
	}
	copy(s.generations[1:], s.generations[:stateGenerations-1])
	s.generations[0], s.began = map[domain.UUID]packedState{}, at
}

func (s *stateShard) find(id domain.UUID) (packedState, int, bool) {
	for i, g := range s.generations {
		if p, ok := g[id]; ok {
			return p, i, true
		}
	}
	return packedState{}, 0, false
}

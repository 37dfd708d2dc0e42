package projections

import (
	"hash/maphash"
	"strings"
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
// garbage collector does not walk it: a million challenges, at 44 bytes, cost a full
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
	generations [stateGenerations]table[packedState] // the newest first
	began       time.Time                            // of the newest; zero before the first event
}

// packedState has no pointers, and no gaps: numbers of 64 bits are in halves,
// because what holds one whole is rounded up to eight bytes.
type packedState struct {
	createdSeq [2]uint32
	expires    [2]uint32 // µs since 1970; 0 where only the verdict was seen
	client     uint32    // and the status in its highest bits
}

const statusShift = 29 // half a billion clients

func halves(n uint64) [2]uint32     { return [2]uint32{uint32(n), uint32(n >> 32)} } //nolint:gosec // its halves
func whole(halves [2]uint32) uint64 { return uint64(halves[1])<<32 | uint64(halves[0]) }

func (p packedState) status() domain.Status { return domain.Status(p.client >> statusShift) }

func (p packedState) with(s domain.Status) packedState {
	p.client = p.client&(1<<statusShift-1) | uint32(s)<<statusShift
	return p
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
	hash := s.hash(h.Challenge)
	shard := s.shard(hash)
	client := s.clientIndex(h.Client)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	shard.rotate(s.seed, h.At, s.retention/(stateGenerations-1))
	old, generation, found := shard.find(hash, h.Challenge.UUID)
	if !found {
		generation = 0
	}
	next := packedState{client: client}
	switch e := e.(type) {
	case *domain.ChallengeCreated:
		next.createdSeq, next.expires = halves(uint64(seq)), halves(uint64(e.ExpiresAt.UnixMicro())) //nolint:gosec // read back as it was
		next = next.with(domain.StatusCreated)
		if found && old.status().Final() {
			next = next.with(old.status()) // a verdict is final whatever comes after it
		}
	case *domain.ChallengeAnswered:
		if found && old.status().Final() || !e.Verdict.Final() {
			return
		}
		next.createdSeq, next.expires = old.createdSeq, old.expires
		next = next.with(e.Verdict)
	case *domain.VerdictConsumed: // there is none without a verdict, which may have left the log
		if found && old.status().Final() {
			return
		}
		next.createdSeq, next.expires = old.createdSeq, old.expires
		next = next.with(domain.StatusValidated)
	default:
		return
	}
	// One that finds no place is looked up in the log.
	shard.generations[generation].put(hash, h.Challenge.UUID, next)
}

// Get tells what is known of a challenge; found is false when nothing is.
func (s *States) Get(id domain.ChallengeID) (StateEntry, bool) {
	hash := s.hash(id)
	shard := s.shard(hash)
	shard.mu.RLock()
	p, _, found := shard.find(hash, id.UUID)
	shard.mu.RUnlock()
	if !found {
		return StateEntry{}, false
	}
	s.clientsMu.RLock()
	client := s.clients[p.with(0).client]
	s.clientsMu.RUnlock()
	entry := StateEntry{Client: client, Status: p.status(), CreatedSeq: domain.Sequence(whole(p.createdSeq))}
	if expires := whole(p.expires); expires != 0 {
		entry.ExpiresAt = time.UnixMicro(int64(expires)).UTC() //nolint:gosec // as it was put
	}
	return entry, true
}

// Len counts the challenges that are remembered.
func (s *States) Len() int {
	n := 0
	for i := range s.shards {
		shard := &s.shards[i]
		shard.mu.RLock()
		for g := range shard.generations {
			n += shard.generations[g].count
		}
		shard.mu.RUnlock()
	}
	return n
}

func (s *States) hash(id domain.ChallengeID) uint64 { return maphash.Bytes(s.seed, id.UUID[:]) }

func (s *States) shard(hash uint64) *stateShard { return &s.shards[hash%stateShards] }

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
	id = domain.ClientID(strings.Clone(string(id))) // it may be a part of a page of events
	i = uint32(len(s.clients))
	s.clients = append(s.clients, id)
	s.index[id] = i
	return i
}

// rotate begins a new generation when the newest has lasted its time and
// forgets the oldest. Time is the events' own, so a replay forgets alike.
func (s *stateShard) rotate(seed maphash.Seed, at time.Time, lasts time.Duration) {
	first := s.began.IsZero()
	if !first && at.Sub(s.began) < lasts {
		return
	}
	if !first {
		copy(s.generations[1:], s.generations[:stateGenerations-1])
	}
	s.generations[0], s.began = table[packedState]{seed: seed}, at
}

func (s *stateShard) find(hash uint64, id domain.UUID) (packedState, int, bool) {
	for i := range s.generations {
		if p := s.generations[i].get(hash, id); p != nil {
			return *p, i, true
		}
	}
	return packedState{}, 0, false
}

package projections

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"ocapi/domain"
)

// Frequency counts how often each image is shown and what becomes of each
// client's challenges: exact counts, and rates that forget with a half-life of
// [HalfLife]. It is what dealing, the limiter and the statistics read.
//
// It is fed with the log's events in the log's order, each once, and with
// nothing else: not by whoever decides an event, whose order is another. Its
// state follows from the events alone, so that any two that have read the same
// events give the same [Frequency.Snapshot], byte by byte. Time is the events'
// own; "now" is an argument of what reads rates.
//
// Images and open challenges are kept without pointers, about 120 bytes for an
// image and 41 for a challenge of the last 22 minutes.
//
// It is safe for concurrent use. Readers never wait for a snapshot.
type Frequency struct {
	// feeding is held by what changes the state, and by what needs it to stand
	// still for long; it comes before mu. mu is held to write for one event at a
	// time, and to read.
	feeding sync.Mutex
	mu      sync.RWMutex

	cursor
	clock tick // the latest moment of an event

	clients, collections, keywords names

	tallies []tally // by client
	total   tally

	generations generations
	images      imageTable
	exposures   [kindCount][roleCount]uint64
	active      activeImages
	open        openChallenges
}

// Position is the event that was applied last. The zero value is "none yet".
type Position struct {
	Seq         domain.Sequence
	Incarnation domain.Incarnation
	Event       domain.EventID
}

// NewFrequency makes one that has read nothing.
func NewFrequency() *Frequency {
	return &Frequency{images: newImageTable(), open: newOpenChallenges()}
}

// HoleError says that an event was not the next one.
type HoleError struct {
	After, Before domain.Sequence // what is missing lies between them
}

// Error says what is missing.
func (e *HoleError) Error() string {
	return fmt.Sprintf("the statistics need event %d next and were given event %d", e.After+1, e.Before)
}

// Apply takes in the next event of the log. One that was applied already
// changes nothing. One that is not the next is refused with a [HoleError]: what
// lies between has to be applied first, or to be declared missing with
// [Frequency.Skip].
func (f *Frequency) Apply(r domain.Record) error {
	f.feeding.Lock()
	defer f.feeding.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	fresh, err := f.move(r)
	if fresh {
		f.apply(r)
	}
	return err
}

// Skip declares that the log has no event after the position up to the sequence
// to, and never will: an operator has declared them lost.
func (f *Frequency) Skip(to domain.Sequence) {
	f.feeding.Lock()
	defer f.feeding.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.skip(to)
}

// Position is the event that was applied last.
func (f *Frequency) Position() Position {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.position
}

// Next is the sequence of the event that has to come next.
func (f *Frequency) Next() domain.Sequence {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.next()
}

// Clock is the latest time of an event that was applied, in whole seconds.
func (f *Frequency) Clock() time.Time {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.clock.time()
}

func (f *Frequency) apply(r domain.Record) {
	at := moment(r)
	now := tickOf(at)
	if now > f.clock {
		f.clock = now
		f.active.advance(now)
	}
	f.open.giveUp(f.clock, func(c openChallenge) {
		f.tallies[c.client].expire(c.kind, c.expires)
		f.total.expire(c.kind, c.expires)
	})
	switch e := r.Event.(type) {
	case *domain.ChallengeCreated:
		f.created(e, at)
	case *domain.ChallengeAnswered:
		f.answered(e, now)
	}
}

func (f *Frequency) created(e *domain.ChallengeCreated, at time.Time) {
	if _, again := f.open.get(e.Challenge.UUID); again {
		return // as domain.Evolve has it: the first one counts
	}
	kind := e.Type
	if int(kind) >= kindCount {
		kind = domain.TypeInvalid // a later release's
	}
	now := tickOf(at)
	client := f.client(e.Client)
	f.tallies[client].issue(kind, now)
	f.total.issue(kind, now)
	lifetime := min(max(e.ExpiresAt.Sub(e.At), 0), maxLifetime)
	f.open.add(e.Challenge.UUID, openChallenge{client: client, kind: kind, expires: tickOf(at.Add(lifetime))})
	if kind == domain.TypeAudio {
		return // what it is made of is drawn anew for each challenge
	}
	shown := 0
	generation := f.generations.deal(e.Generation, kind, now)
	keyword := f.keywords.index(e.Keyword)
	found := f.images.seek(e.Positions, keyword)
	for i := range e.Positions {
		p := &e.Positions[i]
		role, ok := roleIndex(p.Role)
		if !ok {
			continue
		}
		before, fresh := f.images.show(exposure{
			image: p.Image, sought: found[i], kind: kind, collection: f.collections.index(string(p.Collection)), keyword: keyword,
			generation: generation, role: role, at: now,
		})
		f.exposures[kind][role]++
		shown++
		last := before.shown.at
		if !fresh {
			f.active.leave(before.kind, last)
		}
		f.active.enter(kind, max(last, now))
	}
	f.tallies[client].exposed.add(now, shown)
	f.total.exposed.add(now, shown)
}

func (f *Frequency) answered(e *domain.ChallengeAnswered, now tick) {
	c, open := f.open.get(e.Challenge.UUID)
	if !open || !e.Verdict.Final() || f.clients.names[c.client] != string(e.Client) {
		return // a second answer, or none of this challenge
	}
	f.open.remove(e.Challenge.UUID)
	f.tallies[c.client].answer(c.kind, e.Verdict, now)
	f.total.answer(c.kind, e.Verdict, now)
}

func (f *Frequency) client(id domain.ClientID) uint32 {
	i := f.clients.index(string(id))
	if int(i) == len(f.tallies) {
		f.tallies = append(f.tallies, tally{})
	}
	return i
}

// names numbers names in the order in which they come: clients, collections and
// keywords, of which there are few.
type names struct {
	names  []string
	byName map[string]uint32
}

func (n *names) find(name string) (uint32, bool) {
	i, ok := n.byName[name]
	return i, ok
}

func (n *names) index(name string) uint32 {
	if i, ok := n.byName[name]; ok {
		return i
	}
	if n.byName == nil {
		n.byName = map[string]uint32{}
	}
	name = strings.Clone(name) // it may be a part of a page of events
	i := uint32(len(n.names))
	n.names = append(n.names, name)
	n.byName[name] = i
	return i
}

// generationKey: what was dealt before there were generations is 0 in both
// types.
type generationKey struct {
	id   uint64
	kind domain.ChallengeType
}

type generationRow struct {
	generationKey
	dealt       int64 // challenges
	first, last tick
}

// generations numbers them in the order in which they come.
type generations struct {
	rows  []generationRow
	byKey map[generationKey]uint32
}

// deal counts a challenge of a generation and gives its index.
func (g *generations) deal(id uint64, kind domain.ChallengeType, at tick) uint32 {
	key := generationKey{id, kind}
	i, ok := g.byKey[key]
	if !ok {
		i = g.add(generationRow{generationKey: key, first: at, last: at})
	}
	row := &g.rows[i]
	row.dealt++
	row.first, row.last = min(row.first, at), max(row.last, at)
	return i
}

func (g *generations) add(row generationRow) uint32 {
	if g.byKey == nil {
		g.byKey = map[generationKey]uint32{}
	}
	i := uint32(len(g.rows))
	g.rows = append(g.rows, row)
	g.byKey[row.generationKey] = i
	return i
}

// Dealt counts the challenges of a generation, exactly, as far as the log has
// been read. 0 is what was dealt without one.
func (f *Frequency) Dealt(generation uint64) int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	dealt := int64(0)
	for kind := range domain.ChallengeType(kindCount) {
		if i, ok := f.generations.byKey[generationKey{generation, kind}]; ok {
			dealt += f.generations.rows[i].dealt
		}
	}
	return dealt
}

package challenges

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"ocapi/domain"
)

// stock is what is dealt from a pool: a deck for each type of challenge.
type stock struct {
	key   domain.PoolKey
	build sync.Once // fills what follows
	pool  *domain.Pool
	demo  bool // of the demonstration's collections alone

	named  atomic.Bool // by a client, since the snapshot was made
	first  sync.Once   // of those who asked
	tended atomic.Bool // its decks are opened, as far as there can be any

	// tending is held while decks are opened and plans made; mu, which may be taken
	// while it is held, for moments only.
	tending sync.Mutex
	lines   map[domain.ChallengeType]*line

	mu    sync.Mutex
	decks map[domain.ChallengeType]*domain.Deck
	rng   *mathrand.Rand
}

func newStock(key domain.PoolKey, rng *mathrand.Rand) *stock {
	st := &stock{key: key, decks: map[domain.ChallengeType]*domain.Deck{}, lines: map[domain.ChallengeType]*line{}, rng: rng}
	for _, t := range dealtTypes {
		st.lines[t] = &line{read: -1}
	}
	return st
}

// unpredictable gives a source of random numbers that nobody can guess.
func unpredictable() *mathrand.Rand {
	var seed [32]byte
	rand.Read(seed[:]) // documented never to fail
	return mathrand.New(mathrand.NewChaCha8(seed))
}

// fill looks at the pool's images.
func (st *stock) fill(d *Dealer, s *snapshot) {
	var infos []domain.CollectionInfo
	var images []domain.Image
	st.demo = true
	for _, id := range st.key.Collections() {
		i := slices.IndexFunc(s.collections, func(c domain.CollectionInfo) bool { return c.ID == id })
		if i < 0 {
			continue // it was deleted since the stock of before was made
		}
		st.demo = st.demo && s.collections[i].Demo
		infos = append(infos, s.collections[i])
		images = append(images, s.images[id]...)
	}
	// It fails only for a dealing that is refused when the dealer is made.
	st.pool, _ = domain.NewPool(d.Dealing, infos, images)
}

// follow goes on where the stock of another snapshot was.
func (st *stock) follow(before *stock) {
	st.tending.Lock()
	defer st.tending.Unlock()
	before.mu.Lock()
	defer before.mu.Unlock()
	st.mu.Lock()
	defer st.mu.Unlock()
	for t, old := range before.decks {
		// Where too little is left, the next plan is made when the stock is tended.
		if deck, err := st.pool.Deck(old.Plan(), old, st.rng); err == nil && st.decks[t] == nil {
			st.decks[t], st.lines[t].read = deck, old.Plan().Number
		}
	}
}

// compose deals a challenge; a zero type means any.
func (st *stock) compose(t domain.ChallengeType) (domain.Composition, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if t == domain.TypeInvalid {
		var types [len(dealtTypes)]domain.ChallengeType
		n := 0
		for _, dealt := range dealtTypes {
			if st.decks[dealt] != nil {
				types[n] = dealt
				n++
			}
		}
		if n == 0 {
			return domain.Composition{}, domain.Unavailable("no collection can serve a challenge", nil)
		}
		t = types[st.rng.IntN(n)]
	}
	deck, ok := st.decks[t]
	if !ok {
		return domain.Composition{}, domain.Unavailable(fmt.Sprintf("no collection can serve a challenge of the type %s", t), nil)
	}
	return deck.Compose(st.rng), nil
}

// types lists the types that are dealt, in the order of their values.
func (st *stock) types() []domain.ChallengeType {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.typesLocked()
}

func (st *stock) typesLocked() []domain.ChallengeType {
	var types []domain.ChallengeType
	for t := range st.decks {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}

// dealtTypes are the types that challenges are dealt in.
var dealtTypes = [...]domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification}

// tend opens the decks of the newest plans, and makes plans that are due.
func (st *stock) tend(ctx context.Context, d *Dealer, heads map[domain.PlanKey]int) error {
	st.tending.Lock()
	defer st.tending.Unlock()
	for _, t := range dealtTypes {
		number, there := heads[domain.PlanKey{Pool: st.key, Type: t}]
		if !there {
			number = -1
		}
		if err := st.tendType(ctx, d, t, number, heads); err != nil {
			return err
		}
	}
	st.tended.Store(true)
	return nil
}

// line is what a stock knows of its plans for one type. The holder of tending
// changes it.
type line struct {
	read     int  // the newest number that was read; -1: none
	hopeless bool // no plan can be made of the pool as it is
}

// tendType brings one type up to date; head is the number of the newest plan, or
// -1. The caller holds tending.
func (st *stock) tendType(ctx context.Context, d *Dealer, t domain.ChallengeType, head int, heads map[domain.PlanKey]int) error {
	deck, l := st.deck(t), st.lines[t]
	makes := st.safe(d, t) && !l.hopeless
	due := func() bool { return makes && (deck == nil || st.due(d, deck)) }
	// Twice, because another node may be first to make a plan.
	for try := 0; try < 2 && (head > l.read || due()); try++ {
		recent, err := d.Plans.RecentPlans(ctx, domain.PlanKey{Pool: st.key, Type: t})
		if err != nil {
			return err
		}
		if len(recent) > 0 {
			l.read = recent[0].Number
			// Where too little is left of a plan, the one before may still do.
			if newest, err := st.pool.Deck(recent[0], deck, d.Random()); err == nil {
				deck = newest
			}
		}
		if !due() {
			break
		}
		number := 0
		if len(recent) > 0 {
			number = recent[0].Number + 1
		} else if recent, err = st.inherit(ctx, d, t, heads); err != nil {
			return err
		}
		next, err := st.makeNext(ctx, d, t, number, recent)
		if domain.CodeOf(err) == domain.CodeUnavailable {
			l.hopeless = true
			break
		}
		if err != nil {
			return err
		}
		if next != nil {
			deck, l.read = next, next.Plan().Number
			break
		}
	}
	// A pool that has become too small goes on with the last plan that hides what
	// is known, beyond its life: nothing tells while nothing changes.
	if deck != nil && !st.safe(d, t) && !deck.Plan().Hides(d.Dealing.Horizon) {
		deck = nil
	}
	st.put(t, deck)
	st.remark(d, t, deck)
	return nil
}

// plans reports whether a plan of a type is due, and whether one is that cannot
// be made of the pool as it is.
func (st *stock) plans(d *Dealer) (due, stuck bool) {
	st.tending.Lock()
	defer st.tending.Unlock()
	for _, t := range dealtTypes {
		deck, makes := st.deck(t), st.safe(d, t) && !st.lines[t].hopeless
		switch {
		case deck != nil && !st.due(d, deck):
		case makes && deck != nil:
			due = true
		default:
			stuck = stuck || st.pool.Has(t)
		}
	}
	return due, stuck
}

// safe reports whether plans may be made.
func (st *stock) safe(d *Dealer, t domain.ChallengeType) bool {
	return d.SmallPools || st.demo || st.pool.Secrecy(t).Safe()
}

// inherit gives the plans of the pool that this one has come from, when a
// collection was added or taken away: what was dealt there has to rest here,
// too. It is the one with the most collections in common.
func (st *stock) inherit(ctx context.Context, d *Dealer, t domain.ChallengeType, heads map[domain.PlanKey]int) ([]*domain.Plan, error) {
	var from domain.PlanKey
	most := 0
	for key := range heads {
		if n := st.key.Shared(key.Pool); key.Type == t && (n > most || n == most && n > 0 && key.Pool < from.Pool) {
			from, most = key, n
		}
	}
	if most == 0 {
		return nil, nil
	}
	return d.Plans.RecentPlans(ctx, from)
}

// makeNext makes and stores a plan, and gives a deck of it; nil when another
// node was faster. The error is CodeUnavailable when there is not enough to make
// it of.
func (st *stock) makeNext(ctx context.Context, d *Dealer, t domain.ChallengeType, number int, recent []*domain.Plan) (*domain.Deck, error) {
	rng := d.Random()
	plan, err := st.pool.Plan(t, number, recent, rng)
	if err != nil {
		return nil, err
	}
	plan.Generation = newGeneration()
	deck, err := st.pool.Deck(plan, nil, rng)
	if err != nil {
		return nil, err
	}
	if added, err := d.Plans.AddPlan(ctx, st.key, plan); err != nil || !added {
		return nil, err
	}
	d.Logger.Info("a new generation of images is dealt", "collections", string(st.key), "type", t.String(), "number", plan.Number,
		"generation", plan.Generation, "cycle", deck.Cycle(), "challenges", deck.Life(), "resting", plan.Rest-1)
	return deck, nil
}

// newGeneration draws a number that no plan has had: 48 bits, which every
// program reads exactly. It is random, so that a restored or a lost database
// gives no number twice: what was dealt under it is counted for ever.
func newGeneration() uint64 {
	var b [8]byte
	rand.Read(b[2:]) // documented never to fail
	return max(1, binary.BigEndian.Uint64(b[:]))
}

func (st *stock) deck(t domain.ChallengeType) *domain.Deck {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.decks[t]
}

// put deals a type from a deck from now on; nil: no more.
func (st *stock) put(t domain.ChallengeType, deck *domain.Deck) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if deck == nil {
		delete(st.decks, t)
		return
	}
	st.decks[t] = deck
}

// due reports whether a deck has served its time.
func (st *stock) due(d *Dealer, deck *domain.Deck) bool {
	return d.Exposures.Dealt(deck.Plan().Generation) >= deck.Life() || deck.Worn() || deck.Outgrown()
}

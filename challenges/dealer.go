package challenges

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ocapi/domain"
)

// Corpus is where the collections are.
type Corpus interface {
	// Revision changes whenever a collection does.
	Revision(ctx context.Context) (int64, error)
	// Decisions changes with whatever votes have decided or nearly decided, which is
	// taken up when the next plan is made.
	Decisions(ctx context.Context) (int64, error)
	// Load reads all collections, sorted by id, and their images in the same
	// order, as they were at one revision.
	Load(ctx context.Context) (Collections, error)
}

// Collections is the corpus at one revision.
type Collections struct {
	Revision  int64
	Decisions int64
	Infos     []domain.CollectionInfo // sorted by id
	Images    []domain.Image          // by collection, in that order
}

// DealerConfig holds what a [Dealer] is made of. All fields are needed that do
// not say otherwise.
type DealerConfig struct {
	Corpus    Corpus
	Plans     Plans
	Exposures Exposures
	Dealing   domain.Dealing
	// SmallPools serves pools that are too small to hide which of their images
	// are known. The demonstration's are served in any case.
	SmallPools bool
	// Random gives sources of random numbers; nil: such as nobody can guess. Only
	// a simulation, which has to come out alike again, brings its own.
	Random func() *mathrand.Rand
	Logger *slog.Logger
}

// Dealer composes challenges from the collections and the plans as they were at
// the last [Dealer.Refresh]. It is safe for concurrent use.
type Dealer struct {
	DealerConfig

	now atomic.Pointer[snapshot]

	refreshing sync.Mutex // held while what is dealt from is brought up to date
	refreshes  int        // so far
	said       remarks
}

var _ Composer = (*Dealer)(nil)

// NewDealer makes a dealer without collections; it can serve nothing until it
// is refreshed. It fails when the dealing protects no form.
func NewDealer(cfg DealerConfig) (*Dealer, error) {
	if err := cfg.Dealing.Validate(); err != nil {
		return nil, err
	}
	if cfg.Random == nil {
		cfg.Random = unpredictable
	}
	d := &Dealer{DealerConfig: cfg}
	d.now.Store(&snapshot{revision: -1, stocks: map[domain.PoolKey]*stock{}})
	return d, nil
}

// snapshot is the collections at one revision, and what has been made of them
// so far.
type snapshot struct {
	revision    int64
	decisions   int64
	collections []domain.CollectionInfo // sorted by id
	images      map[domain.CollectionID][]domain.Image

	own, demo domain.PoolKey // of all collections that are not the demo's, and of those that are

	mu     sync.Mutex
	stocks map[domain.PoolKey]*stock
}

// Refresh takes up changes of the collections, plans that other nodes have made,
// and makes those that are due. On an error the dealer goes on with what it has.
func (d *Dealer) Refresh(ctx context.Context) error {
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	if err := d.reload(ctx); err != nil {
		return err
	}
	s := d.now.Load()
	heads, err := d.Plans.PlanHeads(ctx)
	if err != nil {
		return err
	}
	stocks := s.all()
	d.remarkOverlaps(stocks)
	var errs []error
	for _, st := range stocks {
		errs = append(errs, st.tend(ctx, d, heads))
	}
	return errors.Join(errs...)
}

// stuckEvery is how many refreshes lie between two times that what votes have
// decided is taken up where no plan can be made: five minutes, when there are two
// refreshes a second.
const stuckEvery = 600

// plans reports whether a plan is to be made, so that it is time to take up what
// votes have decided. To read all collections anew at each decision would be too
// much; what cannot wait raises their revision.
func (d *Dealer) plans(s *snapshot) bool {
	d.refreshes++
	for _, st := range s.all() {
		if due, stuck := st.plans(d); due || stuck && d.refreshes%stuckEvery == 0 {
			return true
		}
	}
	return false
}

// reload reads the collections anew when they have changed. What was dealt from
// goes on where it was.
func (d *Dealer) reload(ctx context.Context) error {
	revision, err := d.Corpus.Revision(ctx)
	if err != nil {
		return fmt.Errorf("read the collections' revision: %w", err)
	}
	before := d.now.Load()
	if revision == before.revision {
		if !d.plans(before) {
			return nil
		}
		if decisions, err := d.Corpus.Decisions(ctx); err != nil {
			return fmt.Errorf("read the revision of what votes have decided: %w", err)
		} else if decisions == before.decisions {
			return nil
		}
	}
	loaded, err := d.Corpus.Load(ctx)
	if err != nil {
		return fmt.Errorf("load the collections: %w", err)
	}
	next := &snapshot{
		revision: loaded.Revision, decisions: loaded.Decisions, collections: loaded.Infos,
		images: map[domain.CollectionID][]domain.Image{}, stocks: map[domain.PoolKey]*stock{},
	}
	var own, demo []domain.CollectionID
	for _, c := range loaded.Infos {
		if c.Demo {
			demo = append(demo, c.ID)
		} else {
			own = append(own, c.ID)
		}
	}
	next.own, next.demo = domain.NewPoolKey(own), domain.NewPoolKey(demo)
	for rest := loaded.Images; len(rest) > 0; {
		id := rest[0].Collection
		end := slices.IndexFunc(rest, func(im domain.Image) bool { return im.Collection != id })
		if end < 0 {
			end = len(rest)
		}
		next.images[id], rest = rest[:end], rest[end:]
	}
	for _, st := range before.all() {
		// Pools that no client has asked for lately are made again when one does.
		if there := next.existing(d, st.key.Collections()); st.named.Load() && domain.NewPoolKey(there) == st.key {
			next.stock(d, st.key).follow(st)
		}
	}
	// The usual one is made here, so that no visitor waits for it.
	usual := next.usual(d).key
	if old, ok := before.made(usual); ok {
		next.stock(d, usual).follow(old)
	}
	d.now.Store(next)
	return nil
}

// Compose implements [Composer].
func (d *Dealer) Compose(client *domain.Client, t domain.ChallengeType) (domain.Composition, error) {
	return d.stockOf(client).compose(t)
}

// Servable implements [Composer].
func (d *Dealer) Servable(client *domain.Client) ([]domain.ChallengeType, error) {
	return d.stockOf(client).types(), nil
}

// Prompt implements [Composer].
func (d *Dealer) Prompt(client *domain.Client, keyword string) (map[string]string, error) {
	return d.stockOf(client).pool.Prompt(keyword), nil
}

// Refused lists the types that a client could be served if its collections were
// not too small to hide which of their images are known.
func (d *Dealer) Refused(client *domain.Client) []domain.ChallengeType {
	st := d.stockOf(client)
	served := st.types()
	return slices.DeleteFunc(st.pool.Types(), func(t domain.ChallengeType) bool {
		return slices.Contains(served, t) || st.safe(d, t)
	})
}

// firstPatience bounds how long the first visitors of a client wait whose
// collections have to be looked at first.
const firstPatience = 5 * time.Second

func (d *Dealer) stockOf(client *domain.Client) *stock {
	s := d.now.Load()
	var st *stock
	if len(client.Collections) == 0 {
		st = s.usual(d)
	} else {
		st = s.stock(d, domain.NewPoolKey(s.existing(d, client.Collections)))
		st.named.Store(true)
	}
	st.first.Do(func() {
		if st.tended.Load() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), firstPatience)
		defer cancel()
		heads, err := d.Plans.PlanHeads(ctx)
		if err == nil {
			err = st.tend(ctx, d, heads)
		}
		if err != nil {
			// The next refresh tries again.
			d.Logger.Warn("the plans of a client's collections could not be read or made", "client_id", client.ID, "error", err)
		}
	})
	return st
}

// usual is the stock of a client that names no collection: of all that are not
// the demo's, else the demo's. Collections that can serve nothing, because their
// import is under way or was broken off, take nothing away from anybody.
func (s *snapshot) usual(d *Dealer) *stock {
	if s.own != "" {
		if st := s.stock(d, s.own); s.demo == "" || len(st.pool.Types()) > 0 {
			return st
		}
	}
	return s.stock(d, s.demo)
}

// existing leaves out collections that do not exist: whoever names one beside
// another is dealt from that one, as those are who name it alone.
func (s *snapshot) existing(d *Dealer, ids []domain.CollectionID) []domain.CollectionID {
	var there []domain.CollectionID
	for _, id := range ids {
		if slices.ContainsFunc(s.collections, func(c domain.CollectionInfo) bool { return c.ID == id }) {
			there = append(there, id)
			continue
		}
		d.said.once("missing "+string(id), func() {
			d.Logger.Warn("a client names a collection that does not exist", "collection", id)
		})
	}
	return there
}

// stock gives what a pool is dealt from; it is made when it is asked for.
func (s *snapshot) stock(d *Dealer, key domain.PoolKey) *stock {
	s.mu.Lock()
	st, ok := s.stocks[key]
	if !ok {
		st = newStock(key, d.Random())
		s.stocks[key] = st
	}
	s.mu.Unlock()
	st.build.Do(func() { st.fill(d, s) })
	return st
}

// all gives the stocks that there are, sorted.
func (s *snapshot) all() []*stock {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*stock, 0, len(s.stocks))
	for _, st := range s.stocks {
		list = append(list, st)
	}
	slices.SortFunc(list, func(a, b *stock) int { return cmp.Compare(a.key, b.key) })
	return list
}

// made gives a stock if it is there.
func (s *snapshot) made(key domain.PoolKey) (*stock, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.stocks[key]
	return st, ok
}

package challenges

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"ocapi/domain"
)

// Corpus is where the collections are.
type Corpus interface {
	// Revision changes whenever a collection does.
	Revision(ctx context.Context) (int64, error)
	// Load reads all collections, sorted by id, and their images in the same
	// order, as they were at one revision.
	Load(ctx context.Context) (Collections, error)
}

// Collections is the corpus at one revision.
type Collections struct {
	Revision int64
	Infos    []domain.CollectionInfo // sorted by id
	Images   []domain.Image          // by collection, in that order
}

// Dealer composes challenges from the collections as they were at the last
// [Dealer.Refresh]. It is safe for concurrent use.
type Dealer struct {
	corpus  Corpus
	dealing domain.Dealing
	logger  *slog.Logger

	refreshing sync.Mutex
	now        atomic.Pointer[snapshot]
}

var _ Composer = (*Dealer)(nil)

// NewDealer makes a dealer without collections; it can serve nothing until it
// is refreshed. It fails when the dealing protects no form.
func NewDealer(corpus Corpus, dealing domain.Dealing, logger *slog.Logger) (*Dealer, error) {
	if err := dealing.Validate(); err != nil {
		return nil, err
	}
	d := &Dealer{corpus: corpus, dealing: dealing, logger: logger}
	d.now.Store(&snapshot{revision: -1, pools: map[string]*lockedPool{}})
	return d, nil
}

// snapshot is the collections at one revision, and the pools made of them so
// far.
type snapshot struct {
	revision    int64
	collections []domain.CollectionInfo // sorted by id
	images      map[domain.CollectionID][]domain.Image

	mu    sync.Mutex
	pools map[string]*lockedPool // by the ids of its collections
}

// lockedPool is a pool with its lock and its own source of randomness.
type lockedPool struct {
	build sync.Once
	err   error

	mu   sync.Mutex
	pool *domain.Pool
	rng  *mathrand.Rand
}

// Refresh reads the collections anew when they have changed. On an error the
// dealer goes on with what it has.
func (d *Dealer) Refresh(ctx context.Context) error {
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	revision, err := d.corpus.Revision(ctx)
	if err != nil {
		return fmt.Errorf("read the collections' revision: %w", err)
	}
	if revision == d.now.Load().revision {
		return nil
	}
	loaded, err := d.corpus.Load(ctx)
	if err != nil {
		return fmt.Errorf("load the collections: %w", err)
	}
	next := &snapshot{
		revision: loaded.Revision, collections: loaded.Infos,
		images: map[domain.CollectionID][]domain.Image{}, pools: map[string]*lockedPool{},
	}
	for rest := loaded.Images; len(rest) > 0; {
		id := rest[0].Collection
		end := slices.IndexFunc(rest, func(im domain.Image) bool { return im.Collection != id })
		if end < 0 {
			end = len(rest)
		}
		next.images[id], rest = rest[:end], rest[end:]
	}
	// The usual pool is made here, so that no visitor waits for it.
	if _, err := next.usual(d); err != nil {
		return err
	}
	d.now.Store(next)
	return nil
}

// Compose implements [Composer].
func (d *Dealer) Compose(client *domain.Client, t domain.ChallengeType) (domain.Composition, error) {
	p, err := d.poolOf(client)
	if err != nil {
		return domain.Composition{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pool.Compose(t, p.rng)
}

// Servable implements [Composer].
func (d *Dealer) Servable(client *domain.Client) ([]domain.ChallengeType, error) {
	p, err := d.poolOf(client)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pool.Types(), nil
}

// Prompt implements [Composer].
func (d *Dealer) Prompt(client *domain.Client, keyword string) (map[string]string, error) {
	p, err := d.poolOf(client)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pool.Prompt(keyword), nil
}

func (d *Dealer) poolOf(client *domain.Client) (*lockedPool, error) {
	s := d.now.Load()
	if len(client.Collections) == 0 {
		return s.usual(d)
	}
	return s.pool(d, client.Collections)
}

// usual is the pool of a client that names no collection: all that are not the
// demo's, else the demo's. Collections that can serve nothing, because their
// import is under way or was broken off, take nothing away from anybody.
func (s *snapshot) usual(d *Dealer) (*lockedPool, error) {
	var own, demo []domain.CollectionID
	for _, c := range s.collections {
		if c.Demo {
			demo = append(demo, c.ID)
		} else {
			own = append(own, c.ID)
		}
	}
	if len(own) > 0 {
		p, err := s.pool(d, own)
		if err != nil || len(demo) == 0 || p.servable() {
			return p, err
		}
	}
	return s.pool(d, demo)
}

func (p *lockedPool) servable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pool.Types()) > 0
}

func (s *snapshot) pool(d *Dealer, ids []domain.CollectionID) (*lockedPool, error) {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	var key strings.Builder
	for _, id := range sorted {
		key.WriteString(string(id))
		key.WriteByte(0)
	}
	s.mu.Lock()
	p, ok := s.pools[key.String()]
	if !ok {
		p = &lockedPool{}
		s.pools[key.String()] = p
	}
	s.mu.Unlock()
	p.build.Do(func() { p.err = p.fill(d, s, sorted) })
	return p, p.err
}

func (p *lockedPool) fill(d *Dealer, s *snapshot, ids []domain.CollectionID) error {
	var seed [32]byte
	rand.Read(seed[:]) // documented never to fail
	p.rng = mathrand.New(mathrand.NewChaCha8(seed))
	var infos []domain.CollectionInfo
	var images []domain.Image
	for _, id := range ids {
		i := slices.IndexFunc(s.collections, func(c domain.CollectionInfo) bool { return c.ID == id })
		if i < 0 {
			d.logger.Warn("a client names a collection that does not exist", "collection", id)
			continue
		}
		infos = append(infos, s.collections[i])
		images = append(images, s.images[id]...)
	}
	var err error
	p.pool, err = domain.NewPool(d.dealing, infos, images, p.rng)
	return err
}

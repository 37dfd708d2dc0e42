package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"ocapi/challenges"
	"ocapi/domain"
)

// World hands out challenges, as the service does or naively.
type World interface {
	// Next deals the attacker's next challenge. What others get meanwhile passes
	// unseen. now is the virtual time since the beginning.
	Next(ctx context.Context) (c domain.Composition, now time.Duration, err error)
}

// refreshEvery is how often a node of the service looks for new plans.
const refreshEvery = 500 * time.Millisecond

// promoteEvery is how many challenges lie between two times that the service is
// told what votes have decided.
const promoteEvery = 2_500

const (
	// settledAfter is how many votes an unknown image has at least when it is settled.
	settledAfter = 5
	// disputedAfter is how many it has when it is given up.
	disputedAfter = 12
	// doubtful is the share of the images that settledAfter votes do not settle. They
	// are asked about again before others; later votes settle half of them.
	doubtful = 0.3
)

// opinion is what votes have made of an image so far.
type opinion struct {
	votes  int // while it was not settled
	status domain.QuestionStatus
	truth  domain.Truth
	tried  int // answers since it was settled
}

// ours is the service: nodes with the dealer that it has, stores in memory, and
// the images of [makeImages].
type ours struct {
	p       Params
	rng     *rand.Rand
	images  *imageStore
	plans   challenges.PlanMemory
	dealt   dealtCount
	dealers []*challenges.Dealer
	client  domain.Client
	words   *vocabulary

	total       int           // challenges handed out to all
	taken       int           // by the attacker
	refreshed   time.Duration // when nodes last looked for plans
	restarts    int           // so far
	promotions  float64       // that are due
	opinions    map[domain.ImageID]*opinion
	ripe        []domain.ImageID // votes could settle them, in the order in which they could
	rounds      int              // of promotions so far
	promotedAll int
}

var _ World = (*ours)(nil)

// dealtCount counts the challenges of each plan, as the projection of the log
// does on every node.
type dealtCount map[uint64]int64

// Dealt implements [challenges.Exposures].
func (d dealtCount) Dealt(generation uint64) int64 { return d[generation] }

// newOurs makes a world of the service. images are shared and never changed.
func newOurs(ctx context.Context, p Params, images []domain.Image, seed uint64) (*ours, error) {
	w := &ours{
		p: p, rng: rand.New(rand.NewPCG(seed, 2)), //nolint:gosec // has to come out alike again
		images: &imageStore{images: images}, dealt: dealtCount{},
		client: domain.Client{ID: "site"}, opinions: map[domain.ImageID]*opinion{},
	}
	w.words = newVocabulary(rand.New(rand.NewPCG(seed, 3))) //nolint:gosec // as above
	for range p.Nodes {
		d, err := w.start(ctx)
		if err != nil {
			return nil, err
		}
		w.dealers = append(w.dealers, d)
	}
	return w, nil
}

// start starts a node.
func (w *ours) start(ctx context.Context) (*challenges.Dealer, error) {
	d, err := challenges.NewDealer(challenges.DealerConfig{
		Corpus: w.images, Plans: &w.plans, Exposures: w.dealt, Dealing: w.p.Dealing, SmallPools: true,
		Random: func() *rand.Rand { return rand.New(rand.NewPCG(w.rng.Uint64(), w.rng.Uint64())) }, //nolint:gosec // as above
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	if err := d.Refresh(ctx); err != nil {
		return nil, fmt.Errorf("start a node: %w", err)
	}
	return d, nil
}

// Next implements [World].
func (w *ours) Next(ctx context.Context) (domain.Composition, time.Duration, error) {
	if w.restarts < w.p.Restarts && w.taken >= (w.restarts+1)*w.p.most()/(w.p.Restarts+1) {
		d, err := w.start(ctx)
		if err != nil {
			return domain.Composition{}, 0, err
		}
		w.dealers[w.restarts%len(w.dealers)] = d
		w.restarts++
	}
	for {
		c, now, err := w.deal(ctx)
		if err != nil || w.p.Share == 1 || w.rng.Float64() < w.p.Share {
			w.taken++
			return c, now, err
		}
	}
}

// deal deals a challenge to somebody, from any of the nodes.
func (w *ours) deal(ctx context.Context) (domain.Composition, time.Duration, error) {
	now := time.Duration(float64(w.total) / w.p.PerSecond * float64(time.Second))
	w.promote()
	if now-w.refreshed >= refreshEvery {
		w.refreshed = now
		for _, d := range w.dealers {
			if err := d.Refresh(ctx); err != nil {
				return domain.Composition{}, 0, err
			}
		}
	}
	c, err := w.dealers[w.rng.IntN(len(w.dealers))].Compose(&w.client, w.p.Type)
	if err != nil {
		return domain.Composition{}, 0, fmt.Errorf("deal challenge %d: %w", w.total+1, err)
	}
	w.total++
	w.dealt[c.Generation]++
	w.count(&c)
	return c, now, nil
}

// count notes votes, where promotions will follow from them.
func (w *ours) count(c *domain.Composition) {
	if w.p.Promotions == 0 {
		return
	}
	w.promotions += w.p.Promotions
	for i := range c.Positions {
		p := &c.Positions[i]
		if p.Role == domain.RoleKnown || p.Trust == domain.TrustImported {
			continue
		}
		o := w.opinions[p.Image]
		if o == nil {
			o = &opinion{}
			w.opinions[p.Image] = o
		}
		switch o.status {
		case domain.QuestionSettled:
			o.tried++
			continue
		case domain.QuestionOpen:
			o.votes++
		default:
			continue
		}
		switch {
		case o.votes == settledAfter && w.rng.Float64() >= doubtful, o.votes == disputedAfter && w.rng.IntN(2) == 0:
			w.ripe = append(w.ripe, p.Image)
		case o.votes == disputedAfter:
			o.status = domain.QuestionDisputed
		}
	}
}

// promote settles images that people have voted about often enough, any of
// them, and tells the service of what has been decided and what nearly has.
func (w *ours) promote() {
	if w.p.Promotions == 0 || w.total/promoteEvery <= w.rounds {
		return
	}
	w.rounds++
	n := min(int(w.promotions), len(w.ripe))
	w.promotions -= float64(n)
	w.rng.Shuffle(len(w.ripe), func(i, j int) { w.ripe[i], w.ripe[j] = w.ripe[j], w.ripe[i] })
	for _, id := range w.ripe[:n] {
		o := w.opinions[id]
		o.status, o.truth = domain.QuestionSettled, domain.Truth{Kind: domain.TruthMatch, Match: w.rng.IntN(2) == 0}
		if w.p.Type == domain.TypeTranscription {
			o.truth = domain.Truth{Kind: domain.TruthText, Text: w.words.draw(w.rng)}
		}
	}
	w.ripe = w.ripe[n:]
	w.promotedAll += n
	w.images.change(func(im *domain.Image) {
		o := w.opinions[im.ID]
		if o == nil {
			return
		}
		im.Need, im.Decided = 0, nil
		if o.status == domain.QuestionOpen {
			im.Need = uint8(max(1, settledAfter-o.votes))
			return
		}
		d := domain.Decision{Status: o.status, Truth: o.truth, Proven: o.status == domain.QuestionSettled && o.tried >= domain.ProvenAfter}
		if im.Type == domain.TypeClassification {
			d.Keyword = im.Candidates[0]
		}
		im.Decided = []domain.Decision{d}
	})
}

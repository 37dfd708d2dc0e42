package challenges_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"ocapi/challenges"
	"ocapi/domain"
)

// large makes a collection of so many known texts and as many unknown ones.
func large(id domain.CollectionID, known int) challenges.Collections {
	c := challenges.Collections{Revision: 1, Infos: []domain.CollectionInfo{{ID: id, Demo: strings.HasPrefix(string(id), "demo")}}}
	for i := range 2 * known {
		im := domain.Image{
			ID: domain.ImageID(fmt.Sprintf("%s/%d", id, i)), Collection: id, Document: fmt.Sprintf("%s %d", id, i),
			Type: domain.TypeTranscription, Renderings: 1,
		}
		if i < known {
			im.Known, im.Trust, im.Text = true, domain.TrustImported, fmt.Sprintf("word%c%c%c", 'a'+i%26, 'a'+i/26%26, 'a'+i/676)
		}
		c.Images = append(c.Images, im)
	}
	return c
}

// cluster is what several nodes share.
type cluster struct {
	corpus    *fakeCorpus
	plans     *challenges.PlanMemory
	exposures *fakeExposures
}

func newCluster(c challenges.Collections) *cluster {
	return &cluster{corpus: &fakeCorpus{collections: c}, plans: &challenges.PlanMemory{}, exposures: &fakeExposures{}}
}

func (c *cluster) node(t *testing.T, change ...func(*challenges.DealerConfig)) *challenges.Dealer {
	t.Helper()
	d, _ := newDealer(t, c.corpus, append([]func(*challenges.DealerConfig){func(cfg *challenges.DealerConfig) {
		cfg.Plans, cfg.Exposures, cfg.SmallPools = c.plans, c.exposures, false
	}}, change...)...)
	refresh(t, d)
	return d
}

func refresh(t *testing.T, d *challenges.Dealer) {
	t.Helper()
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// change alters the images, as an import or a curator does.
func (c *cluster) change(do func(images []domain.Image) []domain.Image) {
	c.corpus.mu.Lock()
	defer c.corpus.mu.Unlock()
	c.corpus.collections.Images = do(slices.Clone(c.corpus.collections.Images))
	c.corpus.collections.Revision++
}

// deal deals a challenge and counts it.
func (c *cluster) deal(t *testing.T, d *challenges.Dealer) domain.Composition {
	t.Helper()
	composition, err := d.Compose(partner, domain.TypeTranscription)
	if err != nil {
		t.Fatal(err)
	}
	c.exposures.deal(composition)
	return composition
}

// TestNodesDealFromOnePlan has three nodes deal, restart and turn to the next
// generation: couples stay couples, and come equally often.
func TestNodesDealFromOnePlan(t *testing.T) {
	t.Parallel()
	c := newCluster(large("a", 320))
	nodes := []*challenges.Dealer{c.node(t), c.node(t), c.node(t)}
	partnerOf := map[domain.ImageID]domain.ImageID{}
	generationOf := map[domain.ImageID]uint64{}
	lives := map[uint64]int64{}
	count := map[domain.ImageID]int{}
	for i := range 20_000 {
		got := c.deal(t, nodes[i%3])
		lives[got.Generation]++
		a, b := got.Positions[0].Image, got.Positions[1].Image
		for _, id := range []domain.ImageID{a, b} {
			count[id]++
			if g, seen := generationOf[id]; seen && g != got.Generation {
				t.Fatalf("challenge %d: %s comes in a second generation within the horizon", i, id)
			}
			generationOf[id] = got.Generation
		}
		if before, seen := partnerOf[a]; seen && before != b {
			t.Fatalf("challenge %d: %s came with %s and with %s", i, a, before, b)
		}
		partnerOf[a], partnerOf[b] = b, a
		switch i % 50 {
		case 7:
			refresh(t, nodes[i/50%3])
		case 13:
			if i%1000 == 13 {
				nodes[i/1000%3] = c.node(t) // a restart
			}
		}
	}
	for a, b := range partnerOf {
		if count[a] != count[b] {
			t.Errorf("%s came %d times, %s, which comes with it, %d times", a, count[a], b, count[b])
		}
	}
	if len(lives) < 3 || len(lives) > 4 {
		t.Errorf("challenges by generation: %v", lives)
	}
}

// TestOneNodeMakesThePlan has many nodes find out at once that one is due.
func TestOneNodeMakesThePlan(t *testing.T) {
	t.Parallel()
	c := newCluster(large("a", 320))
	nodes := make([]*challenges.Dealer, 5)
	for i := range nodes {
		nodes[i], _ = newDealer(t, c.corpus, func(cfg *challenges.DealerConfig) { cfg.Plans, cfg.Exposures = c.plans, c.exposures })
	}
	for round := range 4 {
		var wg sync.WaitGroup
		for _, d := range nodes {
			wg.Go(func() {
				if err := d.Refresh(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, d := range nodes {
			refresh(t, d)
		}
		generation := c.deal(t, nodes[0]).Generation
		for i, d := range nodes {
			if got := c.deal(t, d).Generation; got != generation {
				t.Errorf("round %d: node %d deals from generation %d, node 0 from %d", round, i, got, generation)
			}
		}
		heads, err := c.plans.PlanHeads(t.Context())
		if err != nil || len(heads) != 1 || heads[domain.PlanKey{Pool: "a", Type: domain.TypeTranscription}] != round {
			t.Fatalf("round %d: the plans are %v, %v", round, heads, err)
		}
		c.exposures.mu.Lock()
		c.exposures.dealt[generation] = 1 << 40 // it has served its time
		c.exposures.mu.Unlock()
	}
}

// countingPlans counts what is asked, and fails when it is told to.
type countingPlans struct {
	challenges.Plans
	mu    sync.Mutex
	reads int
	err   error
}

func (p *countingPlans) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *countingPlans) PlanHeads(ctx context.Context) (map[domain.PlanKey]int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, p.err
	}
	return p.Plans.PlanHeads(ctx)
}

func (p *countingPlans) RecentPlans(ctx context.Context, key domain.PlanKey) ([]*domain.Plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	return p.Plans.RecentPlans(ctx, key)
}

func TestRefreshReadsPlansOnlyWhenThereIsANewOne(t *testing.T) {
	t.Parallel()
	c := newCluster(large("a", 320))
	plans := &countingPlans{Plans: c.plans}
	with := func(cfg *challenges.DealerConfig) { cfg.Plans = plans }
	first := c.node(t, with)
	reads := func() int {
		plans.mu.Lock()
		defer plans.mu.Unlock()
		return plans.reads
	}
	before := reads()
	for range 10 {
		refresh(t, first)
		c.deal(t, first)
	}
	if got := reads(); got != before {
		t.Errorf("plans were read %d times though there was no new one", got-before)
	}
	// Small pools are looked at as seldom.
	small := newCluster(large("a", 60))
	smallPlans := &countingPlans{Plans: small.plans}
	refused := small.node(t, func(cfg *challenges.DealerConfig) { cfg.Plans = smallPlans })
	for range 10 {
		refresh(t, refused)
	}
	if smallPlans.reads != 0 {
		t.Errorf("plans of a refused pool were read %d times", smallPlans.reads)
	}
}

func TestDealerWithoutPlans(t *testing.T) {
	t.Parallel()
	c := newCluster(large("a", 320))
	plans := &countingPlans{Plans: c.plans}
	down := errors.New("disk I/O error")
	d := c.node(t, func(cfg *challenges.DealerConfig) { cfg.Plans = plans })
	generation := c.deal(t, d).Generation
	plans.fail(down)
	if err := d.Refresh(t.Context()); !errors.Is(err, down) {
		t.Errorf("Refresh = %v", err)
	}
	if got := c.deal(t, d).Generation; got != generation {
		t.Errorf("generation %d is dealt, before the failure it was %d", got, generation)
	}
	// Changes of the collections are taken up all the same.
	gone := c.deal(t, d).Positions[0].Image
	c.change(func(images []domain.Image) []domain.Image {
		return slices.DeleteFunc(images, func(im domain.Image) bool { return im.ID == gone })
	})
	if err := d.Refresh(t.Context()); !errors.Is(err, down) {
		t.Errorf("Refresh = %v", err)
	}
	for range 200 {
		for _, p := range c.deal(t, d).Positions {
			if p.Image == gone {
				t.Fatal("a deleted image is dealt")
			}
		}
	}
	// A client whose collections are asked for the first time has to wait.
	own := &domain.Client{ID: "own", Collections: []domain.CollectionID{"a"}}
	plans.fail(nil)
	refresh(t, d)
	if _, err := d.Compose(own, domain.TypeTranscription); err != nil {
		t.Errorf("after all works again: %v", err)
	}
}

func TestSmallPools(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		collections challenges.Collections
		forced      bool
		served      bool
		says        string
	}{
		"large enough":               {large("a", 320), false, true, ""},
		"too small":                  {large("a", 250), false, false, "is not served"},
		"too small, forced":          {large("a", 250), true, true, "served because of --small-pools"},
		"too small, a demonstration": {large("demo", 60), false, true, ""},
		"too small to serve at all":  {large("a", 40), true, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, logged := newDealer(t, &fakeCorpus{collections: tt.collections}, func(cfg *challenges.DealerConfig) { cfg.SmallPools = tt.forced })
			for range 5 {
				refresh(t, d)
				_, err := d.Compose(partner, domain.TypeInvalid)
				if (err == nil) != tt.served || err != nil && domain.CodeOf(err) != domain.CodeUnavailable {
					t.Fatalf("Compose: %v", err)
				}
			}
			if types, _ := d.Servable(partner); (len(types) > 0) != tt.served {
				t.Errorf("Servable = %v", types)
			}
			said := strings.Count(logged.String(), "too small")
			if tt.says == "" && said > 0 || tt.says != "" && (said != 1 || !strings.Contains(logged.String(), tt.says) || !strings.Contains(logged.String(), "known_missing=50")) {
				t.Errorf("logged:\n%s", logged)
			}
		})
	}
}

// TestPoolsThatShrink has a pool that was large enough lose images: visitors are
// not locked out, and no new generation tells anything.
func TestPoolsThatShrink(t *testing.T) {
	t.Parallel()
	c := newCluster(large("a", 320))
	d := c.node(t)
	generation := c.deal(t, d).Generation
	planned := map[domain.ImageID]bool{}
	for range 200 {
		for _, p := range c.deal(t, d).Positions {
			planned[p.Image] = true
		}
	}
	c.change(func(images []domain.Image) []domain.Image {
		kept := 0
		return slices.DeleteFunc(images, func(im domain.Image) bool {
			if planned[im.ID] || kept < 80 {
				kept++
				return false
			}
			return true
		})
	})
	c.exposures.dealt[generation] = 1 << 40
	for _, d := range []*challenges.Dealer{d, c.node(t)} { // after a restart as well
		for range 3 {
			refresh(t, d)
			if got := c.deal(t, d).Generation; got != generation {
				t.Errorf("generation %d is dealt, want the one that was safe, %d", got, generation)
			}
		}
	}
	// Whoever forces it gets the next one.
	if got := c.deal(t, c.node(t, func(cfg *challenges.DealerConfig) { cfg.SmallPools = true })).Generation; got == generation {
		t.Error("a forced pool goes on with the plan whose time is over")
	}
	// What was forced is not kept when it is forced no more.
	if _, err := c.node(t).Compose(partner, domain.TypeTranscription); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("Compose = %v, want CodeUnavailable", err)
	}
}

// TestPromotions has consensus settle unknown images while they are dealt: they
// stay in their places as sentinels and come as known ones in a later generation.
func TestPromotions(t *testing.T) {
	t.Parallel()
	c := newCluster(large("a", 320))
	d := c.node(t)
	generation := c.deal(t, d).Generation
	partnerOf, promoted := map[domain.ImageID]domain.ImageID{}, map[domain.ImageID]bool{}
	for i := 0; ; i++ {
		got := c.deal(t, d)
		if got.Generation != generation {
			break
		}
		a, b := got.Positions[0], got.Positions[1]
		if before, seen := partnerOf[a.Image]; seen && before != b.Image {
			t.Fatalf("%s came with %s and with %s", a.Image, before, b.Image)
		}
		partnerOf[a.Image], partnerOf[b.Image] = b.Image, a.Image
		for _, p := range got.Positions {
			if promoted[p.Image] && (p.Role != domain.RoleSentinel || p.Trust != domain.TrustPromoted || p.Expected.Text != "settled") {
				t.Fatalf("a promoted image is dealt as %+v", p)
			}
			if p.Role == domain.RoleUnknown && i%20 == 0 && !promoted[p.Image] {
				promoted[p.Image] = true
				c.change(func(images []domain.Image) []domain.Image {
					for i := range images {
						if images[i].ID == p.Image {
							images[i].Known, images[i].Trust, images[i].Text = true, domain.TrustPromoted, "settled"
						}
					}
					return images
				})
				refresh(t, d)
			}
		}
		if i%50 == 0 {
			refresh(t, d)
		}
	}
	if len(promoted) < 20 {
		t.Errorf("only %d were promoted", len(promoted))
	}
	asKnown := 0
	for generations := map[uint64]bool{}; len(generations) < 6; {
		got := c.deal(t, d)
		if !generations[got.Generation] {
			generations[got.Generation] = true
			c.exposures.dealt[got.Generation] = 1 << 40
		}
		for _, p := range got.Positions {
			if promoted[p.Image] && p.Role == domain.RoleKnown {
				asKnown++
			}
		}
		refresh(t, d)
		for range 100 {
			for _, p := range c.deal(t, d).Positions {
				if promoted[p.Image] && p.Role == domain.RoleKnown {
					asKnown++
				}
			}
		}
	}
	if asKnown == 0 {
		t.Error("no promoted image ever came as a known one")
	}
}

// TestCollectionsComeAndGo has the pool change its name: what was dealt before
// rests in the plan that follows.
func TestCollectionsComeAndGo(t *testing.T) {
	t.Parallel()
	both := large("a", 400)
	more := large("b", 400)
	c := newCluster(both)
	d := c.node(t)
	before := map[domain.ImageID]bool{}
	for range 400 {
		for _, p := range c.deal(t, d).Positions {
			before[p.Image] = true
		}
	}
	c.corpus.mu.Lock()
	c.corpus.collections.Infos = append(c.corpus.collections.Infos, more.Infos...)
	c.corpus.collections.Images = append(c.corpus.collections.Images, more.Images...)
	c.corpus.collections.Revision++
	c.corpus.mu.Unlock()
	refresh(t, d)
	for range 400 {
		for _, p := range c.deal(t, d).Positions {
			if before[p.Image] {
				t.Fatalf("%s comes back at once because a collection was added", p.Image)
			}
		}
	}
}

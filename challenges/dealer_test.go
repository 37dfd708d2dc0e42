package challenges_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"ocapi/challenges"
	"ocapi/domain"
)

// fakeCorpus serves what it is told to, and counts.
type fakeCorpus struct {
	mu          sync.Mutex
	collections challenges.Collections
	revisionErr error
	loadErr     error
	loads       int
}

func (c *fakeCorpus) Revision(context.Context) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.collections.Revision, c.revisionErr
}

func (c *fakeCorpus) Decisions(context.Context) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.collections.Decisions, c.revisionErr
}

func (c *fakeCorpus) Load(context.Context) (challenges.Collections, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loads++
	return c.collections, c.loadErr
}

// put replaces the collections, each with texts enough to be served; a name
// that begins with "demo" is a demo's, one with "empty" has no images.
func (c *fakeCorpus) put(ids ...domain.CollectionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := challenges.Collections{Revision: c.collections.Revision + 1}
	slices.Sort(ids)
	for _, id := range ids {
		next.Infos = append(next.Infos, domain.CollectionInfo{ID: id, Credit: string(id), Demo: strings.HasPrefix(string(id), "demo")})
		if strings.HasPrefix(string(id), "empty") {
			continue
		}
		for i := range 120 {
			im := domain.Image{
				ID: domain.ImageID(fmt.Sprintf("%s/%d", id, i)), Collection: id, Document: fmt.Sprintf("%s %d", id, i),
				Type: domain.TypeTranscription, Renderings: 1,
			}
			if i%2 == 0 {
				im.Known, im.Text = true, fmt.Sprintf("word %c%c", 'a'+i%26, 'a'+i/26)
			}
			next.Images = append(next.Images, im)
		}
	}
	c.collections = next
}

// fakeExposures says what has been dealt.
type fakeExposures struct {
	mu    sync.Mutex
	dealt map[uint64]int64
}

func (e *fakeExposures) Dealt(generation uint64) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.dealt[generation]
}

// deal counts a challenge, as the log would.
func (e *fakeExposures) deal(c domain.Composition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dealt == nil {
		e.dealt = map[uint64]int64{}
	}
	e.dealt[c.Generation]++
}

// newDealer makes a dealer that serves small pools, from plans and exposures of
// its own.
func newDealer(t testing.TB, corpus challenges.Corpus, change ...func(*challenges.DealerConfig)) (*challenges.Dealer, *bytes.Buffer) {
	t.Helper()
	logged := &bytes.Buffer{}
	cfg := challenges.DealerConfig{
		Corpus: corpus, Plans: &challenges.PlanMemory{}, Exposures: &fakeExposures{}, Dealing: domain.DefaultDealing(),
		SmallPools: true, Logger: slog.New(slog.NewTextHandler(logged, nil)),
	}
	for _, c := range change {
		c(&cfg)
	}
	d, err := challenges.NewDealer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d, logged
}

// dealt gives the collections that a client's challenges are made of, sorted;
// nil when none can be served.
func dealt(t *testing.T, d *challenges.Dealer, client *domain.Client) []domain.CollectionID {
	t.Helper()
	seen := map[domain.CollectionID]bool{}
	for range 60 {
		c, err := d.Compose(client, domain.TypeInvalid)
		if domain.CodeOf(err) == domain.CodeUnavailable {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Positions {
			seen[p.Collection] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func TestDealerChoosesCollections(t *testing.T) {
	t.Parallel()
	type ids = []domain.CollectionID
	tests := map[string]struct {
		corpus  ids
		client  ids
		want    ids
		unknown bool // a collection that does not exist is logged
	}{
		"all that are not the demo's":    {ids{"a", "b", "demo"}, nil, ids{"a", "b"}, false},
		"else the demo's":                {ids{"demo", "demo2"}, nil, ids{"demo", "demo2"}, false},
		"nothing":                        {nil, nil, nil, false},
		"the client's own":               {ids{"a", "b", "demo"}, ids{"b"}, ids{"b"}, false},
		"the client's own may be a demo": {ids{"a", "b", "demo"}, ids{"demo"}, ids{"demo"}, false},
		"in another order, one twice":    {ids{"a", "b", "c"}, ids{"c", "a", "c"}, ids{"a", "c"}, false},
		"one that does not exist":        {ids{"a", "b"}, ids{"b", "gone"}, ids{"b"}, true},
		"only one that does not exist":   {ids{"a", "b"}, ids{"gone"}, nil, true}, // never other collections instead
		"only one without images":        {ids{"a", "empty"}, ids{"empty"}, nil, false},
		"one without images beside":      {ids{"a", "empty"}, nil, ids{"a"}, false},
		// An import that has just begun takes nothing away from anybody.
		"without images, beside the demo": {ids{"empty", "demo"}, nil, ids{"demo"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			corpus := &fakeCorpus{}
			corpus.put(tt.corpus...)
			d, logged := newDealer(t, corpus)
			if err := d.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			client := &domain.Client{ID: "partner", Collections: tt.client}
			before := slices.Clone(tt.client)
			if got := dealt(t, d, client); !slices.Equal(got, tt.want) {
				t.Errorf("dealt from %v, want %v", got, tt.want)
			}
			if !slices.Equal(client.Collections, before) {
				t.Errorf("the client was changed: %v", client.Collections)
			}
			types, err := d.Servable(client)
			if err != nil || (len(types) > 0) != (tt.want != nil) {
				t.Errorf("Servable = %v, %v", types, err)
			}
			if got := strings.Count(logged.String(), "gone"); got > 1 || (got == 1) != tt.unknown {
				t.Errorf("logged %q", logged)
			}
		})
	}
}

func TestDealerBeforeItsFirstRefresh(t *testing.T) {
	t.Parallel()
	d, _ := newDealer(t, &fakeCorpus{})
	_, err := d.Compose(partner, domain.TypeTranscription)
	refusal(t, err, domain.CodeUnavailable)
	if types, err := d.Servable(partner); len(types) != 0 || err != nil {
		t.Errorf("Servable = %v, %v", types, err)
	}
}

func TestNewDealerRefusesWhatProtectsNothing(t *testing.T) {
	t.Parallel()
	if _, err := challenges.NewDealer(challenges.DealerConfig{Corpus: &fakeCorpus{}}); err == nil {
		t.Error("it took a dealing without images")
	}
}

func TestDealerRefresh(t *testing.T) {
	t.Parallel()
	corpus := &fakeCorpus{}
	corpus.put("a")
	d, _ := newDealer(t, corpus)
	refresh := func() {
		t.Helper()
		if err := d.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	refresh()
	refresh()
	if corpus.loads != 1 {
		t.Errorf("loaded %d times at one revision", corpus.loads)
	}
	own := &domain.Client{ID: "partner", Collections: []domain.CollectionID{"b"}}
	if got := dealt(t, d, own); got != nil {
		t.Errorf("dealt from %v before it was there", got)
	}
	corpus.put("b", "c")
	if got := dealt(t, d, partner); !slices.Equal(got, []domain.CollectionID{"a"}) {
		t.Errorf("before the refresh dealt from %v", got)
	}
	refresh()
	if got := dealt(t, d, partner); !slices.Equal(got, []domain.CollectionID{"b", "c"}) {
		t.Errorf("after the refresh dealt from %v", got)
	}
	if got := dealt(t, d, own); !slices.Equal(got, []domain.CollectionID{"b"}) {
		t.Errorf("after the refresh dealt a client's own from %v", got)
	}
	down := errors.New("disk I/O error")
	for name, fail := range map[string]func(){
		"revision": func() { corpus.revisionErr, corpus.loadErr = down, nil },
		"load":     func() { corpus.revisionErr, corpus.loadErr = nil, down },
	} {
		corpus.put("z")
		fail()
		if err := d.Refresh(t.Context()); !errors.Is(err, down) {
			t.Errorf("%s: Refresh = %v", name, err)
		}
		if got := dealt(t, d, partner); !slices.Equal(got, []domain.CollectionID{"b", "c"}) {
			t.Errorf("%s: after a failed refresh dealt from %v", name, got)
		}
	}
	corpus.revisionErr, corpus.loadErr = nil, nil
	refresh()
	if got := dealt(t, d, partner); !slices.Equal(got, []domain.CollectionID{"z"}) {
		t.Errorf("once it works again dealt from %v", got)
	}
}

// TestDealerRevisionWhileLoading has the collections change between the two
// questions: the dealer goes by the revision that came with the images.
func TestDealerRevisionWhileLoading(t *testing.T) {
	t.Parallel()
	corpus := &fakeCorpus{}
	corpus.put("a")
	late := &lateCorpus{fakeCorpus: corpus}
	d, _ := newDealer(t, late)
	for range 3 {
		if err := d.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := dealt(t, d, partner); !slices.Equal(got, []domain.CollectionID{"b"}) || corpus.loads != 1 {
		t.Errorf("dealt from %v after %d loads, want b after one", got, corpus.loads)
	}
}

// lateCorpus changes before its first load.
type lateCorpus struct {
	*fakeCorpus
	once sync.Once
}

func (c *lateCorpus) Load(ctx context.Context) (challenges.Collections, error) {
	c.once.Do(func() { c.put("b") })
	return c.fakeCorpus.Load(ctx)
}

func TestDealerConcurrency(t *testing.T) {
	t.Parallel()
	corpus := &fakeCorpus{}
	corpus.put("a", "b", "c")
	d, _ := newDealer(t, corpus)
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	clients := []*domain.Client{partner, {ID: "x", Collections: []domain.CollectionID{"a"}}, {ID: "y", Collections: []domain.CollectionID{"c", "a"}}}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for range 100 {
				c, err := d.Compose(clients[i%3], domain.TypeTranscription)
				if err != nil {
					t.Errorf("compose: %v", err)
					return
				}
				for _, p := range c.Positions {
					if own := clients[i%3].Collections; len(own) > 0 && !slices.Contains(own, p.Collection) {
						t.Errorf("the client %s got an image of %s", clients[i%3].ID, p.Collection)
					}
				}
				if _, err := d.Servable(clients[i%3]); err != nil {
					t.Errorf("servable: %v", err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			corpus.put("a", "b", "c")
			if err := d.Refresh(t.Context()); err != nil {
				t.Errorf("refresh: %v", err)
			}
		}
	})
	wg.Wait()
}

// TestDealerOneDeckManyHands is for the race detector: nothing but deals, so
// that no other lock orders them.
func TestDealerOneDeckManyHands(t *testing.T) {
	t.Parallel()
	corpus := &fakeCorpus{}
	corpus.put("a")
	d, _ := newDealer(t, corpus)
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	start := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			<-start
			for range 3000 {
				if _, err := d.Compose(partner, domain.TypeTranscription); err != nil {
					t.Errorf("compose: %v", err)
					return
				}
			}
		})
	}
	close(start)
	wg.Wait()
}

// TestDealerSharesDecks has two clients of the same collections
// share decks, so that a second client does not double exposures.
func TestDealerSharesDecks(t *testing.T) {
	t.Parallel()
	corpus := &fakeCorpus{}
	corpus.put("a", "b")
	d, _ := newDealer(t, corpus)
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	clients := []*domain.Client{
		partner, {ID: "x", Collections: []domain.CollectionID{"a", "b"}}, {ID: "y", Collections: []domain.CollectionID{"b", "a", "b"}},
	}
	count := map[domain.ImageID]int{}
	for i := range 3000 {
		c, err := d.Compose(clients[i%3], domain.TypeTranscription)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Positions {
			if p.Role == domain.RoleUnknown {
				count[p.Image]++
			}
		}
	}
	most, least := 0, 1<<30
	for _, n := range count {
		most, least = max(most, n), min(least, n)
	}
	if most-least > 2 {
		t.Errorf("unknown images came between %d and %d times: the clients deal from decks of their own", least, most)
	}
}

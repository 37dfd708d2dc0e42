package challenges_test

import (
	"strings"
	"testing"

	"ocapi/domain"
)

func TestPoolsThatOverlapAreSaid(t *testing.T) {
	t.Parallel()
	corpus := &fakeCorpus{}
	corpus.put("a", "b", "c")
	d, logged := newDealer(t, corpus)
	for range 3 {
		refresh(t, d)
		for _, client := range []*domain.Client{
			{ID: "x", Collections: []domain.CollectionID{"a", "b"}}, {ID: "y", Collections: []domain.CollectionID{"b", "c"}},
			{ID: "z", Collections: []domain.CollectionID{"b", "a", "a"}},
		} {
			if _, err := d.Compose(client, domain.TypeTranscription); err != nil {
				t.Fatal(err)
			}
		}
	}
	// A collection that is added makes another usual pool, and the old one is
	// nobody's any more.
	corpus.put("a", "b", "c", "d")
	refresh(t, d)
	refresh(t, d)
	const overlap = "share some collections and not all"
	if n := strings.Count(logged.String(), overlap); n != 5 { // a b and b c, with each other and with both usual ones
		t.Errorf("it is said %d times:\n%s", n, logged)
	}
}

func TestNextGenerationAfterItsLife(t *testing.T) {
	t.Parallel()
	c := newCluster(large("a", 320))
	d := c.node(t)
	generation := c.deal(t, d).Generation
	recent, err := c.plans.RecentPlans(t.Context(), domain.PlanKey{Pool: "a", Type: domain.TypeTranscription})
	if err != nil || len(recent) != 1 || recent[0].Generation != generation {
		t.Fatalf("the plans are %v, %v", recent, err)
	}
	life := int64(recent[0].Cycle() * recent[0].Votes)
	for _, tt := range []struct {
		dealt int64
		turns bool
	}{{life - 1, false}, {life, true}} {
		c.exposures.dealt[generation] = tt.dealt
		refresh(t, d)
		if got, err := d.Compose(partner, domain.TypeTranscription); err != nil || (got.Generation != generation) != tt.turns {
			t.Errorf("after %d of %d challenges generation %d is dealt, %v; before it was %d", tt.dealt, life, got.Generation, err, generation)
		}
	}
}

// TestChangesDoNotBeginACycle has the collections change all the time, as they do
// during an import: every couple comes once in a cycle all the same.
func TestChangesDoNotBeginACycle(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]*domain.Client{"usual": partner, "named": {ID: "own", Collections: []domain.CollectionID{"a"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collections := large("a", 320)
			if len(client.Collections) > 0 { // who names none is dealt from another pool
				collections.Infos = append(collections.Infos, domain.CollectionInfo{ID: "b"})
			}
			c := newCluster(collections)
			d := c.node(t)
			count := map[domain.ImageID]int{}
			deal := func() {
				composition, err := d.Compose(client, domain.TypeTranscription)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range composition.Positions {
					count[p.Image]++
				}
			}
			deal()
			recent, err := c.plans.RecentPlans(t.Context(), domain.PlanKey{Pool: "a", Type: domain.TypeTranscription})
			if err != nil || len(recent) != 1 {
				t.Fatalf("the plans are %v, %v", recent, err)
			}
			for i := range 3*recent[0].Cycle() - 1 {
				if i%7 == 0 {
					c.change(func(images []domain.Image) []domain.Image { return images })
					refresh(t, d)
				}
				deal()
			}
			for id, n := range count {
				if n != 3 {
					t.Errorf("%s came %d times in three cycles", id, n)
				}
			}
		})
	}
}

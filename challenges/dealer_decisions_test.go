package challenges_test

import (
	"slices"
	"testing"

	"ocapi/challenges"
	"ocapi/domain"
)

// TestDecisionsWaitForThePlan: whatever votes decide, the collections are read
// anew for it when a plan is due, and not before.
func TestDecisionsWaitForThePlan(t *testing.T) {
	t.Parallel()
	c := newCluster(large("a", 320))
	d := c.node(t)
	settled := map[domain.ImageID]bool{}
	decide := func(proven bool) {
		c.corpus.mu.Lock()
		defer c.corpus.mu.Unlock()
		images := slices.Clone(c.corpus.collections.Images)
		for i := range images {
			if !images[i].Known && i%2 == 0 {
				settled[images[i].ID] = true
				images[i].Decided = []domain.Decision{{
					Status: domain.QuestionSettled, Truth: domain.Truth{Kind: domain.TruthText, Text: string(images[i].ID)}, Proven: proven,
				}}
			}
		}
		c.corpus.collections.Images = images
		c.corpus.collections.Decisions++
	}
	loads := func() int {
		c.corpus.mu.Lock()
		defer c.corpus.mu.Unlock()
		return c.corpus.loads
	}
	before := loads()
	decide(true)
	for range 700 { // also after the time at which it is looked whether something can be made of a pool that was too small
		refresh(t, d)
	}
	if n := loads() - before; n != 0 {
		t.Errorf("the collections were read %d times before a plan was due", n)
	}
	generation := c.deal(t, d).Generation
	c.exposures.mu.Lock()
	c.exposures.dealt[generation] = 1 << 40
	c.exposures.mu.Unlock()
	refresh(t, d)
	refresh(t, d)
	if n := loads() - before; n != 1 {
		t.Errorf("the collections were read %d times when a plan was due", n)
	}
	known := 0
	for range 2000 {
		for _, p := range c.deal(t, d).Positions {
			if settled[p.Image] && p.Role == domain.RoleKnown {
				known++
			}
		}
	}
	if known == 0 {
		t.Error("what votes have settled is not dealt as known in the next plan")
	}
}

// TestDecisionsHelpAPoolThatIsTooSmall: it is looked for them from time to time.
func TestDecisionsHelpAPoolThatIsTooSmall(t *testing.T) {
	t.Parallel()
	whole := large("a", 320)
	small := challenges.Collections{Revision: 1, Infos: whole.Infos, Images: slices.Clone(whole.Images)}
	c := newCluster(small)
	for i := range small.Images {
		if i >= 20 { // the others are unknown
			small.Images[i].Known, small.Images[i].Trust, small.Images[i].Text = false, domain.TrustNone, ""
		}
	}
	d := c.node(t)
	if _, err := d.Compose(partner, domain.TypeTranscription); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Fatalf("20 known texts: %v", err)
	}
	c.corpus.mu.Lock()
	c.corpus.collections.Images = slices.Clone(small.Images)
	for i := range 320 {
		if im := &c.corpus.collections.Images[i]; !im.Known {
			im.Decided = []domain.Decision{{
				Status: domain.QuestionSettled, Truth: domain.Truth{Kind: domain.TruthText, Text: whole.Images[i].Text}, Proven: true,
			}}
		}
	}
	c.corpus.collections.Decisions++
	c.corpus.mu.Unlock()
	for i := range 700 {
		refresh(t, d)
		if _, err := d.Compose(partner, domain.TypeTranscription); err == nil {
			if i < 500 {
				t.Errorf("the collections were read after %d refreshes", i)
			}
			return
		}
	}
	t.Error("what votes have settled was never taken up")
}

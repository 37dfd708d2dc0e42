package domain_test

import (
	"math"
	"slices"
	"testing"

	"ocapi/domain"
)

// TestDeckWears takes image after image away.
func TestDeckWears(t *testing.T) {
	t.Parallel()
	images := textImages(100, 100)
	p, rng := newPool(t, domain.DefaultDealing(), images), dice(1)
	plan, err := p.Plan(domain.TypeTranscription, 0, nil, rng)
	if err != nil {
		t.Fatal(err)
	}
	worn := false
	for len(images) > 0 {
		images = images[:len(images)-1] // the unknown ones, one after another
		deck, err := newPool(t, domain.DefaultDealing(), images).Deck(plan, nil, rng)
		if domain.CodeOf(err) == domain.CodeUnavailable {
			if !worn {
				t.Error("nothing could be dealt before it was worn")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if deck.Cycle() < 50 {
			t.Fatalf("%d couples are dealt", deck.Cycle())
		}
		if got := deck.Worn(); got != (4*deck.Cycle() < 3*plan.Cycle()) || worn && !got {
			t.Fatalf("%d of %d couples left: worn is %v", deck.Cycle(), plan.Cycle(), got)
		} else {
			worn = got
		}
	}
	t.Error("challenges were dealt from nothing")
}

func TestDeckIsOutgrown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, more []domain.Image
		want         bool
	}{
		"nothing more":         {textImages(400, 400), nil, false},
		"a little more":        {textImages(400, 400), textImages(200, 200), false},
		"as many again":        {textImages(400, 400), textImages(401, 401), true},
		"only of one role":     {textImages(400, 400), textImages(4000, 0), false},
		"enough to rest":       {textImages(100, 100), textImages(200, 200), true},
		"the smallest":         {textImages(56, 44), nil, false},
		"pictures, twice":      {shipImages(360, 480, 240), shipImages(360, 480, 240), true},
		"pictures, a few more": {shipImages(390, 520, 260), shipImages(90, 120, 60), false},
		"pictures, the least":  {shipImages(3, 4, 2), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, domain.DefaultDealing(), tt.before)
			plan, err := p.Plan(p.Types()[0], 0, nil, dice(1))
			if err != nil {
				t.Fatal(err)
			}
			for i := range tt.more {
				tt.more[i].ID += " more"
				if tt.more[i].Known && tt.more[i].Type == domain.TypeTranscription {
					tt.more[i].Text += "more"
				}
			}
			deck, err := newPool(t, domain.DefaultDealing(), slices.Concat(tt.before, tt.more)).Deck(plan, nil, dice(1))
			if err != nil {
				t.Fatal(err)
			}
			if got := deck.Outgrown(); got != tt.want {
				t.Errorf("Outgrown = %v", got)
			}
		})
	}
}

// TestDeckOfAnotherMix has a plan that was made when challenges had another size.
func TestDeckOfAnotherMix(t *testing.T) {
	t.Parallel()
	images := shipImages(100, 120, 80)
	d := domain.DefaultDealing()
	d.Classification = domain.Mix{Matches: 4, NonMatches: 6, Unknown: 6}
	plan, err := newPool(t, d, images).Plan(domain.TypeClassification, 0, nil, dice(1))
	if err != nil {
		t.Fatal(err)
	}
	if deck, err := newPool(t, domain.DefaultDealing(), images).Deck(plan, nil, dice(1)); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("Deck = %v, %v, want CodeUnavailable", deck, err)
	}
}

// TestShares holds what is dealt against what was configured.
func TestShares(t *testing.T) {
	t.Parallel()
	busy := domain.DefaultDealing()
	busy.WhollyKnownShare, busy.SentinelShare = 0.3, 0.25
	for name, tt := range map[string]struct {
		dealing domain.Dealing
		images  []domain.Image
	}{
		"texts":                         {domain.DefaultDealing(), textImages(4000, 4000)},
		"texts, much wholly known":      {busy, textImages(4000, 4000)},
		"pictures, many keywords":       {domain.DefaultDealing(), gallery(10, 1000, 400)},
		"pictures, much wholly known":   {busy, gallery(10, 1000, 400)},
		"pictures, few for one keyword": {domain.DefaultDealing(), shipImages(1000, 3000, 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, tt.dealing, tt.images)
			r := newRun(t, p, p.Types()[0], 1)
			const challenges = 20_000
			wholly, open, sentinels := 0, 0, 0
			for range challenges {
				c := r.next(t)
				if c.WhollyKnown {
					wholly++
				}
				for _, pos := range c.Positions {
					if pos.Role != domain.RoleKnown {
						open++
					}
					if pos.Role == domain.RoleSentinel {
						sentinels++
					}
				}
			}
			near(t, "challenges wholly known", wholly, challenges, tt.dealing.WhollyKnownShare, 0.15)
			near(t, "unknown slots with a sentinel", sentinels, open, tt.dealing.SentinelShare, 0.1)
		})
	}
}

// near holds a share against what was configured, relative to it.
func near(t *testing.T, what string, hits, n int, want, tolerance float64) {
	t.Helper()
	if got := float64(hits) / float64(n); math.Abs(got-want) > tolerance*want {
		t.Errorf("%s: %.4f of %d, want %.4f ± %.0f %%", what, got, n, want, 100*tolerance)
	}
}

package challenges_test

import (
	"fmt"
	"testing"

	"ocapi/challenges"
	"ocapi/domain"
)

func TestLookupsAreCountedByWhereTheyAreAnswered(t *testing.T) {
	t.Parallel()
	type key struct {
		purpose challenges.Purpose
		source  challenges.Source
	}
	state := func(w *world, id domain.ChallengeID) { _, _ = w.Status(t.Context(), partner, id) }
	picture := func(w *world, id domain.ChallengeID) { _, _ = w.Picture(t.Context(), partner, id, 0) }
	for name, tt := range map[string]struct {
		source  string // where the challenge is
		answer  bool
		arrange func(*world)
		do      func(*world, domain.ChallengeID)
		want    key
	}{
		"a verdict in memory":          {"memory", true, nil, state, key{challenges.PurposeState, challenges.SourceMemory}},
		"no verdict asks the log":      {"memory and log", false, nil, state, key{challenges.PurposeState, challenges.SourceLog}},
		"a verdict in the log":         {"log", true, nil, state, key{challenges.PurposeState, challenges.SourceLog}},
		"a verdict in the archive":     {"archive", true, nil, state, key{challenges.PurposeState, challenges.SourceArchive}},
		"nowhere":                      {"nothing", false, nil, state, key{challenges.PurposeState, challenges.SourceNone}},
		"the log is down":              {"archive", true, func(w *world) { w.log.lastErr = errDown }, state, key{challenges.PurposeState, challenges.SourceFailed}},
		"the archive is down":          {"nothing", true, func(w *world) { w.archive.err = errDown }, state, key{challenges.PurposeState, challenges.SourceFailed}},
		"a picture, in memory":         {"everywhere", false, nil, picture, key{challenges.PurposeVisit, challenges.SourceMemory}},
		"a picture, in the log":        {"log", false, nil, picture, key{challenges.PurposeVisit, challenges.SourceLog}},
		"a picture, after the verdict": {"memory", true, nil, picture, key{challenges.PurposeVisit, challenges.SourceMemory}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.issue(t)
			if tt.answer {
				w.answer(t, id, "lande")
			}
			if tt.source != "everywhere" {
				w.keepOnly(tt.source, id)
			}
			if tt.arrange != nil {
				tt.arrange(w)
			}
			before := map[key]uint64{}
			each := func(do func(key)) {
				for _, p := range challenges.Purposes() {
					for _, s := range challenges.Sources() {
						do(key{p, s})
					}
				}
			}
			each(func(k key) { before[k] = w.Lookups(k.purpose, k.source) })
			tt.do(w, id)
			each(func(k key) {
				want := uint64(0)
				if k == tt.want {
					want = 1
				}
				if got := w.Lookups(k.purpose, k.source) - before[k]; got != want {
					t.Errorf("%s in %s: %d, not %d", k.purpose, k.source, got, want)
				}
			})
		})
	}
}

func TestNamesOfFiguresDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"invalid": true}
	for _, s := range challenges.Sources() {
		if seen[s.String()] {
			t.Errorf("%d is called %s, as another", s, s)
		}
		seen[s.String()] = true
	}
	for _, p := range challenges.Purposes() {
		if seen[fmt.Sprint("for ", p)] || p.String() == "invalid" {
			t.Errorf("%d is called %s, as another", p, p)
		}
		seen[fmt.Sprint("for ", p)] = true
	}
}

func TestDealingFigures(t *testing.T) {
	t.Parallel()
	t.Run("life is used up", func(t *testing.T) {
		t.Parallel()
		c := newCluster(large("a", 320))
		d := c.node(t)
		f := d.Figures()[domain.TypeTranscription]
		if f != (challenges.DealingFigures{Dealt: 1, LifeLeft: 1}) {
			t.Errorf("at the beginning: %+v", f)
		}
		const dealt = 100
		var generation uint64
		for range dealt {
			generation = c.deal(t, d).Generation
		}
		c.exposures.mu.Lock()
		c.exposures.dealt[generation] = dealt
		c.exposures.mu.Unlock()
		if f := d.Figures()[domain.TypeTranscription]; f.LifeLeft >= 1 || f.LifeLeft < 0.9 || f.Due != 0 {
			t.Errorf("after %d challenges: %+v", dealt, f)
		}
		c.exposures.mu.Lock()
		c.exposures.dealt[generation] = 1 << 40
		c.exposures.mu.Unlock()
		if f := d.Figures()[domain.TypeTranscription]; f.LifeLeft != 0 || f.Due != 1 || f.Dealt != 1 {
			t.Errorf("when it has served its time: %+v", f)
		}
		refresh(t, d)
		if f := d.Figures()[domain.TypeTranscription]; f.LifeLeft != 1 || f.Due != 0 {
			t.Errorf("with the next generation: %+v", f)
		}
		if f := d.Figures()[domain.TypeClassification]; f != (challenges.DealingFigures{LifeLeft: 1}) {
			t.Errorf("a type that there is none of: %+v", f)
		}
	})
	t.Run("too small", func(t *testing.T) {
		t.Parallel()
		d, _ := newDealer(t, &fakeCorpus{collections: large("a", 250)}, func(cfg *challenges.DealerConfig) { cfg.SmallPools = false })
		refresh(t, d)
		if f := d.Figures()[domain.TypeTranscription]; f != (challenges.DealingFigures{TooSmall: 1, LifeLeft: 1}) {
			t.Errorf("%+v", f)
		}
	})
}

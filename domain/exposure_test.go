package domain_test

import (
	"fmt"
	"math"
	"testing"

	"ocapi/domain"
)

// exposure is what an attacker who links all images perfectly counts, with
// what only we know beside it.
type exposure struct {
	wholly         int
	known, unknown map[domain.ImageID]int // by what the image is, whatever its role
	unknownSlots   int                    // sentinels among them, in challenges not wholly known
	sentinels      int
	notKnownAt     []int // by position: how often its image decided nothing
}

func expose(t testing.TB, p *domain.Pool, images []domain.Image, asked domain.ChallengeType, challenges int) exposure {
	t.Helper()
	isKnown := map[domain.ImageID]bool{}
	for i := range images {
		isKnown[images[i].ID] = images[i].Known
	}
	e := exposure{known: map[domain.ImageID]int{}, unknown: map[domain.ImageID]int{}}
	rng := dice(99)
	for range challenges {
		c, err := p.Compose(asked, rng)
		if err != nil {
			t.Fatal(err)
		}
		if e.notKnownAt == nil {
			e.notKnownAt = make([]int, len(c.Positions))
		}
		if c.WhollyKnown {
			e.wholly++
		}
		for i, pos := range c.Positions {
			if isKnown[pos.Image] {
				e.known[pos.Image]++
			} else {
				e.unknown[pos.Image]++
			}
			if pos.Role != domain.RoleKnown {
				e.notKnownAt[i]++
				e.unknownSlots++
			}
			if pos.Role == domain.RoleSentinel {
				e.sentinels++
			}
		}
	}
	return e
}

func mean(counts map[domain.ImageID]int) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / float64(len(counts))
}

// near holds a share against what was configured, five standard deviations
// wide.
func near(t *testing.T, what string, hits, n int, want float64) {
	t.Helper()
	got, width := float64(hits)/float64(n), 5*math.Sqrt(want*(1-want)/float64(n))
	if math.Abs(got-want) > width {
		t.Errorf("%s: %.4f of %d, want %.4f ± %.4f", what, got, n, want, width)
	}
}

func TestExposure(t *testing.T) {
	t.Parallel()
	plain := domain.DefaultDealing()
	plain.WhollyKnownShare, plain.SentinelShare = 0, 0
	busy := domain.DefaultDealing()
	busy.WhollyKnownShare, busy.SentinelShare = 0.3, 0.25
	wide := domain.DefaultDealing()
	wide.Classification = domain.Mix{Matches: 4, NonMatches: 6, Unknown: 6}
	const texts, pictures = domain.TypeTranscription, domain.TypeClassification
	tests := map[string]struct {
		dealing domain.Dealing
		images  []domain.Image
		asked   domain.ChallengeType
	}{
		"texts, as many of both":                 {domain.DefaultDealing(), textImages(400, 400), texts},
		"texts, few known":                       {domain.DefaultDealing(), textImages(100, 2000), texts},
		"texts, few unknown":                     {domain.DefaultDealing(), textImages(2000, 100), texts},
		"texts, nothing wholly known":            {plain, textImages(400, 400), texts},
		"texts, much wholly known":               {busy, textImages(400, 400), texts},
		"pictures, as many of each":              {domain.DefaultDealing(), shipImages(200, 200, 200), pictures},
		"pictures, few matches":                  {domain.DefaultDealing(), shipImages(60, 1000, 1000), pictures},
		"pictures, few non-matches":              {domain.DefaultDealing(), shipImages(1000, 80, 1000), pictures},
		"pictures, few unknown":                  {domain.DefaultDealing(), shipImages(1000, 1000, 40), pictures},
		"pictures, nothing wholly known":         {plain, shipImages(200, 200, 200), pictures},
		"pictures, much wholly known":            {busy, shipImages(200, 200, 200), pictures},
		"pictures, another mix, as many of each": {wide, shipImages(200, 200, 200), pictures},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const challenges = 20_000
			e := expose(t, newPool(t, tt.dealing, tt.images), tt.images, tt.asked, challenges)
			known, unknown := mean(e.known), mean(e.unknown)
			if ratio := known / unknown; ratio < 0.97 || ratio > 1.03 {
				t.Errorf("a known image came %.1f times (%d active), an unknown one %.1f times (%d active)", known, len(e.known), unknown, len(e.unknown))
			}
			near(t, "challenges wholly known", e.wholly, challenges, tt.dealing.WhollyKnownShare)
			near(t, "unknown slots with a sentinel", e.sentinels, e.unknownSlots, tt.dealing.SentinelShare)
			if x := chiSquare(e.notKnownAt); x > 40 { // beyond one in ten thousand for 15 degrees of freedom
				t.Errorf("by position, images that decide nothing came %v: chi-square %.1f", e.notKnownAt, x)
			}
			// Within a role too: nobody stands out.
			for role, counts := range map[string]map[domain.ImageID]int{"known": e.known, "unknown": e.unknown} {
				for id, n := range counts {
					if d := float64(n) - mean(counts); math.Abs(d) > 6*math.Sqrt(mean(counts)) {
						t.Errorf("the %s image %s came %d times, the mean is %.1f", role, id, n, mean(counts))
					}
				}
			}
		})
	}
}

// auc is the chance that a known image came more often than an unknown one,
// ties counting half: 0.5 tells nothing.
func auc(known, unknown map[domain.ImageID]int) float64 {
	wins := 0.0
	for _, k := range known {
		for _, u := range unknown {
			switch {
			case k > u:
				wins++
			case k == u:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(known)*len(unknown))
}

// gallery has pictures of several keywords, as a real collection does: each
// known one shows one of them, and its labels are complete.
func gallery(keywords, known, unknown int, candidates func(k int) []string) []domain.Image {
	var images []domain.Image
	for k := range keywords {
		for i := range known + unknown {
			im := domain.Image{
				ID: domain.ImageID(fmt.Sprintf("%d.%d", k, i)), Collection: "prints", Document: fmt.Sprintf("print %d %d", k, i),
				Type: domain.TypeClassification, Renderings: 1,
			}
			if i < known {
				im.Known, im.Trust, im.Labels, im.Complete = true, domain.TrustImported, []string{fmt.Sprint("keyword", k)}, true
			} else {
				im.Candidates = candidates(k)
			}
			images = append(images, im)
		}
	}
	return images
}

// BenchmarkAttack reports, for 20,000 challenges, how well counting tells known
// from unknown images: an AUC of 0.5 is what we want.
func BenchmarkAttack(b *testing.B) {
	const texts, pictures = domain.TypeTranscription, domain.TypeClassification
	own := func(k int) []string { return []string{fmt.Sprint("keyword", k)} }
	anyOf := func(int) []string { return nil }
	for _, bb := range []struct {
		name   string
		images []domain.Image
		asked  domain.ChallengeType
	}{
		{"texts=400+400", textImages(400, 400), texts},
		{"texts=100+2000", textImages(100, 2000), texts},
		{"texts=2000+100", textImages(2000, 100), texts},
		{"keywords=1", shipImages(200, 200, 200), pictures},
		{"keywords=8,candidates=any", gallery(8, 40, 20, anyOf), pictures},
		{"keywords=8,candidates=own", gallery(8, 40, 20, own), pictures},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				e := expose(b, newPool(b, domain.DefaultDealing(), bb.images), bb.images, bb.asked, 20_000)
				b.ReportMetric(auc(e.known, e.unknown), "AUC")
				b.ReportMetric(mean(e.known)/mean(e.unknown), "known/unknown")
			}
		})
	}
}

package domain_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"ocapi/domain"
)

// TestPoolTellsItsSupply compares what a pool says of itself with what it deals.
func TestPoolTellsItsSupply(t *testing.T) {
	t.Parallel()
	var images []domain.Image
	add := func(n int, im domain.Image) {
		for range n {
			im.ID, im.Document, im.Renderings = domain.ImageID(fmt.Sprint("i", len(images))), fmt.Sprint("d", len(images)), 1
			if im.Known {
				im.Trust = domain.TrustImported
			}
			if im.Known && im.Type == domain.TypeTranscription && im.Text == "" {
				images = append(images, im)
				images[len(images)-1].Text = fmt.Sprintf("word%03d", len(images)-1)
				continue
			}
			images = append(images, im)
		}
	}
	add(70, domain.Image{Type: domain.TypeTranscription, Known: true})
	add(3, domain.Image{Type: domain.TypeTranscription, Known: true, Text: "twice the same"})
	add(5, domain.Image{Type: domain.TypeTranscription, Known: true, Text: "no"})
	add(40, domain.Image{Type: domain.TypeTranscription})
	add(9, domain.Image{Type: domain.TypeClassification, Known: true, Labels: []string{"mill"}, Complete: true})
	add(20, domain.Image{Type: domain.TypeClassification, Known: true, Labels: []string{"ship"}})
	add(1, domain.Image{Type: domain.TypeClassification, Candidates: []string{"ship"}})
	add(7, domain.Image{Type: domain.TypeClassification, Candidates: []string{"mill"}})
	rng := rand.New(rand.NewPCG(1, 2))
	pool, err := domain.NewPool(domain.DefaultDealing(), nil, images, rng)
	if err != nil {
		t.Fatal(err)
	}
	texts := pool.Texts()
	if texts.KnownTexts != 78 || texts.Short != 5 || texts.Known.There != 71 || texts.Unknown.There != 40 || texts.Known.Missing()+texts.Unknown.Missing() != 0 {
		t.Errorf("texts = %+v", texts)
	}
	byKeyword := map[string]domain.KeywordSupply{}
	for _, k := range pool.Supplies() {
		byKeyword[k.Keyword] = k
	}
	mill, ship := byKeyword["mill"], byKeyword["ship"]
	// Nobody has said that the pictures of ships show nothing else.
	if mill.Served() || mill.Matches.There != 9 || mill.NonMatches.There != 0 || mill.NonMatches.Missing() != 4 || mill.Unknown.There != 7 || mill.Unknown.Missing() != 0 {
		t.Errorf("mill = %+v", mill)
	}
	if ship.Served() || ship.Matches.There != 20 || ship.NonMatches.There != 9 || ship.Unknown.Missing() != 1 {
		t.Errorf("ship = %+v", ship)
	}

	// What is active is what comes, and it comes once in a cycle.
	seen := map[domain.ImageID]domain.Role{}
	for range 3000 {
		c, err := pool.Compose(domain.TypeTranscription, rng)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Positions {
			if p.Role != domain.RoleSentinel {
				seen[p.Image] = p.Role
			}
		}
	}
	known, unknown := 0, 0
	for _, role := range seen {
		if role == domain.RoleKnown {
			known++
		} else {
			unknown++
		}
	}
	if known != texts.Known.Active || unknown != texts.Unknown.Active {
		t.Errorf("%d known and %d unknown texts came, said to be active are %d and %d", known, unknown, texts.Known.Active, texts.Unknown.Active)
	}
	if cycle := texts.Known.Cycle(); cycle < 45 || cycle > 65 {
		t.Errorf("a cycle has %.1f challenges", cycle)
	}
}

func TestToldApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b        domain.Supply
		least, most float64
	}{
		"alike":          {domain.Supply{Active: 100, Slots: 1}, domain.Supply{Active: 200, Slots: 2}, 0, 0},
		"twice as often": {domain.Supply{Active: 100, Slots: 1}, domain.Supply{Active: 100, Slots: 2}, 300, 300},
		"whichever":      {domain.Supply{Active: 100, Slots: 2}, domain.Supply{Active: 100, Slots: 1}, 300, 300},
		"nearly alike":   {domain.Supply{Active: 1000, Slots: 1}, domain.Supply{Active: 999, Slots: 1}, 2.9e6, 3.1e6},
		"not served":     {domain.Supply{Slots: 1}, domain.Supply{Active: 5, Slots: 1}, 0, 0},
	} {
		if got := domain.ToldApart(c.a, c.b); got < c.least-1e-6 || got > c.most+1e-6 {
			t.Errorf("%s: after %g challenges, want %g to %g", name, got, c.least, c.most)
		}
	}
}

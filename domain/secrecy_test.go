package domain_test

import (
	"fmt"
	"testing"

	"ocapi/domain"
)

// TestPoolTellsItsSupply looks at what a pool says of itself.
func TestPoolTellsItsSupply(t *testing.T) {
	t.Parallel()
	var images []domain.Image
	add := func(n int, im domain.Image) {
		for range n {
			im := im
			im.ID, im.Document, im.Renderings = domain.ImageID(fmt.Sprint("i", len(images))), fmt.Sprint("d", len(images)), 1
			if im.Known {
				im.Trust = domain.TrustImported
			}
			if im.Known && im.Type == domain.TypeTranscription && im.Text == "" {
				im.Text = fmt.Sprintf("word%03d", len(images))
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
	pool, err := domain.NewPool(domain.DefaultDealing(), nil, images)
	if err != nil {
		t.Fatal(err)
	}
	texts := pool.Texts()
	if texts.KnownTexts != 78 || texts.Short != 5 || texts.Known.There != 71 || texts.Known.Missing() != 0 || texts.Unknown.There != 40 || texts.Unknown.Missing() != 4 {
		t.Errorf("texts = %+v", texts)
	}
	byKeyword := map[string]domain.KeywordSupply{}
	for _, k := range pool.Supplies() {
		byKeyword[k.Keyword] = k
	}
	mill, ship := byKeyword["mill"], byKeyword["ship"]
	// Nobody has said that the pictures of ships show nothing else.
	if mill.Servable() || mill.Matches.There != 9 || mill.NonMatches.There != 0 || mill.NonMatches.Missing() != 4 || mill.Unknown.There != 7 || mill.Unknown.Missing() != 0 {
		t.Errorf("mill = %+v", mill)
	}
	if ship.Servable() || ship.Matches.There != 20 || ship.NonMatches.There != 9 || ship.Unknown.Missing() != 1 {
		t.Errorf("ship = %+v", ship)
	}
}

func TestSecrecy(t *testing.T) {
	t.Parallel()
	sameForms := textImages(1000, 1000)
	for i := range sameForms {
		sameForms[i].Text = word(i % 60)
	}
	oneBook := textImages(1000, 1000)
	for i := range oneBook[:1800] {
		oneBook[i*2000/1800].Document = "the book"
	}
	shortHorizon := domain.DefaultDealing()
	shortHorizon.Horizon = 2000
	for name, tt := range map[string]struct {
		dealing domain.Dealing
		images  []domain.Image
		want    domain.Secrecy
		safe    bool
	}{
		"large": {domain.DefaultDealing(), textImages(1000, 50_000), domain.Secrecy{Rest: 4, Cycle: 224, Votes: 30, After: 20_160}, true},
		// So many that a life needs no more than the fewest votes.
		"very large": {domain.DefaultDealing(), textImages(20_000, 20_000), domain.Secrecy{Rest: 4, Cycle: 4472, Votes: 6, After: 80_496}, true},
		"just safe":  {domain.DefaultDealing(), textImages(300, 236), domain.Secrecy{Rest: 4, Cycle: 67, Votes: 100, After: 20_100}, true},
		"one unknown text short": {domain.DefaultDealing(), textImages(300, 235),
			domain.Secrecy{Rest: 4, Cycle: 66, Votes: 100, After: 19_800, UnknownMissing: 1, SheetsMissing: 4}, false},
		"one known text short": {domain.DefaultDealing(), textImages(299, 500),
			domain.Secrecy{Rest: 4, Cycle: 66, Votes: 100, After: 19_800, KnownMissing: 1, SheetsMissing: 4}, false},
		// Nothing rests: the end of a life tells.
		"small":              {domain.DefaultDealing(), textImages(60, 60), domain.Secrecy{Rest: 1, Cycle: 54, Votes: 100, After: 5400, KnownMissing: 240, UnknownMissing: 176, SheetsMissing: 214}, false},
		"few forms":          {domain.DefaultDealing(), sameForms, domain.Secrecy{Rest: 4, Cycle: 214, Votes: 32, After: 20_544}, true},
		"mostly of one book": {domain.DefaultDealing(), oneBook, domain.Secrecy{Rest: 3, Cycle: 66, Votes: 100, After: 13_200, SheetsMissing: 70}, false},
		"short horizon":      {shortHorizon, textImages(300, 300), domain.Secrecy{Rest: 4, Cycle: 67, Votes: 10, After: 2010}, true},
		"pictures":           {domain.DefaultDealing(), gallery(4, 600, 300), domain.Secrecy{Rest: 4, Cycle: 85, Votes: 79, After: 20_145}, true},
		"few pictures": {domain.DefaultDealing(), gallery(4, 40, 300),
			domain.Secrecy{Rest: 1, Cycle: 22, Votes: 100, After: 2200, KnownMissing: 1726, SheetsMissing: 246}, false},
		"pictures, few unknown": {domain.DefaultDealing(), gallery(4, 600, 25),
			domain.Secrecy{Rest: 1, Cycle: 51, Votes: 100, After: 5100, UnknownMissing: 426, SheetsMissing: 217}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, tt.dealing, tt.images)
			tt.want.Horizon = tt.dealing.Horizon
			got := p.Secrecy(p.Types()[0])
			if got != tt.want || got.Safe() != tt.safe {
				t.Errorf("Secrecy = %+v, safe %v,\nwant      %+v, safe %v", got, got.Safe(), tt.want, tt.safe)
			}
		})
	}
}

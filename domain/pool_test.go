package domain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ocapi/domain"
)

func TestPoolServes(t *testing.T) {
	t.Parallel()
	sameForm := textImages(60, 60)
	for i := range sameForm[:5] {
		sameForm[i].Text = "same"
	}
	short := textImages(60, 60)
	for i := range short[:5] {
		short[i].Text = "a—b"
	}
	variants := textImages(100, 60)
	for i := range 45 {
		variants[i].Text = strings.ToUpper(variants[0].Text) + strings.Repeat(".", i)
	}
	oneDocument := textImages(60, 60)
	for i := range oneDocument {
		oneDocument[i].Document = "the book"
	}
	incomplete := shipImages(30, 40, 20)
	for i := range incomplete {
		incomplete[i].Complete = false
	}
	elsewhere := shipImages(30, 40, 20)
	for i := range elsewhere {
		if !elsewhere[i].Known {
			elsewhere[i].Candidates = []string{"horse"}
		}
	}
	anything := shipImages(30, 40, 20)
	for i := range anything {
		anything[i].Candidates = nil
	}
	transcribe, classify := domain.TypeTranscription, domain.TypeClassification
	tests := map[string]struct {
		images    []domain.Image
		types     []domain.ChallengeType
		keywords  []string
		shortages []string // type and keyword
	}{
		"nothing":                          {nil, nil, []string{}, []string{"classification ship"}},
		"texts and pictures":               {slices.Concat(textImages(56, 44), shipImages(3, 4, 2)), []domain.ChallengeType{transcribe, classify}, []string{"ship"}, []string{"classification sea"}},
		"55 forms":                         {textImages(55, 100), nil, []string{}, []string{"transcription ", "classification ship"}},
		"43 unknown texts":                 {textImages(100, 43), nil, []string{}, []string{"transcription ", "classification ship"}},
		"only unknown texts":               {textImages(0, 100), nil, []string{}, []string{"transcription ", "classification ship"}},
		"60 texts, 56 forms":               {sameForm, []domain.ChallengeType{transcribe}, []string{}, []string{"classification ship"}},
		"60 texts, 55 of three letters":    {short, nil, []string{}, []string{"transcription ", "classification ship"}},
		"100 texts, 56 forms when folded":  {variants, []domain.ChallengeType{transcribe}, []string{}, []string{"classification ship"}},
		"all texts of one document":        {oneDocument, nil, []string{}, []string{"transcription ", "classification ship"}},
		"two matches":                      {shipImages(2, 40, 20), nil, []string{}, []string{"classification sea", "classification ship"}},
		"three non-matches":                {shipImages(30, 3, 20), nil, []string{}, []string{"classification sea", "classification ship"}},
		"one unknown":                      {shipImages(30, 40, 1), nil, []string{}, []string{"classification sea", "classification ship"}},
		"labels not complete":              {incomplete, nil, []string{}, []string{"classification sea", "classification ship"}},
		"unknown ones for another keyword": {elsewhere, nil, []string{}, []string{"classification horse", "classification sea", "classification ship"}},
		"unknown ones for any keyword":     {anything, []domain.ChallengeType{classify}, []string{"sea", "ship"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, domain.DefaultDealing(), tt.images)
			if got := p.Types(); !slices.Equal(got, tt.types) {
				t.Errorf("Types = %v, want %v", got, tt.types)
			}
			if got := p.Keywords(); !slices.Equal(got, tt.keywords) {
				t.Errorf("Keywords = %v, want %v", got, tt.keywords)
			}
			var shortages []string
			for _, s := range p.Shortages() {
				shortages = append(shortages, s.Type.String()+" "+s.Keyword)
				if s.Reason == "" {
					t.Errorf("the shortage of %v %q has no reason", s.Type, s.Keyword)
				}
			}
			if !slices.Equal(shortages, tt.shortages) {
				t.Errorf("Shortages = %q, want %q", shortages, tt.shortages)
			}
			for _, asked := range []domain.ChallengeType{domain.TypeInvalid, transcribe, classify, domain.TypeAudio} {
				if slices.Contains(tt.types, asked) {
					if c := newRun(t, p, asked, 12).next(t); c.Type != asked {
						t.Errorf("%v was asked for, %v composed", asked, c.Type)
					}
					if s := p.Secrecy(asked); s.Rest == 0 || s.Cycle == 0 {
						t.Errorf("%v can be served, though its secrecy is %+v", asked, s)
					}
					continue
				}
				if plan, err := p.Plan(asked, 0, nil, dice(12)); domain.CodeOf(err) != domain.CodeUnavailable {
					t.Errorf("%v was planned or refused with %v, %v, want CodeUnavailable", asked, plan, err)
				}
				if s := p.Secrecy(asked); s != (domain.Secrecy{}) {
					t.Errorf("%v cannot be served, its secrecy is %+v", asked, s)
				}
			}
		})
	}
}

// TestKnownTextForms holds the 2 % rule on plans of every shape.
func TestKnownTextForms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		images := textImages(0, rapid.IntRange(44, 400).Draw(t, "unknown"))
		forms := rapid.SliceOfN(rapid.IntRange(1, 6), 50, 150).Draw(t, "images of each form")
		for form, n := range forms {
			for i := range n {
				images = append(images, domain.Image{
					ID: domain.ImageID(fmt.Sprintf("known%d.%d", form, i)), Collection: "papers", Document: fmt.Sprintf("known %d %d", form, i),
					Type: domain.TypeTranscription, Known: true, Trust: domain.TrustImported, Text: word(form), Renderings: 1,
				})
			}
		}
		p, err := domain.NewPool(domain.DefaultDealing(), infos(), images)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(p.Types()) == 1, len(forms) >= 56; got != want {
			// With fewer forms it takes more of each: 1 in 50 of 100 may be two.
			if !want && p.Secrecy(domain.TypeTranscription).Cycle < 100 {
				t.Fatalf("%d forms: servable is %v", len(forms), got)
			}
		}
		if len(p.Types()) == 0 {
			return
		}
		rng := dice(rapid.Uint64().Draw(t, "seed"))
		var recent []*domain.Plan
		for range 3 {
			plan, err := p.Plan(domain.TypeTranscription, len(recent), recent, rng)
			if err != nil {
				t.Fatal(err)
			}
			recent = append([]*domain.Plan{plan}, recent...)
			deck, err := p.Deck(plan, nil, rng)
			if err != nil {
				t.Fatal(err)
			}
			passes := map[string]int{} // challenges that a word passes, typed twice
			for range deck.Cycle() {
				c := deck.Compose(rng)
				forms := map[string]bool{}
				for _, pos := range c.Positions {
					if pos.Role == domain.RoleKnown {
						forms[pos.Expected.Text] = true
					}
				}
				for form := range forms {
					passes[form]++
				}
			}
			for form, n := range passes {
				if 50*n > deck.Cycle() {
					t.Fatalf("%q is a known text of %d of %d challenges: more than 2 %%", form, n, deck.Cycle())
				}
			}
		}
	})
}

func TestComposition(t *testing.T) {
	t.Parallel()
	images := slices.Concat(textImages(300, 300), shipImages(100, 150, 100))
	for i := range images {
		// Six images a document: many pairs are of one document.
		images[i].Document = fmt.Sprintf("document %d", i%100)
	}
	byID := map[domain.ImageID]*domain.Image{}
	for i := range images {
		byID[images[i].ID] = &images[i]
	}
	d := domain.DefaultDealing()
	d.SentinelShare = 0.2
	p := newPool(t, d, images)
	runs := []*run{newRun(t, p, domain.TypeTranscription, 13), newRun(t, p, domain.TypeClassification, 13)}
	renderings := map[uint32]bool{}
	for n := range 5000 {
		c := runs[n%2].next(t)
		// Decide is the judge of what may be stored.
		if _, err := domain.Decide(domain.Challenge{}, domain.IssueChallenge{Challenge: challengeID(1), Client: "partner", Composition: c}, morning, eventID(1)); err != nil {
			t.Fatalf("composition %d is refused: %v", n, err)
		}
		var mix domain.Mix
		known := 0
		documents, ids := map[string]bool{}, map[domain.ImageID]bool{}
		for i, pos := range c.Positions {
			im := byID[pos.Image]
			if im == nil || im.Collection != pos.Collection || im.Type != c.Type || pos.Rendering >= im.Renderings || pos.Prior != im.Prior {
				t.Fatalf("composition %d, position %d: %+v of the image %+v", n, i, pos, im)
			}
			ids[pos.Image], documents[im.Document] = true, true
			if c.Type == domain.TypeTranscription {
				renderings[pos.Rendering] = true
			}
			checkTruth(t, pos, im)
			switch {
			case pos.Role != domain.RoleKnown:
				mix.Unknown++
				continue
			case c.Type == domain.TypeTranscription:
				mix.Texts++
			case pos.Expected.Match:
				mix.Matches++
			default:
				mix.NonMatches++
			}
			known++
		}
		size := 2
		if c.Type == domain.TypeClassification {
			size = 9
			if c.Keyword != "ship" || c.Prompt["en"] != "a ship" || c.Prompt["de"] != "ein Schiff" || c.Credit != "Art Library" {
				t.Fatalf("composition %d: %+v", n, c)
			}
			if mix.Matches < 1 || mix.NonMatches < 1 {
				t.Fatalf("composition %d: the mix is %+v", n, mix)
			}
		} else {
			if c.Keyword != "" || c.Prompt != nil || c.Credit != "City Archive" {
				t.Fatalf("composition %d: %+v", n, c)
			}
			if len(documents) != 2 {
				t.Fatalf("composition %d: two texts of one document", n)
			}
		}
		if len(c.Positions) != size || len(ids) != size {
			t.Fatalf("composition %d: %d positions with %d images", n, len(c.Positions), len(ids))
		}
		if 2*known < size {
			t.Fatalf("composition %d: %d of %d known", n, known, size)
		}
		if mix != c.Mix {
			t.Fatalf("composition %d: says %+v, holds %+v", n, c.Mix, mix)
		}
		if c.WhollyKnown != (known == size) {
			t.Fatalf("composition %d: WhollyKnown is %v with %d of %d known", n, c.WhollyKnown, known, size)
		}
	}
	if len(renderings) != 4 {
		t.Errorf("the renderings dealt are %v", renderings)
	}
}

// checkTruth fails when a position says something else than its image.
func checkTruth(t *testing.T, pos domain.Position, im *domain.Image) {
	t.Helper()
	var want domain.Truth
	trust := domain.TrustNone
	if pos.Role != domain.RoleUnknown {
		trust = im.Trust
		want = domain.Truth{Kind: domain.TruthText, Text: im.Text}
		if im.Type == domain.TypeClassification {
			want = domain.Truth{Kind: domain.TruthMatch, Match: im.Shows("ship")}
		}
	}
	if pos.Expected != want || pos.Trust != trust || im.Known == (pos.Role == domain.RoleUnknown) {
		t.Fatalf("%+v of the image %+v", pos, im)
	}
}

func TestCompositionOfTinyTables(t *testing.T) {
	t.Parallel()
	r := newRun(t, newPool(t, domain.DefaultDealing(), shipImages(3, 4, 2)), domain.TypeClassification, 14)
	for range 500 {
		c := r.next(t)
		want := domain.Mix{Matches: 3, NonMatches: 4, Unknown: 2}
		if c.Mix != want || c.WhollyKnown {
			t.Fatalf("with no image to spare: %+v, wholly known %v", c.Mix, c.WhollyKnown)
		}
	}
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	collections := []domain.CollectionInfo{
		{ID: "b", Keywords: map[string]map[string]string{"ship": {"en": "boat", "fr": "navire"}}},
		{ID: "a", Keywords: map[string]map[string]string{"ship": {"de": "Schiff"}, "sea": {"de": "Meer"}}},
		{ID: "c", Keywords: map[string]map[string]string{"ship": {"en": "vessel", "fr": "bateau"}}},
	}
	images := shipImages(10, 10, 10)
	for i := range images {
		images[i].Candidates = nil
	}
	p, err := domain.NewPool(domain.DefaultDealing(), collections, images)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{
		"ship": {"en": "boat", "fr": "navire", "de": "Schiff"},
		"sea":  {"en": "sea", "de": "Meer"},
	}
	r, seen := newRun(t, p, domain.TypeClassification, 2), map[string]bool{}
	for range 50 {
		c := r.next(t)
		seen[c.Keyword] = true
		if fmt.Sprint(c.Prompt) != fmt.Sprint(want[c.Keyword]) {
			t.Fatalf("the prompt of %q is %v, want %v", c.Keyword, c.Prompt, want[c.Keyword])
		}
	}
	if len(seen) != 2 {
		t.Errorf("only %v was asked for", seen)
	}
}

// TestCreditTellsNothing mixes two institutions; their order must be the same
// whichever image stands first.
func TestCreditTellsNothing(t *testing.T) {
	t.Parallel()
	images := textImages(100, 100)
	collections := []domain.CollectionInfo{{ID: "papers", Credit: "Zurich"}, {ID: "letters", Credit: "Aachen"}, {ID: "silent"}}
	for i := range images {
		images[i].Collection = []domain.CollectionID{"papers", "letters", "silent"}[i%3]
	}
	p, err := domain.NewPool(domain.DefaultDealing(), collections, images)
	if err != nil {
		t.Fatal(err)
	}
	r, seen := newRun(t, p, domain.TypeTranscription, 2), map[string]int{}
	for range 2000 {
		c := r.next(t)
		seen[c.Credit]++
	}
	for _, want := range []string{"", "Aachen", "Zurich", "Aachen · Zurich"} {
		if seen[want] == 0 {
			t.Errorf("the credit %q never came", want)
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("these credits came too: %v", seen)
	}
}

func TestDealingIsReproducible(t *testing.T) {
	t.Parallel()
	images := slices.Concat(textImages(100, 300), shipImages(50, 50, 50))
	for _, asked := range []domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification} {
		var first []domain.Composition
		for try := range 5 {
			r := newRun(t, newPool(t, domain.DefaultDealing(), slices.Clone(images)), asked, 3)
			for i := range 150 {
				c := r.next(t)
				if try == 0 {
					first = append(first, c)
				} else if fmt.Sprint(first[i]) != fmt.Sprint(c) {
					t.Fatalf("composition %d differs with the same random numbers:\n%v\n%v", i, first[i], c)
				}
			}
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	for _, asked := range []domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification} {
		b.Run(asked.String(), func(b *testing.B) {
			r := newRun(b, newPool(b, domain.DefaultDealing(), slices.Concat(textImages(10_000, 10_000), shipImages(5000, 5000, 5000))), asked, 4)
			b.ReportAllocs()
			for b.Loop() {
				r.deck.Compose(r.rng)
			}
		})
	}
}

// BenchmarkPool looks at a million images, as every node does whenever a
// collection changes.
func BenchmarkPool(b *testing.B) {
	images := slices.Concat(textImages(50_000, 500_000), gallery(40, 2500, 8750))
	for b.Loop() {
		if _, err := domain.NewPool(domain.DefaultDealing(), infos(), images); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	images := slices.Concat(textImages(50_000, 500_000), gallery(40, 2500, 8750))
	p := newPool(b, domain.DefaultDealing(), images)
	for _, asked := range p.Types() {
		b.Run(asked.String(), func(b *testing.B) {
			r := newRun(b, p, asked, 1)
			bytes := 0
			for b.Loop() {
				r.turn(b)
				bytes = len(r.recent[0].Encode())
			}
			b.ReportMetric(float64(bytes), "bytes")
			b.ReportMetric(float64(r.deck.Cycle()), "sheets")
		})
	}
}

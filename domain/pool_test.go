package domain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ocapi/domain"
)

// word gives a different word of five letters for every n.
func word(n int) string {
	b := []byte("aaaaa")
	for i := range b {
		b[i] = 'a' + byte(n%26)
		n /= 26
	}
	return string(b)
}

// textImages are known texts, each of its own form and document, and unknown
// ones, each of its own document.
func textImages(known, unknown int) []domain.Image {
	var images []domain.Image
	for i := range known + unknown {
		im := domain.Image{
			ID: domain.ImageID(fmt.Sprintf("text%d", i)), Collection: "papers", Document: fmt.Sprintf("letter %d", i),
			Type: domain.TypeTranscription, Renderings: 4,
		}
		if i < known {
			im.Known, im.Trust, im.Text = true, domain.TrustImported, word(i)
		} else {
			im.Prior = 0.5
		}
		images = append(images, im)
	}
	return images
}

// shipImages are pictures for the one keyword "ship": known matches, known
// non-matches and unknown ones.
func shipImages(matches, nonMatches, unknown int) []domain.Image {
	var images []domain.Image
	for i := range matches + nonMatches + unknown {
		im := domain.Image{
			ID: domain.ImageID(fmt.Sprintf("picture%d", i)), Collection: "prints", Document: fmt.Sprintf("print %d", i),
			Type: domain.TypeClassification, Renderings: 1,
		}
		switch {
		case i < matches:
			im.Known, im.Trust, im.Labels, im.Complete = true, domain.TrustImported, []string{"ship", "sea"}, true
		case i < matches+nonMatches:
			im.Known, im.Trust, im.Complete = true, domain.TrustImported, true
		default:
			im.Candidates = []string{"ship"}
		}
		images = append(images, im)
	}
	return images
}

func infos() []domain.CollectionInfo {
	return []domain.CollectionInfo{
		{ID: "papers", Credit: "City Archive"},
		{ID: "prints", Credit: "Art Library", Keywords: map[string]map[string]string{"ship": {"en": "a ship", "de": "ein Schiff"}}},
	}
}

func newPool(t testing.TB, d domain.Dealing, images []domain.Image) *domain.Pool {
	t.Helper()
	p, err := domain.NewPool(d, infos(), images, dice(11))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPoolServes(t *testing.T) {
	t.Parallel()
	sameForm := textImages(60, 60)
	for i := range sameForm[:11] {
		sameForm[i].Text = "same"
	}
	short := textImages(60, 60)
	for i := range short[:11] {
		short[i].Text = "a—b"
	}
	variants := textImages(100, 60)
	for i := range 51 {
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
		"texts and pictures":               {slices.Concat(textImages(50, 1), shipImages(3, 4, 2)), []domain.ChallengeType{transcribe, classify}, []string{"ship"}, []string{"classification sea"}},
		"49 forms":                         {textImages(49, 100), nil, []string{}, []string{"transcription ", "classification ship"}},
		"no unknown texts":                 {textImages(100, 0), nil, []string{}, []string{"transcription ", "classification ship"}},
		"only unknown texts":               {textImages(0, 100), nil, []string{}, []string{"transcription ", "classification ship"}},
		"60 texts, 50 forms":               {sameForm, []domain.ChallengeType{transcribe}, []string{}, []string{"classification ship"}},
		"60 texts, 49 of three letters":    {short, nil, []string{}, []string{"transcription ", "classification ship"}},
		"100 texts, 50 forms when folded":  {variants, []domain.ChallengeType{transcribe}, []string{}, []string{"classification ship"}},
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
			rng := dice(12)
			for _, asked := range []domain.ChallengeType{domain.TypeInvalid, transcribe, classify, domain.TypeAudio} {
				c, err := p.Compose(asked, rng)
				servable := slices.Contains(tt.types, asked) || asked == domain.TypeInvalid && len(tt.types) > 0
				switch {
				case servable && err != nil:
					t.Errorf("%v cannot be composed: %v", asked, err)
				case servable && asked != domain.TypeInvalid && c.Type != asked:
					t.Errorf("%v was asked for, %v composed", asked, c.Type)
				case !servable && domain.CodeOf(err) != domain.CodeUnavailable:
					t.Errorf("%v was composed or refused with %v, want CodeUnavailable", asked, err)
				}
			}
		})
	}
}

// TestKnownTextForms holds the 2 % rule on decks of every shape, also on those
// that exposure matching has shortened.
func TestKnownTextForms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		images := textImages(0, rapid.IntRange(1, 400).Draw(t, "unknown"))
		forms := rapid.SliceOfN(rapid.IntRange(1, 6), 45, 120).Draw(t, "images of each form")
		for form, n := range forms {
			for i := range n {
				images = append(images, domain.Image{
					ID: domain.ImageID(fmt.Sprintf("known%d.%d", form, i)), Collection: "papers", Document: fmt.Sprintf("known %d %d", form, i),
					Type: domain.TypeTranscription, Known: true, Trust: domain.TrustImported, Text: word(form), Renderings: 1,
				})
			}
		}
		d := domain.DefaultDealing()
		d.WhollyKnownShare, d.SentinelShare = 0, 0
		p, err := domain.NewPool(d, infos(), images, dice(rapid.Uint64().Draw(t, "seed")))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(p.Types()) == 1, len(forms) >= 50; got != want {
			t.Fatalf("%d forms: servable is %v", len(forms), got)
		}
		if len(forms) < 50 {
			return
		}
		// One cycle of the known deck ends when a known image comes again.
		rng := dice(1)
		seen, ofForm := map[domain.ImageID]bool{}, map[string]int{}
		for {
			c, err := p.Compose(domain.TypeTranscription, rng)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(c.Positions, func(p domain.Position) bool { return p.Role == domain.RoleKnown })
			if seen[c.Positions[i].Image] {
				break
			}
			seen[c.Positions[i].Image] = true
			ofForm[c.Positions[i].Expected.Text]++
		}
		for form, n := range ofForm {
			if float64(n) > 0.02*float64(len(seen))+1e-9 {
				t.Fatalf("%q is the text of %d of %d active known images: more than 2 %%", form, n, len(seen))
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
	p, rng := newPool(t, d, images), dice(13)
	types := map[domain.ChallengeType]int{}
	renderings := map[uint32]bool{}
	for n := range 5000 {
		c, err := p.Compose(domain.TypeInvalid, rng)
		if err != nil {
			t.Fatal(err)
		}
		types[c.Type]++
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
			if mix.Matches < 3 || mix.NonMatches < 4 {
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
	if types[domain.TypeTranscription] < 2300 || types[domain.TypeClassification] < 2300 {
		t.Errorf("of any type: %v", types)
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

func TestCompositionOfTinyDecks(t *testing.T) {
	t.Parallel()
	d := domain.DefaultDealing()
	d.WhollyKnownShare, d.SentinelShare = 0.5, 0.5
	p, rng := newPool(t, d, shipImages(3, 4, 2)), dice(14)
	for range 500 {
		c, err := p.Compose(domain.TypeClassification, rng)
		if err != nil {
			t.Fatal(err)
		}
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
	p, err := domain.NewPool(domain.DefaultDealing(), collections, images, dice(1))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{
		"ship": {"en": "boat", "fr": "navire", "de": "Schiff"},
		"sea":  {"en": "sea", "de": "Meer"},
	}
	rng, seen := dice(2), map[string]bool{}
	for range 50 {
		c, err := p.Compose(domain.TypeClassification, rng)
		if err != nil {
			t.Fatal(err)
		}
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
	p, err := domain.NewPool(domain.DefaultDealing(), collections, images, dice(1))
	if err != nil {
		t.Fatal(err)
	}
	rng, seen := dice(2), map[string]int{}
	for range 2000 {
		c, err := p.Compose(domain.TypeTranscription, rng)
		if err != nil {
			t.Fatal(err)
		}
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

func TestPoolIsReproducible(t *testing.T) {
	t.Parallel()
	images := slices.Concat(textImages(100, 300), shipImages(50, 50, 50))
	var first []domain.Composition
	for try := range 5 {
		p, rng := newPool(t, domain.DefaultDealing(), slices.Clone(images)), dice(3)
		for i := range 50 {
			c, err := p.Compose(domain.TypeInvalid, rng)
			if err != nil {
				t.Fatal(err)
			}
			if try == 0 {
				first = append(first, c)
			} else if fmt.Sprint(first[i]) != fmt.Sprint(c) {
				t.Fatalf("composition %d differs with the same random numbers:\n%v\n%v", i, first[i], c)
			}
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	for _, asked := range []domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification} {
		b.Run(asked.String(), func(b *testing.B) {
			p, rng := newPool(b, domain.DefaultDealing(), slices.Concat(textImages(10_000, 10_000), shipImages(5000, 5000, 5000))), dice(4)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Compose(asked, rng); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

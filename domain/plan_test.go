package domain_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ocapi/domain"
)

// anyTexts draws texts of a few documents and forms.
func anyTexts(t *rapid.T) []domain.Image {
	images := textImages(rapid.IntRange(56, 500).Draw(t, "known"), rapid.IntRange(44, 700).Draw(t, "unknown"))
	documents := rapid.IntRange(40, 300).Draw(t, "documents")
	forms := rapid.IntRange(40, 500).Draw(t, "forms")
	skew := rapid.IntRange(0, 3).Draw(t, "skew")
	for i := range images {
		images[i].Document = fmt.Sprintf("document %d", (i*7)%documents>>skew)
		if images[i].Known {
			images[i].Text = word(i % forms)
		}
	}
	return images
}

// anyPictures draws pictures of a few keywords.
func anyPictures(t *rapid.T) []domain.Image {
	keywords := rapid.IntRange(1, 8).Draw(t, "keywords")
	var images []domain.Image
	for i := range rapid.IntRange(0, 900).Draw(t, "pictures") {
		im := domain.Image{
			ID: domain.ImageID(fmt.Sprintf("picture%d", i)), Collection: "prints", Document: fmt.Sprintf("print %d", i),
			Type: domain.TypeClassification, Renderings: 1,
		}
		about := []string{fmt.Sprint("keyword", i*i%keywords)}
		if i%5 == 0 {
			about = append(about, fmt.Sprint("keyword", i%keywords))
		}
		switch i % 4 {
		case 0:
			if i%8 == 0 {
				im.Candidates = about
			}
		default:
			im.Known, im.Trust, im.Labels, im.Complete = true, domain.TrustImported, about, i%11 != 0
		}
		images = append(images, im)
	}
	return images
}

// TestPlans makes the plans of ten generations and looks at all that is promised
// of them.
func TestPlans(t *testing.T) {
	t.Parallel()
	for asked, draw := range map[domain.ChallengeType]func(*rapid.T) []domain.Image{
		domain.TypeTranscription: anyTexts, domain.TypeClassification: anyPictures,
	} {
		t.Run(asked.String(), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				images := draw(t)
				byID := map[domain.ImageID]*domain.Image{}
				for i := range images {
					byID[images[i].ID] = &images[i]
				}
				d := domain.DefaultDealing()
				d.Horizon = rapid.SampledFrom([]int{500, 5000, 20_000}).Draw(t, "horizon")
				p, err := domain.NewPool(d, infos(), images)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(p.Types(), asked) {
					return
				}
				secrecy := p.Secrecy(asked)
				rng := dice(rapid.Uint64().Draw(t, "seed"))
				var recent []*domain.Plan
				last := map[domain.ImageID]int{} // the generation that an image was in
				for number := range 10 {
					plan, err := p.Plan(asked, number, recent, rng)
					if domain.CodeOf(err) == domain.CodeUnavailable && asked == domain.TypeTranscription {
						return // too many of one document: chance decides
					}
					if err != nil {
						t.Fatal(err)
					}
					if plan.Number != number || plan.Type != asked || plan.Rest != secrecy.Rest {
						t.Fatalf("generation %d of secrecy %+v: plan %d, type %v, rest %d", number, secrecy, plan.Number, plan.Type, plan.Rest)
					}
					checkPlan(t, d, plan, byID)
					for i := range plan.Sheets {
						for _, c := range plan.Sheets[i].Cards {
							if before, came := last[c.Image]; came && number-before < plan.Rest {
								t.Fatalf("%s is in generation %d and was in %d; with rest %d it may not", c.Image, number, before, plan.Rest)
							}
							last[c.Image] = number
						}
					}
					recent = append([]*domain.Plan{plan}, recent...)
					recent = recent[:min(len(recent), domain.Generations)]
				}
			})
		})
	}
}

// TestScarceFormsLastForAllGenerations has exactly as many known texts as four
// generations need, three or four of each form: whatever is taken first, every
// generation has to find its forms.
func TestScarceFormsLastForAllGenerations(t *testing.T) {
	t.Parallel()
	images := textImages(268, 212)
	for i := range images {
		images[i].Document = fmt.Sprintf("document %d", i)
		if images[i].Known {
			images[i].Text = word(i % 80)
		}
	}
	p := newPool(t, domain.DefaultDealing(), images)
	for seed := range uint64(50) {
		rng := dice(seed)
		var recent []*domain.Plan
		last := map[domain.ImageID]int{}
		for number := range 12 {
			plan, err := p.Plan(domain.TypeTranscription, number, recent, rng)
			if err != nil || plan.Rest != 4 {
				t.Fatalf("seed %d, generation %d: %+v, %v", seed, number, plan, err)
			}
			for i := range plan.Sheets {
				for _, c := range plan.Sheets[i].Cards {
					if before, came := last[c.Image]; came && number-before < plan.Rest {
						t.Fatalf("seed %d: %s is in generation %d and was in %d", seed, c.Image, number, before)
					}
					last[c.Image] = number
				}
			}
			recent = append([]*domain.Plan{plan}, recent...)
			recent = recent[:min(len(recent), domain.Generations)]
		}
	}
}

func checkPlan(t *rapid.T, d domain.Dealing, plan *domain.Plan, byID map[domain.ImageID]*domain.Image) {
	seen := map[domain.ImageID]bool{}
	forms := map[string]int{}
	parts := map[domain.Part]int{}
	wholly := 0
	for i := range plan.Sheets {
		s := &plan.Sheets[i]
		matches, nonMatches := 0, 0
		for _, c := range s.Cards {
			im := byID[c.Image]
			if seen[c.Image] || im.Type != plan.Type || im.Known == (c.Part == domain.PartUnknown) {
				t.Fatalf("sheet %d: %+v, %+v, twice %v", i, c, im, seen[c.Image])
			}
			seen[c.Image] = true
			parts[c.Part]++
			switch c.Part {
			case domain.PartMatch:
				matches++
				forms[im.Text]++
				if s.Keyword != "" && !im.Shows(s.Keyword) {
					t.Fatalf("sheet %d: %+v is no match of %s", i, im, s.Keyword)
				}
			case domain.PartNonMatch:
				nonMatches++
				if im.Shows(s.Keyword) || !im.Complete {
					t.Fatalf("sheet %d: %+v is no non-match of %s", i, im, s.Keyword)
				}
			case domain.PartUnknown:
				if len(im.Candidates) > 0 && !slices.Contains(im.Candidates, s.Keyword) {
					t.Fatalf("sheet %d: %+v is asked about %s", i, im, s.Keyword)
				}
			}
		}
		if plan.Type == domain.TypeClassification {
			if len(s.Cards) != 9 || matches < 1 || nonMatches < 1 || 2*(matches+nonMatches) < 9 {
				t.Fatalf("sheet %d: %+v", i, s)
			}
			continue
		}
		if len(s.Cards) != 2 || byID[s.Cards[0].Image].Document == byID[s.Cards[1].Image].Document || matches < 1 {
			t.Fatalf("sheet %d: %+v", i, s)
		}
		if matches == 2 {
			wholly++
		}
	}
	n := plan.Cycle()
	if plan.Type == domain.TypeTranscription {
		for form, times := range forms {
			if 50*times > n {
				t.Fatalf("%q is the text of %d known images of %d couples", form, times, n)
			}
		}
		if n < 50 {
			t.Fatalf("%d couples", n)
		}
	}
	others := max(plan.Rest-1, 1) * n
	if plan.Votes < 6 || plan.Votes > 100 || plan.Votes < 100 && others*plan.Votes < d.Horizon {
		t.Fatalf("%d votes for %d sheets with rest %d", plan.Votes, n, plan.Rest)
	}
}

// TestPlanShares holds what a large plan is made of against the dealing.
func TestPlanShares(t *testing.T) {
	t.Parallel()
	busy := domain.DefaultDealing()
	busy.WhollyKnownShare, busy.SentinelShare = 0.3, 0.25
	plain := domain.DefaultDealing()
	plain.WhollyKnownShare, plain.SentinelShare = 0, 0
	for name, tt := range map[string]struct {
		dealing domain.Dealing
		images  []domain.Image
		want    map[domain.Part]float64 // a sheet, on average
	}{
		"texts":           {domain.DefaultDealing(), textImages(5000, 5000), map[domain.Part]float64{domain.PartMatch: 1.1, domain.PartSentinel: 0.018, domain.PartUnknown: 0.882}},
		"texts, busy":     {busy, textImages(5000, 5000), map[domain.Part]float64{domain.PartMatch: 1.3, domain.PartSentinel: 0.175, domain.PartUnknown: 0.525}},
		"texts, plain":    {plain, textImages(5000, 5000), map[domain.Part]float64{domain.PartMatch: 1, domain.PartUnknown: 1}},
		"pictures":        {domain.DefaultDealing(), shipImages(4000, 5000, 3000), map[domain.Part]float64{domain.PartMatch: 3, domain.PartNonMatch: 4, domain.PartSentinel: 0.04, domain.PartUnknown: 1.96}},
		"pictures, busy":  {busy, shipImages(4000, 5000, 3000), map[domain.Part]float64{domain.PartMatch: 3.437, domain.PartNonMatch: 4.437, domain.PartSentinel: 0.281, domain.PartUnknown: 0.844}},
		"pictures, plain": {plain, shipImages(4000, 5000, 3000), map[domain.Part]float64{domain.PartMatch: 3, domain.PartNonMatch: 4, domain.PartUnknown: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, tt.dealing, tt.images)
			plan, err := p.Plan(p.Types()[0], 0, nil, dice(1))
			if err != nil {
				t.Fatal(err)
			}
			got := map[domain.Part]int{}
			for i := range plan.Sheets {
				for _, c := range plan.Sheets[i].Cards {
					got[c.Part]++
				}
			}
			for part := domain.PartMatch; part <= domain.PartSentinel; part++ {
				if d := float64(got[part])/float64(plan.Cycle()) - tt.want[part]; d > 0.01 || d < -0.01 {
					t.Errorf("%v: %d in %d sheets, want %.3f each", part, got[part], plan.Cycle(), tt.want[part])
				}
			}
		})
	}
}

// TestKeywordsShareFairly has keywords with many and with few matches: the
// scarce ones get what they can have, the others the same each.
func TestKeywordsShareFairly(t *testing.T) {
	t.Parallel()
	var images []domain.Image
	counts := map[string]int{"common": 600, "usual": 600, "other": 600, "scarce": 30, "single": 3, "double": 2}
	for keyword, n := range counts {
		for i := range n {
			images = append(images, domain.Image{
				ID: domain.ImageID(fmt.Sprint(keyword, i)), Type: domain.TypeClassification, Known: true, Trust: domain.TrustImported,
				Labels: []string{keyword}, Complete: true, Renderings: 1,
			})
		}
	}
	for i := range 1000 {
		images = append(images, domain.Image{ID: domain.ImageID(fmt.Sprint("unknown", i)), Type: domain.TypeClassification, Renderings: 1})
	}
	p := newPool(t, domain.DefaultDealing(), images)
	if got := p.Keywords(); slices.Contains(got, "double") || len(got) != 5 {
		t.Errorf("Keywords = %v", got)
	}
	total := map[string]int{}
	var recent []*domain.Plan
	const generations = 16
	rng := dice(1)
	for number := range generations {
		plan, err := p.Plan(domain.TypeClassification, number, recent, rng)
		if err != nil {
			t.Fatal(err)
		}
		if plan.Rest != domain.Generations {
			t.Fatalf("rest %d", plan.Rest)
		}
		here := map[string]int{}
		for i := range plan.Sheets {
			here[plan.Sheets[i].Keyword]++
		}
		if d := here["common"] - here["usual"]; d > 1 || d < -1 || here["common"] < 12 {
			t.Errorf("sheets %v", here)
		}
		for k, n := range here {
			total[k] += n
		}
		recent = append([]*domain.Plan{plan}, recent...)[:min(len(recent)+1, domain.Generations)]
	}
	// Three matches are one sheet in four generations, thirty are ten at most: some
	// rest whenever it is the keyword's turn.
	if total["single"] != generations/4 || total["scarce"] < 6*generations/4 || total["scarce"] > 10*generations/4 {
		t.Errorf("in %d generations sheets %v", generations, total)
	}
}

// TestPlanOfAShrunkenPool has fewer images left than rest: those that have
// rested longest come back, and challenges go on.
func TestPlanOfAShrunkenPool(t *testing.T) {
	t.Parallel()
	images := textImages(400, 400)
	rng := dice(1)
	var recent []*domain.Plan
	p := newPool(t, domain.DefaultDealing(), images)
	for range 3 {
		plan, err := p.Plan(domain.TypeTranscription, len(recent), recent, rng)
		if err != nil {
			t.Fatal(err)
		}
		recent = append([]*domain.Plan{plan}, recent...)
	}
	used := map[domain.ImageID]int{}
	for age, plan := range recent {
		for i := range plan.Sheets {
			for _, c := range plan.Sheets[i].Cards {
				used[c.Image] = age + 1
			}
		}
	}
	// All that has rested is deleted.
	images = slices.DeleteFunc(images, func(im domain.Image) bool { return used[im.ID] == 0 })
	p = newPool(t, domain.DefaultDealing(), images)
	plan, err := p.Plan(domain.TypeTranscription, len(recent), recent, rng)
	if err != nil {
		t.Fatal(err)
	}
	for i := range plan.Sheets {
		for _, c := range plan.Sheets[i].Cards {
			if used[c.Image] != 3 {
				t.Fatalf("%s has rested %d generations, others longer", c.Image, used[c.Image])
			}
		}
	}
}

func TestPlanEncoding(t *testing.T) {
	t.Parallel()
	for name, images := range map[string][]domain.Image{"texts": textImages(300, 300), "pictures": gallery(4, 100, 100)} {
		p := newPool(t, domain.DefaultDealing(), images)
		plan, err := p.Plan(p.Types()[0], 0, nil, dice(1))
		if err != nil {
			t.Fatal(err)
		}
		plan.Number = 7
		data := plan.Encode()
		back, err := domain.DecodePlan(data)
		if err != nil || !reflect.DeepEqual(back, plan) {
			t.Fatalf("%s: it came back as %+v, %v", name, back, err)
		}
		for n := range data {
			if _, err := domain.DecodePlan(data[:n]); !errors.Is(err, domain.ErrMalformedPlan) {
				t.Fatalf("%s: %d of %d bytes were read: %v", name, n, len(data), err)
			}
		}
	}
}

func TestDecodePlanRefuses(t *testing.T) {
	t.Parallel()
	good := domain.Plan{Type: domain.TypeTranscription, Rest: 4, Votes: 30, Room: 60, Sheets: []domain.Sheet{
		{Cards: []domain.Card{{Image: "a", Part: domain.PartMatch}, {Image: "b", Part: domain.PartUnknown}}},
	}}
	for name, tt := range map[string]struct {
		change func(*domain.Plan)
		names  string
	}{
		"nothing wrong":    {func(*domain.Plan) {}, ""},
		"type":             {func(p *domain.Plan) { p.Type = domain.TypeAudio }, "type audio"},
		"rest":             {func(p *domain.Plan) { p.Rest = 5 }, "number 5"},
		"no rest":          {func(p *domain.Plan) { p.Rest = 0 }, "rest 0"},
		"votes":            {func(p *domain.Plan) { p.Votes = 101 }, "number 101"},
		"no room":          {func(p *domain.Plan) { p.Room = 0 }, "room for 0"},
		"no votes":         {func(p *domain.Plan) { p.Votes = 0 }, "0 votes"},
		"no sheets":        {func(p *domain.Plan) { p.Sheets = nil }, "0 sheets"},
		"a keyword":        {func(p *domain.Plan) { p.Sheets[0].Keyword = "ship" }, `keyword "ship"`},
		"one image twice":  {func(p *domain.Plan) { p.Sheets[0].Cards[1].Image = "a" }, "two sheets"},
		"no image":         {func(p *domain.Plan) { p.Sheets[0].Cards[1].Image = "" }, "unknown"},
		"no part":          {func(p *domain.Plan) { p.Sheets[0].Cards[1].Part = 0 }, "invalid"},
		"one image only":   {func(p *domain.Plan) { p.Sheets[0].Cards = p.Sheets[0].Cards[:1] }, "1 images"},
		"no such part":     {func(p *domain.Plan) { p.Sheets[0].Cards[1].Part = 9 }, "number 9"},
		"no keyword there": {func(p *domain.Plan) { p.Type = domain.TypeClassification }, `keyword ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := good
			p.Sheets = []domain.Sheet{{Cards: slices.Clone(good.Sheets[0].Cards)}}
			tt.change(&p)
			_, err := domain.DecodePlan(p.Encode())
			switch {
			case tt.names == "" && err != nil:
				t.Error(err)
			case tt.names != "" && (!errors.Is(err, domain.ErrMalformedPlan) || !strings.Contains(err.Error(), tt.names)):
				t.Errorf("error %v; it should name %q", err, tt.names)
			}
		})
	}
	if _, err := domain.DecodePlan(append(good.Encode(), 0)); err == nil {
		t.Error("a byte too many was read")
	}
	if _, err := domain.DecodePlan([]byte{2}); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("another version: %v", err)
	}
}

func FuzzDecodePlan(f *testing.F) {
	p := domain.Plan{Type: domain.TypeClassification, Number: 3, Rest: 2, Votes: 9, Room: 3, Sheets: []domain.Sheet{
		{Keyword: "ship", Cards: []domain.Card{{Image: "a", Part: domain.PartMatch}, {Image: "b", Part: domain.PartUnknown}}},
		{Keyword: "sea", Cards: []domain.Card{{Image: "c", Part: domain.PartNonMatch}, {Image: "d", Part: domain.PartSentinel}}},
	}}
	f.Add(p.Encode())
	f.Add([]byte{1, 1, 0, 4, 30, 60, 0, 255, 255, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := domain.DecodePlan(data)
		if err != nil {
			if !errors.Is(err, domain.ErrMalformedPlan) {
				t.Errorf("error %v", err)
			}
			return
		}
		again, err := domain.DecodePlan(p.Encode())
		if err != nil || !reflect.DeepEqual(again, p) || !bytes.Equal(again.Encode(), p.Encode()) {
			t.Errorf("%+v came back as %+v, %v", p, again, err)
		}
	})
}

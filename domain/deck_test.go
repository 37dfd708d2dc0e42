package domain_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ocapi/domain"
)

// TestCycles counts, within one generation, how often each image comes: in every
// cycle once.
func TestCycles(t *testing.T) {
	t.Parallel()
	for asked, draw := range map[domain.ChallengeType]func(*rapid.T) []domain.Image{
		domain.TypeTranscription: anyTexts, domain.TypeClassification: anyPictures,
	} {
		t.Run(asked.String(), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				p, err := domain.NewPool(domain.DefaultDealing(), infos(), draw(t))
				if err != nil {
					t.Fatal(err)
				}
				rng := dice(rapid.Uint64().Draw(t, "seed"))
				plan, err := p.Plan(asked, 0, nil, rng)
				if err != nil {
					return // TestPlans says when that may be
				}
				deck, err := p.Deck(plan, nil, rng)
				if err != nil {
					t.Fatal(err)
				}
				if deck.Cycle() != plan.Cycle() || deck.Life() != int64(plan.Cycle()*plan.Votes) || deck.Worn() || deck.Outgrown() {
					t.Fatalf("a new deck: cycle %d of %d, life %d, worn %v, outgrown %v", deck.Cycle(), plan.Cycle(), deck.Life(), deck.Worn(), deck.Outgrown())
				}
				count := map[domain.ImageID]int{}
				together := map[domain.ImageID]domain.ImageID{}
				for cycle := range 4 {
					// A life rarely ends with a cycle.
					for i := range deck.Cycle() {
						c := deck.Compose(rng)
						checkBoard(t, c)
						for _, pos := range c.Positions {
							if count[pos.Image]++; count[pos.Image] != cycle+1 {
								t.Fatalf("cycle %d, challenge %d: %s has come %d times", cycle, i, pos.Image, count[pos.Image])
							}
						}
						if asked == domain.TypeTranscription {
							for k := range 2 {
								a, b := c.Positions[k].Image, c.Positions[1-k].Image
								if before, ok := together[a]; ok && before != b {
									t.Fatalf("%s came with %s and with %s", a, before, b)
								}
								together[a] = b
							}
						}
					}
					if len(count) != len(plan.Sheets)*len(plan.Sheets[0].Cards) {
						t.Fatalf("%d images came in a cycle, %d are planned", len(count), len(plan.Sheets)*len(plan.Sheets[0].Cards))
					}
				}
			})
		})
	}
}

// checkBoard fails where a challenge would protect nothing.
func checkBoard(t interface{ Fatalf(string, ...any) }, c domain.Composition) {
	if _, err := domain.Decide(domain.Challenge{}, domain.IssueChallenge{Challenge: challengeID(1), Client: "partner", Composition: c}, morning, eventID(1)); err != nil {
		t.Fatalf("a composition is refused: %v", err)
	}
	if c.Type == domain.TypeClassification && (c.Mix.Matches == 0 || c.Mix.NonMatches == 0) {
		t.Fatalf("a board with the mix %+v", c.Mix)
	}
}

// TestBoardsProtect deals tables of every size, smallest first, and holds the
// best guess against the bound: whoever selects k pictures at random.
func TestBoardsProtect(t *testing.T) {
	t.Parallel()
	for _, sheets := range []int{1, 2, 3, 5, 10, 40} {
		t.Run(fmt.Sprint(sheets), func(t *testing.T) {
			t.Parallel()
			images := shipImages(3*sheets, 4*sheets, 2*sheets)
			r := newRun(t, newPool(t, domain.DefaultDealing(), images), domain.TypeClassification, 1)
			const challenges = 20_000
			var passes [10]float64
			wholly := 0
			for range challenges {
				c := r.deck.Compose(r.rng)
				checkBoard(t, c)
				if c.WhollyKnown {
					wholly++
				}
				for extra := range int(c.Mix.Unknown) + 1 {
					k := int(c.Mix.Matches) + extra
					passes[k] += float64(choose(int(c.Mix.Unknown), extra)) / float64(choose(9, k)) / challenges
				}
			}
			if best := slices.Max(passes[:]); best > 0.02 {
				t.Errorf("the best of the guesses %.4f passes in more than 2 %%", passes)
			}
			if share := float64(wholly) / challenges; sheets >= 10 && (share < 0.08 || share > 0.12) {
				t.Errorf("%.3f are wholly known", share)
			}
		})
	}
}

func choose(n, k int) int {
	c := 1
	for i := range k {
		c = c * (n - i) / (i + 1)
	}
	return c
}

// TestBoardsAreMixed has every two pictures of a table meet equally often,
// whatever they are.
func TestBoardsAreMixed(t *testing.T) {
	t.Parallel()
	const sheets, cycles = 30, 300
	images := shipImages(3*sheets, 4*sheets, 2*sheets)
	isKnown := map[domain.ImageID]bool{}
	for i := range images {
		isKnown[images[i].ID] = images[i].Known
	}
	d := domain.DefaultDealing()
	d.SentinelShare = 0
	r := newRun(t, newPool(t, d, images), domain.TypeClassification, 1)
	met := map[bool]int{} // an unknown one with: known, unknown
	for range sheets * cycles {
		c := r.deck.Compose(r.rng)
		for i, a := range c.Positions {
			for j, b := range c.Positions {
				if i != j && !isKnown[a.Image] {
					met[isKnown[b.Image]]++
				}
			}
		}
	}
	// 60 of 270 pictures are unknown; of the others 59 of 269. Boards that may not
	// be dealt, 3 in 100, are mixed anew: a little less meet.
	share := float64(met[false]) / float64(met[false]+met[true])
	if want := 59.0 / 269; share < want*0.82 || share > want {
		t.Errorf("%.3f of those that an unknown picture meets are unknown, by chance %.3f were", share, want)
	}
}

// TestOrderIsUniform looks at which couple comes when within a cycle.
func TestOrderIsUniform(t *testing.T) {
	t.Parallel()
	const rounds = 4000
	r := newRun(t, newPool(t, domain.DefaultDealing(), textImages(56, 44)), domain.TypeTranscription, 2)
	n := r.deck.Cycle()
	at := map[domain.ImageID][]int{}
	first := [2]int{}
	for range rounds {
		for place := range n {
			c := r.deck.Compose(r.rng)
			for i, pos := range c.Positions {
				if at[pos.Image] == nil {
					at[pos.Image] = make([]int, 5)
				}
				at[pos.Image][place*5/n]++
				if pos.Role != domain.RoleKnown {
					first[i]++
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(at)) {
		if x := chiSquare(at[id]); x > 30 { // 4 degrees of freedom: one in 200,000
			t.Errorf("%s came in the fifths of a cycle %v times: chi-square %.1f", id, at[id], x)
		}
	}
	if x := chiSquare(first[:]); x > 20 {
		t.Errorf("unknown texts stood at the positions %v times", first)
	}
}

// TestDeckFollowsTheCollection changes images while their plan lives.
func TestDeckFollowsTheCollection(t *testing.T) {
	t.Parallel()
	promote := func(im *domain.Image) {
		im.Known, im.Trust, im.Text = true, domain.TrustPromoted, "promoted"
		if im.Type == domain.TypeClassification {
			im.Text, im.Labels = "", []string{"ship"}
		}
	}
	withdraw := func(im *domain.Image) {
		im.Known, im.Trust, im.Text, im.Labels, im.Complete = false, domain.TrustNone, "", nil, false
	}
	retire := func(im *domain.Image) { im.ID = "" }
	known := func(im *domain.Image) bool { return im.Known }
	unknown := func(im *domain.Image) bool { return !im.Known }
	for name, tt := range map[string]struct {
		which  func(*domain.Image) bool
		change func(*domain.Image)
		stays  bool
		role   domain.Role // of the image, where it stays
	}{
		"an unknown one is promoted":    {unknown, promote, true, domain.RoleSentinel},
		"a known one is withdrawn":      {known, withdraw, false, 0},
		"a known one is retired":        {known, retire, false, 0},
		"an unknown one is retired":     {unknown, retire, false, 0},
		"a text gets too short":         {func(im *domain.Image) bool { return im.Known && im.Type == domain.TypeTranscription }, func(im *domain.Image) { im.Text = "ab" }, false, 0},
		"a text is corrected":           {func(im *domain.Image) bool { return im.Known && im.Type == domain.TypeTranscription }, func(im *domain.Image) { im.Text = "corrected" }, true, domain.RoleKnown},
		"a text gets one of its couple": {func(im *domain.Image) bool { return im.Type == domain.TypeTranscription }, func(im *domain.Image) { im.Document = "the one" }, true, 0},
		"a match is one no more":        {func(im *domain.Image) bool { return im.Shows("ship") }, func(im *domain.Image) { im.Labels = nil }, false, 0},
		"a non-match becomes a match":   {func(im *domain.Image) bool { return im.Known && im.Complete && len(im.Labels) == 0 }, func(im *domain.Image) { im.Labels = []string{"ship"} }, false, 0},
		"it is asked about no more":     {func(im *domain.Image) bool { return len(im.Candidates) > 0 }, func(im *domain.Image) { im.Candidates = []string{"horse"} }, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := domain.DefaultDealing()
			d.SentinelShare = 0
			texts, pictures := textImages(100, 100), shipImages(60, 80, 40)
			for i := range pictures {
				if pictures[i].Shows("ship") {
					pictures[i].Labels = []string{"ship"}
				}
			}
			for asked, images := range map[domain.ChallengeType][]domain.Image{
				domain.TypeTranscription: texts, domain.TypeClassification: pictures,
			} {
				rng := dice(3)
				p := newPool(t, d, images)
				plan, err := p.Plan(asked, 0, nil, rng)
				if err != nil {
					t.Fatal(err)
				}
				deck, err := p.Deck(plan, nil, rng)
				if err != nil {
					t.Fatal(err)
				}
				// One image of the plan is changed.
				planned := map[domain.ImageID]*domain.Sheet{}
				for i := range plan.Sheets {
					for _, c := range plan.Sheets[i].Cards {
						planned[c.Image] = &plan.Sheets[i]
					}
				}
				changed := slices.Clone(images)
				at := slices.IndexFunc(changed, func(im domain.Image) bool { return planned[im.ID] != nil && tt.which(&im) })
				if at < 0 {
					continue // the case is the other type's
				}
				id := changed[at].ID
				tt.change(&changed[at])
				q := newPool(t, d, changed)
				next, err := q.Deck(plan, deck, rng)
				if err != nil {
					t.Fatal(err)
				}
				want := plan.Cycle()
				if !tt.stays {
					want--
				}
				if next.Cycle() != want || next.Worn() {
					t.Errorf("%v: %d sheets are left of %d, want %d", asked, next.Cycle(), plan.Cycle(), want)
				}
				gone := map[domain.ImageID]bool{}
				if !tt.stays {
					for _, c := range planned[id].Cards {
						gone[c.Image] = true
					}
				}
				seen := map[domain.ImageID]int{}
				for range next.Cycle() {
					c := next.Compose(rng)
					checkBoard(t, c)
					for _, pos := range c.Positions {
						seen[pos.Image]++
						if gone[pos.Image] {
							t.Fatalf("%v: %s is dealt, which left with %s", asked, pos.Image, id)
						}
						if pos.Image == id && tt.role != 0 && (pos.Role != tt.role || pos.Trust != changed[at].Trust || pos.Expected.Kind == domain.TruthNone) {
							t.Errorf("%v: it is dealt as %+v", asked, pos)
						}
					}
				}
				for image := range planned {
					if (seen[image] == 1) == gone[image] {
						t.Errorf("%v: %s came %d times, gone %v", asked, image, seen[image], gone[image])
					}
				}
			}
		})
	}
}

// TestDeckGoesOn has the collection change again and again within a cycle.
func TestDeckGoesOn(t *testing.T) {
	t.Parallel()
	for asked, images := range map[domain.ChallengeType][]domain.Image{
		domain.TypeTranscription: textImages(200, 200), domain.TypeClassification: gallery(4, 60, 40),
	} {
		t.Run(asked.String(), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				rng := dice(rapid.Uint64().Draw(t, "seed"))
				images := slices.Clone(images)
				pool := func() *domain.Pool {
					p, err := domain.NewPool(domain.DefaultDealing(), infos(), slices.Clone(images))
					if err != nil {
						t.Fatal(err)
					}
					return p
				}
				plan, err := pool().Plan(asked, 0, nil, rng)
				if err != nil {
					t.Fatal(err)
				}
				plan.Generation = 5
				deck, err := pool().Deck(plan, nil, rng)
				if err != nil {
					t.Fatal(err)
				}
				count := map[domain.ImageID]int{}
				changes, dealt := 0, 0
				for range rapid.IntRange(1, 6).Draw(t, "refreshes") {
					for range rapid.IntRange(0, plan.Cycle()).Draw(t, "dealt") {
						c := deck.Compose(rng)
						checkBoard(t, c)
						if c.Generation != 5 {
							t.Fatalf("generation %d", c.Generation)
						}
						dealt++
						for _, pos := range c.Positions {
							count[pos.Image]++
						}
					}
					for range rapid.IntRange(0, 5).Draw(t, "changes") {
						changes++
						im := &images[rng.IntN(len(images))]
						switch {
						case rng.IntN(2) == 0:
							im.ID += "x" // deleted
						case !im.Known:
							im.Known, im.Trust, im.Text = true, domain.TrustPromoted, "promoted"
						}
					}
					if deck, err = pool().Deck(plan, deck, rng); err != nil {
						t.Fatal(err)
					}
				}
				// Who is still there has come as often as the others. A change may cost
				// pictures the turn that they would have had with those that left.
				for range deck.Cycle() {
					for _, pos := range deck.Compose(rng).Positions {
						count[pos.Image]++
					}
				}
				alive := map[domain.ImageID]int{}
				for range deck.Cycle() {
					for _, pos := range deck.Compose(rng).Positions {
						alive[pos.Image] = count[pos.Image]
					}
				}
				most, least := slices.Max(slices.Collect(maps.Values(alive))), slices.Min(slices.Collect(maps.Values(alive)))
				if allowed := 1 + boolToInt(asked == domain.TypeClassification)*min(changes, 6); most-least > allowed {
					t.Fatalf("after %d changes in %d challenges images came between %d and %d times", changes, dealt, least, most)
				}
			})
		})
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

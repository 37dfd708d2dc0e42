package domain_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ocapi/domain"
)

// yes, no and read are settled questions.
func yes(keyword string, proven bool) domain.Decision {
	return domain.Decision{Keyword: keyword, Status: domain.QuestionSettled, Truth: domain.Truth{Kind: domain.TruthMatch, Match: true}, Proven: proven}
}

func no(keyword string, proven bool) domain.Decision {
	return domain.Decision{Keyword: keyword, Status: domain.QuestionSettled, Truth: domain.Truth{Kind: domain.TruthMatch}, Proven: proven}
}

func read(text string, proven bool) domain.Decision {
	return domain.Decision{Status: domain.QuestionSettled, Truth: domain.Truth{Kind: domain.TruthText, Text: text}, Proven: proven}
}

func become(keyword string, status domain.QuestionStatus) domain.Decision {
	return domain.Decision{Keyword: keyword, Status: status}
}

// TestDecisions looks at the part that an image gets in new plans, where it has
// to have one, and at what becomes of it in a plan that was made before.
func TestDecisions(t *testing.T) {
	t.Parallel()
	known := func(t domain.ChallengeType, match bool) domain.Image {
		im := domain.Image{Type: t, Known: true, Trust: domain.TrustImported}
		if t == domain.TypeTranscription {
			im.Text = "record"
		} else {
			im.Complete = true
		}
		if match {
			im.Labels = []string{"ship"}
		}
		return im
	}
	asked := func(t domain.ChallengeType, candidates ...string) domain.Image {
		return domain.Image{Type: t, Candidates: candidates, Prior: 0.25}
	}
	text, picture := domain.TypeTranscription, domain.TypeClassification
	match, nonMatch, unknown, leaves := domain.PartMatch, domain.PartNonMatch, domain.PartUnknown, domain.RoleInvalid
	truth := func(text string) domain.Truth { return domain.Truth{Kind: domain.TruthText, Text: text} }
	shows := func(match bool) domain.Truth { return domain.Truth{Kind: domain.TruthMatch, Match: match} }
	for name, tt := range map[string]struct {
		image   domain.Image
		decided []domain.Decision
		parts   []domain.Part // that it may get
		before  domain.Part   // in the plan that is under way
		role    domain.Role   // leaves: its sheet does
		truth   domain.Truth
		trust   domain.Trust
		prior   float64
	}{
		"a text, nothing":                   {asked(text), nil, []domain.Part{unknown}, unknown, domain.RoleUnknown, domain.Truth{}, 0, 0.25},
		"a text, settled":                   {asked(text), []domain.Decision{read("settled", false)}, []domain.Part{unknown}, unknown, domain.RoleSentinel, truth("settled"), domain.TrustPromoted, 0.25},
		"a text, proven":                    {asked(text), []domain.Decision{read("settled", true)}, []domain.Part{match, domain.PartSentinel}, unknown, domain.RoleSentinel, truth("settled"), domain.TrustPromoted, 0.25},
		"a text, proven, known before":      {asked(text), []domain.Decision{read("settled", true)}, []domain.Part{match, domain.PartSentinel}, match, domain.RoleKnown, truth("settled"), domain.TrustPromoted, 0.25},
		"a text, settled, known before":     {asked(text), []domain.Decision{read("settled", false)}, []domain.Part{unknown}, match, leaves, domain.Truth{}, 0, 0},
		"a text, disputed":                  {asked(text), []domain.Decision{become("", domain.QuestionDisputed)}, nil, unknown, domain.RoleUnknown, domain.Truth{}, 0, 0.25},
		"a text, unreadable":                {asked(text), []domain.Decision{become("", domain.QuestionUnreadable)}, nil, unknown, domain.RoleUnknown, domain.Truth{}, 0, 0.25},
		"a text, withdrawn, known before":   {asked(text), nil, []domain.Part{unknown}, match, leaves, domain.Truth{}, 0, 0},
		"a record":                          {known(text, false), nil, []domain.Part{match, domain.PartSentinel}, match, domain.RoleKnown, truth("record"), domain.TrustImported, 0},
		"a record, votes agree":             {known(text, false), []domain.Decision{read("Record.", false)}, []domain.Part{match, domain.PartSentinel}, match, domain.RoleKnown, truth("record"), domain.TrustImported, 0},
		"a record, refuted":                 {known(text, false), []domain.Decision{become("", domain.QuestionRefuted)}, []domain.Part{unknown}, match, leaves, domain.Truth{}, 0, 0},
		"a record, refuted, asked since":    {known(text, false), []domain.Decision{become("", domain.QuestionRefuted)}, []domain.Part{unknown}, unknown, domain.RoleUnknown, domain.Truth{}, 0, 0.5},
		"a record, settled otherwise":       {known(text, false), []domain.Decision{read("other", false)}, []domain.Part{unknown}, match, leaves, domain.Truth{}, 0, 0},
		"a record, proven otherwise":        {known(text, false), []domain.Decision{read("other", true)}, []domain.Part{match, domain.PartSentinel}, match, domain.RoleKnown, truth("other"), domain.TrustPromoted, 0},
		"a record, unreadable":              {known(text, false), []domain.Decision{become("", domain.QuestionUnreadable)}, nil, match, leaves, domain.Truth{}, 0, 0},
		"a picture, settled":                {asked(picture, "ship"), []domain.Decision{yes("ship", false)}, []domain.Part{unknown}, unknown, domain.RoleSentinel, shows(true), domain.TrustPromoted, 0.25},
		"a picture, proven":                 {asked(picture, "ship"), []domain.Decision{yes("ship", true)}, []domain.Part{match, domain.PartSentinel}, unknown, domain.RoleSentinel, shows(true), domain.TrustPromoted, 0.25},
		"a picture, proven not to":          {asked(picture, "ship"), []domain.Decision{no("ship", true)}, []domain.Part{nonMatch, domain.PartSentinel}, unknown, domain.RoleSentinel, shows(false), domain.TrustPromoted, 0.25},
		"a picture, another one settled":    {asked(picture, "horse", "ship"), []domain.Decision{no("horse", true)}, []domain.Part{unknown}, unknown, domain.RoleUnknown, domain.Truth{}, 0, 0.25},
		"a picture, disputed":               {asked(picture, "ship"), []domain.Decision{become("ship", domain.QuestionDisputed)}, nil, unknown, domain.RoleUnknown, domain.Truth{}, 0, 0.25},
		"a picture of anything, disputed":   {asked(picture), []domain.Decision{become("ship", domain.QuestionDisputed)}, nil, unknown, domain.RoleUnknown, domain.Truth{}, 0, 0.25},
		"a match on record, refuted":        {known(picture, true), []domain.Decision{become("ship", domain.QuestionRefuted)}, []domain.Part{unknown}, match, leaves, domain.Truth{}, 0, 0},
		"a non-match on record, refuted":    {known(picture, false), []domain.Decision{become("ship", domain.QuestionRefuted)}, []domain.Part{unknown}, nonMatch, leaves, domain.Truth{}, 0, 0},
		"a non-match, another one refuted":  {known(picture, false), []domain.Decision{become("horse", domain.QuestionRefuted)}, []domain.Part{nonMatch, domain.PartSentinel}, nonMatch, domain.RoleKnown, shows(false), domain.TrustImported, 0},
		"a match on record, proven not to":  {known(picture, true), []domain.Decision{no("ship", true)}, []domain.Part{nonMatch, domain.PartSentinel}, match, leaves, domain.Truth{}, 0, 0},
		"a non-match on record, and proven": {known(picture, false), []domain.Decision{yes("ship", true)}, []domain.Part{match, domain.PartSentinel}, nonMatch, leaves, domain.Truth{}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			images := textImages(200, 158)
			keyword := ""
			if tt.image.Type == picture {
				images, keyword = shipImages(120, 160, 80), "ship"
				for i := range images {
					if images[i].Known && len(images[i].Labels) > 0 {
						images[i].Labels = []string{"ship"}
					}
				}
			}
			im := tt.image
			im.ID, im.Collection, im.Document, im.Renderings, im.Decided = "it", images[0].Collection, "its document", 1, tt.decided
			// A collection of nothing else of its sort uses it in one plan of few.
			p := newPool(t, domain.DefaultDealing(), append(slices.Clone(images), im))
			found := map[domain.Part]bool{}
			for seed := range uint64(60) {
				plan, err := p.Plan(im.Type, 0, nil, dice(seed))
				if err != nil {
					t.Fatal(err)
				}
				for i := range plan.Sheets {
					for _, c := range plan.Sheets[i].Cards {
						if c.Image == im.ID {
							found[c.Part] = true
						}
					}
				}
			}
			for part := range found {
				if !slices.Contains(tt.parts, part) {
					t.Errorf("in a new plan it is %v", part)
				}
			}
			if len(tt.parts) > 0 && !found[tt.parts[0]] {
				t.Errorf("in no new plan it is %v, but %v", tt.parts[0], found)
			}

			// A plan that was made when it was something else.
			plan, err := newPool(t, domain.DefaultDealing(), images).Plan(im.Type, 0, nil, dice(1))
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(plan.Sheets, func(s domain.Sheet) bool {
				return slices.ContainsFunc(s.Cards, func(c domain.Card) bool { return c.Part == tt.before })
			})
			card := slices.IndexFunc(plan.Sheets[at].Cards, func(c domain.Card) bool { return c.Part == tt.before })
			plan.Sheets[at].Cards[card].Image = im.ID
			deck, err := p.Deck(plan, nil, dice(1))
			if err != nil {
				t.Fatal(err)
			}
			var dealt *domain.Position
			for range deck.Cycle() {
				c := deck.Compose(dice(2))
				checkBoard(t, c)
				for i := range c.Positions {
					if c.Positions[i].Image == im.ID {
						dealt = &c.Positions[i]
						if c.Keyword != keyword {
							t.Errorf("it is dealt for %q", c.Keyword)
						}
					}
				}
			}
			switch {
			case tt.role == leaves && dealt != nil:
				t.Errorf("it is dealt as %+v, and should have left", *dealt)
			case tt.role != leaves && dealt == nil:
				t.Error("it has left")
			case dealt == nil:
			case dealt.Role != tt.role || dealt.Expected != tt.truth || dealt.Trust != tt.trust || dealt.Prior != tt.prior:
				t.Errorf("it is dealt as %+v", *dealt)
			}
		})
	}
}

// TestPicturesOfSeveralQuestions: a picture is known for one keyword while people
// are asked for another.
func TestPicturesOfSeveralQuestions(t *testing.T) {
	t.Parallel()
	images := gallery(2, 120, 0)
	for i := range 300 {
		im := domain.Image{ID: domain.ImageID(word(i)), Collection: "prints", Document: word(i), Type: domain.TypeClassification, Renderings: 1}
		if i%2 == 0 {
			im.Decided = []domain.Decision{yes("keyword0", true)}
		} else {
			im.Decided = []domain.Decision{no("keyword1", true)}
		}
		images = append(images, im)
	}
	p := newPool(t, domain.DefaultDealing(), images)
	r := newRun(t, p, domain.TypeClassification, 1)
	type part struct {
		keyword string
		even    bool
		role    domain.Role
		match   bool
	}
	got := map[part]int{}
	for range 2000 {
		c := r.next(t)
		checkBoard(t, c)
		for _, pos := range c.Positions {
			for i := range images {
				if images[i].ID == pos.Image && !images[i].Known && pos.Role != domain.RoleSentinel {
					got[part{c.Keyword, i%2 == 0, pos.Role, pos.Expected.Match}]++
				}
			}
		}
	}
	for _, want := range []part{
		{"keyword0", true, domain.RoleKnown, true}, {"keyword1", true, domain.RoleUnknown, false},
		{"keyword1", false, domain.RoleKnown, false}, {"keyword0", false, domain.RoleUnknown, false},
	} {
		if got[want] == 0 {
			t.Errorf("none is dealt as %+v", want)
		}
		delete(got, want)
	}
	if len(got) > 0 {
		t.Errorf("some are dealt as %+v", got)
	}
}

// TestPlansAskTheNearestFirst: what needs one more vote comes before what needs
// two, and that before what nobody has been asked; at random among equals.
func TestPlansAskTheNearestFirst(t *testing.T) {
	t.Parallel()
	texts, pictures := textImages(300, 3000), shipImages(300, 400, 3000)
	for kind, images := range map[domain.ChallengeType][]domain.Image{domain.TypeTranscription: texts, domain.TypeClassification: pictures} {
		unknown := 0
		for i := range images {
			if images[i].Known {
				continue
			}
			if unknown++; unknown%30 < 3 {
				images[i].Need = uint8(1 + unknown%30) // 100 of 1, 2 and 3 each
			}
		}
		p := newPool(t, domain.DefaultDealing(), images)
		needs := map[domain.ImageID]uint8{}
		for _, im := range images {
			needs[im.ID] = im.Need
		}
		var first map[domain.ImageID]bool
		for seed := range uint64(2) {
			plan, err := p.Plan(kind, 0, nil, dice(seed))
			if err != nil {
				t.Fatal(err)
			}
			counts, asked := map[uint8]int{}, map[domain.ImageID]bool{}
			for i := range plan.Sheets {
				for _, c := range plan.Sheets[i].Cards {
					if c.Part == domain.PartUnknown {
						counts[needs[c.Image]]++
						asked[c.Image] = true
					}
				}
			}
			rest := len(asked)
			for need := uint8(1); need <= 3; need++ {
				if want := min(100, rest); counts[need] != want {
					t.Errorf("%v: %d of 100 that need %d votes are asked about, want %d of the %d places that are left", kind, counts[need], need, want, rest)
				}
				rest -= counts[need]
			}
			same := 0
			for id := range first {
				if asked[id] {
					same++
				}
			}
			if first != nil && same == len(asked) {
				t.Errorf("%v: two plans ask the same", kind)
			}
			first = asked
		}
	}
}

// TestTrialsGetTheirShare: one unknown place in ten is kept for what votes have
// settled, as long as there is enough that they have not.
func TestTrialsGetTheirShare(t *testing.T) {
	t.Parallel()
	texts, pictures := textImages(1000, 6000), shipImages(900, 1200, 6000)
	for kind, images := range map[domain.ChallengeType][]domain.Image{domain.TypeTranscription: texts, domain.TypeClassification: pictures} {
		settled := map[domain.ImageID]bool{}
		for i := range images {
			if !images[i].Known && i%2 == 0 {
				settled[images[i].ID] = true
				images[i].Decided = []domain.Decision{read("settled", false)}
				if kind == domain.TypeClassification {
					images[i].Decided = []domain.Decision{yes("ship", false)}
				}
			}
		}
		plan, err := newPool(t, domain.DefaultDealing(), images).Plan(kind, 0, nil, dice(1))
		if err != nil {
			t.Fatal(err)
		}
		trials, unknown := 0, 0
		for i := range plan.Sheets {
			for _, c := range plan.Sheets[i].Cards {
				if settled[c.Image] {
					trials++
				}
				if c.Part == domain.PartUnknown {
					unknown++
				}
			}
		}
		near(t, kind.String()+": places with something to be tried", trials, unknown, 0.1, 0.06)
	}
}

// TestNothingLeftToAsk: a collection of which votes have settled everything is
// served all the same, and hides as much.
func TestNothingLeftToAsk(t *testing.T) {
	t.Parallel()
	texts, pictures := textImages(400, 2000), shipImages(300, 400, 2000)
	for kind, images := range map[domain.ChallengeType][]domain.Image{domain.TypeTranscription: texts, domain.TypeClassification: pictures} {
		for i := range images {
			if !images[i].Known {
				images[i].Decided = []domain.Decision{read(word(5000+i), true)}
				switch {
				case kind == domain.TypeTranscription:
				case i%2 == 0:
					images[i].Decided = []domain.Decision{no("ship", true)}
				default:
					images[i].Decided = []domain.Decision{yes("ship", true)}
				}
			}
		}
		p := newPool(t, domain.DefaultDealing(), images)
		if s := p.Secrecy(kind); s.Rest < 2 || !s.Safe() {
			t.Errorf("%v: it hides %+v", kind, s)
		}
		r := newRun(t, p, kind, 1)
		roles, last := map[domain.Role]int{}, map[domain.ImageID]int{}
		for number := range 6 {
			for _, s := range r.recent[0].Sheets {
				for _, c := range s.Cards {
					if at, was := last[c.Image]; was && number-at < r.recent[0].Rest {
						t.Fatalf("%v: %s is dealt in generations %d and %d", kind, c.Image, at, number)
					}
					last[c.Image] = number
				}
			}
			for range r.deck.Cycle() {
				c := r.deck.Compose(r.rng)
				checkBoard(t, c)
				for _, pos := range c.Positions {
					roles[pos.Role]++
				}
			}
			r.turn(t)
		}
		if roles[domain.RoleUnknown] > 0 || roles[domain.RoleSentinel] == 0 || roles[domain.RoleKnown] == 0 {
			t.Errorf("%v: roles are %v", kind, roles)
		}
	}
}

// TestDecidedImagesAtRandom deals generation after generation from images of
// which votes have made whatever they can.
func TestDecidedImagesAtRandom(t *testing.T) {
	t.Parallel()
	for kind, base := range map[domain.ChallengeType][]domain.Image{
		domain.TypeTranscription: textImages(300, 400), domain.TypeClassification: gallery(3, 150, 120),
	} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				rng := dice(rapid.Uint64().Draw(t, "seed"))
				share := rapid.Float64Range(0, 1).Draw(t, "decided")
				images := slices.Clone(base)
				byID := map[domain.ImageID]*domain.Image{}
				for i := range images {
					im := &images[i]
					byID[im.ID] = im
					if im.Need = uint8(rng.IntN(4)); rng.Float64() >= share {
						continue
					}
					keywords := []string{""}
					if kind == domain.TypeClassification {
						keywords = []string{"keyword0", "keyword1", "keyword2"}[:1+rng.IntN(3)]
					}
					for _, k := range keywords {
						d := domain.Decision{Keyword: k, Status: domain.QuestionSettled + domain.QuestionStatus(rng.IntN(4))}
						if d.Status == domain.QuestionSettled {
							d.Truth, d.Proven = domain.Truth{Kind: domain.TruthText, Text: word(i)}, rng.IntN(2) == 0
							if k != "" {
								d.Truth = domain.Truth{Kind: domain.TruthMatch, Match: rng.IntN(2) == 0}
							}
						}
						im.Decided = append(im.Decided, d)
					}
				}
				p, err := domain.NewPool(domain.DefaultDealing(), infos(), images)
				if err != nil {
					t.Fatal(err)
				}
				if len(p.Types()) == 0 {
					return
				}
				var recent []*domain.Plan
				for number := range 3 {
					plan, err := p.Plan(kind, number, recent, rng)
					if domain.CodeOf(err) == domain.CodeUnavailable {
						return // too little is fresh
					}
					if err != nil {
						t.Fatal(err)
					}
					recent = append([]*domain.Plan{plan}, recent...)
					deck, err := p.Deck(plan, nil, rng)
					if err != nil || deck.Cycle() != plan.Cycle() {
						t.Fatalf("the deck of a new plan: %v", err)
					}
					for range deck.Cycle() {
						c := deck.Compose(rng)
						known := 0
						for _, pos := range c.Positions {
							checkDecided(t, byID[pos.Image], c.Keyword, &pos)
							if pos.Role == domain.RoleKnown {
								known++
							}
						}
						if 2*known < len(c.Positions) {
							t.Fatalf("%d known of %d", known, len(c.Positions))
						}
					}
				}
			})
		})
	}
}

// checkDecided says in another way what an image may be dealt as in a new plan.
func checkDecided(t *rapid.T, im *domain.Image, keyword string, pos *domain.Position) {
	at := slices.IndexFunc(im.Decided, func(d domain.Decision) bool { return d.Keyword == keyword })
	record := domain.Truth{}
	switch {
	case im.Known && im.Type == domain.TypeTranscription:
		record = domain.Truth{Kind: domain.TruthText, Text: im.Text}
	case im.Known:
		record = domain.Truth{Kind: domain.TruthMatch, Match: im.Shows(keyword)}
	}
	ok := false
	switch d := (domain.Decision{}); {
	case at < 0 && im.Known:
		ok = pos.Role != domain.RoleUnknown && pos.Expected == record && pos.Trust == domain.TrustImported
	case at < 0:
		ok = pos.Role == domain.RoleUnknown && pos.Expected == domain.Truth{}
	default:
		switch d = im.Decided[at]; d.Status {
		case domain.QuestionSettled:
			switch {
			case im.Known && d.Truth == record:
				ok = pos.Role != domain.RoleUnknown && pos.Expected == record && pos.Trust == domain.TrustImported
			default:
				ok = pos.Role != domain.RoleUnknown && (d.Proven || pos.Role == domain.RoleSentinel) && pos.Expected == d.Truth && pos.Trust == domain.TrustPromoted
			}
		case domain.QuestionRefuted:
			ok = pos.Role == domain.RoleUnknown && pos.Expected == domain.Truth{} && (!im.Known || pos.Prior == 0.5)
		}
	}
	if !ok {
		t.Fatalf("%+v is dealt for %q as %+v", *im, keyword, *pos)
	}
}

package domain_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ocapi/domain"
)

func TestTextMatches(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		want, got string
		matches   bool
	}{
		"equal":                            {"Haus", "Haus", true},
		"case, accents, punctuation":       {"Théâtre.", "theatre", true},
		"long s typed as s":                {"Waſſer", "wasser", true},
		"words run together":               {"zu Hauſe", "zuhause", true},
		"three letters exact":              {"und", "unt", false},
		"four letters, one replaced":       {"haus", "maus", false},
		"four letters, one missing":        {"haus", "hau", false},
		"four letters, one more":           {"haus", "hauss", false},
		"five letters, one replaced":       {"lande", "lanze", true},
		"five letters, one missing":        {"lande", "land", true},
		"five letters, one more":           {"lande", "landes", true},
		"five letters, two replaced":       {"lande", "linse", false},
		"five letters, two swapped":        {"lande", "ladne", false},
		"nine letters, one edit":           {"rathaeuse", "rathaeusr", true},
		"nine letters, two edits":          {"rathaeuse", "ratheeusr", false},
		"ten letters, two edits":           {"rathaeuser", "ratheeusar", true},
		"ten letters, two missing":         {"rathaeuser", "rathaeus", true},
		"ten letters, three edits":         {"rathaeuser", "rotheeusar", false},
		"ten letters, three missing":       {"rathaeuser", "rathaeu", false},
		"the limit is the known text's":    {"haus", "hauses", false},
		"length counts after folding":      {"Ma\ueba6e", "mase", true}, // masse has five
		"length counts without the spaces": {"a b c d", "abce", false},
		"a digit wrong":                    {"im Jahr 1834", "im jahr 1835", false},
		"a digit missing":                  {"im Jahr 1834", "im jahr 183", false},
		"a digit more":                     {"im Jahr 1834", "im jahr 18344", false},
		"a digit for a letter":             {"solothurn", "s0lothurn", false},
		"a letter for a digit":             {"haus 10 nord", "haus 1o nord", false},
		"digits of another script":         {"im Jahr 1834", "im jahr ١٨٣٤", true},
		"digits right, a letter wrong":     {"im Jahr 1834", "im jabr 1834", true},
		"digits swapped":                   {"Seite 12", "Seite 21", false},
		"non-Latin, one edit":              {"Ὅμηρος", "ομιρος", true},
		"non-Latin, final sigma":           {"ΘΕΌΣ", "θεός", true},
		"non-Latin, another word":          {"мир", "дом", false},
		"letters count, not bytes":         {"мира", "мара", false},
		"nothing typed":                    {"lande", "", false},
		"only punctuation typed":           {"lande", "...", false},
		"nothing known":                    {"", "", false},
		"nothing known after folding":      {"—", "—", false},
		"nothing known, something typed":   {"...", "a", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := domain.TextMatches(tt.want, tt.got); got != tt.matches {
				t.Errorf("TextMatches(%q, %q) = %v, want %v", tt.want, tt.got, got, tt.matches)
			}
		})
	}
}

func TestTextMatchesItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if got, want := domain.TextMatches(text, text), domain.Fold(text) != ""; got != want {
			t.Fatalf("TextMatches(%q, itself) = %v, want %v", text, got, want)
		}
	})
}

func text(role domain.Role, want string) domain.Position {
	p := domain.Position{Image: domain.ImageID("image of " + want), Role: role, Expected: domain.Truth{Kind: domain.TruthText, Text: want}, Trust: domain.TrustImported}
	if role == domain.RoleUnknown {
		p.Expected, p.Trust = domain.Truth{}, domain.TrustNone
	}
	return p
}

func picture(id string, role domain.Role, match bool) domain.Position {
	p := domain.Position{Image: domain.ImageID(id), Role: role, Expected: domain.Truth{Kind: domain.TruthMatch, Match: match}, Trust: domain.TrustImported}
	if role == domain.RoleUnknown {
		p.Expected, p.Trust = domain.Truth{}, domain.TrustNone
	}
	return p
}

func transcription(positions ...domain.Position) *domain.ChallengeCreated {
	return &domain.ChallengeCreated{Type: domain.TypeTranscription, Positions: positions}
}

func classification(positions ...domain.Position) *domain.ChallengeCreated {
	return &domain.ChallengeCreated{Type: domain.TypeClassification, Keyword: "ship", Positions: positions}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		known, unknown, sentinel = domain.RoleKnown, domain.RoleUnknown, domain.RoleSentinel
		validated, rejected      = domain.StatusValidated, domain.StatusRejected
	)
	half := transcription(text(known, "lande"), text(unknown, "wasser"))
	watched := transcription(text(sentinel, "wasser"), text(known, "lande"))
	whole := transcription(text(known, "lande"), text(known, "wasser"))
	grid := classification(picture("a", known, true), picture("b", known, false), picture("c", unknown, false), picture("d", sentinel, true))
	wholeGrid := classification(picture("a", known, true), picture("b", known, false), picture("c", known, true))
	heard := "Landes"
	tests := map[string]struct {
		created *domain.ChallengeCreated
		answer  domain.Answer
		want    domain.Status
	}{
		"text right":                          {half, domain.Answer{Texts: []string{"lande", "wasser"}}, validated},
		"text right, the unknown anything":    {half, domain.Answer{Texts: []string{"Landt", "?"}}, validated},
		"text wrong, the unknown plausible":   {half, domain.Answer{Texts: []string{"berg", "wasser"}}, rejected},
		"texts swapped":                       {half, domain.Answer{Texts: []string{"wasser", "lande"}}, rejected},
		"unknown unreadable":                  {half, domain.Answer{Texts: []string{"lande", ""}, Unreadable: []uint32{1}}, validated},
		"known unreadable":                    {half, domain.Answer{Texts: []string{"", "wasser"}, Unreadable: []uint32{0}}, rejected},
		"known unreadable though right":       {half, domain.Answer{Texts: []string{"lande", "wasser"}, Unreadable: []uint32{0}}, rejected},
		"sentinel wrong":                      {watched, domain.Answer{Texts: []string{"berg", "lande"}}, validated},
		"sentinel right, known wrong":         {watched, domain.Answer{Texts: []string{"wasser", "berg"}}, rejected},
		"wholly known, both right":            {whole, domain.Answer{Texts: []string{"lande", "wasser"}}, validated},
		"wholly known, first wrong":           {whole, domain.Answer{Texts: []string{"berg", "wasser"}}, rejected},
		"wholly known, second wrong":          {whole, domain.Answer{Texts: []string{"lande", "berg"}}, rejected},
		"too few texts":                       {whole, domain.Answer{Texts: []string{"lande"}}, rejected},
		"texts to pictures":                   {grid, domain.Answer{Texts: []string{"lande"}}, rejected},
		"pictures right":                      {grid, domain.Answer{Selected: []uint32{0}}, validated},
		"pictures right, the others selected": {grid, domain.Answer{Selected: []uint32{3, 2, 0}}, validated},
		"a match left out":                    {grid, domain.Answer{Selected: []uint32{2}}, rejected},
		"a non-match selected":                {grid, domain.Answer{Selected: []uint32{0, 1}}, rejected},
		"nothing selected":                    {grid, domain.Answer{Selected: []uint32{}}, rejected},
		"a match unreadable":                  {grid, domain.Answer{Selected: []uint32{}, Unreadable: []uint32{0}}, rejected},
		"a non-match unreadable":              {grid, domain.Answer{Selected: []uint32{0}, Unreadable: []uint32{1}}, rejected},
		"the others unreadable":               {grid, domain.Answer{Selected: []uint32{0}, Unreadable: []uint32{2, 3}}, validated},
		"all known pictures right":            {wholeGrid, domain.Answer{Selected: []uint32{2, 0}}, validated},
		"one of all known pictures wrong":     {wholeGrid, domain.Answer{Selected: []uint32{0}}, rejected},
		"audio right":                         {&domain.ChallengeCreated{Type: domain.TypeAudio, Positions: []domain.Position{text(known, "lande")}}, domain.Answer{Text: &heard}, validated},
		"audio wrong":                         {&domain.ChallengeCreated{Type: domain.TypeAudio, Positions: []domain.Position{text(known, "berg")}}, domain.Answer{Text: &heard}, rejected},
		"audio without a text":                {&domain.ChallengeCreated{Type: domain.TypeAudio, Positions: []domain.Position{text(known, "lande")}}, domain.Answer{}, rejected},
		"no type":                             {&domain.ChallengeCreated{Positions: half.Positions}, domain.Answer{Texts: []string{"lande", "wasser"}}, rejected},
		"an expectation of the wrong kind":    {transcription(picture("a", known, false)), domain.Answer{Texts: []string{"x"}}, rejected},
		"nothing known":                       {transcription(text(unknown, "a"), text(sentinel, "lande")), domain.Answer{Texts: []string{"x", "lande"}}, rejected},
		"no positions":                        {transcription(), domain.Answer{Texts: []string{}}, rejected},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := domain.Judge(tt.created, tt.answer); got != tt.want {
				t.Errorf("Judge = %v, want %v", got, tt.want)
			}
		})
	}
}

// drawCreated draws a challenge that a composer could have made, of words that
// are not within two edits of each other.
func drawCreated(t *rapid.T) *domain.ChallengeCreated {
	words := []string{"landesherr", "wasser", "und", "im jahr 1834", "Kirchenbücher", "ὅμηρος"}
	roles := rapid.Permutation(append([]domain.Role{domain.RoleKnown},
		rapid.SliceOfN(rapid.SampledFrom([]domain.Role{domain.RoleKnown, domain.RoleUnknown, domain.RoleSentinel}), 1, 8).Draw(t, "more roles")...)).Draw(t, "roles")
	var c *domain.ChallengeCreated
	if rapid.Bool().Draw(t, "pictures") {
		c = classification()
		for i, role := range roles {
			c.Positions = append(c.Positions, picture(strings.Repeat("i", i+1), role, rapid.Bool().Draw(t, "match")))
		}
		return c
	}
	c = transcription()
	for _, role := range roles {
		c.Positions = append(c.Positions, text(role, rapid.SampledFrom(words).Draw(t, "word")))
	}
	return c
}

// drawAnswer draws a well-formed answer that is right at the known positions
// more often than not.
func drawAnswer(t *rapid.T, c *domain.ChallengeCreated) domain.Answer {
	a := domain.Answer{Unreadable: []uint32{}}
	for i := range c.Positions {
		if rapid.IntRange(0, 9).Draw(t, "unreadable") == 0 {
			a.Unreadable = append(a.Unreadable, uint32(i))
		}
	}
	if c.Type == domain.TypeClassification {
		a.Selected = []uint32{}
	}
	for i, p := range c.Positions {
		right := rapid.IntRange(0, 9).Draw(t, "right") > 0
		unreadable := slices.Contains(a.Unreadable, uint32(i))
		switch {
		case c.Type == domain.TypeClassification:
			if !unreadable && p.Expected.Match == right {
				a.Selected = append(a.Selected, uint32(i))
			}
		case unreadable:
			a.Texts = append(a.Texts, "")
		case right && p.Expected.Text != "":
			a.Texts = append(a.Texts, p.Expected.Text)
		default:
			a.Texts = append(a.Texts, rapid.StringMatching("[a-z]{1,9}").Draw(t, "typed"))
		}
	}
	return a
}

// TestJudgeIgnoresVotes changes what was said of unknown images and sentinels
// in every way; the verdict must not move.
func TestJudgeIgnoresVotes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCreated(t)
		a, b := drawAnswer(t, c), drawAnswer(t, c)
		for i, p := range c.Positions {
			if p.Role != domain.RoleKnown {
				continue
			}
			copyPosition(&b, a, uint32(i))
		}
		for name, answer := range map[string]domain.Answer{"first": a, "second": b} {
			if err := domain.CheckAnswer(c, answer); err != nil {
				t.Fatalf("the %s answer is malformed: %v", name, err)
			}
		}
		if one, other := domain.Judge(c, a), domain.Judge(c, b); one != other {
			t.Fatalf("%v for %+v but %v for %+v, which differs at positions that are not known only", one, a, other, b)
		}
	})
}

// copyPosition makes to say at a position what from says.
func copyPosition(to *domain.Answer, from domain.Answer, i uint32) {
	set := func(list *[]uint32, in bool) {
		*list = slices.DeleteFunc(slices.Clone(*list), func(p uint32) bool { return p == i })
		if in {
			*list = append(*list, i)
		}
	}
	set(&to.Unreadable, slices.Contains(from.Unreadable, i))
	if from.Selected != nil {
		set(&to.Selected, slices.Contains(from.Selected, i))
		if to.Selected == nil {
			to.Selected = []uint32{}
		}
	}
	if from.Texts != nil {
		to.Texts[i] = from.Texts[i]
	}
}

// TestJudgeNeedsEveryKnown turns one known position wrong in a right answer.
func TestJudgeNeedsEveryKnown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCreated(t)
		right := domain.Answer{}
		var known []uint32
		for i, p := range c.Positions {
			if p.Role == domain.RoleKnown {
				known = append(known, uint32(i))
			}
			switch {
			case c.Type == domain.TypeTranscription:
				right.Texts = append(right.Texts, p.Expected.Text)
			case p.Expected.Match:
				right.Selected = append(right.Selected, uint32(i))
			}
		}
		if got := domain.Judge(c, right); got != domain.StatusValidated {
			t.Fatalf("the right answer is %v", got)
		}
		i := rapid.SampledFrom(known).Draw(t, "wrong at")
		if c.Type == domain.TypeTranscription {
			right.Texts[i] = "qqq"
		} else if at := slices.Index(right.Selected, i); at >= 0 {
			right.Selected = slices.Delete(right.Selected, at, at+1)
		} else {
			right.Selected = append(right.Selected, i)
		}
		if got := domain.Judge(c, right); got != domain.StatusRejected {
			t.Fatalf("wrong at the known position %d, and %v", i, got)
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	c := transcription(text(domain.RoleKnown, "Kirchenbücher"), text(domain.RoleUnknown, "x"))
	a := domain.Answer{Texts: []string{"kirchenbucher", "waſſer"}}
	b.ReportAllocs()
	for b.Loop() {
		domain.Judge(c, a)
	}
}

package consensus

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"ocapi/domain"
)

func vote(g Gold, kind domain.VoteKind) *Ballot {
	return &Ballot{Vote: domain.Vote{Type: domain.TypeClassification, Kind: kind}, Gold: g}
}

// board is an outcome of the usual board: three matches and four others.
func board(hits, falseAlarms uint8) Gold {
	return Gold{Matches: 3, Hits: hits, NonMatches: 4, FalseAlarms: falseAlarms}
}

var lion = Question{"an image", "lion"}

// The page's closed form is for three matches and four others:
// m = (h + c + 2.4)/10, A = (h + 4m)/7, R = (c + 4m)/8.
func TestColdRates(t *testing.T) {
	t.Parallel()
	for h := range uint8(4) {
		for f := range uint8(5) {
			c := 4 - float64(f)
			m := (float64(h) + c + 2.4) / 10
			s, r := coldRates(board(h, f))
			if math.Abs(s-(float64(h)+4*m)/7) > 1e-12 || math.Abs(r-(c+4*m)/8) > 1e-12 {
				t.Errorf("%d hits and %d false alarms: %v and %v", h, f, s, r)
			}
		}
	}
	if s, r := coldRates(Gold{}); math.Abs(s-0.8) > 1e-12 || math.Abs(r-0.8) > 1e-12 {
		t.Errorf("of whom nothing is known %v and %v are expected", s, r)
	}
	for _, better := range [][2]Gold{
		{{Matches: 5, Hits: 5, NonMatches: 2}, {Matches: 5, Hits: 4, NonMatches: 2}},
		{{Matches: 2, Hits: 2, NonMatches: 6, FalseAlarms: 1}, {Matches: 2, Hits: 2, NonMatches: 6, FalseAlarms: 2}},
		{{Matches: 5, Hits: 5, NonMatches: 5}, {Matches: 1, Hits: 1, NonMatches: 1}},
	} {
		s0, r0 := coldRates(better[0])
		s1, r1 := coldRates(better[1])
		if s0 <= s1 || r0 <= r1 || s0 >= 1 || r1 <= 0 {
			t.Errorf("%+v has %v and %v, %+v %v and %v", better[0], s0, r0, better[1], s1, r1)
		}
	}
}

// The posterior is what the formula says, in fractions.
func TestBeliefIsThePosterior(t *testing.T) {
	t.Parallel()
	m := builtinLabels().WithRate("lion", 120, 996)
	random := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		var tally LabelTally
		prior := 122.0 / 1000
		exponents := [imageClasses]float64{}
		q := [2][imageClasses]float64{}
		for d := range imageClasses {
			exponents[d] = float64(classExponents[d]) / 10
			q[0][d], q[1][d] = (1-prior)*float64(builtinClasses[d])/65536, prior*float64(builtinClasses[d])/65536
		}
		for range random.IntN(7) {
			g, a := board(uint8(random.IntN(4)), uint8(random.IntN(5))), random.IntN(2)
			tally.Add(g, []domain.VoteKind{domain.VoteAgainst, domain.VoteFor}[a], 1)
			s, r := coldRates(g)
			for d, e := range exponents {
				for z, right := range [2]float64{r, s} {
					x, y := math.Pow(right, e), math.Pow(1-right, e)
					if a != z {
						x, y = y, x
					}
					q[z][d] *= x / (x + y)
				}
			}
		}
		var of [2]float64
		hard := 0.0
		for z := range q {
			for d := range imageClasses {
				if of[z] += q[z][d]; d >= hardClasses {
					hard += q[z][d]
				}
			}
		}
		b := m.Belief("lion", &tally, Prior{})
		sum := of[0] + of[1]
		// Roundings are a half of 1/4096 nat for a vote.
		if math.Abs(b.Probability-max(of[0], of[1])/sum*(1-b.Unreadable)) > 2e-3 || math.Abs(b.RunnerUpProbability-min(of[0], of[1])/sum*(1-b.Unreadable)) > 2e-3 {
			t.Fatalf("%+v: the posterior is %v to %v", b, of[1]/sum, of[0]/sum)
		}
		if math.Abs(b.Hard-hard/sum) > 2e-3 {
			t.Fatalf("%+v: hard classes have %v", b, hard/sum)
		}
		if b.Votes > 0 && math.Abs(of[0]-of[1]) > 1e-2 && b.Truth.Match != (of[1] > of[0]) {
			t.Fatalf("%+v: the posterior is %v to %v", b, of[1]/sum, of[0]/sum)
		}
	}
}

func TestBeliefOfNobody(t *testing.T) {
	t.Parallel()
	b := Builtin().Belief(lion, &Tally{}, Prior{})
	if b.Truth.Kind != domain.TruthNone || b.Votes != 0 || b.Perfect != 0 {
		t.Errorf("without votes %+v is believed", b)
	}
}

func TestPriors(t *testing.T) {
	t.Parallel()
	var tally Tally
	tally.Add(vote(board(3, 0), domain.VoteFor), 1)
	plain := Builtin().Belief(lion, &tally, Prior{})
	yes, no := domain.Truth{Kind: domain.TruthMatch, Match: true}, domain.Truth{Kind: domain.TruthMatch}
	for name, c := range map[string]struct {
		belief Belief
		more   bool
	}{
		"a machine agrees":    {Builtin().Belief(lion, &tally, Prior{Guess: yes, Probability: 0.9}), true},
		"a machine disagrees": {Builtin().Belief(lion, &tally, Prior{Guess: no, Probability: 0.9}), false},
		"a frequent keyword": {
			(&Model{Labels: builtinLabels().WithRate("lion", 90, 100)}).Belief(lion, &tally, Prior{}), true},
		"a rare keyword": {
			(&Model{Labels: builtinLabels().WithRate("lion", 10, 100)}).Belief(lion, &tally, Prior{}), false},
	} {
		if (c.belief.Probability > plain.Probability) != c.more || !c.belief.Truth.Match {
			t.Errorf("%s: %+v, without it %+v", name, c.belief, plain)
		}
	}
	for _, p := range []float64{math.NaN(), 0, 1, -3, 2} {
		if b := Builtin().Belief(lion, &tally, Prior{Guess: yes, Probability: p}); b != plain {
			t.Errorf("a guess of probability %v counts: %+v", p, b)
		}
	}
	if other := (&Model{Labels: builtinLabels().WithRate("lion", 1, 100)}).Belief(Question{"an image", "bear"}, &tally, Prior{}); other != plain {
		t.Errorf("the rate of lions counts for bears: %+v", other)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	believed := func(unreadable, against, blind int) Belief {
		var tally Tally
		tally.Add(vote(board(3, 0), domain.VoteUnreadable), unreadable)
		tally.Add(vote(board(3, 0), domain.VoteAgainst), against)
		tally.Add(vote(board(1, 2), domain.VoteUnreadable), blind)
		return Builtin().Belief(lion, &tally, Prior{})
	}
	rules := DefaultRules()
	for _, c := range []struct {
		unreadable, against, blind int
		want                       domain.QuestionStatus
	}{
		{1, 0, 0, domain.QuestionOpen}, {2, 0, 0, domain.QuestionOpen}, {3, 0, 0, domain.QuestionUnreadable},
		{3, 3, 0, domain.QuestionOpen}, {0, 6, 0, domain.QuestionSettled}, {0, 6, 1, domain.QuestionSettled}, {0, 0, 4, domain.QuestionOpen},
	} {
		b := believed(c.unreadable, c.against, c.blind)
		if got := rules.Of(domain.QuestionOpen, &b, 0, false); got != c.want {
			t.Errorf("%+v: it is %v, of %+v", c, got, b)
		}
		if b.Votes != c.unreadable+c.against+c.blind || b.Perfect != c.unreadable+c.against {
			t.Errorf("%+v: %d votes are counted, %d of them perfect", c, b.Votes, b.Perfect)
		}
		if b.Probability+b.RunnerUpProbability+b.Unreadable > 1+1e-12 {
			t.Errorf("%+v: the probabilities of %+v are more than one", c, b)
		}
	}
}

// randomVotes are votes on boards of any mix.
func randomVotes(random *rand.Rand, n int) []*Ballot {
	list := make([]*Ballot, n)
	for i := range list {
		g := Gold{Matches: uint8(random.IntN(6)), NonMatches: uint8(random.IntN(6))}
		if random.IntN(3) > 0 {
			g = board(0, 0)
		}
		g.Hits, g.FalseAlarms = uint8(random.IntN(int(g.Matches)+1)), uint8(random.IntN(int(g.NonMatches)+1))
		list[i] = vote(g, []domain.VoteKind{domain.VoteFor, domain.VoteAgainst, domain.VoteFor, domain.VoteAgainst, domain.VoteUnreadable}[random.IntN(5)])
	}
	return list
}

// fittedModel is a model with types of its own for two keywords.
func fittedModel() *Model {
	var gold GoldCounts
	random := rand.New(rand.NewPCG(7, 7))
	for i := range 4000 {
		skill := 0.95
		if i%4 == 0 {
			skill = 0.5
		}
		g := board(0, 0)
		for range 3 {
			if random.Float64() < skill {
				g.Hits++
			}
		}
		for range 4 {
			if random.Float64() > skill {
				g.FalseAlarms++
			}
		}
		gold.Add(g, []string{"lion", "bear"}[i%2], 1)
	}
	gold.Known("lion", 300, 2000)
	return &Model{Version: 3, Labels: FitLabels(&gold)}
}

// A million votes in all: in any order, in parts that are merged, with others
// that come and are taken back, and by a model that was stored, the belief is the
// same to the last bit.
func TestOrderDecidesNothing(t *testing.T) {
	t.Parallel()
	total := 1_000_000
	if testing.Short() || raceDetector {
		total = 50_000
	}
	fitted := fittedModel()
	again, err := DecodeModel(fitted.Encode())
	if err != nil {
		t.Fatal(err)
	}
	models := [][2]*Model{{Builtin(), {Labels: LabelModel{}}}, {fitted, again}}
	random := rand.New(rand.NewPCG(5, 5))
	for done := 0; done < total; {
		votes := randomVotes(random, 1+random.IntN(30))
		done += 4 * len(votes)
		var inOrder, shuffled, parts, other, taken Tally
		for _, v := range votes {
			inOrder.Add(v, 1)
		}
		random.Shuffle(len(votes), func(i, j int) { votes[i], votes[j] = votes[j], votes[i] })
		extra := randomVotes(random, 3)
		for _, v := range extra {
			taken.Add(v, 2)
		}
		for i, v := range votes {
			shuffled.Add(v, 1)
			taken.Add(v, 1)
			if i%2 == 0 {
				parts.Add(v, 1)
			} else {
				other.Add(v, 1)
			}
		}
		parts.Merge(&other, 1)
		for _, v := range extra {
			taken.Add(v, -2)
		}
		prior := Prior{Guess: domain.Truth{Kind: domain.TruthMatch, Match: random.IntN(2) == 1}, Probability: float64(random.IntN(3)) / 3}
		for _, m := range models {
			want := m[0].Belief(lion, &inOrder, prior)
			for name, got := range map[string]Belief{
				"shuffled": m[0].Belief(lion, &shuffled, prior), "merged": m[0].Belief(lion, &parts, prior),
				"with others taken back": m[0].Belief(lion, &taken, prior), "stored": m[1].Belief(lion, &inOrder, prior),
			} {
				if got != want {
					t.Fatalf("%s: %+v, in order %+v", name, got, want)
				}
			}
		}
		shuffled.Merge(&inOrder, -1)
		if !shuffled.labels.Equal(&LabelTally{}) {
			t.Fatalf("what was added and taken back leaves %v", shuffled.labels.cells)
		}
	}
}

func TestTalliesMergeWithThemselves(t *testing.T) {
	t.Parallel()
	var once, twice Tally
	for _, v := range randomVotes(rand.New(rand.NewPCG(2, 3)), 40) {
		once.Add(v, 1)
		twice.Add(v, 2)
	}
	once.Merge(&once, 1)
	if !once.labels.Equal(&twice.labels) {
		t.Errorf("a tally merged with itself is %v, want %v", once.labels.cells, twice.labels.cells)
	}
}

func TestModelsAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	m := fittedModel()
	var all sync.WaitGroup
	beliefs := make([][]Belief, 4)
	for i := range beliefs {
		all.Go(func() {
			random := rand.New(rand.NewPCG(9, 9))
			for range 500 {
				var tally Tally
				for _, v := range randomVotes(random, 5) {
					tally.Add(v, 1)
				}
				beliefs[i] = append(beliefs[i], m.Belief(lion, &tally, Prior{}))
			}
		})
	}
	all.Wait()
	for i := range beliefs {
		for j := range beliefs[i] {
			if beliefs[i][j] != beliefs[0][j] {
				t.Fatalf("belief %d is %+v in one goroutine and %+v in another", j, beliefs[i][j], beliefs[0][j])
			}
		}
	}
}

func TestTablesAreBounded(t *testing.T) {
	t.Parallel()
	m := builtinLabels()
	m.cells.tables = make(map[uint64]*labelTable)
	for i := range uint64(mostCells) {
		m.cells.tables[1<<63|i] = nil
	}
	if got, want := *m.cell(-1, board(3, 1)), *(&LabelModel{}).cell(-1, board(3, 1)); got != want || len(m.cells.tables) > mostCells {
		t.Errorf("a table that is not kept is %v, want %v; %d are kept", got, want, len(m.cells.tables))
	}
}

func TestFitFindsWhoIsThere(t *testing.T) {
	t.Parallel()
	m := fittedModel()
	for keyword, g := range map[string][2]Gold{"all": {board(3, 0), board(1, 2)}, "lion": {board(3, 0), board(2, 2)}} {
		k := m.Labels.keyword(keyword)
		types := m.Labels.types
		if k >= 0 {
			types = m.Labels.keywords[k].types
		}
		// Three in four are right in 95 of 100, the others toss a coin: with all known
		// pictures right somebody is of the former with .9999, with three or four wrong
		// of the latter.
		s, r := typeRates(types, g[0])
		if math.Abs(s-0.95) > 0.015 || math.Abs(r-0.95) > 0.015 {
			t.Errorf("%s: a perfect visitor is expected to be right in %v and %v", keyword, s, r)
		}
		s, r = typeRates(types, g[1])
		if math.Abs(s-0.5) > 0.12 || math.Abs(r-0.5) > 0.12 {
			t.Errorf("%s: one who tosses coins is expected to be right in %v and %v", keyword, s, r)
		}
	}
	if got := m.Labels.keywords[m.Labels.keyword("lion")]; got.matches != 300 || got.images != 2000 {
		t.Errorf("of lions %d of %d are known", got.matches, got.images)
	}
}

func TestKeywordsShrinkTowardsTheWhole(t *testing.T) {
	t.Parallel()
	var gold GoldCounts
	gold.Add(board(3, 0), "easy", 3000)
	gold.Add(board(2, 0), "easy", 600)
	gold.Add(board(1, 0), "hard", 900)
	gold.Add(board(2, 1), "hard", 900)
	gold.Add(board(1, 0), "new", 20)
	m := FitLabels(&gold)
	of := func(keyword string, g Gold) float64 {
		k := m.keyword(keyword)
		if k < 0 || len(m.keywords[k].types) == 0 {
			s, _ := typeRates(m.types, g)
			return s
		}
		s, _ := typeRates(m.keywords[k].types, g)
		return s
	}
	if of("easy", board(2, 0)) < of("hard", board(2, 0))+0.1 {
		t.Errorf("two hits of three say %v of an easy keyword, %v of a hard one", of("easy", board(2, 0)), of("hard", board(2, 0)))
	}
	if of("new", board(2, 0)) != of("never seen", board(2, 0)) {
		t.Errorf("a keyword with twenty challenges has its own types: %v", m.keywords)
	}
	// A tenth of the gold: the types are nearer to those of all.
	var less GoldCounts
	less.Merge(&gold)
	less.Add(board(1, 0), "hard", -800)
	less.Add(board(2, 1), "hard", -800)
	full := of("hard", board(2, 0))
	m = FitLabels(&less)
	if part, whole := of("hard", board(2, 0)), of("never seen", board(2, 0)); part < full+0.02 || part > whole {
		t.Errorf("with less gold a hard keyword is %v; it was %v, and of all it is %v", part, full, whole)
	}
}

func TestFitWithoutGold(t *testing.T) {
	t.Parallel()
	var gold GoldCounts
	gold.Add(board(3, 0), "lion", fitChallenges-1)
	gold.Add(Gold{}, "lion", 1000) // says nothing
	if m := FitLabels(&gold); m.Types("lion") != nil || len(m.Keywords()) != 0 {
		t.Errorf("%d challenges are enough for %v", fitChallenges-1, m)
	}
	gold.Add(board(2, 1), "lion", 1)
	m := FitLabels(&gold)
	if len(m.Types("lion")) != visitorTypes {
		t.Errorf("%d challenges give %v", fitChallenges, m.Types("lion"))
	}
	if gold.Challenges() != fitChallenges {
		t.Errorf("%d challenges were counted", gold.Challenges())
	}
}

// Counting in any order, merging and taking back give the same model.
func TestGoldCountsAreAGroup(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 1))
	var all, left, right GoldCounts
	for i, v := range randomVotes(random, 3000) {
		keyword := []string{"lion", "bear", "eagle"}[i%3]
		all.Add(v.Gold, keyword, 1)
		[]*GoldCounts{&left, &right}[random.IntN(2)].Add(v.Gold, keyword, 1)
	}
	for _, v := range randomVotes(random, 100) {
		left.Add(v.Gold, "stag", 1)
		right.Add(v.Gold, "stag", -1)
	}
	right.Merge(&left)
	a, b := &Model{Labels: FitLabels(&all)}, &Model{Labels: FitLabels(&right)}
	if string(a.Encode()) != string(b.Encode()) {
		t.Errorf("the models differ: %+v and %+v", a.Labels, b.Labels)
	}
}

func TestStoredModels(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*Model{"built in": Builtin(), "fitted": fittedModel(), "with a rate": {Version: 1 << 40, Labels: builtinLabels().WithRate("Löwe", 0, 1<<32-1)}} {
		form := m.Encode()
		got, err := DecodeModel(form)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Version != m.Version || string(got.Encode()) != string(form) {
			t.Errorf("%s: the form is %x, and then %x", name, form, got.Encode())
		}
		for n := range form {
			if _, err := DecodeModel(form[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes are a model", name, n, len(form))
			}
		}
		if _, err := DecodeModel(append(form, 0)); err == nil || !strings.Contains(err.Error(), "behind") {
			t.Errorf("%s: a byte more is read as %v", name, err)
		}
	}
	if _, err := DecodeModel([]byte{9}); err == nil || !strings.Contains(err.Error(), "form 9") {
		t.Errorf("an unknown form is refused with %v", err)
	}
}

func FuzzDecodeModel(f *testing.F) {
	f.Add(Builtin().Encode())
	f.Add(fittedModel().Encode())
	f.Add((&Model{Labels: builtinLabels().WithRate("lion", 1, 2).WithRate("bear", 0, 0)}).Encode())
	f.Add([]byte{1, 0, 200, 200, 1})
	f.Fuzz(func(t *testing.T, form []byte) {
		m, err := DecodeModel(form)
		if err != nil {
			return
		}
		again, err := DecodeModel(m.Encode())
		if err != nil {
			t.Fatalf("a model that was read is not read again: %v", err)
		}
		var tally Tally
		tally.Add(vote(board(2, 1), domain.VoteFor), 3)
		tally.Add(vote(Gold{Matches: 63, Hits: 1, NonMatches: 63, FalseAlarms: 9}, domain.VoteAgainst), 1)
		b := m.Belief(lion, &tally, Prior{})
		if again.Belief(lion, &tally, Prior{}) != b || !(b.Probability >= 0 && b.Probability <= 1) {
			t.Fatalf("%+v is believed", b)
		}
	})
}

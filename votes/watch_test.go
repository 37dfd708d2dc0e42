package votes_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"ocapi/domain"
	"ocapi/pairing"
	"ocapi/votes"
)

var began = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

// street is where visitors come by: it makes what the log would hold, and shows
// it to a watch.
type street struct {
	t     *testing.T
	watch *votes.Watch
	rng   *rand.Rand
	now   time.Time
	n     uint64
	words []string  // the vocabulary, the most frequent first
	below []float64 // sums of the words' shares
}

// newStreet has a vocabulary of 20,000 words whose frequency falls with their
// rank (Zipf 1949): the first has 9.5 % of all, more than any word of a language.
func newStreet(t *testing.T, seed uint64) *street {
	t.Helper()
	s := &street{t: t, watch: votes.NewWatch(0), rng: rand.New(rand.NewPCG(seed, 1)), now: began}
	sum := 0.0
	for i := range 20_000 {
		sum += 1 / float64(i+1)
		s.words, s.below = append(s.words, word(i)), append(s.below, sum)
	}
	return s
}

// word is short where it is frequent, as words are.
func word(i int) string {
	b := []byte{}
	for i += 26; i > 0; i /= 26 {
		b = append(b, byte('a'+i%26))
	}
	return string(b)
}

func (s *street) draw() string {
	x := s.rng.Float64() * s.below[len(s.below)-1]
	return s.words[min(sort.SearchFloat64s(s.below, x), len(s.words)-1)]
}

// known draws a known truth: three letters at least, and none too often.
func (s *street) known() string {
	for {
		if w := s.draw(); len(w) >= 3 {
			return w
		}
	}
}

func (s *street) image() domain.ImageID {
	return domain.ImageID(fmt.Sprint("image-", s.rng.IntN(5000)))
}

func (s *street) header(client domain.ClientID) domain.Header {
	s.n++
	h := domain.Header{Client: client, At: s.now}
	h.Challenge.UUID[0], h.Challenge.UUID[1], h.Challenge.UUID[2], h.Challenge.UUID[3] = byte(s.n), byte(s.n>>8), byte(s.n>>16), byte(s.n>>24)
	return h
}

func (s *street) answer(c *domain.ChallengeCreated, a domain.Answer) {
	s.watch.Learn(c)
	s.watch.Take(domain.VotesOf(c, &domain.ChallengeAnswered{Header: c.Header, Answer: a, Verdict: domain.StatusValidated}))
}

// typed has somebody type a text for an unknown image.
func (s *street) typed(client domain.ClientID, text string) { s.typedOn(client, text, s.image()) }

func (s *street) typedOn(client domain.ClientID, text string, image domain.ImageID) {
	known := s.known()
	c := &domain.ChallengeCreated{Header: s.header(client), Type: domain.TypeTranscription, Positions: []domain.Position{
		{Image: "k", Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthText, Text: known}}, {Image: image, Role: domain.RoleUnknown},
	}}
	s.answer(c, domain.Answer{Texts: []string{known, text}})
}

// selected has somebody answer nine tiles; habit is what they select, nil what
// is right: the three or four matches, and half of the unknown ones.
func (s *street) selected(client domain.ClientID, habit []uint32) {
	c := &domain.ChallengeCreated{Header: s.header(client), Type: domain.TypeClassification, Keyword: "ship"}
	for i := range 9 {
		p := domain.Position{Image: s.image(), Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthMatch, Match: i < 3}}
		if i >= 7 {
			p.Role, p.Expected = domain.RoleUnknown, domain.Truth{}
		}
		c.Positions = append(c.Positions, p)
	}
	s.rng.Shuffle(9, func(i, j int) { c.Positions[i], c.Positions[j] = c.Positions[j], c.Positions[i] })
	if habit == nil {
		habit = []uint32{}
		for i, p := range c.Positions {
			if p.Expected.Match || p.Role == domain.RoleUnknown && s.rng.IntN(2) == 0 {
				habit = append(habit, uint32(i))
			}
		}
	}
	s.answer(c, domain.Answer{Selected: habit})
}

func (s *street) pass(d time.Duration) { s.now = s.now.Add(d) }

func (s *street) quarantine(cmd domain.QuarantineVotes) *domain.VotesQuarantined {
	s.t.Helper()
	e, err := domain.DecideQuarantine(s.watch.Quarantine(cmd.Quarantine), cmd, s.now, domain.EventID{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.watch.Apply(e)
	return e.(*domain.VotesQuarantined) //nolint:forcetypeassert // of that command
}

func (s *street) lift(q *domain.VotesQuarantined) {
	s.t.Helper()
	e, err := domain.DecideQuarantine(s.watch.Quarantine(q.Quarantine()), domain.LiftQuarantine{Quarantine: q.Quarantine(), Reason: "no flood"}, s.now, domain.EventID{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.watch.Apply(e)
}

// TestOrdinaryTrafficRaisesNoAlarm lets 100,000 people by: at the busiest pace
// and at a slow one, with one website and with many, from the first vote on, when
// nothing is known of the past.
func TestOrdinaryTrafficRaisesNoAlarm(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		clients int
		pause   time.Duration
	}{
		"one busy website": {1, 20 * time.Millisecond}, "a quiet one": {1, 30 * time.Second},
		"a hundred": {100, 500 * time.Millisecond}, "a thousand, hardly visited": {1000, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStreet(t, 7)
			for range 100_000 {
				client := domain.ClientID(fmt.Sprint("site-", s.rng.IntN(tt.clients)))
				if s.rng.IntN(2) == 0 {
					s.typed(client, s.draw())
				} else {
					s.selected(client, nil)
				}
				s.pass(tt.pause)
			}
			f := s.watch.Figures()
			if n := f.Raised[domain.PatternText] + f.Raised[domain.PatternSelection]; n > 0 {
				t.Errorf("%d alarms: %+v", n, s.watch.Pending())
			}
		})
	}
}

// TestFloodIsFound says within how many of its votes a flood is found.
func TestFloodIsFound(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before int     // ordinary votes before it, 1 a second
		share  float64 // of the flood
		habit  []uint32
		within int // votes of the flood
	}{
		"alone":                             {0, 1, nil, 21},
		"half of a new website's votes":     {0, 0.5, nil, 40},
		"a third of a busy website's":       {20_000, 1. / 3, nil, 500},
		"a tenth of what is well known":     {20_000, 0.1, nil, 300},
		"one in twenty of it":               {20_000, 0.05, nil, 500},
		"a habit, alone":                    {0, 1, []uint32{0, 1, 2, 3}, 21},
		"everything, always":                {0, 1, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8}, 21},
		"nothing, always":                   {0, 1, []uint32{}, 21},
		"a habit, a tenth of what is known": {40_000, 0.1, []uint32{2, 4, 6}, 300},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStreet(t, 11)
			vote := func(flood bool) {
				switch {
				case tt.habit != nil && flood:
					s.selected("site", tt.habit)
				case tt.habit != nil:
					s.selected("site", nil)
				case flood:
					s.typed("site", "Qqqq!")
				default:
					s.typed("site", s.draw())
				}
				s.pass(time.Second)
			}
			for range tt.before {
				vote(false)
			}
			if n := len(s.watch.Pending()); n > 0 {
				t.Fatalf("%d alarms before the flood", n)
			}
			flood := 0
			first := time.Time{}
			for len(s.watch.Pending()) == 0 && flood <= tt.within {
				bad := s.rng.Float64() < tt.share
				if bad {
					if flood++; flood == 1 {
						first = s.now
					}
				}
				vote(bad)
			}
			if len(s.watch.Pending()) != 1 {
				t.Fatalf("after %d votes of the flood there are %d alarms", flood, len(s.watch.Pending()))
			}
			a := s.watch.Pending()[0]
			t.Logf("found after %d votes: %d of %d within the window, on %d images", flood, a.Votes, a.Of, a.Images)
			want := domain.TextPattern("qqqq")
			if tt.habit != nil {
				want = domain.SelectionPattern(tt.habit, 9)
			}
			cmd := a.Quarantine()
			if a.Client != "site" || a.Pattern != want || cmd.Votes.Pattern != want || cmd.Votes.Client != "site" || cmd.Votes.From.After(first) ||
				!cmd.Votes.To.Equal(a.At.Add(votes.Window)) || !cmd.Automatic || cmd.Reason == "" {
				t.Errorf("alarm %+v of a flood since %v gives %+v", a, first, cmd)
			}
			// It is one alarm, however long the flood goes on.
			for range 100 {
				vote(true)
			}
			if f := s.watch.Figures(); len(s.watch.Pending()) != 1 || f.Raised[want.Kind] != 1 {
				t.Errorf("the alarm was raised %d times, %d are pending", f.Raised[want.Kind], len(s.watch.Pending()))
			}
		})
	}
}

// TestFewImagesAreNoFlood has one image shown again and again.
func TestFewImagesAreNoFlood(t *testing.T) {
	t.Parallel()
	s := newStreet(t, 3)
	for i := range 2000 {
		s.typedOn("site", "ocapi", domain.ImageID(fmt.Sprint(i%(votes.LeastImages-1))))
		s.pass(time.Second)
	}
	if list := s.watch.Pending(); len(list) > 0 {
		t.Errorf("%d images make an alarm: %+v", votes.LeastImages-1, list)
	}
	s.typedOn("site", "ocapi", "one more")
	if list := s.watch.Pending(); len(list) != 1 || list[0].Images != votes.LeastImages {
		t.Errorf("%d images make %d alarms: %+v", votes.LeastImages, len(list), list)
	}
}

// TestAlarmEndsWithItsQuarantine follows a flood over hours: one quarantine after
// the other, without a hole between them.
func TestAlarmEndsWithItsQuarantine(t *testing.T) {
	t.Parallel()
	s := newStreet(t, 5)
	var made []*domain.VotesQuarantined
	var flood []domain.Vote
	for s.now.Before(began.Add(5 * time.Hour)) {
		c := &domain.ChallengeCreated{Header: s.header("site"), Type: domain.TypeTranscription, Positions: []domain.Position{{Image: s.image(), Role: domain.RoleUnknown}}}
		v := domain.VotesOf(c, &domain.ChallengeAnswered{Header: c.Header, Answer: domain.Answer{Texts: []string{"qqqq"}}})
		flood = append(flood, v...)
		s.watch.Take(v)
		s.pass(5 * time.Second)
		s.typed("site", s.draw())
		s.pass(5 * time.Second)
		for _, a := range s.watch.Pending() {
			made = append(made, s.quarantine(a.Quarantine()))
		}
		if len(s.watch.Pending()) > 0 {
			t.Fatal("an alarm is pending that a quarantine has answered")
		}
	}
	if len(made) < 4 || len(made) > 6 {
		t.Errorf("five hours of a flood make %d quarantines", len(made))
	}
	var q domain.Quarantines
	for _, e := range made {
		q.Apply(e)
	}
	for i := range flood {
		if !q.SetAside(&flood[i]) {
			t.Fatalf("vote %d of the flood, at %v, counts; the quarantines are %+v", i, flood[i].At, q.All())
		}
	}
	if s.watch.Figures().InForce != len(made) {
		t.Errorf("%d are in force", s.watch.Figures().InForce)
	}
}

// TestLiftedIsNotRaisedAgain is a register in which half of the entries say the
// same: an operator says once that it is no flood, and it is the register's past
// from then on.
func TestLiftedIsNotRaisedAgain(t *testing.T) {
	t.Parallel()
	s := newStreet(t, 13)
	raised := 0
	for s.now.Before(began.Add(20 * 24 * time.Hour)) {
		text := "ditto"
		if s.rng.IntN(2) == 0 {
			text = s.draw()
		}
		s.typed("register", text)
		s.pass(time.Minute)
		for _, a := range s.watch.Pending() {
			raised++
			s.lift(s.quarantine(a.Quarantine()))
		}
	}
	if raised != 1 {
		t.Errorf("it was raised %d times in 20 days", raised)
	}
	// Elsewhere it is a flood as before.
	for range 100 {
		s.typed("other", "ditto")
		s.pass(time.Second)
	}
	if len(s.watch.Pending()) != 1 {
		t.Error("another client's flood is no alarm")
	}
}

// TestAFloodIsNoPast quarantines a flood and lets it come back a day later: that
// it was there once is no excuse.
func TestAFloodIsNoPast(t *testing.T) {
	t.Parallel()
	s := newStreet(t, 17)
	flood := func(n int) (alarms int) {
		for range n {
			s.typed("site", "qqqq")
			s.pass(time.Second)
			s.typed("site", s.draw())
			s.pass(time.Second)
			for _, a := range s.watch.Pending() {
				alarms++
				s.quarantine(a.Quarantine())
			}
		}
		return alarms
	}
	if n := flood(1000); n != 1 {
		t.Fatalf("%d alarms", n)
	}
	for range 24 * 60 {
		s.typed("site", s.draw())
		s.pass(time.Minute)
	}
	if n := flood(200); n != 1 {
		t.Errorf("when it comes back there are %d alarms", n)
	}
}

// TestAlarmsHaveOneName finds one flood on two nodes that have not seen all of
// the same: they mean the same quarantine.
func TestAlarmsHaveOneName(t *testing.T) {
	t.Parallel()
	var ids []domain.QuarantineID
	for _, before := range []int{0, 10} {
		s := newStreet(t, 19)
		for range before {
			s.typed("site", s.draw())
		}
		s.now = began.Add(10 * time.Minute)
		for range 60 {
			s.typed("site", "qqqq")
		}
		ids = append(ids, s.watch.Pending()[0].Quarantine().Quarantine)
	}
	if ids[0] != ids[1] || ids[0].IsZero() {
		t.Errorf("the quarantines are %v", ids)
	}
	a := votes.Alarm{Client: "site", Pattern: domain.TextPattern("q"), At: began}
	different := map[domain.QuarantineID]bool{a.Quarantine().Quarantine: true}
	for _, change := range []func(a *votes.Alarm){
		func(a *votes.Alarm) { a.Client = "other" }, func(a *votes.Alarm) { a.At = a.At.Add(votes.Window) },
		func(a *votes.Alarm) { a.Pattern = domain.TextPattern("w") }, func(a *votes.Alarm) { a.Pattern = domain.SelectionPattern(nil, 9) },
	} {
		other := a
		change(&other)
		different[other.Quarantine().Quarantine] = true
	}
	if len(different) != 5 {
		t.Errorf("5 alarms have %d names", len(different))
	}
}

// TestWindowIsBounded floods the memory: old votes go first.
func TestWindowIsBounded(t *testing.T) {
	t.Parallel()
	s := newStreet(t, 23)
	s.watch = votes.NewWatch(100)
	for range 1000 {
		s.typed("site", s.draw())
	}
	if n := s.watch.Figures().WindowVotes; n != 100 {
		t.Errorf("a window of 100 votes holds %d", n)
	}
	s.pass(votes.Window + time.Second)
	s.typed("site", "word")
	if n := s.watch.Figures().WindowVotes; n != 1 {
		t.Errorf("after an hour it holds %d", n)
	}
}

// TestPairing joins answers to their challenges in the log's order.
func TestPairing(t *testing.T) {
	t.Parallel()
	held := map[string]domain.Event{}
	p := votes.NewPairing(pairing.Params{Decode: func(b []byte) (domain.Event, error) {
		if e, ok := held[string(b)]; ok {
			return e, nil
		}
		return nil, fmt.Errorf("no event %q", b)
	}})
	s := newStreet(t, 29)
	create := func() *domain.ChallengeCreated {
		c := &domain.ChallengeCreated{Header: s.header("site"), Type: domain.TypeTranscription, ExpiresAt: s.now.Add(domain.Lifetime),
			Positions: []domain.Position{{Image: "u", Role: domain.RoleUnknown}}}
		key := fmt.Sprint(s.n)
		held[key] = c
		if got, err := p.Apply(t.Context(), domain.Record{Event: c, Data: []byte(key)}); got != nil || err != nil {
			t.Fatalf("a creation brings %v, %v", got, err)
		}
		return c
	}
	answer := func(c *domain.ChallengeCreated, client domain.ClientID) ([]domain.Vote, error) {
		h := c.Header
		h.Client, h.At = client, s.now
		return p.Apply(t.Context(), domain.Record{Event: &domain.ChallengeAnswered{Header: h, Answer: domain.Answer{Texts: []string{"x"}}}})
	}
	first, second := create(), create()
	if got, err := answer(first, "site"); len(got) != 1 || err != nil || got[0].Image != "u" || !got[0].At.Equal(s.now) {
		t.Errorf("an answer brings %+v, %v", got, err)
	}
	if got, err := answer(first, "site"); len(got) != 0 || err != nil {
		t.Errorf("a second answer brings %+v, %v", got, err)
	}
	if got, err := answer(second, "other"); len(got) != 0 || err != nil {
		t.Errorf("an answer under another name brings %+v, %v", got, err)
	}
	s.pass(domain.Lifetime)
	if got, _ := answer(second, "site"); len(got) != 1 {
		t.Errorf("an answer in the last moment brings %+v", got)
	}
	third := create()
	s.pass(2 * domain.Lifetime)
	create()
	if got, _ := answer(third, "site"); len(got) != 0 || p.Held() != 1 {
		t.Errorf("a challenge that nobody can answer any more is held (%v, %d)", got, p.Held())
	}
	fourth := create()
	delete(held, fmt.Sprint(s.n))
	if _, err := answer(fourth, "site"); err == nil {
		t.Error("a creation that cannot be read is passed over in silence")
	}
}

// TestVocabulary looks at what the tests call ordinary.
func TestVocabulary(t *testing.T) {
	t.Parallel()
	s := newStreet(t, 31)
	counts := map[string]int{}
	for range 100_000 {
		counts[s.draw()]++
	}
	top := float64(counts[s.words[0]]) / 100_000
	if math.Abs(top-0.095) > 0.01 || len(slices.Compact(slices.Sorted(slices.Values(s.words)))) != len(s.words) {
		t.Errorf("the most frequent word has a share of %.3f", top)
	}
}

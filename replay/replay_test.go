package replay_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/consensus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/replay"
)

// params completes what a test asks for with decoders: package eventstore's own.
func params(p replay.Params) replay.Params {
	p.Events, p.Held = new(eventstore.Decoder), new(eventstore.Decoder)
	return p
}

// logged is a log that a test makes up.
type logged struct {
	random *rand.Rand
	now    time.Time
	events []domain.Event
}

func newLog(seed uint64) *logged {
	return &logged{random: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (l *logged) head(client domain.ClientID) (h domain.Header) {
	for i := range h.ID.UUID {
		h.ID.UUID[i], h.Challenge.UUID[i] = byte(l.random.Uint32()), byte(l.random.Uint32())
	}
	l.now = l.now.Add(time.Duration(l.random.IntN(4)) * time.Second)
	h.Client, h.At = client, l.now
	return h
}

// challenge adds a creation: of texts, or of pictures under a keyword.
func (l *logged) challenge(client domain.ClientID, keyword string) *domain.ChallengeCreated {
	c := &domain.ChallengeCreated{Header: l.head(client), Type: domain.TypeTranscription, Keyword: keyword}
	c.ExpiresAt = c.At.Add(domain.Lifetime)
	n := 2
	if keyword != "" {
		c.Type, n = domain.TypeClassification, 9
	}
	for i := range n {
		p := domain.Position{Collection: "c", Role: domain.RoleKnown, Trust: domain.TrustImported, Image: domain.ImageID(fmt.Sprintf("known-%s-%d", keyword, l.random.IntN(20)))}
		switch {
		case i == 0 || i == 1 && n == 9:
			n := l.random.IntN(60)
			p = domain.Position{Collection: domain.CollectionID([]string{"c", "d"}[n%2]), Role: domain.RoleUnknown, Image: domain.ImageID(fmt.Sprintf("u%d", n))}
			if l.random.IntN(3) == 0 {
				p.Prior = 0.75
			}
		case n == 2:
			p.Expected = domain.Truth{Kind: domain.TruthText, Text: "maison"}
		default:
			p.Expected = domain.Truth{Kind: domain.TruthMatch, Match: i < 5}
		}
		c.Positions = append(c.Positions, p)
	}
	l.events = append(l.events, c)
	return c
}

// answer adds an answer to a challenge, a random one.
func (l *logged) answer(c *domain.ChallengeCreated) *domain.ChallengeAnswered {
	a := &domain.ChallengeAnswered{Header: l.head(c.Client), Verdict: domain.StatusValidated}
	a.Challenge = c.Challenge
	words := []string{"maison", "Maison", "maisons", "lande", "août"}
	if c.Type == domain.TypeClassification {
		a.Answer.Selected = []uint32{}
	}
	for i := range c.Positions {
		switch {
		case c.Type == domain.TypeTranscription:
			a.Answer.Texts = append(a.Answer.Texts, words[l.random.IntN(len(words))])
		case l.random.IntN(2) == 0:
			a.Answer.Selected = append(a.Answer.Selected, uint32(i))
		}
	}
	if a.Verdict = domain.Judge(c, a.Answer); l.random.IntN(20) == 0 {
		a.Verdict = domain.StatusRejected
	}
	l.events = append(l.events, a)
	return a
}

// fill adds challenges of all kinds, of which some are never answered, some are
// answered late, and some twice.
func (l *logged) fill(n int) {
	var open []*domain.ChallengeCreated
	for range n {
		client := domain.ClientID([]string{"site", "other"}[l.random.IntN(2)])
		open = append(open, l.challenge(client, []string{"", "ship", "house"}[l.random.IntN(3)]))
		if len(open) > 5 {
			i := l.random.IntN(len(open))
			l.answer(open[i])
			if l.random.IntN(10) > 0 {
				open = slices.Delete(open, i, i+1)
			}
		}
	}
}

// refuted adds images whose truth on record is refuted, and that are asked about
// from then on.
func (l *logged) refuted() (list []consensus.Question) {
	for _, keyword := range []string{"", "ship"} {
		q := consensus.Question{Image: domain.ImageID("refuted-" + keyword), Keyword: keyword}
		truth := domain.Truth{Kind: domain.TruthMatch, Match: true}
		if keyword == "" {
			truth = domain.Truth{Kind: domain.TruthText, Text: "lande"}
		}
		deal := func(p domain.Position) {
			for range 5 {
				c := l.challenge("site", keyword)
				c.Positions[0] = p
				l.answer(c)
			}
		}
		deal(domain.Position{Image: q.Image, Collection: "c", Role: domain.RoleKnown, Trust: domain.TrustImported, Expected: truth})
		w := &domain.AnnotationWithdrawn{Header: l.head(""), Finding: domain.Finding{Image: q.Image, Collection: "c", Keyword: keyword}, Refuted: true}
		w.Challenge = domain.ChallengeID(domain.AnnotationOf(q.Image, keyword))
		l.events = append(l.events, w)
		deal(domain.Position{Image: q.Image, Collection: "c", Role: domain.RoleUnknown, Prior: domain.RefutedPrior})
		list = append(list, q)
	}
	return list
}

// pairs adds texts beside others that are known: known ones, sentinels, and those
// that visitors have settled.
func (l *logged) pairs() {
	for i := range 200 {
		c := l.challenge("site", "")
		p := domain.Position{Image: "beside", Collection: "c", Role: domain.RoleKnown, Trust: domain.TrustImported, Expected: domain.Truth{Kind: domain.TruthText, Text: "lande"}}
		switch i % 4 {
		case 0:
			p.Role = domain.RoleSentinel
		case 1:
			p.Image, p.Trust = "settled", domain.TrustPromoted
		case 2:
			p.Image, p.Role, p.Trust = "settled", domain.RoleSentinel, domain.TrustPromoted
		}
		c.Positions[0] = p
		l.answer(c)
	}
}

// run replays events.
func run(t testing.TB, p replay.Params, events []domain.Event) *replay.Replay {
	t.Helper()
	r := replay.New(params(p))
	for i, e := range events {
		data, err := eventstore.EncodeEvent(nil, e)
		if err == nil {
			err = r.Apply(domain.Sequence(i+1), string(data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// seen is an item as it can be compared.
type seen struct {
	consensus.Question
	Collection  domain.CollectionID
	Type        domain.ChallengeType
	Prior       float64
	Truth       domain.Truth
	First, Last time.Time
	Belief      consensus.Belief
}

func seenOf(r *replay.Replay) (list []seen) {
	for it := range r.Items() {
		list = append(list, seen{it.Question, it.Collection, it.Type, it.Guess, it.Truth, it.First(), it.Last(), consensus.Builtin().Belief(it.Question, &it.Tally, it.Prior())})
	}
	return list
}

// plainly counts as a replay does, from decoded events and with no care for time
// and memory.
func plainly(p replay.Params, events []domain.Event) (list []seen) {
	created := map[domain.ChallengeID]*domain.ChallengeCreated{}
	answered := map[domain.ChallengeID]bool{}
	items := map[consensus.Question]*seen{}
	tallies := map[consensus.Question]*consensus.Tally{}
	for _, e := range events {
		switch e := e.(type) {
		case *domain.ChallengeCreated:
			created[e.Challenge] = e
		case *domain.ChallengeAnswered:
			c := created[e.Challenge]
			if c == nil || answered[e.Challenge] || c.Client != e.Client || e.At.After(c.ExpiresAt.Add(time.Minute)) {
				continue
			}
			answered[e.Challenge] = true
			for _, b := range consensus.Ballots(c, e) {
				switch {
				case p.Client != "" && b.Client != p.Client, p.Collection != "" && b.Collection != p.Collection, p.Keyword != "" && b.Keyword != p.Keyword,
					b.At.Before(p.Since), !p.Until.IsZero() && !b.At.Before(p.Until), !p.Known && b.Role != domain.RoleUnknown,
					p.Exclude != nil && p.Exclude.Covers(&b.Vote), p.Quarantines != nil && p.Quarantines.SetAside(&b.Vote):
					continue
				}
				it := items[b.Question()]
				if it == nil {
					it = &seen{Question: b.Question(), Collection: b.Collection, Type: b.Type, First: b.At}
					items[it.Question], tallies[it.Question] = it, &consensus.Tally{}
				}
				it.Last = b.At
				if b.Role == domain.RoleUnknown {
					it.Prior, it.Truth = b.Prior, domain.Truth{}
				} else {
					it.Truth = b.Truth
				}
				tallies[it.Question].Add(&b, 1)
			}
		}
	}
	for q, it := range items {
		var prior consensus.Prior
		switch {
		case it.Truth.Kind != domain.TruthNone:
			prior = consensus.Prior{Guess: it.Truth, Probability: 0.98}
		case it.Prior > 0 && q.Keyword != "":
			prior = consensus.Prior{Guess: domain.Truth{Kind: domain.TruthMatch, Match: true}, Probability: it.Prior}
		}
		it.Belief = consensus.Builtin().Belief(q, tallies[q], prior)
		list = append(list, *it)
	}
	slices.SortFunc(list, func(a, b seen) int {
		if a.Collection != b.Collection {
			return map[bool]int{true: -1, false: 1}[a.Collection < b.Collection]
		}
		return a.Question.Compare(b.Question)
	})
	return list
}

// TestReplayCountsWhatIsAsked holds a replay against a plain count, with every
// filter.
func TestReplayCountsWhatIsAsked(t *testing.T) {
	t.Parallel()
	l := newLog(1)
	l.fill(3000)
	begin, end := l.events[0].Head().At, l.now
	third := begin.Add(end.Sub(begin) / 3).Truncate(time.Second)
	var quarantines domain.Quarantines
	q := &domain.VotesQuarantined{Header: domain.Header{Client: "other"}, Pattern: domain.TextPattern("LANDE"), From: begin, To: third}
	q.Challenge.UUID[0] = 1
	quarantines.Apply(q)
	for _, tt := range []struct {
		name string
		p    replay.Params
	}{
		{name: "all", p: replay.Params{}},
		{name: "known ones", p: replay.Params{Known: true}},
		{name: "of a client", p: replay.Params{Client: "other"}},
		{name: "of a collection", p: replay.Params{Collection: "d"}},
		{name: "of a keyword", p: replay.Params{Keyword: "ship"}},
		{name: "since and until", p: replay.Params{Since: third, Until: third.Add(end.Sub(begin) / 3)}},
		{name: "without a window", p: replay.Params{Exclude: &domain.Exclusion{From: third, To: end}}},
		{name: "without a client's text", p: replay.Params{Exclude: &domain.Exclusion{Client: "site", Pattern: domain.TextPattern("Maison")}}},
		{name: "without a habit", p: replay.Params{Exclude: &domain.Exclusion{Pattern: domain.SelectionPattern([]uint32{0, 1, 2, 3}, 9)}}},
		{name: "without what is quarantined", p: replay.Params{Quarantines: &quarantines}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := plainly(tt.p, l.events)
			got := seenOf(run(t, tt.p, l.events))
			if diff := cmp.Diff(want, got); diff != "" || len(got) < 30 {
				t.Errorf("%d rows differ (-plainly +replayed):\n%.2000s", len(got), diff)
			}
		})
	}
}

// TestReplayIsWhatIsLive holds a replay against the state that the running
// service decides from: the same beliefs to the bit, and the same fitted model.
func TestReplayIsWhatIsLive(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		l := newLog(10 + seed)
		l.fill(2500)
		refuted := l.refuted()
		l.pairs()
		state := consensus.NewState(consensus.StateParams{Decode: eventstore.DecodeEvent, Model: consensus.ReadModel})
		r := replay.New(params(replay.Params{Known: true}))
		var gold consensus.GoldCounts
		r.OnGold(func(g consensus.Gold, keyword string, texts []consensus.TextGold) {
			if keyword != "" {
				gold.Add(g, keyword, 1)
			}
		})
		for i, e := range l.events {
			data, err := eventstore.EncodeEvent(nil, e)
			if err != nil {
				t.Fatal(err)
			}
			seq := domain.Sequence(i + 1)
			if err := r.Apply(seq, string(data)); err != nil {
				t.Fatal(err)
			}
			if err := state.Apply(t.Context(), domain.Record{Seq: seq, Event: e, Data: data}); err != nil {
				t.Fatal(err)
			}
		}
		items := map[consensus.Question]*replay.Item{}
		for it := range r.Items() {
			items[it.Question] = it
		}
		n := 0
		state.Each(func(p consensus.Progress) bool {
			n++
			it := items[p.Question]
			if it == nil {
				t.Errorf("%v is missing", p.Question)
				return false
			}
			if b := consensus.Builtin().Belief(p.Question, &it.Tally, it.Prior()); b != p.Belief || it.Collection != p.Collection {
				t.Errorf("%v: replayed %+v, live %+v", p.Question, b, p.Belief)
			}
			return true
		})
		if n != len(items) || n < 50 {
			t.Errorf("%d questions, live %d", len(items), n)
		}
		for _, q := range refuted {
			if p, _ := state.Progress(q); p.Status != domain.QuestionRefuted || !p.OnRecord {
				t.Errorf("%v is %+v", q, p)
			}
		}
		r.Known(gold.Known)
		model := consensus.Model{Version: 1, Labels: consensus.FitLabels(&gold), Texts: consensus.FitTexts(r.Pairs())}
		if !bytes.Equal(model.Encode(), state.Fit().Body) {
			t.Error("another model is fitted")
		}
	}
}

// TestPoisonLeavesNothingBehind leaves votes out, and compares with a log that
// never had them.
func TestPoisonLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	l := newLog(2)
	l.fill(1000)
	from := l.now.Add(time.Hour)
	l.now = from
	clean := slices.Clone(l.events)
	l.fill(1000)
	to := l.now.Add(time.Hour)
	l.now = to
	poisoned := len(l.events)
	l.fill(1000)
	clean = append(clean, l.events[poisoned:]...)
	whole, without := run(t, replay.Params{Known: true}, l.events), run(t, replay.Params{Known: true, Exclude: &domain.Exclusion{From: from, To: to}}, l.events)
	want := run(t, replay.Params{Known: true}, clean)
	if diff := cmp.Diff(seenOf(want), seenOf(without)); diff != "" {
		t.Errorf("something is left behind (-never had +left out):\n%.2000s", diff)
	}
	if cmp.Equal(seenOf(whole), seenOf(without)) || without.Counts().LeftOut == 0 || want.Counts().Counted != without.Counts().Counted {
		t.Errorf("nothing was left out: %+v and %+v", without.Counts(), want.Counts())
	}
}

// TestReplayForgetsWhatIsOver answers a challenge that has expired, and one under
// another client's name.
func TestReplayForgetsWhatIsOver(t *testing.T) {
	t.Parallel()
	l := newLog(3)
	late, stolen := l.challenge("site", ""), l.challenge("site", "")
	stolen.Client = "site"
	a := l.answer(stolen)
	a.Client = "other"
	l.now = l.now.Add(2 * domain.Lifetime)
	l.answer(l.challenge("site", ""))
	l.answer(late)
	slow := l.challenge("site", "")
	l.now = l.now.Add(2 * domain.Lifetime)
	l.answer(slow) // with nothing before it that tells how late it is
	if c := run(t, replay.Params{}, l.events).Counts(); c.Challenges != 1 || c.Events != 8 || c.Votes != 2 || c.Counted != 1 {
		t.Errorf("counted %+v", c)
	}
}

func TestReplayRefusesWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	r := replay.New(params(replay.Params{}))
	if err := r.Apply(7, "nonsense"); err == nil || err.Error()[:8] != "event 7:" {
		t.Errorf("the error is %v", err)
	}
}

// TestReplayTellsGold has the gold told of what counts, and of nothing else.
func TestReplayTellsGold(t *testing.T) {
	t.Parallel()
	l := newLog(4)
	l.fill(500)
	known := 0
	told := func(p replay.Params) (n, matches int) {
		r := replay.New(params(p))
		r.OnGold(func(g consensus.Gold, keyword string, texts []consensus.TextGold) {
			n++
			if (keyword == "") != (g.Text != consensus.GoldNone) || (keyword == "") != (len(texts) == 2) || keyword == "" && texts[1] != g.Text {
				t.Errorf("gold %+v, %v under %q", g, texts, keyword)
			}
			matches += int(g.Matches)
		})
		defer func() {
			r.Known(func(keyword string, matches, images uint32) {
				// Of twenty images under each keyword some stand where matches do.
				if keyword != "ship" && keyword != "house" || matches == 0 || matches >= images || images != 20 {
					t.Errorf("under %q %d of %d known images match", keyword, matches, images)
				}
				known++
			})
		}()
		for i, e := range l.events {
			data, err := eventstore.EncodeEvent(nil, e)
			if err == nil {
				err = r.Apply(domain.Sequence(i+1), string(data))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if r.Counts().LeftOut == 0 && n != r.Counts().Challenges {
			t.Errorf("told %d times of %d challenges", n, r.Counts().Challenges)
		}
		return n, matches
	}
	all, matches := told(replay.Params{})
	some, _ := told(replay.Params{Exclude: &domain.Exclusion{Client: "other"}})
	if known == 0 || all == 0 || matches == 0 || some == 0 || some >= all {
		t.Errorf("told %d times with %d matches; without a client %d times", all, matches, some)
	}
}

// TestReplayKeepsSentinelsApart has images whose truth is known play unknown ones:
// what is said of them is counted by itself, and is no row.
func TestReplayKeepsSentinelsApart(t *testing.T) {
	t.Parallel()
	l := newLog(9)
	plain := domain.Truth{Kind: domain.TruthText, Text: "lande"}
	for i := range 40 {
		c := l.challenge("site", "")
		p := &c.Positions[0]
		switch i % 4 {
		case 0: // the institution's own
			*p = domain.Position{Image: "sentinel", Collection: "c", Role: domain.RoleSentinel, Trust: domain.TrustImported, Expected: plain}
		case 1: // settled by visitors, which measures nothing
			*p = domain.Position{Image: "promoted", Collection: "c", Role: domain.RoleSentinel, Trust: domain.TrustPromoted, Expected: plain}
		case 2:
			*p = domain.Position{Image: "elsewhere", Collection: "d", Role: domain.RoleSentinel, Trust: domain.TrustImported, Expected: plain}
		}
		l.answer(c)
	}
	for _, tt := range []struct {
		name   string
		params replay.Params
		want   []domain.ImageID
	}{
		{"all", replay.Params{}, []domain.ImageID{"sentinel", "elsewhere"}},
		{"of one collection", replay.Params{Collection: "c"}, []domain.ImageID{"sentinel"}},
		{"with known ones", replay.Params{Known: true}, []domain.ImageID{"sentinel", "elsewhere"}},
		{"of nobody", replay.Params{Client: "nobody"}, nil},
	} {
		r := run(t, tt.params, l.events)
		var got []domain.ImageID
		for it := range r.Sentinels() {
			got = append(got, it.Image)
			if b := consensus.Builtin().Belief(it.Question, &it.Tally, consensus.Prior{}); b.Votes != 10 || it.Truth != plain {
				t.Errorf("%s: %s has %d votes and the truth %+v, want 10 and %+v", tt.name, it.Image, b.Votes, it.Truth, plain)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: the sentinels are %q, want %q", tt.name, got, tt.want)
		}
		for it := range r.Items() {
			if !tt.params.Known && slices.Contains([]domain.ImageID{"sentinel", "elsewhere"}, it.Image) {
				t.Errorf("%s: the sentinel %s is a row", tt.name, it.Image)
			}
		}
	}
}

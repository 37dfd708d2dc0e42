package consensus_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"ocapi/consensus"
	"ocapi/domain"
)

// board is a classification challenge on the keyword "illustration" in which the
// image "i" is among the known matches, with two others, four non-matches and two
// unknown images.
func (j *journal) board(trust domain.Trust) *domain.ChallengeCreated {
	c := &domain.ChallengeCreated{Type: domain.TypeClassification, Keyword: "illustration"}
	c.ID.UUID, c.Challenge.UUID, c.Client, c.At, c.ExpiresAt = j.id(), j.id(), "site", j.now, j.now.Add(domain.Lifetime)
	known := func(image domain.ImageID, match bool, trust domain.Trust) {
		c.Positions = append(c.Positions, domain.Position{Image: image, Collection: "c", Role: domain.RoleKnown, Trust: trust, Expected: domain.Truth{Kind: domain.TruthMatch, Match: match}})
	}
	known("i", true, trust)
	for n := range 2 {
		known(domain.ImageID(fmt.Sprintf("match-%d-%d", len(j.records), n)), true, domain.TrustImported)
	}
	for n := range 4 {
		known(domain.ImageID(fmt.Sprintf("other-%d-%d", len(j.records), n)), false, domain.TrustImported)
	}
	for n := range 2 {
		c.Positions = append(c.Positions, domain.Position{Image: domain.ImageID(fmt.Sprintf("unknown-%d-%d", len(j.records), n)), Collection: "c", Role: domain.RoleUnknown})
	}
	j.append(c)
	return c
}

// pair is a transcription of "i", on record as "Ornement", and of another image.
func (j *journal) pair(other domain.Role) *domain.ChallengeCreated {
	c := &domain.ChallengeCreated{Type: domain.TypeTranscription, WhollyKnown: other == domain.RoleKnown}
	c.ID.UUID, c.Challenge.UUID, c.Client, c.At, c.ExpiresAt = j.id(), j.id(), "site", j.now, j.now.Add(domain.Lifetime)
	c.Positions = []domain.Position{
		{Image: "i", Collection: "c", Role: domain.RoleKnown, Trust: domain.TrustImported, Expected: domain.Truth{Kind: domain.TruthText, Text: "Ornement"}},
		{Image: domain.ImageID(fmt.Sprintf("other-%d", len(j.records))), Collection: "c", Role: other},
	}
	if other == domain.RoleKnown {
		c.Positions[1].Trust, c.Positions[1].Expected = domain.TrustImported, domain.Truth{Kind: domain.TruthText, Text: "juillet"}
	}
	j.append(c)
	return c
}

func (j *journal) answered(c *domain.ChallengeCreated, a domain.Answer) {
	e := &domain.ChallengeAnswered{Answer: a, Verdict: domain.StatusRejected}
	e.ID.UUID, e.Challenge, e.Client, e.At = j.id(), c.Challenge, c.Client, c.At
	j.append(e)
}

// until feeds the journal after each of up to most answers, and gives the
// decision about the question with the number of answers that it took; 0 where
// there is none.
func (j *journal) until(t *testing.T, q consensus.Question, most int, answer func(n int)) (consensus.Decision, int) {
	t.Helper()
	rules := consensus.DefaultRules()
	s := consensus.NewState(j.params())
	for n := range most {
		answer(n)
		feed(t, s, j.records)
		list, _ := s.Decisions(&rules, 1<<20)
		for _, d := range list {
			if d.Question == q {
				return d, n + 1
			}
		}
	}
	return consensus.Decision{}, 0
}

// TestTruthOnRecord has known images answered by the good and by bots. Two of the
// samples' images are on record as illustrations and are ornaments.
func TestTruthOnRecord(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5)) //nolint:gosec // a test repeats itself
	label := consensus.Question{Image: "i", Keyword: "illustration"}
	text := consensus.Question{Image: "i"}
	for _, tt := range []struct {
		name        string
		question    consensus.Question
		answer      func(j *journal)
		most, least int // answers until it is refuted; 0: it is not within 300
	}{
		{"good answers contradict a label", label, func(j *journal) {
			j.answered(j.board(domain.TrustImported), domain.Answer{Selected: []uint32{1, 2}})
		}, 4, 2},
		{"good answers confirm it", label, func(j *journal) {
			j.answered(j.board(domain.TrustImported), domain.Answer{Selected: []uint32{0, 1, 2}})
		}, 0, 0},
		{"bots select nothing", label, func(j *journal) {
			j.answered(j.board(domain.TrustImported), domain.Answer{Selected: []uint32{}})
		}, 0, 0},
		{"bots select by chance", label, func(j *journal) {
			a := domain.Answer{Selected: []uint32{}}
			for i := range uint32(9) {
				if rng.IntN(2) == 0 {
					a.Selected = append(a.Selected, i)
				}
			}
			j.answered(j.board(domain.TrustImported), a)
		}, 0, 0},
		{"bots outnumber the good, who confirm it", label, func(j *journal) {
			a := domain.Answer{Selected: []uint32{uint32(rng.IntN(9))}}
			if rng.IntN(5) == 0 {
				a.Selected = []uint32{0, 1, 2}
			}
			j.answered(j.board(domain.TrustImported), a)
		}, 0, 0},
		{"good answers contradict a text", text, func(j *journal) {
			j.answered(j.pair(domain.RoleKnown), domain.Answer{Texts: []string{"Illustration", "juillet"}})
		}, 5, 2},
		{"a flood contradicts a text beside unknown ones", text, func(j *journal) {
			j.answered(j.pair(domain.RoleUnknown), domain.Answer{Texts: []string{"x", "x"}})
		}, 0, 0},
		{"a flood contradicts a text beside known ones", text, func(j *journal) {
			j.answered(j.pair(domain.RoleKnown), domain.Answer{Texts: []string{"x", "x"}})
		}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := newJournal()
			d, n := j.until(t, tt.question, 300, func(int) { tt.answer(j) })
			if n > tt.most || n < tt.least {
				t.Errorf("after %d answers it becomes %s (%+v), want after %d to %d", n, d.To, d.Finding, tt.least, tt.most)
			}
			if n > 0 {
				if w, ok := d.Event(domain.EventID{}, j.now).(*domain.AnnotationWithdrawn); !ok || !w.Refuted {
					t.Errorf("the event is %T", d.Event(domain.EventID{}, j.now))
				}
			}
		})
	}
}

// TestRefutedIsRestored has a refuted truth restored when the votes that refuted
// it are set aside, and another accepted when it is asked about anew.
func TestRefutedIsRestored(t *testing.T) {
	t.Parallel()
	rules := consensus.DefaultRules()
	q := consensus.Question{Image: "i", Keyword: "illustration"}
	j := newJournal()
	s := consensus.NewState(j.params())
	decide := func(want domain.QuestionStatus) {
		t.Helper()
		feed(t, s, j.records)
		list, _ := s.Decisions(&rules, 1<<20)
		for _, d := range list {
			if d.Question == q {
				j.append(d.Event(domain.EventID{UUID: j.id()}, j.now))
			}
		}
		feed(t, s, j.records)
		if p, _ := s.Progress(q); p.Status != want {
			t.Fatalf("it is %s, want %s (%+v)", p.Status, want, p.Belief)
		}
	}
	for range 5 {
		j.answered(j.board(domain.TrustImported), domain.Answer{Selected: []uint32{1, 2}})
	}
	decide(domain.QuestionRefuted)
	flood := &domain.VotesQuarantined{From: j.now.Add(-1), To: j.now.Add(1), Pattern: domain.SelectionPattern([]uint32{1, 2}, 9)}
	flood.Challenge.UUID, flood.ID.UUID, flood.At = j.id(), j.id(), j.now
	j.append(flood)
	decide(domain.QuestionOpen)
	lift := &domain.QuarantineLifted{Header: flood.Header}
	j.append(lift)
	decide(domain.QuestionRefuted)
	// Asked about as if nothing were on record it is clear at last, or it is not: that
	// people do not see what is on record may be their mistake.
	rules.SettleLabel = 0.98
	for range 5 {
		c := j.board(domain.TrustImported)
		c.Positions[0].Role, c.Positions[0].Expected, c.Positions[0].Trust = domain.RoleUnknown, domain.Truth{}, domain.TrustNone
		j.answered(c, domain.Answer{Selected: []uint32{1, 2}})
	}
	strict := consensus.DefaultRules()
	strict.SettleLabel, strict.CapLabels = 0.999999, 5
	feed(t, s, j.records)
	if list, _ := s.Decisions(&strict, 1<<20); !slices.ContainsFunc(list, func(d consensus.Decision) bool { return d.Question == q && d.To == domain.QuestionDisputed }) {
		t.Errorf("with a higher threshold it is not disputed: %+v", list)
	}
	s.Touch(q)
	decide(domain.QuestionSettled)
	if p, _ := s.Progress(q); p.Accepted != (domain.Truth{Kind: domain.TruthMatch}) {
		t.Errorf("%+v was accepted", p.Accepted)
	}
	// A person knows better, and has the last word.
	word := &domain.AnnotationWithdrawn{Finding: domain.Finding{Image: "i", Keyword: "illustration"}, Reason: "it is one"}
	word.Challenge, word.ID.UUID = domain.ChallengeID(domain.AnnotationOf("i", "illustration")), j.id()
	j.append(word)
	for range 20 {
		j.answered(j.board(domain.TrustImported), domain.Answer{Selected: []uint32{1, 2}})
	}
	decide(domain.QuestionOpen)
}

// TestPromotedIsWithdrawn has a wrong promotion fall by what the good say of it
// once it is dealt as known.
func TestPromotedIsWithdrawn(t *testing.T) {
	t.Parallel()
	q := consensus.Question{Image: "i", Keyword: "illustration"}
	j := newJournal()
	for range 3 { // wrongly
		c := j.board(domain.TrustNone)
		c.Positions[0].Role, c.Positions[0].Expected = domain.RoleUnknown, domain.Truth{}
		j.answered(c, domain.Answer{Selected: []uint32{0, 1, 2}})
	}
	e := &domain.AnnotationAccepted{Finding: domain.Finding{Image: "i", Keyword: "illustration", Truth: domain.Truth{Kind: domain.TruthMatch, Match: true}}}
	e.Challenge, e.ID.UUID = domain.ChallengeID(domain.AnnotationOf("i", "illustration")), j.id()
	j.append(e)
	d, n := j.until(t, q, 30, func(int) {
		j.answered(j.board(domain.TrustPromoted), domain.Answer{Selected: []uint32{1, 2}})
	})
	if n < 1 || n > 4 || d.To == domain.QuestionSettled || d.After == 0 {
		t.Errorf("after %d good contradictions: %+v", n, d)
	}
	t.Logf("withdrawn after %d contradictions", n)
}

// TestNeeds has an image need fewer votes with every good one, and none when it
// is settled.
func TestNeeds(t *testing.T) {
	t.Parallel()
	rules := consensus.DefaultRules()
	j := newJournal()
	s := consensus.NewState(j.params())
	need := func() (n uint8, found bool) {
		feed(t, s, j.records)
		for _, n := range s.Needs(&rules, 1<<20) {
			if n.Image == "i" {
				return n.Votes, true
			}
		}
		return 0, false
	}
	vote := func() {
		c := j.board(domain.TrustImported)
		c.Positions[0].Role, c.Positions[0].Expected, c.Positions[0].Trust = domain.RoleUnknown, domain.Truth{}, domain.TrustNone
		j.answered(c, domain.Answer{Selected: []uint32{0, 1, 2}})
	}
	vote()
	first, found := need()
	if !found || first < 1 {
		t.Fatalf("after a vote it needs %d (found %v)", first, found)
	}
	if _, again := need(); again {
		t.Error("what has not changed is said again")
	}
	for n := first; n > 0; n-- {
		vote()
	}
	list, _ := s.Decisions(&rules, 0)
	if len(list) != 0 {
		t.Error("more was looked at than was asked for")
	}
	feed(t, s, j.records)
	list, _ = s.Decisions(&rules, 1<<20)
	var settled bool
	for _, d := range list {
		if d.Question.Image == "i" {
			settled = d.To == domain.QuestionSettled
			j.append(d.Event(domain.EventID{UUID: j.id()}, j.now))
		}
	}
	if !settled {
		t.Errorf("it needed %d votes and is not settled by as many: %+v", first, list)
	}
	if n, found := need(); !found || n != 0 {
		t.Errorf("settled, it needs %d (found %v)", n, found)
	}
	if len(s.Trials()) != 0 {
		t.Error("it has been tried before it was settled")
	}
	vote()
	feed(t, s, j.records)
	if list := s.Trials(); len(list) != 1 || list[0].Tried != 1 || list[0].Question.Image != "i" {
		t.Errorf("after an answer the trials are %+v", list)
	}
	if counts := s.Statuses(); counts[domain.QuestionSettled] != 1 || counts[domain.QuestionOpen] != s.Questions()-1 {
		t.Errorf("the statuses are %v of %d", counts, s.Questions())
	}
}

// TestRestoredByVotes has votes refute a truth on record and others restore it.
// Until all nodes have heard of that, the image is dealt as an unknown one still:
// that is no reason to take it for one that the collection has no record of, and
// to dispute what is on record.
func TestRestoredByVotes(t *testing.T) {
	t.Parallel()
	j := newJournal()
	q := consensus.Question{Image: "i", Keyword: "illustration"}
	rules, err := consensus.RulesFor(0.02)
	if err != nil {
		t.Fatal(err)
	}
	s := consensus.NewState(j.params())
	decide := func() (d consensus.Decision, ok bool) {
		feed(t, s, j.records)
		list, _ := s.Decisions(&rules, 1<<20)
		i := slices.IndexFunc(list, func(d consensus.Decision) bool { return d.Question == q })
		if i < 0 {
			return d, false
		}
		j.append(list[i].Event(domain.EventID{UUID: j.id()}, j.now))
		feed(t, s, j.records)
		return list[i], true
	}
	asKnown := func(selected []uint32) { j.answered(j.board(domain.TrustImported), domain.Answer{Selected: selected}) }
	asUnknown := func(prior float64) {
		c := j.board(domain.TrustImported)
		c.Positions[0] = domain.Position{Image: "i", Collection: "c", Role: domain.RoleUnknown, Prior: prior}
		j.answered(c, domain.Answer{Selected: []uint32{0, 1, 2}})
	}
	expect := func(what string, want domain.QuestionStatus, answer func()) {
		t.Helper()
		for n := range 30 {
			answer()
			if d, ok := decide(); ok {
				if d.To != want {
					t.Fatalf("%s: it becomes %s", what, d.To)
				}
				t.Logf("%s after %d", what, n+1)
				return
			}
		}
		t.Fatalf("%s: nothing is decided", what)
	}
	expect("refuted", domain.QuestionRefuted, func() { asKnown([]uint32{1, 2}) })
	expect("restored", domain.QuestionOpen, func() { asUnknown(domain.RefutedPrior) })
	for n := range 20 {
		asUnknown(domain.RefutedPrior)
		if d, ok := decide(); ok {
			t.Fatalf("answer %d to the image, which is dealt as refuted still: it becomes %s", n+1, d.To)
		}
	}
	if p, _ := s.Progress(q); !p.OnRecord {
		t.Error("nothing is on record any more")
	}
	// Whoever takes it from the collection's record has it asked as any other.
	asUnknown(0)
	if p, _ := s.Progress(q); p.OnRecord {
		decide()
		if p, _ = s.Progress(q); p.OnRecord {
			t.Error("it is on record still")
		}
	}
}

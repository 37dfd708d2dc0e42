package consensus

import (
	"strings"
	"testing"

	"ocapi/domain"
)

func TestMethodsHaveNames(t *testing.T) {
	t.Parallel()
	if Methods()[0] != Method(0) {
		t.Errorf("the default is %v", Methods()[0])
	}
	for _, m := range Methods() {
		if got, err := ParseMethod(m.String()); err != nil || got != m {
			t.Errorf("%q is %v, %v", m.String(), got, err)
		}
	}
	if _, err := ParseMethod("glad"); err == nil || !strings.Contains(err.Error(), "two-and-a-half") {
		t.Errorf("an unknown method is refused with %v", err)
	}
}

func TestDawidSkeneIsRefusedWhereNobodyIsKnown(t *testing.T) {
	t.Parallel()
	_, err := Builtin().BeliefBy(MethodDawidSkene, lion, &Tally{}, Prior{})
	if err == nil || !strings.Contains(err.Error(), "anonymous worker") || !strings.Contains(err.Error(), "81.9 %") {
		t.Errorf("it is refused with %v", err)
	}
	for _, m := range Methods()[:3] {
		if err := m.Anonymous(); err != nil {
			t.Errorf("%v: %v", m, err)
		}
	}
}

// A vote in these tests: what is said, and by somebody with which board.
func said(kind domain.VoteKind, n int) func(*Tally) {
	return func(t *Tally) { t.Add(vote(board(3, 1), kind), n) }
}

func typed(text string, g TextGold, n int) func(*Tally) {
	return func(t *Tally) {
		t.Add(&Ballot{Vote: domain.Vote{Type: domain.TypeTranscription, Kind: domain.VoteText, Text: text}, Gold: Gold{Text: g}}, n)
	}
}

func TestCountingMethods(t *testing.T) {
	t.Parallel()
	yes, no := domain.Truth{Kind: domain.TruthMatch, Match: true}, domain.Truth{Kind: domain.TruthMatch}
	text := func(s string) domain.Truth { return domain.Truth{Kind: domain.TruthText, Text: s} }
	page := Question{Image: "a line"}
	for _, c := range []struct {
		name     string
		method   Method
		question Question
		votes    []func(*Tally)
		prior    Prior
		want     Belief
	}{
		{"two to one", MethodMajority, lion, []func(*Tally){said(domain.VoteFor, 2), said(domain.VoteAgainst, 1)}, Prior{},
			Belief{Truth: yes, Probability: 0.6, RunnerUp: no, RunnerUpProbability: 0.4, Unreadable: 0.2, Votes: 3}},
		{"a tie", MethodMajority, lion, []func(*Tally){said(domain.VoteFor, 1), said(domain.VoteAgainst, 1)}, Prior{},
			Belief{Truth: no, Probability: 0.5, RunnerUp: yes, RunnerUpProbability: 0.5, Unreadable: 0.25, Votes: 2}},
		{"a majority has no machine", MethodMajority, lion, []func(*Tally){said(domain.VoteFor, 1)}, Prior{Guess: no, Probability: 0.99},
			Belief{Truth: yes, Probability: 2.0 / 3, RunnerUp: no, RunnerUpProbability: 1.0 / 3, Unreadable: 1.0 / 3, Votes: 1}},
		{"two and a machine", MethodTwoAndAHalf, lion, []func(*Tally){said(domain.VoteFor, 2)}, Prior{Guess: yes, Probability: 0.6},
			Belief{Truth: yes, Probability: 7.0 / 9, RunnerUp: no, RunnerUpProbability: 2.0 / 9, Unreadable: 0.25, Votes: 2, Settled: true}},
		{"two without", MethodTwoAndAHalf, lion, []func(*Tally){said(domain.VoteFor, 2)}, Prior{},
			Belief{Truth: yes, Probability: 0.75, RunnerUp: no, RunnerUpProbability: 0.25, Unreadable: 0.25, Votes: 2}},
		{"three against a machine and one", MethodTwoAndAHalf, lion, []func(*Tally){said(domain.VoteFor, 3), said(domain.VoteAgainst, 1)}, Prior{Guess: no, Probability: 0.6},
			Belief{Truth: yes, Probability: 8.0 / 13, RunnerUp: no, RunnerUpProbability: 5.0 / 13, Unreadable: 1.0 / 6, Votes: 4, Settled: true}},
		{"both have three", MethodTwoAndAHalf, lion, []func(*Tally){said(domain.VoteFor, 4), said(domain.VoteAgainst, 3)}, Prior{},
			Belief{Truth: yes, Probability: 5.0 / 9, RunnerUp: no, RunnerUpProbability: 4.0 / 9, Unreadable: 1.0 / 9, Votes: 7}},
		{"nobody", MethodMajority, lion, nil, Prior{}, Belief{}},
		{"only unreadable", MethodMajority, lion, []func(*Tally){said(domain.VoteUnreadable, 2)}, Prior{}, Belief{Unreadable: 0.75, Votes: 2}},
		{"texts by their normal form", MethodMajority, page, []func(*Tally){typed("Thomas  LEWIS", GoldWrong, 1), typed("Thomas Lewis", GoldExact, 2), typed("Tom", GoldExact, 2)}, Prior{},
			Belief{Truth: text("Thomas Lewis"), Probability: 4.0 / 7, RunnerUp: text("Tom"), RunnerUpProbability: 3.0 / 7, Unreadable: 1.0 / 7, Votes: 5, Perfect: 4}},
		{"two and a machine that reads the same", MethodTwoAndAHalf, page, []func(*Tally){typed("Lewis", GoldExact, 2)}, Prior{Guess: text("lewis"), Probability: 0.5},
			Belief{Truth: text("Lewis"), Probability: 7.0 / 9, Unreadable: 0.25, Votes: 2, Perfect: 2, Settled: true}},
		{"two and a machine that reads otherwise", MethodTwoAndAHalf, page, []func(*Tally){typed("Lewis", GoldExact, 2)}, Prior{Guess: text("Levis"), Probability: 0.5},
			Belief{Truth: text("Lewis"), Probability: 6.0 / 9, RunnerUp: text("Levis"), RunnerUpProbability: 3.0 / 9, Unreadable: 0.25, Votes: 2, Perfect: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var tally Tally
			for _, v := range c.votes {
				v(&tally)
			}
			got, err := Builtin().BeliefBy(c.method, c.question, &tally, c.prior)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("it is %+v\nwant  %+v", got, c.want)
			}
		})
	}
}

func TestTheDefaultMethodIsTheModel(t *testing.T) {
	t.Parallel()
	var tally Tally
	said(domain.VoteFor, 3)(&tally)
	got, err := Builtin().BeliefBy(MethodBayes, lion, &tally, Prior{})
	if want := Builtin().Belief(lion, &tally, Prior{}); err != nil || got != want {
		t.Errorf("it is %+v, %v; want %+v", got, err, want)
	}
}

package consensus_test

import (
	"testing"

	"ocapi/consensus"
	"ocapi/domain"
)

// times is a vote and how often it comes.
type times struct {
	typed
	n int
}

func exact(text string, n int) times  { return times{typed{consensus.GoldExact, text, false}, n} }
func near(text string, n int) times   { return times{typed{consensus.GoldNear, text, false}, n} }
func wrong(text string, n int) times  { return times{typed{consensus.GoldWrong, text, false}, n} }
func untold(text string, n int) times { return times{typed{consensus.GoldNone, text, false}, n} }
func marks(g consensus.TextGold, n int) times {
	return times{typed{g, "", true}, n}
}

func tally(votes ...times) *consensus.TextTally {
	t := &consensus.TextTally{}
	for _, v := range votes {
		v.addTo(t, v.n)
	}
	return t
}

func guess(text string, p float64) consensus.Prior {
	return consensus.Prior{Guess: domain.Truth{Kind: domain.TruthText, Text: text}, Probability: p}
}

// TestBelief holds what is believed of what was typed. Bounds are what the
// model's figures say: of one exact vote .90, of two that agree .98.
func TestBelief(t *testing.T) {
	t.Parallel()
	type between struct{ least, most float64 }
	tests := map[string]struct {
		votes       *consensus.TextTally
		prior       consensus.Prior
		truth       string
		probability between
		runnerUp    string
		unreadable  between
		merged      bool
		perfect     int
		hard        between
	}{
		"nothing":                      {votes: tally()},
		"one exact":                    {votes: tally(exact("London", 1)), truth: "London", probability: between{.89, .91}, perfect: 1},
		"one near":                     {votes: tally(near("London", 1)), truth: "London", probability: between{.61, .66}},
		"one wrong":                    {votes: tally(wrong("London", 1)), truth: "London", probability: between{.50, .56}},
		"one of whom nothing is known": {votes: tally(untold("London", 1)), truth: "London", probability: between{.85, .88}},
		"two that agree":               {votes: tally(exact("London", 2)), truth: "London", probability: between{.97, .99}, perfect: 2},
		"two that got theirs wrong":    {votes: tally(wrong("London", 2)), truth: "London", probability: between{.5, .85}},
		"case and spaces are nothing":  {votes: tally(exact("london", 1), exact("London ", 1)), truth: "London ", probability: between{.97, .99}, perfect: 2},
		"spelt as most do":             {votes: tally(exact("london", 1), exact("London", 2)), truth: "London", probability: between{.98, 1}, perfect: 3},
		"spelt as the better do":       {votes: tally(wrong("london", 1), exact("London", 1)), truth: "London", probability: between{.9, 1}, perfect: 1},
		"one is against":               {votes: tally(exact("London", 2), exact("Landon", 1)), truth: "London", probability: between{.8, .97}, runnerUp: "Landon", perfect: 3},
		"good against bad":             {votes: tally(exact("London", 1), wrong("Landon", 1)), truth: "London", probability: between{.6, .95}, runnerUp: "Landon", perfect: 1},
		"all say something else": {
			votes: tally(exact("Londom", 1), exact("London", 1), exact("Lambeth", 1), exact("Landon", 1)),
			truth: "London", probability: between{.1, .5}, runnerUp: "Landon", perfect: 4, hard: between{.5, 1},
		},
		"the middle one": {
			votes: tally(exact("Ulcered leg of", 1), exact("Ulcerod leg", 1), exact("Ulcered leg", 1)),
			truth: "Ulcered leg", probability: between{.1, .9}, runnerUp: "Ulcerod leg", perfect: 3, hard: between{.1, 1},
		},
		"a guess alone":             {votes: tally(), prior: guess("London", .8), truth: "London", probability: between{.77, .8}},
		"a guess and a vote":        {votes: tally(exact("london", 1)), prior: guess("London", .8), truth: "london", probability: between{.95, .99}, perfect: 1},
		"a sure guess, a vote":      {votes: tally(exact("london", 1)), prior: guess("London", .99), truth: "London", probability: between{.99, 1}, perfect: 1},
		"a guess contradicted":      {votes: tally(exact("Leeds", 3)), prior: guess("London", .8), truth: "Leeds", probability: between{.9, .99}, runnerUp: "London", perfect: 3},
		"a record contradicted":     {votes: tally(exact("Leeds", 4)), prior: guess("London", .99), truth: "Leeds", probability: between{.5, .999}, runnerUp: "London", perfect: 4, hard: between{0, .5}},
		"one cannot read it":        {votes: tally(marks(consensus.GoldExact, 1)), unreadable: between{.2, .6}, perfect: 1, hard: between{.1, .5}},
		"two cannot":                {votes: tally(marks(consensus.GoldExact, 2)), unreadable: between{.8, .96}, perfect: 2},
		"three cannot":              {votes: tally(marks(consensus.GoldExact, 3)), unreadable: between{.97, 1}, perfect: 3},
		"three who can read little": {votes: tally(marks(consensus.GoldWrong, 3)), unreadable: between{.1, .6}, hard: between{.1, .9}},
		"two can, one cannot":       {votes: tally(exact("London", 2), marks(consensus.GoldExact, 1)), truth: "London", probability: between{.75, .95}, perfect: 3, unreadable: between{0, .1}},
		"words voted on": {
			votes: tally(exact("teh cat sat down", 1), exact("the cat sat dawn", 1), exact("the cot sat down", 1)),
			truth: "the cat sat down", merged: true, runnerUp: "the cat sat dawn", perfect: 3, hard: between{.5, 1},
		},
		"three words are not": {
			votes: tally(exact("teh cat sat", 1), exact("the cat sit", 1), exact("the cot sat", 1)),
			truth: "the cat sit", runnerUp: "the cot sat", perfect: 3, hard: between{.1, 1},
		},
		"accents are kept":   {votes: tally(exact("Elève", 1), exact("Élève", 1)), truth: "Elève", runnerUp: "Élève", probability: between{.2, .6}, perfect: 2},
		"accents are folded": {votes: tally(exact("Elève", 1), exact("Élève", 1)), prior: consensus.Prior{Accents: consensus.AccentsFolded}, truth: "Elève", probability: between{.97, 1}, perfect: 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := (&consensus.TextModel{}).Belief(tt.votes, tt.prior)
			if b.Truth.Text != tt.truth || (b.Truth.Kind == domain.TruthText) != (tt.truth != "") || b.RunnerUp.Text != tt.runnerUp {
				t.Errorf("%q, then %q; want %q, then %q", b.Truth.Text, b.RunnerUp.Text, tt.truth, tt.runnerUp)
			}
			for what, x := range map[string]struct {
				got  float64
				want between
			}{"probability": {b.Probability, tt.probability}, "unreadable": {b.Unreadable, tt.unreadable}, "hard": {b.Hard, tt.hard}} {
				if x.want.most == 0 {
					x.want.most = 0.5
				}
				if x.got < x.want.least || x.got > x.want.most {
					t.Errorf("%s is %v, want %v to %v", what, x.got, x.want.least, x.want.most)
				}
			}
			if b.Merged != tt.merged || b.Perfect != tt.perfect {
				t.Errorf("merged %v, perfect %d; want %v, %d", b.Merged, b.Perfect, tt.merged, tt.perfect)
			}
		})
	}
}

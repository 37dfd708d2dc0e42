package consensus

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"ocapi/domain"
)

// rubbish gives ballots of n kinds on a text, of people who type anything.
func rubbish(rng *rand.Rand, n int) []Ballot {
	list := make([]Ballot, n)
	for i := range list {
		b := &list[i]
		b.Type, b.Kind, b.Text = domain.TypeTranscription, domain.VoteText, fmt.Sprintf("rubbish of number %x", rng.IntN(n))
		b.Gold.Text = TextGold(rng.IntN(int(GoldExact) + 1))
		if i%7 == 0 {
			b.Kind, b.Text = domain.VoteUnreadable, ""
		}
	}
	return list
}

// TestTallyOfManyReadings has a question give the tally of its ballots however
// many readings it has, also while votes are owed, and when all are taken back.
func TestTallyOfManyReadings(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 20, 50, 2000} {
		q := newQuestions()
		row := q.row("image", "")
		var want Tally
		list := rubbish(rng, n)
		for round, times := range []int{1, 2, -4, 1} { // the third round owes votes, the last leaves none
			for i := range list {
				if round == 0 && i%3 == 0 {
					continue // so that some are owed more than there are
				}
				q.Count(row, &list[i], int32(times))
				want.Add(&list[i], times)
			}
			if got := q.Tally(row); !got.texts.Equal(&want.texts) {
				t.Fatalf("%d ballots, round %d: the tally is another than theirs", n, round)
			}
		}
		if n > 2 && len(want.texts.packed) == 0 {
			t.Fatal("nothing was compared")
		}
	}
}

// TestTimeOfManyReadings has a look at a text of 20,000 ballots take no time to
// speak of, be it known or not: there is one with each answer, where somebody
// types rubbish, and each answer has both texts looked at.
func TestTimeOfManyReadings(t *testing.T) {
	t.Parallel()
	s := NewState(StateParams{})
	list := rubbish(rand.New(rand.NewPCG(1, 3)), 20_000)
	var rows [2]uint32
	for i, image := range []domain.ImageID{"unknown", "known"} {
		rows[i] = s.questions.row(image, "")
		for k := range list {
			s.questions.Count(rows[i], &list[k], 1)
		}
	}
	s.questions.rows[rows[1]].record = s.questions.answer(domain.Truth{Kind: domain.TruthText, Text: "juillet"})
	rules := DefaultRules()
	for _, row := range rows {
		began := time.Now()
		s.decide(&rules, row)
		// 30 ms; five seconds where each reading is looked for among all.
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("to look at %s took %s", s.questions.Question(row).Image, took)
		}
	}
}

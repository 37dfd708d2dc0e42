package consensus

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"ocapi/domain"
)

// Saving is how many votes the model does without, where it is as accurate as a
// rule that has none.
type Saving struct {
	Than  string  `json:"than"`
	Votes float64 `json:"votes"` // share of the rule's votes; less than 0 where it takes more
}

// rival is a rule without a model: how many votes it uses of those that come, and
// what it says after them.
type rival struct {
	name string
	stop func(yes, no int) bool
}

var rivals = []rival{
	{"three votes", func(yes, no int) bool { return yes+no >= 3 }},
	{"five votes", func(yes, no int) bool { return yes+no >= 5 }},
	{"three that agree", func(yes, no int) bool { return yes >= 3 || no >= 3 }},
}

// votesSaved gives, for each rival, the share of its votes that the model does
// without at the same accuracy, when the votes come in random orders; less than 0
// where it takes more.
func votesSaved(l *challengeLog) []Saving {
	const orders = 3
	type point struct{ votes, right float64 }
	thresholds := []float64{0, .5}
	for p := 0.52; p < 0.9; p += 0.02 {
		thresholds = append(thresholds, p)
	}
	for miss := 0.1; miss > 0.0005; miss *= 0.8 {
		thresholds = append(thresholds, 1-miss)
	}
	theirs, ours := make([]point, len(rivals)), make([]point, len(thresholds))
	m, random := l.model(), rand.New(rand.NewPCG(11, 12))
	for _, q := range l.questions() {
		for range orders {
			random.Shuffle(len(q.votes), func(i, j int) { q.votes[i], q.votes[j] = q.votes[j], q.votes[i] })
			yes, no, reached := 0, 0, 0
			stopped := make([]bool, len(rivals))
			var tally Tally
			for i := range q.votes {
				tally.Add(&q.votes[i], 1)
				if q.votes[i].Kind == domain.VoteFor {
					yes++
				} else {
					no++
				}
				last := i == len(q.votes)-1
				for k, r := range rivals {
					if stopped[k] || !last && !r.stop(yes, no) {
						continue
					}
					stopped[k] = true
					theirs[k].votes += float64(yes + no)
					switch {
					case yes == no:
						theirs[k].right += 0.5
					case yes > no == q.truth:
						theirs[k].right++
					}
				}
				if reached < len(thresholds) {
					b := m.Belief(q.Question, &tally, Prior{})
					for ; reached < len(thresholds) && (last || b.Probability >= thresholds[reached]); reached++ {
						ours[reached].votes += float64(yes + no)
						ours[reached].right += q.right(&b)
					}
				}
				if reached == len(thresholds) && !slices.Contains(stopped, false) {
					break
				}
			}
		}
	}
	saved := make([]Saving, len(rivals))
	for k, r := range theirs {
		best := math.Inf(1)
		for i, p := range ours {
			if p.right >= r.right {
				best = min(best, p.votes)
			}
			// Between two thresholds one can toss a coin.
			if i > 0 && (p.right >= r.right) != (ours[i-1].right >= r.right) {
				share := (r.right - ours[i-1].right) / (p.right - ours[i-1].right)
				best = min(best, ours[i-1].votes+share*(p.votes-ours[i-1].votes))
			}
		}
		saved[k].Than = rivals[k].name
		if !math.IsInf(best, 1) { // otherwise it is not reached with all votes either: nothing is claimed
			saved[k].Votes = 1 - best/r.votes
		}
	}
	return saved
}

// VotesLikeThree gives how many votes a task the model takes to be as often right
// as when three have to agree, which take three; between two thresholds
// precision is taken to rise evenly. Only tasks with at least three votes count.
// Where votes run out before most doubtful texts are settled, settled has the
// settled ones alone compared. The options' threshold is not looked at.
func VotesLikeThree(s *TextSet, o TextOptions, settled bool) (votes, three float64, err error) {
	enough := &TextSet{}
	for _, t := range s.Tasks {
		if len(t.Votes) >= 3 {
			enough.Tasks = append(enough.Tasks, t)
		}
	}
	precision := func(f *TextFigures) float64 {
		if settled {
			return 1 - f.Wrong
		}
		return f.Accuracy
	}
	var last TextFigures
	for _, o.Threshold = range []float64{0.8, 0.82, 0.85, 0.9, 0.95, 0.97} {
		list, err := EvaluateTexts(enough, o)
		if err != nil {
			return 0, 0, err
		}
		var agreed, ours TextFigures
		for _, f := range list {
			switch f.Method {
			case MethodThreeAgree:
				agreed = f
			case MethodSettled:
				ours = f
			}
		}
		if want := precision(&agreed); precision(&ours) >= want {
			votes = ours.Votes
			if was := precision(&last); last.Answers > 0 {
				votes = last.Votes + (ours.Votes-last.Votes)*(want-was)/(precision(&ours)-was)
			}
			return votes, agreed.Votes, nil
		}
		last = ours
	}
	return 0, 0, errors.New("no threshold is as often right as three who agree")
}

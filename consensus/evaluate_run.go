package consensus

import (
	"fmt"
	"slices"

	"ocapi/domain"
)

// evaluate runs the methods on a log of challenges.
func (l *challengeLog) evaluate(rules *Rules) (*Evaluation, error) {
	questions := l.questions()
	if len(questions) == 0 {
		return nil, fmt.Errorf("none of the %d unknown tasks has truth on record", len(l.tasks))
	}
	e := &Evaluation{
		Kind: "challenges", Tasks: len(l.tasks), Answers: len(l.votes), Challenges: len(l.lines), Labels: 2, Truths: len(questions), Unanswered: l.skipped,
	}
	model := l.model()
	e.Methods = append(e.Methods,
		model.figures("majority", questions, MethodMajority),
		model.figures("majority of passed", passed(questions), MethodMajority),
		twoAndAHalf(questions),
		model.figures("bayes", questions, MethodBayes),
		model.stopping("bayes, stopping", questions, rules),
	)
	e.Saved = votesSaved(l)
	e.Refused = []Refusal{{MethodDawidSkene.String(), MethodDawidSkene.Anonymous().Error()}}
	return e, nil
}

// passed leaves the votes of challenges that were passed, and all of a question
// that has none of these: it is how a captcha that drops the others counts.
func passed(questions []question) []question {
	list := slices.Clone(questions)
	for i := range list {
		var votes []Ballot
		for _, v := range list[i].votes {
			if v.Gold.Perfect() {
				votes = append(votes, v)
			}
		}
		if votes != nil {
			list[i].votes = votes
		}
	}
	return list
}

// figures scores a method on all votes.
func (m *Model) figures(name string, questions []question, x Method) Figures {
	var s score
	for i := range questions {
		q := &questions[i]
		var t Tally
		for j := range q.votes {
			t.Add(&q.votes[j], 1)
		}
		b := m.must(x, q, &t)
		s.add(b.Probability, q.right(&b), b.Votes)
	}
	return s.figures(name)
}

// must gives the belief by a method that tallies can be asked by.
func (m *Model) must(x Method, q *question, t *Tally) Belief {
	b, err := m.BeliefBy(x, q.Question, t, Prior{})
	if err != nil {
		panic(err) // whoever called with such a method
	}
	return b
}

// right is the share of a belief that is: a half where both answers tie.
func (q *question) right(b *Belief) float64 {
	switch {
	case b.Probability == b.RunnerUpProbability || b.Truth.Kind == domain.TruthNone:
		return 0.5
	case b.Truth.Match == q.truth:
		return 1
	}
	return 0
}

// stopping scores the model when votes come one by one, in the order of the
// file, and no more are asked for once the rules settle or dispute the question.
func (m *Model) stopping(name string, questions []question, rules *Rules) Figures {
	var s score
	for i := range questions {
		q := &questions[i]
		var t Tally
		b := m.must(MethodBayes, q, &t)
		for j := range q.votes {
			t.Add(&q.votes[j], 1)
			b = m.must(MethodBayes, q, &t)
			if status := rules.Of(domain.QuestionOpen, &b, 0, false); status == domain.QuestionSettled {
				s.settle(b.Truth.Match == q.truth)
				break
			} else if status != domain.QuestionOpen {
				break
			}
		}
		s.add(b.Probability, q.right(&b), b.Votes)
	}
	return s.figures(name)
}

// twoAndAHalf scores reCAPTCHA's rule without a machine's guess, as votes come.
func twoAndAHalf(questions []question) Figures {
	var s score
	m := Builtin()
	for i := range questions {
		q := &questions[i]
		var t Tally
		var b Belief
		for j := range q.votes {
			t.Add(&q.votes[j], 1)
			if b = m.must(MethodTwoAndAHalf, q, &t); b.Settled {
				s.settle(b.Truth.Match == q.truth)
				break
			}
		}
		s.add(b.Probability, q.right(&b), b.Votes)
	}
	return s.figures("two and a half votes")
}

// evaluate runs the methods on answers of known workers.
func (c *crowd) evaluate(rules *Rules) (*Evaluation, error) {
	scored := 0
	for _, z := range c.truth {
		if z >= 0 {
			scored++
		}
	}
	if scored == 0 {
		return nil, fmt.Errorf("none of the %d tasks has truth on record: give it in a column truth, or in a file of its own", len(c.tasks.list))
	}
	e := &Evaluation{
		Kind: "labels", Tasks: len(c.tasks.list), Answers: len(c.answers), Workers: len(c.workers.list), Labels: len(c.labels.list), Truths: scored, Unanswered: c.skipped,
	}
	e.Methods = append(e.Methods, c.majority(), c.twoAndAHalf())
	d, err := FitDawidSkene(c.answers, len(c.tasks.list), len(c.workers.list), len(c.labels.list))
	if err != nil {
		e.Refused = append(e.Refused, Refusal{MethodDawidSkene.String(), err.Error()})
	} else {
		e.Methods = append(e.Methods, c.dawidSkene(d))
	}
	if questions, ok := c.questions(); ok {
		nobody := *rules
		nobody.LeastPerfect = 0 // there is no gold to be perfect on
		e.Methods = append(e.Methods, Builtin().figures("bayes without gold", questions, MethodBayes), Builtin().stopping("the same, stopping", questions, &nobody))
	} else {
		e.Refused = append(e.Refused, Refusal{MethodBayes.String(), "it weighs yes against no, and the labels are not 0 and 1"})
	}
	return e, nil
}

// counts counts the answers to each task: label by label of one task after the
// other.
func (c *crowd) counts() []int {
	n := make([]int, len(c.tasks.list)*len(c.labels.list))
	for _, a := range c.answers {
		n[int(a.Task)*len(c.labels.list)+int(a.Label)]++
	}
	return n
}

func (c *crowd) majority() Figures {
	var s score
	l, counts := len(c.labels.list), c.counts()
	for i, z := range c.truth {
		if z >= 0 {
			addPlurality(&s, counts[i*l:][:l], int(z))
		}
	}
	return s.figures("majority")
}

// addPlurality scores the label with most votes, with Laplace's probability.
func addPlurality(s *score, counts []int, truth int) {
	top, all, ties := slices.Max(counts), 0, 0
	for _, n := range counts {
		all += n
		if n == top {
			ties++
		}
	}
	right := 0.0
	if counts[truth] == top {
		right = 1 / float64(ties)
	}
	s.add(float64(top+1)/float64(all+len(counts)), right, all)
}

// twoAndAHalf stops asking about a task when three have said the same.
func (c *crowd) twoAndAHalf() Figures {
	var s score
	l := len(c.labels.list)
	counts := make([]int, len(c.tasks.list)*l)
	settled := make([]int32, len(c.tasks.list)) // label + 1
	for _, a := range c.answers {
		if settled[a.Task] > 0 {
			continue
		}
		n := &counts[int(a.Task)*l+int(a.Label)]
		if *n++; personHalves**n >= settleHalves {
			settled[a.Task] = a.Label + 1
		}
	}
	for i, z := range c.truth {
		if z < 0 {
			continue
		}
		addPlurality(&s, counts[i*l:][:l], int(z))
		if settled[i] > 0 {
			s.settle(settled[i] == z+1)
		}
	}
	return s.figures("two and a half votes")
}

func (c *crowd) dawidSkene(d *DawidSkene) Figures {
	var s score
	l, counts := len(c.labels.list), c.counts()
	for i, z := range c.truth {
		if z < 0 {
			continue
		}
		row := d.Posterior[i*l:][:l]
		best, votes := 0, 0
		for j := range row {
			votes += counts[i*l+j]
			if row[j] > row[best] {
				best = j
			}
		}
		right := 0.0
		if best == int(z) {
			right = 1
		}
		s.add(row[best], right, votes)
	}
	return s.figures(MethodDawidSkene.String())
}

// questions gives the scored tasks as questions that nobody's gold is known of,
// where the labels are 0 and 1.
func (c *crowd) questions() ([]question, bool) {
	yes := slices.Index(c.labels.list, "1")
	if yes < 0 || len(c.labels.list) != 2 || !slices.Contains(c.labels.list, "0") {
		return nil, false
	}
	list := make([]question, len(c.tasks.list))
	for _, a := range c.answers {
		kind := domain.VoteAgainst
		if int(a.Label) == yes {
			kind = domain.VoteFor
		}
		list[a.Task].votes = append(list[a.Task].votes, Ballot{Vote: domain.Vote{Type: domain.TypeClassification, Kind: kind}})
	}
	kept := list[:0]
	for i := range list {
		if c.truth[i] >= 0 {
			q := list[i]
			q.Question, q.truth = Question{domain.ImageID(c.tasks.list[i]), rateName(0)}, int(c.truth[i]) == yes
			kept = append(kept, q)
		}
	}
	return kept, true
}

package consensus

import (
	"time"

	"ocapi/domain"
)

// ImportedProbability is that of a truth on record before anybody answers: in
// the samples one label in fifty is wrong.
const ImportedProbability = 0.98

// Decision is what the votes say should become of a question.
type Decision struct {
	Question Question
	From, To domain.QuestionStatus
	Finding  domain.Finding
	After    domain.Sequence // of the last event about the question that was counted; 0: there is none
}

// Event gives the event that says so.
func (d *Decision) Event(id domain.EventID, now time.Time) domain.Event {
	h := domain.Header{ID: id, Challenge: domain.ChallengeID(domain.AnnotationOf(d.Question.Image, d.Question.Keyword)), At: domain.Moment(now)}
	switch d.To {
	case domain.QuestionSettled:
		return &domain.AnnotationAccepted{Header: h, Finding: d.Finding}
	case domain.QuestionDisputed:
		return &domain.AnnotationDisputed{Header: h, Finding: d.Finding}
	case domain.QuestionUnreadable:
		return &domain.ImageUnreadable{Header: h, Finding: d.Finding}
	case domain.QuestionOpen, domain.QuestionRefuted:
	}
	return &domain.AnnotationWithdrawn{Header: h, Finding: d.Finding, Refuted: d.To == domain.QuestionRefuted}
}

// Progress is how far a question has come; see [State.Progress].
type Progress struct {
	Question   Question
	Collection domain.CollectionID
	Status     domain.QuestionStatus
	Accepted   domain.Truth // with QuestionSettled
	OnRecord   bool
	Belief     Belief
	Tried      uint32 // answers since it was settled
	Decided    domain.Sequence
}

// Decisions looks at up to most of the questions of which something has been
// heard since they were looked at last, and gives those that should become
// something else. They stay what they are until the events that say so are
// applied; one that came to nothing is looked at again after [State.Touch].
// looked is how many were looked at: fewer than most when there are no more.
func (s *State) Decisions(r *Rules, most int) (list []Decision, looked int) {
	for looked < most && len(s.dirty) > 0 {
		row := s.dirty[len(s.dirty)-1]
		s.dirty = s.dirty[:len(s.dirty)-1]
		s.questions.rows[row].dirty = false
		looked++
		if d, ok := s.decide(r, row); ok {
			list = append(list, d)
		}
	}
	return list, looked
}

// Progress tells of one question; found is false where nothing was ever heard of
// it.
func (s *State) Progress(q Question) (p Progress, found bool) {
	row := s.questions.find(q.Image, q.Keyword)
	if row == nothing {
		return Progress{}, false
	}
	return s.progress(row), true
}

// Each visits all questions, by image and keyword, until visit is false.
func (s *State) Each(visit func(Progress) bool) {
	for _, row := range s.questions.sorted() {
		if !visit(s.progress(row)) {
			return
		}
	}
}

func (s *State) progress(row uint32) Progress {
	b, _ := s.belief(row)
	q := &s.questions.rows[row]
	return Progress{
		Question: s.questions.Question(row), Collection: domain.CollectionID(s.questions.collections.get(q.collection)), Status: q.status,
		Accepted: s.questions.truth(q.accepted), OnRecord: q.record.kind != domain.TruthNone, Belief: b, Tried: q.tried, Decided: q.decided,
	}
}

// belief gives what is believed of a question, and its tally.
func (s *State) belief(row uint32) (Belief, Tally) {
	t := s.questions.Tally(row)
	return s.model.Belief(s.questions.Question(row), &t, s.prior(row)), t
}

// prior gives what is known of a question before anybody answers it: of a truth
// that visitors have settled nothing, since their votes are counted already.
func (s *State) prior(row uint32) Prior {
	q := &s.questions.rows[row]
	switch {
	case q.record.kind != domain.TruthNone:
		return Prior{Guess: s.questions.truth(q.record), Probability: ImportedProbability}
	case q.prior > 0 && s.questions.keyword(row) != "":
		// What a machine sees in a picture is what it is asked about. What it reads
		// in a text is not in the event.
		return Prior{Guess: domain.Truth{Kind: domain.TruthMatch, Match: true}, Probability: q.prior}
	}
	return Prior{}
}

// decide says what should become of a question.
func (s *State) decide(r *Rules, row uint32) (Decision, bool) {
	q := &s.questions.rows[row]
	if q.held {
		return Decision{}, false // a person's word stands until a person says otherwise
	}
	if q.status == domain.QuestionOpen && q.record.kind != domain.TruthNone && s.contradictions(row, s.questions.truth(q.record)) < r.LeastVotes {
		return Decision{}, false // nothing refutes it, whatever it is believed to be: so it is with nearly all
	}
	b, _ := s.belief(row)
	d := Decision{
		Question: s.questions.Question(row), From: q.status, After: q.decided,
		Finding: domain.Finding{
			Collection: domain.CollectionID(s.questions.collections.get(q.collection)),
			Truth:      b.Truth, Probability: b.Probability, Votes: uint32(max(b.Votes, 0)), Merged: b.Merged,
			Model: s.model.Version, Through: s.position.Seq,
		},
	}
	d.Finding.Image, d.Finding.Keyword = d.Question.Image, d.Question.Keyword
	if q.record.kind != domain.TruthNone {
		d.To = s.onRecord(r, row, &b)
	} else {
		d.To = s.unrecorded(r, row, &b)
	}
	if d.To == domain.QuestionUnreadable {
		d.Finding.Truth, d.Finding.Probability, d.Finding.Merged = domain.Truth{}, b.Unreadable, false
	}
	changed := d.To != d.From || d.To == domain.QuestionSettled && !s.same(s.questions.truth(q.accepted), b.Truth) && s.standing(s.questions.truth(q.accepted), &b) < r.Withdraw
	return d, changed
}

// unrecorded is what becomes of a question that nothing is on record of.
func (s *State) unrecorded(r *Rules, row uint32, b *Belief) domain.QuestionStatus {
	q := &s.questions.rows[row]
	transcription := s.questions.keyword(row) == ""
	to := r.Of(q.status, b, s.standing(s.questions.truth(q.accepted), b), transcription)
	// What has been said is not taken back, and said again, with every vote about
	// the threshold.
	switch {
	case to != domain.QuestionOpen:
	case q.status == domain.QuestionUnreadable && b.Unreadable >= r.Withdraw,
		q.status == domain.QuestionDisputed && b.Votes >= r.HardVotes:
		return q.status
	}
	return to
}

// onRecord is what becomes of a question whose truth is on record. It is refuted
// when the votes make it improbable and no less people contradict it than an
// acceptance needs, each in a challenge whose other known images are all right:
// bots that contradict everything refute nothing, whatever their number. A
// transcription with one known text has no others. Its answers are counted, but
// who contradicts it there does not refute it; those of wholly known challenges
// do, which are a sixth of what a known text is shown in.
//
// A refuted truth is restored, or another is accepted, by the same rule as any
// answer. Where neither comes of as many votes more as an open question gets, it
// is disputed: it may be one of the images whose look deceives, and people are
// not asked for ever what only a curator can tell.
func (s *State) onRecord(r *Rules, row uint32, b *Belief) domain.QuestionStatus {
	q := &s.questions.rows[row]
	record := s.questions.truth(q.record)
	settle := r.SettleLabel
	if record.Kind == domain.TruthText {
		settle = r.SettleText
	}
	settled := b.Probability >= settle && b.Votes >= r.LeastVotes && b.Perfect >= r.LeastPerfect
	refuted := s.standing(record, b) < r.Withdraw && s.contradictions(row, record) >= r.LeastVotes
	switch q.status {
	case domain.QuestionRefuted, domain.QuestionDisputed, domain.QuestionUnreadable:
		most := r.CapLabels
		if record.Kind == domain.TruthText {
			most = r.CapTexts
		}
		switch {
		case settled && !s.same(b.Truth, record):
			return domain.QuestionSettled
		case settled, s.contradictions(row, record) < r.LeastVotes: // the votes that did it may be quarantined
			return domain.QuestionOpen
		case q.status == domain.QuestionRefuted && int(q.tried) >= most:
			return domain.QuestionDisputed
		}
		return q.status
	case domain.QuestionSettled: // after it was refuted, or before it was on record
		accepted := s.questions.truth(q.accepted)
		agrees := s.same(accepted, record)
		switch {
		case agrees && !refuted, !agrees && s.standing(accepted, b) >= r.Withdraw, settled && !s.same(b.Truth, record):
			return domain.QuestionSettled
		}
	case domain.QuestionOpen:
	}
	if refuted {
		return domain.QuestionRefuted
	}
	return domain.QuestionOpen
}

// contradictions counts the votes for another answer by those whose challenge was
// otherwise right.
func (s *State) contradictions(row uint32, record domain.Truth) int {
	n := 0
	var b Ballot
	s.questions.each(row, func(c *cell) {
		s.questions.ballot(c, &b)
		if !b.Gold.Perfect() {
			return
		}
		var said domain.Truth
		switch b.Kind {
		case domain.VoteText:
			said = domain.Truth{Kind: domain.TruthText, Text: b.Text}
		case domain.VoteFor, domain.VoteAgainst:
			said = domain.Truth{Kind: domain.TruthMatch, Match: b.Kind == domain.VoteFor}
		case domain.VoteUnreadable, domain.VoteInvalid:
			return
		}
		if !s.same(said, record) {
			n += int(c.n)
		}
	})
	return n
}

// standing gives the probability of an answer.
func (s *State) standing(t domain.Truth, b *Belief) float64 {
	switch {
	case s.same(t, b.Truth):
		return b.Probability
	case s.same(t, b.RunnerUp):
		return b.RunnerUpProbability
	}
	return 0 // less than the runner-up's: no threshold is that low
}

// same reports whether two answers are one, however they are spelt.
func (s *State) same(a, b domain.Truth) bool {
	if a.Kind != domain.TruthText || b.Kind != domain.TruthText {
		return a == b
	}
	return a.Text == b.Text || Normal(a.Text, AccentsKept) == Normal(b.Text, AccentsKept)
}

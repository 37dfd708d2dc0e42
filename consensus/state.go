package consensus

import (
	"context"
	"fmt"
	"math"
	"time"
	"unsafe"

	"ocapi/domain"
	"ocapi/pairing"
)

// Position is a place in the log. The zero value is before its first event.
type Position struct {
	Seq         domain.Sequence
	Incarnation domain.Incarnation
	Event       domain.EventID // at Seq
}

// State is what all events up to a position add up to: what was answered to each
// question, what is on record of it, what has been decided, and how known images
// were answered. It is the one projection that decisions are taken from, in the
// running service and in a replay: the same events give the same state, byte by
// byte, whether read at once or taken up from a snapshot, and whether
// quarantines were known beforehand or came when the votes had been counted.
//
// It takes some 150 bytes for a question with two votes. It is not safe for
// concurrent use. After an error of [State.Apply] it is of no use any more.
type State struct {
	p           StateParams
	position    Position
	pairing     *pairing.Pairing
	questions   questions
	gold        GoldCounts
	texts       TextPairs
	quarantines domain.Quarantines
	model       *Model
	modelBody   []byte
	dirty       []uint32 // rows whose decision has not been looked at
	asked       []uint32 // rows of whose images it has not been said how near they are to being settled
	trials      []uint32 // rows of settled questions that have been answered, some of them twice
	counts      [domain.QuestionRefuted + 1]int
}

// StateParams say what a state needs of the rest of the program.
type StateParams struct {
	Decode  func([]byte) (domain.Event, error) // reads the stored form of an event
	History History                            // may be nil where no answer comes without its creation, and no quarantine
	// Recent may be nil: what a process remembers of recent challenges is not held
	// again by the state.
	Recent pairing.Recent
	// Held bounds the creations that a state holds, some 600 bytes each; 0: 131,072.
	// What it does not hold is asked of the history.
	Held int
	// Model reads the body of a [domain.ModelFitted].
	Model func(version uint64, body []byte) (*Model, error)
	// Keep says which images are counted; nil: all. Challenges' own outcomes are
	// counted where the first of their images is. States of parts can be merged.
	Keep func(domain.ImageID) bool
}

// NewState makes a state before the first event.
func NewState(p StateParams) *State {
	if p.History == nil {
		p.History, p.Held = noHistory{}, math.MaxInt
	}
	return &State{p: p, pairing: p.pairing(p.Recent), questions: newQuestions(), model: Builtin()}
}

// Position is the last event that was taken in.
func (s *State) Position() Position { return s.position }

// Model gives the model in force.
func (s *State) Model() *Model { return s.model }

// Gold counts how known pictures were answered. The caller does not change it.
func (s *State) Gold() *GoldCounts { return &s.gold }

// Texts counts how known texts were typed, by how the other one of their challenge
// was.
func (s *State) Texts() *TextPairs { return &s.texts }

// Expect tells a state that has read nothing which quarantines there will be, as
// they are at the end: their votes are then never counted, instead of counted
// and taken back.
func (s *State) Expect(q domain.Quarantines) { s.quarantines = q }

// Apply takes in an event. Events that it has taken in already change nothing.
func (s *State) Apply(ctx context.Context, r domain.Record) error {
	if r.Seq <= s.position.Seq {
		return nil
	}
	if err := s.apply(ctx, r); err != nil {
		return fmt.Errorf("count event %d: %w", r.Seq, err)
	}
	s.position = Position{Seq: r.Seq, Incarnation: r.Incarnation, Event: r.Event.Head().ID}
	return nil
}

func (s *State) apply(ctx context.Context, r domain.Record) error {
	switch e := r.Event.(type) {
	case *domain.ChallengeCreated:
		if e.Type != domain.TypeAudio {
			s.pairing.Created(e, r.Seq, r.Data)
		}
	case *domain.ChallengeAnswered:
		if e.Answer.Text != nil {
			return nil // audio
		}
		c, err := s.pairing.Answered(ctx, e, r.Seq)
		if err != nil || c == nil {
			return err
		}
		s.answered(c, e)
	case *domain.VotesQuarantined, *domain.QuarantineLifted:
		return s.quarantine(ctx, r)
	case *domain.AnnotationAccepted, *domain.AnnotationDisputed, *domain.ImageUnreadable, *domain.AnnotationWithdrawn:
		s.decided(r.Seq, e)
	case *domain.ModelFitted:
		return s.fitted(e)
	}
	return nil
}

// answered counts an answer, and learns what was on record of its images.
func (s *State) answered(c *domain.ChallengeCreated, a *domain.ChallengeAnswered) {
	ballots := Ballots(c, a)
	for i := range ballots {
		b := &ballots[i]
		if !s.keeps(b.Image) {
			continue
		}
		row := s.questions.row(b.Image, b.Keyword)
		s.learn(row, b)
		if !s.quarantines.SetAside(&b.Vote) {
			s.vote(row, b, 1)
		}
		s.touch(row)
	}
	if s.countsGold(c) && !s.setAside(ballots) {
		s.countGold(c, a, 1)
	}
}

// learn takes in what a challenge says of an image beside the answer. It is done
// for votes that are set aside, too: what is on record does not depend on them.
func (s *State) learn(row uint32, b *Ballot) {
	q := &s.questions.rows[row]
	q.collection = s.questions.collections.add(string(b.Collection))
	switch q.status {
	case domain.QuestionSettled:
		if q.tried++; q.tried <= domain.ProvenAfter {
			s.trials = append(s.trials, row)
		}
	case domain.QuestionRefuted:
		q.tried++
	case domain.QuestionOpen, domain.QuestionDisputed, domain.QuestionUnreadable:
	}
	switch {
	case b.Role == domain.RoleUnknown:
		q.prior = b.Prior
		// Then the collection has it no more; or it was refuted, it has been restored, and
		// not all nodes have heard of that.
		if q.status == domain.QuestionOpen && (q.decided == 0 || b.Prior != domain.RefutedPrior) {
			q.record = answer{}
		}
	case b.Trust == domain.TrustPromoted:
	default:
		q.record = s.questions.answer(b.Truth)
	}
}

func (s *State) keeps(image domain.ImageID) bool { return s.p.Keep == nil || s.p.Keep(image) }

func (s *State) countsGold(c *domain.ChallengeCreated) bool {
	return len(c.Positions) > 0 && s.keeps(c.Positions[0].Image)
}

// setAside reports whether any of a challenge's ballots is.
func (s *State) setAside(ballots []Ballot) bool {
	for i := range ballots {
		if s.quarantines.SetAside(&ballots[i].Vote) {
			return true
		}
	}
	return false
}

// vote counts a ballot n times: to its question, and, where the institution has
// its truth on record, to what one text says of another. What visitors have
// settled teaches nothing of visitors.
func (s *State) vote(row uint32, b *Ballot, n int32) {
	s.questions.Count(row, b, n)
	if b.Trust != domain.TrustPromoted {
		s.texts.AddBallot(b, int(n))
	}
}

// countGold counts how the known pictures of a challenge were answered.
func (s *State) countGold(c *domain.ChallengeCreated, a *domain.ChallengeAnswered, n int) {
	if c.Type == domain.TypeClassification {
		all, _ := goldOf(c, a)
		s.gold.Add(all, c.Keyword, n)
	}
}

// look has a question looked at by the next [State.Decisions].
func (s *State) look(row uint32) {
	if q := &s.questions.rows[row]; !q.dirty {
		q.dirty = true
		s.dirty = append(s.dirty, row)
	}
}

// touch is look for a question of which something has been heard, so that what
// its image needs is another, too.
func (s *State) touch(row uint32) {
	s.look(row)
	if q := &s.questions.rows[row]; !q.asked {
		q.asked = true
		s.asked = append(s.asked, row)
	}
}

// Touch has a question looked at again by the next [State.Decisions].
func (s *State) Touch(q Question) {
	if row := s.questions.find(q.Image, q.Keyword); row != nothing {
		s.look(row)
	}
}

// TouchAll has all questions looked at by the next [State.Decisions].
func (s *State) TouchAll() {
	for row := range s.questions.rows {
		s.look(uint32(row))
	}
}

// quarantine sets votes aside, or lets them count again: the time that it is
// about is read anew, and what was counted of it, or not, by what was known of
// quarantines before is taken back, or added.
func (s *State) quarantine(ctx context.Context, r domain.Record) error {
	var before, after domain.Quarantines
	for _, q := range s.quarantines.All() {
		for _, to := range []*domain.Quarantines{&before, &after} {
			to.Apply(q.Votes)
			if q.Lifted != nil {
				to.Apply(q.Lifted)
			}
		}
	}
	id := domain.QuarantineID(r.Event.Head().Challenge)
	was := before.Get(id)
	after.Apply(r.Event)
	is := after.Get(id)
	s.quarantines = after
	if was.InForce() == is.InForce() {
		return nil
	}
	// An answer is judged no earlier than its challenge is created, by clocks that
	// may differ; what was created earlier is asked for.
	window := s.p.pairing(nil)
	votes := is.Votes.Exclusion()
	return s.p.History.Decided(ctx, votes.From.Add(-domain.Lifetime-domain.AnswerGrace), r.Seq-1, func(r domain.Record) error {
		switch e := r.Event.(type) {
		case *domain.ChallengeCreated:
			if e.Type != domain.TypeAudio && (votes.Client == "" || votes.Client == e.Client) {
				window.Created(e, r.Seq, r.Data)
			}
		case *domain.ChallengeAnswered:
			if e.Answer.Text != nil || votes.Client != "" && votes.Client != e.Client {
				return nil
			}
			if e.At.Before(votes.From) || !e.At.Before(votes.To) {
				window.Forget(e.Challenge) // a second answer would be asked of the history
				return nil
			}
			c, err := window.Answered(ctx, e, r.Seq)
			if err != nil || c == nil {
				return err
			}
			s.recount(c, e, &before)
		}
		return nil
	})
}

// recount brings the votes of an answer from what counted under other
// quarantines to what counts now.
func (s *State) recount(c *domain.ChallengeCreated, a *domain.ChallengeAnswered, before *domain.Quarantines) {
	ballots := Ballots(c, a)
	goldWas, goldIs := true, true
	for i := range ballots {
		b := &ballots[i]
		was, is := !before.SetAside(&b.Vote), !s.quarantines.SetAside(&b.Vote)
		goldWas, goldIs = goldWas && was, goldIs && is
		if was == is || !s.keeps(b.Image) {
			continue
		}
		row := s.questions.row(b.Image, b.Keyword)
		n := int32(1)
		if was {
			n = -1
		}
		s.vote(row, b, n)
		s.touch(row)
	}
	if goldWas == goldIs || !s.countsGold(c) {
		return
	}
	if goldIs {
		s.countGold(c, a, 1)
	} else {
		s.countGold(c, a, -1)
	}
}

// decided takes in a decision.
func (s *State) decided(seq domain.Sequence, e domain.Event) {
	a := domain.EvolveAnnotation(domain.Annotation{}, seq, e)
	if !s.keeps(a.Finding.Image) {
		return
	}
	row := s.questions.row(a.Finding.Image, a.Finding.Keyword)
	q := &s.questions.rows[row]
	s.become(q.status, a.Status)
	q.status, q.decided, q.held, q.tried = a.Status, seq, a.Held(), 0
	q.accepted = answer{}
	if a.Status == domain.QuestionSettled {
		q.accepted = s.questions.answer(a.Finding.Truth)
	}
	if a.Finding.Collection != "" {
		q.collection = s.questions.collections.add(string(a.Finding.Collection))
	}
	s.touch(row)
}

// become counts a question's change.
func (s *State) become(from, to domain.QuestionStatus) {
	s.counts[from]--
	s.counts[to]++
}

// Statuses counts questions by their status.
func (s *State) Statuses() [domain.QuestionRefuted + 1]int {
	counts := s.counts
	counts[domain.QuestionOpen] += len(s.questions.rows) // they begin so
	return counts
}

// fitted takes a new model into use: all that was decided may be another now.
func (s *State) fitted(e *domain.ModelFitted) error {
	if e.Version <= s.model.Version {
		return nil // two were fitted at once; the first one counts
	}
	m, err := s.p.Model(e.Version, e.Body)
	if err != nil {
		return fmt.Errorf("read the model of version %d: %w", e.Version, err)
	}
	s.model, s.modelBody = m, e.Body
	s.TouchAll()
	return nil
}

// Questions is how many questions have been heard of.
func (s *State) Questions() int { return len(s.questions.rows) }

// Bytes is the memory that is reserved for questions.
func (s *State) Bytes() int {
	return s.questions.bytes() + (cap(s.dirty)+cap(s.asked)+cap(s.trials))*int(unsafe.Sizeof(nothing))
}

// Merge adds the state of other images, up to the same position.
func (s *State) Merge(o *State) error {
	if o.position != s.position || o.model.Version != s.model.Version {
		return fmt.Errorf("merge states of events %d and %d: they are not of one position", s.position.Seq, o.position.Seq)
	}
	var b Ballot
	for from := range o.questions.rows {
		q := o.questions.Question(uint32(from))
		if s.questions.find(q.Image, q.Keyword) != nothing {
			return fmt.Errorf("merge states: both have counted image %s", q.Image)
		}
		row := s.questions.row(q.Image, q.Keyword)
		src := &o.questions.rows[from]
		dst := &s.questions.rows[row]
		dst.collection = s.questions.collections.add(o.questions.collections.get(src.collection))
		dst.record, dst.accepted = s.questions.answer(o.questions.truth(src.record)), s.questions.answer(o.questions.truth(src.accepted))
		s.become(dst.status, src.status)
		dst.prior, dst.decided, dst.tried, dst.status, dst.held = src.prior, src.decided, src.tried, src.status, src.held
		o.questions.each(uint32(from), func(c *cell) {
			o.questions.ballot(c, &b)
			s.questions.Count(row, &b, c.n)
		})
		s.touch(row)
	}
	s.gold.Merge(&o.gold)
	for i := range s.texts {
		for j := range s.texts[i] {
			s.texts[i][j] += o.texts[i][j]
		}
	}
	return nil
}

// noHistory knows of nothing.
type noHistory struct{}

// Challenge implements [History].
func (noHistory) Challenge(context.Context, domain.ChallengeID) ([]domain.Record, error) {
	return nil, nil
}

// Decided implements [History].
func (noHistory) Decided(context.Context, time.Time, domain.Sequence, func(domain.Record) error) error {
	return nil
}

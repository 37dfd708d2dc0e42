package consensus

import "ocapi/domain"

// Need is about how many more votes settle the nearest of an image's questions,
// where all go on agreeing.
type Need struct {
	Image      domain.ImageID
	Collection domain.CollectionID
	Votes      uint8 // 0: nothing is known, or nothing is to be asked; mostNeeded: that many or more
}

// mostNeeded bounds the votes that are looked ahead.
const mostNeeded = 6

// Needs gives the needs of up to most images of which something has been heard
// since they were given last; fewer when there are no more.
func (s *State) Needs(r *Rules, most int) []Need {
	var list []Need
	for len(list) < most && len(s.asked) > 0 {
		row := s.asked[len(s.asked)-1]
		s.asked = s.asked[:len(s.asked)-1]
		if !s.questions.rows[row].asked {
			continue // said with another of the image's questions
		}
		image := s.questions.asked[row].image
		n := Need{Image: domain.ImageID(s.questions.images.get(image)), Collection: domain.CollectionID(s.questions.collections.get(s.questions.rows[row].collection))}
		for at := s.questions.first[image]; at != nothing; at = s.questions.asked[at].next {
			s.questions.rows[at].asked = false
			if votes := s.need(r, at); votes > 0 && (n.Votes == 0 || votes < n.Votes) {
				n.Votes = votes
			}
		}
		list = append(list, n)
	}
	return list
}

// need adds one perfect vote for what is believed after the other until that
// would be accepted.
func (s *State) need(r *Rules, row uint32) uint8 {
	q := &s.questions.rows[row]
	onRecord := q.record.kind != domain.TruthNone
	if q.held || q.status != domain.QuestionRefuted && (onRecord || q.status != domain.QuestionOpen) {
		return 0
	}
	b, t := s.belief(row)
	if b.Votes <= 0 || b.Truth.Kind == domain.TruthNone {
		return 0
	}
	vote := Ballot{Vote: domain.Vote{Type: domain.TypeClassification, Kind: domain.VoteAgainst}, Gold: Gold{Matches: 3, Hits: 3, NonMatches: 4}}
	switch {
	case b.Truth.Kind == domain.TruthText:
		vote = Ballot{Vote: domain.Vote{Type: domain.TypeTranscription, Kind: domain.VoteText, Text: b.Truth.Text}, Gold: Gold{Text: GoldExact}}
	case b.Truth.Match:
		vote.Kind = domain.VoteFor
	}
	question, prior := s.questions.Question(row), s.prior(row)
	for n := uint8(1); n < mostNeeded; n++ {
		t.Add(&vote, 1)
		b := s.model.Belief(question, &t, prior)
		if r.Of(domain.QuestionOpen, &b, 0, question.Keyword == "") == domain.QuestionSettled {
			return n
		}
	}
	return mostNeeded
}

// Trials gives the settled questions that have been answered since they were
// given last, as long as they have not been answered [domain.ProvenAfter] times.
func (s *State) Trials() []Progress {
	var list []Progress
	seen := map[uint32]bool{}
	for _, row := range s.trials {
		if !seen[row] && s.questions.rows[row].status == domain.QuestionSettled {
			seen[row] = true
			list = append(list, s.progress(row))
		}
	}
	s.trials = s.trials[:0]
	return list
}

// Tried tells how many answers a question has had since it was settled or
// refuted, and by which event it was; 0 where it was not.
func (s *State) Tried(q Question) (answers uint32, decided domain.Sequence) {
	row := s.questions.find(q.Image, q.Keyword)
	if row == nothing {
		return 0, 0
	}
	return s.questions.rows[row].tried, s.questions.rows[row].decided
}

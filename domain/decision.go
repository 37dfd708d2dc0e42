package domain

import (
	"cmp"
	"slices"
)

// Decision is what visitors' votes have made of one question about an image,
// as far as dealing has to know.
type Decision struct {
	Keyword string         // empty with transcriptions
	Status  QuestionStatus // never QuestionOpen
	Truth   Truth          // with QuestionSettled
	// Proven, with QuestionSettled, says that so many people have answered since it
	// was settled that it may decide who passes.
	Proven bool
}

// ProvenAfter is how many answers an image has had since the votes settled it
// before it decides who passes: until then a wrong one would lock people out, and
// those who answer rightly contradict it unpunished.
const ProvenAfter = 30

// RefutedPrior is the probability, as of a machine's guess, that a truth on
// record is right all the same that good answers have contradicted.
const RefutedPrior = 0.5

// standing is what is known about one question of an image: what is on record,
// and what has been decided by votes. What is on record is not changed by votes;
// they say whether it is to be relied on.
type standing struct {
	truth  Truth // TruthNone: nobody knows
	trust  Trust
	proven bool // truth may decide who passes
	// shut says that people are not to be asked any more: they do not agree, or they
	// cannot read it. In a plan that is under way the image stays what it was.
	shut bool
	// refuted says that there is a truth on record that is not relied on.
	refuted bool
}

// Truth gives the answer to a question that is relied on, of those on record and
// those that votes have settled; TruthNone where nobody knows. decides says that
// it may decide who passes. The keyword is that of a picture, and of no
// consequence with transcriptions.
func (i *Image) Truth(keyword string) (truth Truth, trust Trust, decides bool) {
	s := i.stands(keyword)
	return s.truth, s.trust, s.proven
}

// Asked reports whether people are asked a question in new plans because nobody
// knows the answer.
func (i *Image) Asked(keyword string) bool {
	s := i.stands(keyword)
	return i.asked(keyword, &s)
}

// stands says what is known about a question; the keyword is that of a picture.
func (i *Image) stands(keyword string) standing {
	s := i.recorded(keyword)
	if i.Type == TypeTranscription {
		keyword = ""
	}
	for k := range i.Decided {
		d := &i.Decided[k]
		if d.Keyword != keyword {
			continue
		}
		switch d.Status {
		case QuestionSettled:
			// Votes on what is on record change nothing where they agree with it. Where they
			// do not, it has been refuted.
			if !s.truth.agrees(d.Truth) {
				s = standing{truth: d.Truth, trust: TrustPromoted, proven: d.Proven}
			}
		case QuestionDisputed, QuestionUnreadable:
			s = standing{shut: true, refuted: s.truth.Kind != TruthNone}
		case QuestionRefuted:
			s = standing{refuted: s.truth.Kind != TruthNone}
		case QuestionOpen:
		}
		break
	}
	return s
}

// recorded says what is on record about a question.
func (i *Image) recorded(keyword string) standing {
	s := standing{trust: i.Trust, proven: true}
	switch {
	case !i.Known:
		return standing{}
	case i.Type == TypeTranscription:
		s.truth = Truth{Kind: TruthText, Text: i.Text}
	case i.Shows(keyword):
		s.truth = Truth{Kind: TruthMatch, Match: true}
	case i.Complete:
		s.truth = Truth{Kind: TruthMatch}
	default:
		return standing{} // what is known of it says nothing of this keyword
	}
	return s
}

// agrees reports whether two answers are the same to whoever judges.
func (t Truth) agrees(o Truth) bool {
	return t.Kind == o.Kind && t.Match == o.Match && (t.Text == o.Text || Fold(t.Text) == Fold(o.Text))
}

// settledByVotes reports whether a question may be put to people again though its
// answer is known by their votes: the image then plays an unknown one.
func (s *standing) settledByVotes() bool {
	return s.truth.Kind != TruthNone && s.trust == TrustPromoted
}

// asked reports whether people may be asked in a new plan because nobody knows.
func (i *Image) asked(keyword string, s *standing) bool {
	return s.truth.Kind == TruthNone && !s.shut && i.askable(keyword, s)
}

// askable reports whether a question is one that people are asked about the
// image as long as nobody knows the answer.
func (i *Image) askable(keyword string, s *standing) bool {
	if i.Known {
		return s.refuted
	}
	if i.Type == TypeTranscription || len(i.Candidates) == 0 {
		return true
	}
	for _, c := range i.Candidates {
		if c == keyword {
			return true
		}
	}
	return false
}

// urgency orders images that people are asked about: those come first that need
// the fewest votes more, last those of which nothing is known.
func (i *Image) urgency() int {
	if i.Need == 0 {
		return 0
	}
	return 256 - int(i.Need)
}

// trialShare is the share of a plan's unknown places that are kept for images
// that votes have settled and that have not been tried enough. Others come
// before the rest of them, because they are what people are asked for.
const trialShare = 0.1

// sort says in which order an image takes unknown places.
func (i *Image) sort(keyword string) askedSort {
	s := i.stands(keyword)
	switch {
	case i.asked(keyword, &s):
		return askedOpen
	case !s.settledByVotes():
		return askedNever
	case !s.proven:
		return askedTrial
	}
	return askedSettled
}

// askedSort is what an image is to whoever fills unknown places.
type askedSort uint8

const (
	askedOpen    askedSort = iota // nobody knows
	askedTrial                    // votes have settled it, and it has to be tried
	askedSettled                  // it has been tried, too: it only stands in
	askedNever
)

// urgentFirst brings texts, which are in random order and can all be asked for,
// into the order in which n of them take unknown places.
func (p *Pool) urgentFirst(cards []uint32, n int) {
	type rank struct {
		card    uint32
		sort    askedSort
		urgency int
	}
	ranks := make([]rank, len(cards))
	open, trials := 0, 0
	for i, card := range cards {
		im := &p.images[card]
		ranks[i] = rank{card, im.sort(""), im.urgency()}
		switch ranks[i].sort {
		case askedOpen:
			open++
		case askedTrial:
			trials++
		case askedSettled, askedNever:
		}
	}
	slices.SortStableFunc(ranks, func(a, b rank) int { return cmp.Or(cmp.Compare(a.sort, b.sort), cmp.Compare(b.urgency, a.urgency)) })
	for i := range ranks {
		cards[i] = ranks[i].card
	}
	have := min(max(n-open, 0), trials)
	for quota := min(int(trialShare*float64(n)), trials); have < quota; have++ {
		i, j := n-1-have, open+have
		cards[i], cards[j] = cards[j], cards[i]
	}
}

package simulation

import (
	"time"

	"ocapi/domain"
)

// Challenge is one challenge as the attacker gets it. He sees Images, Credit and
// At, can read what the images show ([Challenge.Truth]: where no answer is on
// record, what he reads is what nobody else can check) and may have it judged
// ([Challenge.Answer]). Counts is for measuring, and for what an oracle tells
// him.
type Challenge struct {
	Images []int32 // by position; images are numbered as they first came
	Credit string
	At     time.Duration

	created domain.ChallengeCreated // with what judging needs
}

// Counts reports whether the verdict depends on a position.
func (c *Challenge) Counts(position int) bool {
	return c.created.Positions[position].Role == domain.RoleKnown
}

// Truth is what a position's image shows.
func (c *Challenge) Truth(position int) domain.Truth { return c.created.Positions[position].Expected }

// Type is the challenge's type.
func (c *Challenge) Type() domain.ChallengeType { return c.created.Type }

// Answer has an answer judged by the service's own rules.
func (c *Challenge) Answer(a domain.Answer) bool {
	return domain.Judge(&c.created, a) == domain.StatusValidated
}

// needsWork reports whether nobody passes who does not look at the position: it
// counts, and not selecting it would be wrong.
func (c *Challenge) needsWork(position int) bool {
	p := &c.created.Positions[position]
	return p.Role == domain.RoleKnown && (p.Expected.Kind == domain.TruthText || p.Expected.Match)
}

// Sight is all that an attacker has seen so far: he tells all images apart.
type Sight struct {
	Challenges []Challenge
	// Known says of each image whether any verdict that he could have asked for
	// depended on it: whether it is worth the work. This is the truth, which he
	// does not see.
	Known []bool
	// First is the challenge in which an image came first.
	First []int32

	numbers map[domain.ImageID]int32
}

// NewSight makes the sight of somebody who has seen nothing.
func NewSight() *Sight { return &Sight{numbers: map[domain.ImageID]int32{}} }

// Add lets him see one more challenge, and gives it.
func (s *Sight) Add(c domain.Composition, at time.Duration) *Challenge {
	seen := Challenge{
		Images: make([]int32, len(c.Positions)), Credit: c.Credit, At: at,
		created: domain.ChallengeCreated{Type: c.Type, Keyword: c.Keyword, Positions: c.Positions},
	}
	for i := range c.Positions {
		p := &c.Positions[i]
		number, came := s.numbers[p.Image]
		if !came {
			number = int32(len(s.Known)) //nolint:gosec // maxChallenges * MaxPositions fits
			s.numbers[p.Image] = number
			s.Known, s.First = append(s.Known, false), append(s.First, int32(len(s.Challenges))) //nolint:gosec // as above
		}
		s.Known[number] = s.Known[number] || p.Role == domain.RoleKnown
		seen.Images[i] = number
	}
	s.Challenges = append(s.Challenges, seen)
	return &s.Challenges[len(s.Challenges)-1]
}

// fold says in which half an image is: somebody who is told the truth of one is
// measured on the other. Images that came together first are in one half, so
// that the truth of one gives none of the other away.
func (s *Sight) fold(image int) int { return int(s.First[image]) & 1 }

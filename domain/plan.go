package domain

import "fmt"

// A plan's bounds. A life of fewer than minVotes cycles settles nothing, one
// of more than maxVotes asks people what has long been known; a cycle of more
// than maxSheets hides nothing better and only gathers votes later.
const (
	minVotes  = 6
	maxVotes  = 100
	maxRest   = 4
	maxSheets = 10_000

	// restedFrom is how many sheets a generation needs for others to rest
	// meanwhile; with fewer, everything that there is stays in use. It is more than
	// texts need at least, because not every generation finds as many.
	restedFrom = 60
)

// Generations is how many plans of a pool and type, the newest included, have
// to be remembered: the images of the others may come again.
const Generations = maxRest

// Part is what an image was chosen for when its plan was made. A new part
// needs: String, the plan's stored form, [Pool.Deck].
type Part uint8

// The parts. The zero value is invalid.
const (
	PartInvalid  Part = iota
	PartMatch         // known: a text on record, or a picture that shows the keyword
	PartNonMatch      // known: a picture that does not show the keyword
	PartUnknown       // asked about
	PartSentinel      // plays an unknown one, though its truth is on record
)

// String gives the part's name.
func (p Part) String() string {
	switch p {
	case PartMatch:
		return "match"
	case PartNonMatch:
		return "non-match"
	case PartUnknown:
		return "unknown"
	case PartSentinel:
		return "sentinel"
	case PartInvalid:
	}
	return "invalid"
}

// Card is one image of a plan.
type Card struct {
	Image ImageID
	Part  Part
}

// Sheet is a group of images of the size of a challenge. The two texts of a
// couple are shown together as long as the plan lives; the pictures of a
// keyword's sheets are mixed anew in each cycle, and a sheet is only what
// leaves the plan together when one of its images has to.
type Sheet struct {
	Keyword string // with classification
	Cards   []Card
}

// Plan is one generation of a pool's images of one type: which of them are
// dealt, and with what. Within a plan every image is on one sheet, and every
// sheet is dealt once in a cycle, so that exposures tell nothing of parts. All
// nodes deal from the same plan. A plan is not changed once it is made.
type Plan struct {
	// Generation tells the plan from all others, of every pool and type; 0 while
	// it has not been stored.
	Generation uint64
	Type       ChallengeType
	Number     int // of the plans of its pool and type, from 0
	// Rest is one more than the number of generations that its images rest for
	// when its life ends; 1 where there are too few to rest.
	Rest   int
	Votes  int // cycles of its life: how often each image is shown
	Room   int // sheets that a generation of its pool could have when it was made
	Sheets []Sheet
}

// placed is an image, by its place among the pool's, with its part.
type placed struct {
	card uint32
	part Part
}

// sheetsOf writes rows of images as sheets.
func (p *Pool) sheetsOf(keyword string, rows [][]placed) []Sheet {
	sheets := make([]Sheet, len(rows))
	for i, row := range rows {
		sheets[i] = Sheet{Keyword: keyword, Cards: make([]Card, len(row))}
		for j, c := range row {
			sheets[i].Cards[j] = Card{p.images[c.card].ID, c.part}
		}
	}
	return sheets
}

// Cycle is the number of challenges in which every image comes once.
func (p *Plan) Cycle() int { return len(p.Sheets) }

// Hides reports whether the images of a plan stay away for the horizon once its
// life has ended, where the plans after it are like it.
func (p *Plan) Hides(horizon int) bool {
	return p.Rest > 1 && (p.Rest-1)*p.Cycle()*p.Votes >= horizon
}

// votesFor says how many cycles a generation of n sheets lives: as long as it
// takes until the generations for which its images then rest add up to the
// horizon. Where none rest, as long as the horizon itself, because every end of
// such a life tells what stays.
func (d Dealing) votesFor(n, rest int) int {
	others := max(rest-1, 1) * n
	return min(max((d.Horizon+others-1)/others, minVotes), maxVotes)
}

// check refuses plans that could not have been made here.
func (p *Plan) check() error {
	switch {
	case p.Type != TypeTranscription && p.Type != TypeClassification:
		return fmt.Errorf("a plan for the type %s", p.Type)
	case p.Number < 0 || p.Rest < 1 || p.Rest > maxRest || p.Votes < 1 || p.Votes > maxVotes || p.Room < 1:
		return fmt.Errorf("a plan with number %d, rest %d, %d votes and room for %d", p.Number, p.Rest, p.Votes, p.Room)
	case len(p.Sheets) == 0 || len(p.Sheets) > maxSheets:
		return fmt.Errorf("a plan of %d sheets", len(p.Sheets))
	}
	seen := make(map[ImageID]struct{}, len(p.Sheets)*len(p.Sheets[0].Cards))
	for i := range p.Sheets {
		s := &p.Sheets[i]
		if len(s.Cards) != len(p.Sheets[0].Cards) || len(s.Cards) < 2 || len(s.Cards) > MaxPositions {
			return fmt.Errorf("sheet %d has %d images, the first has %d", i, len(s.Cards), len(p.Sheets[0].Cards))
		}
		if (s.Keyword == "") != (p.Type == TypeTranscription) {
			return fmt.Errorf("sheet %d of a plan for the type %s has the keyword %.40q", i, p.Type, s.Keyword)
		}
		for _, c := range s.Cards {
			if c.Image == "" || c.Part == PartInvalid || c.Part > PartSentinel {
				return fmt.Errorf("sheet %d has the image %.40q as %s", i, string(c.Image), c.Part)
			}
			if _, twice := seen[c.Image]; twice {
				return fmt.Errorf("the image %.40q is on two sheets", string(c.Image))
			}
			seen[c.Image] = struct{}{}
		}
	}
	return nil
}

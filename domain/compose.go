package domain

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// Composition is what a new challenge is made of.
type Composition struct {
	Type        ChallengeType
	Keyword     string
	Prompt      map[string]string // language -> keyword; not part of the event
	Credit      string
	Positions   []Position
	WhollyKnown bool
	Mix         Mix
	Generation  uint64 // of the plan that it is dealt from; 0: of none
	Language    string // of what is said, with audio only
}

// MaxPositions bounds the images of one challenge.
const MaxPositions = 36

// check refuses a composition that would protect nothing or could not be
// judged. It guards the log against a faulty composer.
func (c *Composition) check() error {
	if c.Type == TypeInvalid {
		return Invalid("type", "a challenge has a type")
	}
	if err := c.checkAudio(); err != nil {
		return err
	}
	if n := len(c.Positions); n == 0 || n > MaxPositions {
		return Invalid("positions", "a challenge has 1 to %d positions, this one %d", MaxPositions, n)
	}
	truth := TruthText
	if c.Type == TypeClassification {
		truth = TruthMatch
	}
	known := 0
	for i, p := range c.Positions {
		for _, q := range c.Positions[:i] {
			if p.Image == q.Image {
				return Invalid("positions", "position %d repeats an image", i)
			}
		}
		if p.Role == RoleInvalid || p.Role != RoleUnknown && p.Expected.Kind != truth {
			return Invalid("positions", "position %d has a role without the answer that it needs", i)
		}
		if p.Role == RoleKnown {
			known++
		}
	}
	if 2*known < len(c.Positions) {
		return Invalid("positions", "the known positions are %d of %d; they have to be at least half", known, len(c.Positions))
	}
	if c.WhollyKnown && known < len(c.Positions) {
		return Invalid("positions", "the known positions are %d of %d in a challenge that is to be wholly known", known, len(c.Positions))
	}
	return nil
}

// Compose deals the images of a new challenge. rng has to be unpredictable to
// visitors.
func (d *Deck) Compose(rng *rand.Rand) Composition {
	c := Composition{Type: d.plan.Type, Generation: d.plan.Generation}
	var cards []live
	if d.plan.Type == TypeTranscription {
		cards = d.couple(rng)
	} else {
		t := d.table(rng)
		cards = t.deal(d.size())
		c.Keyword, c.Prompt = t.keyword, d.pool.prompt(t.keyword)
	}
	c.Positions = make([]Position, len(cards))
	known := 0
	for i, l := range cards {
		c.Positions[i] = d.pool.position(l, c.Keyword, rng)
		switch {
		case l.role != RoleKnown:
			c.Mix.Unknown++
			continue
		case c.Type == TypeTranscription:
			c.Mix.Texts++
		case l.match:
			c.Mix.Matches++
		default:
			c.Mix.NonMatches++
		}
		known++
	}
	c.WhollyKnown = known == len(cards)
	shuffle(rng, c.Positions)
	c.Credit = d.pool.credit(c.Positions)
	return c
}

// couple gives the next two texts.
func (d *Deck) couple(rng *rand.Rand) []live {
	if d.next == len(d.order) {
		d.order, d.next = d.order[:0], 0
		for i := range d.couples {
			d.order = append(d.order, uint32(i))
		}
		shuffle(rng, d.order)
	}
	d.next++
	return d.couples[d.order[d.next-1]].cards
}

// table gives the table whose turn it is. In a cycle every table has as many
// turns as it has boards, in random order.
func (d *Deck) table(rng *rand.Rand) *table {
	if len(d.turns) == 0 {
		for i := range d.tables {
			d.tables[i].mix(d.size(), rng)
		}
		d.takeTurns(rng)
	}
	last := len(d.turns) - 1
	t := &d.tables[d.turns[last]]
	d.turns = d.turns[:last]
	return t
}

func (d *Deck) takeTurns(rng *rand.Rand) {
	d.turns = d.turns[:0]
	for i := range d.tables {
		for range d.tables[i].left(d.size()) {
			d.turns = append(d.turns, uint32(i))
		}
	}
	shuffle(rng, d.turns)
}

// goOn takes over from another deck of the plan what was still to come in its
// cycle.
func (d *Deck) goOn(before *Deck, rng *rand.Rand) {
	if d.plan.Type == TypeTranscription {
		now := make(map[int]uint32, len(d.couples))
		for i := range d.couples {
			now[d.couples[i].sheet] = uint32(i)
		}
		for _, i := range before.order[before.next:] {
			if j, is := now[before.couples[i].sheet]; is {
				d.order = append(d.order, j)
			}
		}
		return
	}
	coming := map[ImageID]bool{}
	for i := range before.tables {
		t := &before.tables[i]
		for _, l := range t.cards[t.next:] {
			coming[before.pool.images[l.card].ID] = true
		}
	}
	for i := range d.tables {
		t := &d.tables[i]
		var later []live
		for _, l := range t.cards {
			if coming[d.pool.images[l.card].ID] {
				later = append(later, l)
			}
		}
		// Those that make no full board lose their turn, whichever they are; all do
		// where chance has left nothing to make boards of.
		shuffle(rng, later)
		later = later[:len(later)/d.size()*d.size()]
		if !arrangeable(later, d.size()) {
			later = nil
		}
		t.come(later, d.size(), rng)
	}
	d.takeTurns(rng)
}

func (p *Pool) position(l live, keyword string, rng *rand.Rand) Position {
	im := &p.images[l.card]
	pos := Position{Image: im.ID, Collection: im.Collection, Role: l.role, Prior: im.Prior}
	if im.Renderings > 1 {
		pos.Rendering = rng.Uint32N(im.Renderings)
	}
	s := im.stands(keyword)
	if s.refuted {
		pos.Prior = RefutedPrior
	}
	if l.role != RoleUnknown {
		pos.Trust, pos.Expected = s.trust, s.truth
	}
	return pos
}

// credit joins the institutions of the images, sorted by their lines, never by
// position: the order must tell nothing.
func (p *Pool) credit(positions []Position) string {
	var few [4]string
	lines := few[:0]
	for i := range positions {
		if line := p.collections[positions[i].Collection].Credit; line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, " · ")
}

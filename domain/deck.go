package domain

import (
	"math/rand/v2"
)

// Deck deals the challenges of one plan, every sheet once in a cycle, in an
// order that is drawn anew for each. It is not safe for concurrent use.
type Deck struct {
	pool *Pool
	plan *Plan

	couples []row
	order   []uint32 // of the couples, in this cycle
	next    int

	tables []table
	turns  []uint32 // tables, in the order of this cycle
}

// row is a sheet as its images are now.
type row struct {
	sheet int // its place in the plan
	cards []live
}

// live is an image as it is now.
type live struct {
	card uint32 // its place among the pool's images
	role Role
	// match, with classifications, says that it is known to show the keyword.
	match bool
}

// Deck deals from a plan as far as the images are what they were taken for when
// it was made. A sheet leaves the deck with any of its images that has gone,
// was retired, or is not known any more; an unknown one that has become known
// stays in its place, as a sentinel. It fails with CodeUnavailable where too
// little is left to deal from.
//
// A deck that follows another one of the same plan goes on in its cycle; before
// may be nil.
func (p *Pool) Deck(plan *Plan, before *Deck, rng *rand.Rand) (*Deck, error) {
	d := &Deck{pool: p, plan: plan}
	rows := p.alive(plan)
	if plan.Type == TypeTranscription {
		d.couples = p.fairRows(rows)
		if len(d.couples) == 0 {
			return nil, unservable(plan.Type)
		}
		d.order, d.next = make([]uint32, 0, len(d.couples)), 0
	} else {
		d.tables = tablesOf(plan, rows, p.dealing.Classification.slots())
		if len(d.tables) == 0 {
			return nil, unservable(plan.Type)
		}
	}
	if before != nil && before.plan.Generation == plan.Generation {
		d.goOn(before, rng)
	}
	return d, nil
}

// Plan gives what is dealt from.
func (d *Deck) Plan() *Plan { return d.plan }

// Cycle is the number of challenges in which every image that is left comes
// once; at most the plan's.
func (d *Deck) Cycle() int {
	n := len(d.couples)
	for i := range d.tables {
		n += d.tables[i].boards(d.size())
	}
	return n
}

// Life is the number of challenges after which, dealt by all nodes together, the
// plan has served its time.
func (d *Deck) Life() int64 { return int64(d.plan.Votes) * int64(d.Cycle()) }

// Worn reports whether so much of the plan has gone that a new one is due.
func (d *Deck) Worn() bool { return 4*d.Cycle() < 3*d.plan.Cycle() }

// Outgrown reports whether the pool has grown so much since the plan was made
// that generations could have twice the size, or rest longer.
func (d *Deck) Outgrown() bool {
	now := d.pool.Secrecy(d.plan.Type)
	return now.Rest > d.plan.Rest || now.Rest == d.plan.Rest && now.Cycle >= 2*d.plan.Room
}

func (d *Deck) size() int { return len(d.plan.Sheets[0].Cards) }

// alive gives the sheets whose images all are what they have to be.
func (p *Pool) alive(plan *Plan) []row {
	at := make(map[ImageID]uint32, len(plan.Sheets)*len(plan.Sheets[0].Cards))
	for i := range plan.Sheets {
		for _, c := range plan.Sheets[i].Cards {
			at[c.Image] = gone
		}
	}
	for i := range p.images {
		if _, is := at[p.images[i].ID]; is && p.images[i].Type == plan.Type {
			at[p.images[i].ID] = uint32(i)
		}
	}
	var rows []row
	for i := range plan.Sheets {
		s := &plan.Sheets[i]
		r := row{sheet: i, cards: make([]live, 0, len(s.Cards))}
		for _, c := range s.Cards {
			if card := at[c.Image]; card != gone {
				if l, ok := p.now(card, c.Part, s.Keyword); ok {
					r.cards = append(r.cards, l)
				}
			}
		}
		if len(r.cards) == len(s.Cards) && (plan.Type != TypeTranscription || p.images[r.cards[0].card].Document != p.images[r.cards[1].card].Document) {
			rows = append(rows, r)
		}
	}
	return rows
}

// gone is no place among a pool's images.
const gone = ^uint32(0)

// now says what an image is good for that was planned for a part; false: for
// nothing.
func (p *Pool) now(card uint32, part Part, keyword string) (live, bool) {
	im := &p.images[card]
	s := im.stands(keyword)
	truth, match := s.truth.Kind != TruthNone, s.truth.Match
	form := ""
	if im.Type == TypeTranscription && truth {
		form = Fold(s.truth.Text)
		truth = form != ""
	}
	switch part {
	case PartMatch, PartNonMatch:
		if im.Type == TypeTranscription {
			return live{card, RoleKnown, false}, truth && s.proven && longEnough(form)
		}
		return live{card, RoleKnown, match}, truth && s.proven && match == (part == PartMatch)
	case PartSentinel:
		return live{card, RoleSentinel, match}, truth
	case PartUnknown:
		if truth {
			return live{card, RoleSentinel, match}, true
		}
		// Where an image is known, what is known of it says nothing of this keyword.
		return live{card, RoleUnknown, false}, im.Known || im.askable(keyword, &s)
	case PartInvalid:
	}
	return live{}, false
}

// fairRows is [Pool.fair] over what is left of a plan.
func (p *Pool) fairRows(rows []row) []row {
	couples := make([][]placed, len(rows))
	first := make(map[uint32]int, len(rows)) // a couple is known by its first image
	for i, r := range rows {
		first[r.cards[0].card] = i
		for _, c := range r.cards {
			part := PartUnknown
			if c.role == RoleKnown {
				part = PartMatch
			}
			couples[i] = append(couples[i], placed{c.card, part})
		}
	}
	var kept []row
	for _, couple := range p.fair(couples) {
		kept = append(kept, rows[first[couple[0].card]])
	}
	return kept
}

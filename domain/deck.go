package domain

import "math/rand/v2"

// Deck deals cards the way people do: shuffle, deal to the end, shuffle again.
// Within a cycle every card that fits comes exactly once, so exposures of two
// cards differ by at most one (by two while one that did not fit makes up for
// the cycle before), whatever their role. A card is an index that the owner of
// the deck understands.
//
// A Deck is not safe for concurrent use.
type Deck struct {
	cards []uint32 // cards[next:] are still to come in this cycle
	next  int
	full  []uint32 // every card once; never reordered
}

// NewDeck makes a deck of the cards, which it keeps. A deck without cards
// deals none.
func NewDeck(cards []uint32) *Deck { return &Deck{full: cards} }

// Len is the number of cards in a full cycle.
func (d *Deck) Len() int { return len(d.full) }

// Deal gives the next card that fits, or false when none in the deck does. A
// card that does not fit now keeps its place and comes later in the same
// cycle; only when all that is left of a cycle does not fit does the next
// cycle begin, with those cards ahead of it, so that none loses its turn. A
// card that never fits is carried over once and not once for every cycle.
// The cost is constant where most cards fit.
func (d *Deck) Deal(rng *rand.Rand, fits func(card uint32) bool) (uint32, bool) {
	if card, ok := d.take(d.next, fits); ok {
		return card, true
	}
	// The copy is fresh because the cards left over go in front of the new cycle.
	cards := make([]uint32, 0, 2*len(d.full))
	carried := make(map[uint32]struct{}, len(d.cards)-d.next)
	for _, card := range d.cards[d.next:] {
		if _, twice := carried[card]; !twice {
			carried[card] = struct{}{}
			cards = append(cards, card)
		}
	}
	left := len(cards)
	cards = append(cards, d.full...)
	fresh := cards[left:]
	rng.Shuffle(len(fresh), func(i, j int) { fresh[i], fresh[j] = fresh[j], fresh[i] })
	d.cards, d.next = cards, 0
	return d.take(left, fits)
}

// take looks for a card that fits from position from on and deals it.
func (d *Deck) take(from int, fits func(card uint32) bool) (uint32, bool) {
	for i := from; i < len(d.cards); i++ {
		if card := d.cards[i]; fits(card) {
			// Shift instead of swapping with a far card: those passed over keep
			// their order and come next.
			copy(d.cards[d.next+1:i+1], d.cards[d.next:i])
			d.next++
			return card, true
		}
	}
	return 0, false
}

package domain_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ocapi/domain"
)

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func cards(n int) []uint32 {
	list := make([]uint32, n)
	for i := range list {
		list[i] = uint32(i)
	}
	return list
}

func anyCard(uint32) bool { return true }

// spread gives the largest and the smallest number of times that n cards came.
func spread(count map[uint32]int, n int) (most, least int) {
	least = 1 << 30
	for card := range uint32(n) {
		most, least = max(most, count[card]), min(least, count[card])
	}
	return most, least
}

func TestDeckDealsEveryCardOncePerCycle(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 52, 1000} {
		deck, rng := domain.NewDeck(cards(n)), dice(1)
		var first []uint32
		for cycle := range 5 {
			var dealt []uint32
			for range n {
				card, ok := deck.Deal(rng, anyCard)
				if !ok {
					t.Fatalf("%d cards, cycle %d: nothing dealt", n, cycle)
				}
				dealt = append(dealt, card)
			}
			if cycle == 0 {
				first = slices.Clone(dealt)
			} else if n >= 52 && slices.Equal(first, dealt) {
				t.Errorf("%d cards: cycle %d has the order of the first", n, cycle)
			}
			slices.Sort(dealt)
			if !slices.Equal(dealt, cards(n)) {
				t.Fatalf("%d cards, cycle %d: dealt %v", n, cycle, dealt)
			}
		}
	}
}

func TestDeckOrderIsUniform(t *testing.T) {
	t.Parallel()
	const n, rounds = 5, 20_000
	deck, rng := domain.NewDeck(cards(n)), dice(2)
	var at [n][n]int
	for range rounds {
		for place := range n {
			card, _ := deck.Deal(rng, anyCard)
			at[place][card]++
		}
	}
	for place := range at {
		if x := chiSquare(at[place][:]); x > 18.5 { // 4 degrees of freedom, one in a thousand
			t.Errorf("at place %d the cards came %v: chi-square %.1f", place, at[place], x)
		}
	}
}

// chiSquare holds counts against the even distribution.
func chiSquare(counts []int) float64 {
	total := 0
	for _, c := range counts {
		total += c
	}
	want := float64(total) / float64(len(counts))
	x := 0.0
	for _, c := range counts {
		x += (float64(c) - want) * (float64(c) - want) / want
	}
	return x
}

func TestDeckKeepsSkippedCards(t *testing.T) {
	t.Parallel()
	const n = 10
	deck, rng := domain.NewDeck(cards(n)), dice(3)
	count := map[uint32]int{}
	// Card 0 does not fit half a cycle long, then it is the next to come.
	for range 5 {
		card, ok := deck.Deal(rng, func(c uint32) bool { return c != 0 })
		if !ok || card == 0 {
			t.Fatalf("dealt %d, %v", card, ok)
		}
		count[card]++
	}
	for range n - 5 {
		card, _ := deck.Deal(rng, anyCard)
		count[card]++
	}
	if most, least := spread(count, n); most != 1 || least != 1 {
		t.Errorf("in one cycle the cards came %v", count)
	}
}

// TestDeckPassedOverCardsComeNext deals from two decks of one order.
func TestDeckPassedOverCardsComeNext(t *testing.T) {
	t.Parallel()
	const n = 6
	plain, deck := domain.NewDeck(cards(n)), domain.NewDeck(cards(n))
	var order []uint32
	for rng := dice(9); len(order) < n; {
		card, _ := plain.Deal(rng, anyCard)
		order = append(order, card)
	}
	rng := dice(9)
	var got []uint32
	if card, ok := deck.Deal(rng, func(c uint32) bool { return c != order[0] && c != order[1] }); ok {
		got = append(got, card)
	}
	for range n - 1 {
		card, _ := deck.Deal(rng, anyCard)
		got = append(got, card)
	}
	if want := []uint32{order[2], order[0], order[1], order[3], order[4], order[5]}; !slices.Equal(got, want) {
		t.Errorf("the order is %v and the first two did not fit: dealt %v, want %v", order, got, want)
	}
}

func TestDeckSkippedCardComesBeforeTheNextCycle(t *testing.T) {
	t.Parallel()
	const n = 10
	deck, rng := domain.NewDeck(cards(n)), dice(4)
	not0 := func(c uint32) bool { return c != 0 }
	for range n { // nine of this cycle, one of the next
		if card, ok := deck.Deal(rng, not0); !ok || card == 0 {
			t.Fatalf("dealt %d, %v", card, ok)
		}
	}
	if card, _ := deck.Deal(rng, anyCard); card != 0 {
		t.Errorf("dealt %d; the card that lost its turn comes first", card)
	}
	rest := map[uint32]int{}
	for range n - 1 {
		card, _ := deck.Deal(rng, anyCard)
		rest[card]++
	}
	if rest[0] != 1 {
		t.Errorf("the card that made up for its turn came %d times in the cycle, want once", rest[0])
	}
}

func TestDeckWithNothingThatFits(t *testing.T) {
	t.Parallel()
	nothing := func(uint32) bool { return false }
	tests := map[string]int{"no cards": 0, "one card": 1, "many cards": 100}
	for name, n := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deck, rng := domain.NewDeck(cards(n)), dice(5)
			for range 1000 {
				if card, ok := deck.Deal(rng, nothing); ok {
					t.Fatalf("dealt %d", card)
				}
			}
			if deck.Len() != n {
				t.Errorf("the deck has %d cards now", deck.Len())
			}
			if n == 0 {
				return
			}
			// The refusals have cost no card its turn and made none rich.
			count := map[uint32]int{}
			for range 6 * n {
				card, _ := deck.Deal(rng, anyCard)
				count[card]++
			}
			if most, least := spread(count, n); most-least > 1 {
				t.Errorf("afterwards cards came between %d and %d times", least, most)
			}
		})
	}
}

// TestDeckDoesNotGrow has a card that never fits, as an image has whose
// document all others share, and looks at the work that a deal takes.
func TestDeckDoesNotGrow(t *testing.T) {
	t.Parallel()
	const n = 20
	deck, rng := domain.NewDeck(cards(n)), dice(6)
	most := 0
	for range 5000 {
		looked := 0
		if _, ok := deck.Deal(rng, func(c uint32) bool { looked++; return c >= 2 }); !ok {
			t.Fatal("nothing dealt")
		}
		most = max(most, looked)
	}
	if most > 3*n {
		t.Errorf("a deal looked at %d cards of a deck of %d", most, n)
	}
}

func TestDeckLooksAtFewCards(t *testing.T) {
	t.Parallel()
	const n, deals = 10_000, 50_000
	deck, rng := domain.NewDeck(cards(n)), dice(7)
	looked := 0
	last := uint32(0)
	for range deals {
		last, _ = deck.Deal(rng, func(c uint32) bool { looked++; return c%100 != last%100 })
	}
	if perDeal := float64(looked) / deals; perDeal > 1.1 {
		t.Errorf("a deal looks at %.2f cards where 99 of 100 fit", perDeal)
	}
}

func TestDeckExposure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "cards")
		deck, rng := domain.NewDeck(cards(n)), dice(rapid.Uint64().Draw(t, "seed"))
		// The constraint of real decks: nothing twice in a hand.
		hand := rapid.IntRange(1, n).Draw(t, "hand")
		count := map[uint32]int{}
		var held []uint32
		for i := range rapid.IntRange(1, 300).Draw(t, "deals") {
			if i%hand == 0 {
				held = held[:0]
			}
			card, ok := deck.Deal(rng, func(c uint32) bool { return !slices.Contains(held, c) })
			if !ok {
				t.Fatalf("deal %d: nothing fits though %d of %d are held", i, len(held), n)
			}
			if slices.Contains(held, card) {
				t.Fatalf("deal %d: %d is held already", i, card)
			}
			held = append(held, card)
			count[card]++
			if most, least := spread(count, n); most-least > 2 {
				t.Fatalf("after %d deals cards came between %d and %d times", i+1, least, most)
			}
		}
	})
}

func BenchmarkDeckDeal(b *testing.B) {
	deck, rng := domain.NewDeck(cards(10_000)), dice(8)
	b.ReportAllocs()
	for b.Loop() {
		deck.Deal(rng, anyCard)
	}
}

package domain

import "math/rand/v2"

// table is the pictures that are dealt for one keyword. Each cycle deals all of
// them, mixed with no regard to what they are and cut into boards: so nothing
// follows from which pictures meet. Only boards that would protect nothing are
// mixed anew.
type table struct {
	keyword string
	cards   []live // cards[next:] are still to come in this cycle
	next    int
}

// tablesOf puts the rows of a plan together, by keyword.
func tablesOf(plan *Plan, rows []row, size int) []table {
	var tables []table
	for _, r := range rows {
		if len(r.cards) != size {
			continue // made for another mix
		}
		keyword := plan.Sheets[r.sheet].Keyword
		if len(tables) == 0 || tables[len(tables)-1].keyword != keyword {
			tables = append(tables, table{keyword: keyword})
		}
		t := &tables[len(tables)-1]
		t.cards = append(t.cards, r.cards...)
		t.next = len(t.cards)
	}
	return tables
}

// boards is the number of challenges that the table makes in a cycle.
func (t *table) boards(size int) int { return len(t.cards) / size }

// left is the number of challenges that are still to come in this cycle.
func (t *table) left(size int) int { return (len(t.cards) - t.next) / size }

// mix begins a cycle.
func (t *table) mix(size int, rng *rand.Rand) {
	t.next = 0
	arrange(t.cards, size, rng)
}

// come lays the pictures out that are still to come in this cycle; they are
// arrangeable and the table's. What has been dealt stands before them.
func (t *table) come(later []live, size int, rng *rand.Rand) {
	is := make(map[uint32]bool, len(later))
	for _, l := range later {
		is[l.card] = true
	}
	t.next = 0
	for i, l := range t.cards {
		if !is[l.card] {
			t.cards[i], t.cards[t.next] = t.cards[t.next], l
			t.next++
		}
	}
	arrange(t.cards[t.next:], size, rng)
}

// deal gives the pictures of the next challenge.
func (t *table) deal(size int) []live {
	t.next += size
	return t.cards[t.next-size : t.next]
}

// fitsBoard reports whether pictures make a challenge that may be dealt.
func (t boardSize) fitsBoard(board []live) bool {
	matches, nonMatches := tally(board)
	return t.fits(matches, nonMatches)
}

func tally(cards []live) (matches, nonMatches int) {
	for _, c := range cards {
		switch {
		case c.role != RoleKnown:
		case c.match:
			matches++
		default:
			nonMatches++
		}
	}
	return matches, nonMatches
}

// arrangeable reports whether pictures can be cut into boards that may all be
// dealt.
func arrangeable(cards []live, size int) bool {
	matches, nonMatches := tally(cards)
	n := len(cards) / size
	return n*size == len(cards) && matches >= n && nonMatches >= n && len(cards)-matches-nonMatches <= n*(size/2)
}

// maxMixings bounds how often a board is mixed with another one; beyond it
// there is hardly a way by chance, and boards are made up instead.
const maxMixings = 64

// arrange brings arrangeable cards into a random order in which each run of
// size makes a board that may be dealt. A board that may not is mixed with
// another one until both may, which bends chance as little as can be.
func arrange(cards []live, size int, rng *rand.Rand) {
	shuffle(rng, cards)
	n := len(cards) / size
	at := func(i int) []live { return cards[i*size : (i+1)*size] }
	fits := boardSize(size).fitsBoard
	both := make([]live, 2*size)
	for i := range n {
		for try := 0; !fits(at(i)); try++ {
			if try == maxMixings || n == 1 {
				makeUp(cards, size, rng)
				return
			}
			j := rng.IntN(n)
			if j == i {
				continue
			}
			copy(both, at(i))
			copy(both[size:], at(j))
			shuffle(rng, both)
			if fits(both[:size]) && fits(both[size:]) {
				copy(at(i), both)
				copy(at(j), both[size:])
			}
		}
	}
}

// makeUp gives each board a match and a non-match, then open pictures in turn as
// far as half of it, then the rest.
func makeUp(cards []live, size int, rng *rand.Rand) {
	n := len(cards) / size
	boards := make([][]live, n)
	var open, rest []live
	matches, nonMatches := 0, 0
	for _, c := range cards { // in random order
		switch {
		case c.role != RoleKnown:
			open = append(open, c)
		case c.match && matches < n:
			boards[matches] = append(boards[matches], c)
			matches++
		case !c.match && nonMatches < n:
			boards[nonMatches] = append(boards[nonMatches], c)
			nonMatches++
		default:
			rest = append(rest, c)
		}
	}
	for i, c := range open {
		boards[i%n] = append(boards[i%n], c)
	}
	i := 0
	for _, c := range rest {
		for len(boards[i]) == size {
			i++
		}
		boards[i] = append(boards[i], c)
	}
	shuffle(rng, boards)
	at := 0
	for _, b := range boards {
		at += copy(cards[at:], b)
	}
}

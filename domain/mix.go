package domain

import (
	"fmt"
	"math"
)

// Dealing says how challenges are composed. The zero value is not usable; take
// [DefaultDealing] and change it.
type Dealing struct {
	// Classification is what a challenge holds on average (Matches, NonMatches,
	// Unknown). No two have to hold the same: were the numbers fixed, whoever
	// notes which pictures meet could solve for what each of them is.
	Classification Mix
	// WhollyKnownShare is the share of challenges, 0 to 1, in which every
	// position counts: it lowers the worth of answering one half only. Of
	// classifications it is the least: with the default mix, chance alone makes
	// one in ten.
	WhollyKnownShare float64
	// SentinelShare is the share of unknown slots, 0 to 1, that hold an image
	// whose truth is on record: it measures what votes are worth.
	SentinelShare float64
	// Horizon is how many challenges somebody is taken to have the patience to
	// watch: within so many no image comes back. It counts all that are dealt
	// from a pool meanwhile, whoever gets them.
	Horizon int
}

// DefaultDealing is 3 matches, 4 non-matches and 2 unknown for a
// classification, one challenge in ten wholly known, one unknown slot in fifty
// a sentinel, and a horizon of 20,000 challenges.
func DefaultDealing() Dealing {
	return Dealing{
		Classification:   Mix{Matches: 3, NonMatches: 4, Unknown: 2},
		WhollyKnownShare: 0.10,
		SentinelShare:    0.02,
		Horizon:          20_000,
	}
}

const (
	// maxBlindGuess bounds the chance that a guess without looking passes.
	maxBlindGuess = 0.02
	// maxHorizon is more than anybody watches.
	maxHorizon = 1_000_000_000
)

// Validate refuses dealings that would protect no form: fewer than half the
// positions known, or more than 2 % of blind guesses passing.
func (d Dealing) Validate() error {
	m := d.Classification
	if m.Matches < 1 || m.NonMatches < 1 || m.Unknown < 1 {
		return fmt.Errorf("the classification mix %d/%d/%d needs at least one match, one non-match and one unknown", m.Matches, m.NonMatches, m.Unknown)
	}
	if n := m.slots(); n > MaxPositions {
		return fmt.Errorf("the classification mix %d/%d/%d has %d images; a challenge has at most %d", m.Matches, m.NonMatches, m.Unknown, n, MaxPositions)
	}
	if m.Matches+m.NonMatches < m.Unknown {
		return fmt.Errorf("the classification mix %d/%d/%d has fewer known than unknown images", m.Matches, m.NonMatches, m.Unknown)
	}
	// Written so that NaN is refused too.
	if !(d.WhollyKnownShare >= 0 && d.WhollyKnownShare < 1) {
		return fmt.Errorf("the wholly known share %g is not in [0, 1)", d.WhollyKnownShare)
	}
	if !(d.SentinelShare >= 0 && d.SentinelShare < 1) {
		return fmt.Errorf("the sentinel share %g is not in [0, 1)", d.SentinelShare)
	}
	if d.Horizon < 1 || d.Horizon > maxHorizon {
		return fmt.Errorf("the horizon of %d challenges is not from 1 to %d", d.Horizon, maxHorizon)
	}
	if p := max(m.BlindGuess(), d.BlindGuess()); p > maxBlindGuess {
		return fmt.Errorf("the classification mix %d/%d/%d lets %.1f %% of blind guesses pass; at most %.0f %% may", m.Matches, m.NonMatches, m.Unknown, 100*p, 100*maxBlindGuess)
	}
	return nil
}

// BlindGuess is the chance that the best guess without looking passes a
// classification of exactly this mix: whoever selects k of the T images passes with probability
// C(unknown, k-matches) / C(T, k), and may choose k.
func (m Mix) BlindGuess() float64 {
	total := m.slots()
	best := 0.0
	for extra := 0; extra <= int(m.Unknown); extra++ {
		p := binomial(int(m.Unknown), extra) / binomial(total, int(m.Matches)+extra)
		best = max(best, p)
	}
	return best
}

// slots counts the images of a classification.
func (m Mix) slots() int { return int(m.Matches) + int(m.NonMatches) + int(m.Unknown) }

func binomial(n, k int) float64 {
	c := 1.0
	for i := range k {
		c = c * float64(n-i) / float64(i+1)
	}
	return c
}

// openShare is the share of a classification's pictures that are unknown or
// sentinels: the mix's, and less where that makes too few challenges wholly
// known. Of T pictures none is open with probability (1-share)^T.
func (d Dealing) openShare() float64 {
	m := d.Classification
	return min(float64(m.Unknown)/float64(m.slots()), 1-math.Pow(d.WhollyKnownShare, 1/float64(m.slots())))
}

// BlindGuess is the chance that the best guess without looking passes a
// classification whose pictures were drawn from a large table: whoever selects
// k of T pictures passes when no match is left out and no non-match selected.
// With p, q and r the shares of matches, non-matches and open ones that is
// (p+r)^k (q+r)^(T-k), over those challenges that may be dealt (see [boardSize.fits]).
func (d Dealing) BlindGuess() float64 {
	t := d.Classification.slots()
	open := d.openShare()
	known := float64(d.Classification.Matches) + float64(d.Classification.NonMatches)
	match := (1 - open) * float64(d.Classification.Matches) / known
	nonMatch := 1 - open - match
	passes, dealt := make([]float64, t+1), 0.0
	for m := 1; m < t; m++ {
		for n := 1; m+n <= t; n++ {
			u := t - m - n
			if !boardSize(t).fits(m, n) {
				continue
			}
			p := binomial(t, m) * binomial(t-m, n) * math.Pow(match, float64(m)) * math.Pow(nonMatch, float64(n)) * math.Pow(open, float64(u))
			dealt += p
			for extra := 0; extra <= u; extra++ {
				passes[m+extra] += p * binomial(u, extra) / binomial(t, m+extra)
			}
		}
	}
	best := 0.0
	for _, p := range passes {
		best = max(best, p/dealt)
	}
	return best
}

// boardSize is how many pictures a classification has.
type boardSize int

// fits reports whether a challenge may have so many known matches and
// non-matches, the rest being open: one of each at least, so that neither
// selecting nothing nor selecting everything is right, and at least half known.
func (t boardSize) fits(matches, nonMatches int) bool {
	return matches >= 1 && nonMatches >= 1 && 2*(matches+nonMatches) >= int(t)
}

// pieces counts what n sheets are made of.
type pieces struct {
	matches, nonMatches int // known; all are matches with transcriptions
	sentinels, unknown  int
	sentinelMatches     int // with classifications: sentinels that show the keyword
	wholly              int // with transcriptions: couples of two known texts
}

func (p pieces) known() int { return p.matches + p.nonMatches + p.sentinels }

// couples says what n couples of texts are made of.
func (d Dealing) couples(n int) pieces {
	wholly := int(math.Round(d.WhollyKnownShare * float64(n)))
	sentinels := int(math.Round(d.SentinelShare * float64(n-wholly)))
	return pieces{matches: n + wholly, sentinels: sentinels, unknown: n - wholly - sentinels, wholly: wholly}
}

// table says what n sheets of pictures for one keyword are made of. Where
// fewer are open than in the mix, matches and non-matches stand in for them,
// half each, because what an open picture shows is as open. A table is small:
// luck (0 to 1) decides what becomes of the fraction of a sentinel.
func (d Dealing) table(n int, luck float64) pieces {
	m := d.Classification
	open := min(int(math.Round(d.openShare()*float64(n*m.slots()))), n*int(m.Unknown))
	spare := n*int(m.Unknown) - open
	sentinels := min(int(d.SentinelShare*float64(open)+luck), open)
	return pieces{
		matches: n*int(m.Matches) + spare/2, nonMatches: n*int(m.NonMatches) + spare - spare/2,
		sentinels: sentinels, unknown: open - sentinels, sentinelMatches: (sentinels + int(2*luck)) / 2,
	}
}

package domain

import "fmt"

// Dealing says how challenges are composed. The zero value is not usable; take
// [DefaultDealing] and change it.
type Dealing struct {
	Classification Mix // Matches, NonMatches, Unknown
	// WhollyKnownShare is the share of challenges, 0 to 1, in which every
	// position counts: it lowers the worth of answering one half only.
	WhollyKnownShare float64
	// SentinelShare is the share of unknown slots, 0 to 1, that hold an image
	// whose truth is on record: it measures what votes are worth.
	SentinelShare float64
}

// DefaultDealing is 3 matches, 4 non-matches and 2 unknown for a
// classification, one challenge in ten wholly known, one unknown slot in fifty
// a sentinel.
func DefaultDealing() Dealing {
	return Dealing{
		Classification:   Mix{Matches: 3, NonMatches: 4, Unknown: 2},
		WhollyKnownShare: 0.10,
		SentinelShare:    0.02,
	}
}

// maxBlindGuess bounds the chance that a guess without looking passes.
const maxBlindGuess = 0.02

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
	if p := m.BlindGuess(); p > maxBlindGuess {
		return fmt.Errorf("the classification mix %d/%d/%d lets %.1f %% of blind guesses pass; at most %.0f %% may", m.Matches, m.NonMatches, m.Unknown, 100*p, 100*maxBlindGuess)
	}
	// Written so that NaN is refused too.
	if !(d.WhollyKnownShare >= 0 && d.WhollyKnownShare < 1) {
		return fmt.Errorf("the wholly known share %g is not in [0, 1)", d.WhollyKnownShare)
	}
	if !(d.SentinelShare >= 0 && d.SentinelShare < 1) {
		return fmt.Errorf("the sentinel share %g is not in [0, 1)", d.SentinelShare)
	}
	return nil
}

// BlindGuess is the chance that the best guess without looking passes a
// classification: whoever selects k of the T images passes with probability
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

// knownInsteadOfUnknown is the expected share of unknown slots that are dealt
// from a known deck, wholly known challenges and sentinels together. Exposure
// matching counts every slot actually dealt, so it needs this.
func (d Dealing) knownInsteadOfUnknown() float64 {
	return d.WhollyKnownShare + (1-d.WhollyKnownShare)*d.SentinelShare
}

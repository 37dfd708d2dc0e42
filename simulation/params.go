package simulation

import (
	"fmt"
	"slices"

	"ocapi/domain"
)

// Params says what is simulated. Take [DefaultParams] and change it.
type Params struct {
	Type           domain.ChallengeType // transcription or classification
	Known, Unknown int                  // images that there are

	// Challenges are the numbers of challenges that the attacker has taken when
	// he is measured; ascending.
	Challenges []int
	// Share is the attacker's share of all that are handed out, above 0 to 1.
	Share float64
	// PerSecond is how many challenges are handed out in a second of the virtual
	// clock, to all visitors together. Nodes look for new plans twice in a second.
	PerSecond float64

	Nodes int
	// Restarts is how often a node is started anew during a run, one after the
	// other; it knows what is stored, and nothing else.
	Restarts int
	// Promotions is how many unknown images become known for each challenge that
	// is handed out: the consensus has settled them.
	Promotions float64

	// Runs are the worlds that are averaged, so that chance is not taken for a
	// leak. Each has a seed of its own, which follows from Seed.
	Runs int
	Seed uint64

	Dealing domain.Dealing
	// Enumerators plays those who only take challenges, too: some twenty million
	// questions to the limiter.
	Enumerators bool
}

// Defaults by type: as many known images as issue and design speak of. Pictures
// need more of them, because each challenge shows seven.
const (
	defaultKnownTexts    = 1_000
	defaultKnownPictures = 2_500
	defaultUnknown       = 1_000_000
	defaultRuns          = 8
	defaultPerSecond     = 50
)

// Bounds that keep a run within the memory of a small machine.
const (
	maxImages     = 5_000_000
	maxChallenges = 1_000_000
	maxNodes      = 32
	maxRuns       = 100
	maxRestarts   = 10_000
)

// DefaultParams are those that the bars are set for.
func DefaultParams(t domain.ChallengeType) Params {
	known := defaultKnownTexts
	if t == domain.TypeClassification {
		known = defaultKnownPictures
	}
	return Params{
		Type: t, Known: known, Unknown: defaultUnknown,
		Challenges: []int{500, 2_000, 5_000, 20_000}, Share: 1, PerSecond: defaultPerSecond,
		Nodes: 1, Runs: defaultRuns, Seed: 1, Dealing: domain.DefaultDealing(), Enumerators: true,
	}
}

// Validate says which parameter is out of its bounds.
func (p Params) Validate() error {
	if p.Type != domain.TypeTranscription && p.Type != domain.TypeClassification {
		return fmt.Errorf("the type %s cannot be simulated; it has to be transcription or classification", p.Type)
	}
	for _, n := range []struct {
		name               string
		value, least, most int
	}{
		{"known images", p.Known, 1, maxImages}, {"unknown images", p.Unknown, 1, maxImages},
		{"nodes", p.Nodes, 1, maxNodes}, {"restarts", p.Restarts, 0, maxRestarts}, {"runs", p.Runs, 1, maxRuns},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("%d %s: it has to be from %d to %d", n.value, n.name, n.least, n.most)
		}
	}
	if len(p.Challenges) == 0 {
		return fmt.Errorf("there has to be a number of challenges after which attackers are measured")
	}
	if !slices.IsSorted(p.Challenges) || len(slices.Compact(slices.Clone(p.Challenges))) != len(p.Challenges) {
		return fmt.Errorf("the numbers of challenges %v have to ascend", p.Challenges)
	}
	if first, last := p.Challenges[0], p.most(); first < minChallenges || last > maxChallenges {
		return fmt.Errorf("the numbers of challenges %v have to be from %d to %d", p.Challenges, minChallenges, maxChallenges)
	}
	// Written so that NaN is refused too.
	if !(p.Share > 0 && p.Share <= 1) {
		return fmt.Errorf("the attacker's share %g is not above 0 and up to 1", p.Share)
	}
	if float64(p.most())/p.Share > maxChallenges {
		return fmt.Errorf("with a share of %g there are more than %d challenges to hand out", p.Share, maxChallenges)
	}
	if !(p.PerSecond >= 0.01 && p.PerSecond <= 10_000) {
		return fmt.Errorf("%g challenges a second: it has to be from 0.01 to 10000", p.PerSecond)
	}
	if !(p.Promotions >= 0 && p.Promotions <= 1) {
		return fmt.Errorf("%g promotions a challenge: it has to be from 0 to 1", p.Promotions)
	}
	return p.Dealing.Validate()
}

// minChallenges is the fewest from which anything could be told.
const minChallenges = 20

// most is how many challenges the attacker takes.
func (p Params) most() int { return p.Challenges[len(p.Challenges)-1] }

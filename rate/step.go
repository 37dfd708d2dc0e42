package rate

import "time"

// Step is how much work is asked for a challenge: 0 is none, 1 the least, and
// each further one twice the one before. A new step needs nothing else.
//
// The step follows from how far the buckets of proven challenges are used up:
// in the first sixth of the fuller one it is 1, in the second 2, … So the more
// work is done, the more each challenge costs, until those who do it cannot do
// more than flows off; and it falls as the bucket fills again. With
//
//	W(s) = Cost * (FirstMax*2^(s-1) + 1)
//
// iterations at most, half on average (the counter is drawn evenly from 0 to
// the largest, so there is nowhere better to begin, and giving up on one
// question for another gains nothing), somebody who does B iterations a second
// gets 2B/W(s) challenges a second at the step s. The step settles where that
// is what flows off.
type Step uint8

const (
	// MaxStep is 32 times the first: 16 million iterations, 21 s of a phone of
	// 0.75 million a second. It takes 3,200 cores of 2.5 million to keep the
	// default bucket of proven challenges empty against it, and as many for two
	// minutes, at rising steps, to empty it.
	MaxStep Step = 6

	// Cost is the iterations of one derivation. A browser loses about 0.08 ms of
	// a desktop's time beside each derivation (a quarter of it at this cost,
	// measured in Chromium 156), so more would be fairer to browsers; but the
	// server does one derivation for each question (0.2 ms), so less is cheaper
	// to be asked for.
	Cost = 1000

	// FirstMax is the largest counter at the first step: half a million
	// iterations, which a slow phone does within a second.
	FirstMax = 500

	// leeway is how far, in steps, the buckets may be used beyond a step before
	// a proof of it is refused. Whoever was asked just before the next step began
	// is let in; whoever hoards questions of a quiet minute to answer them later
	// can raise the step for others by less than one.
	leeway = 0.5
)

// largest is the largest counter at a step.
func (s Step) largest() int { return FirstMax << (s - 1) }

// Iterations is the most that a proof of the step takes, 0 without one.
func (s Step) Iterations() int {
	if s == 0 {
		return 0
	}
	return Cost * (s.largest() + 1)
}

const (
	// patience is how long a question of no work would live: time for a page in
	// the background, or a visitor whose network is away.
	patience = 30 * time.Second
	// slowPhone is how many iterations a second the slowest payloads do that are
	// waited for three times over.
	slowPhone = 500_000
)

// Life is how long a question of the step may be answered: half a minute, and
// three times what a slow phone needs. It is not longer because work can be
// saved up for as long, to be spent at once.
func (s Step) Life() time.Duration {
	return patience + 3*time.Duration(s.Iterations())*time.Second/slowPhone
}

// asked is the step that is asked for while used of the buckets is taken, from
// 0 to 1.
func asked(used float64) Step { return stepAt(used * float64(MaxStep)) }

// accepted is the least step that is let in, the one asked for or the one
// before it.
func accepted(used float64) Step { return stepAt(used*float64(MaxStep) - leeway) }

func stepAt(x float64) Step { return 1 + Step(min(float64(MaxStep-1), max(0, x))) }

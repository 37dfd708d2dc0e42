package rate

// Outcome is how a request for a challenge was decided. A new one needs
// String, and a row in the operator's guide.
type Outcome uint8

// The outcomes. The zero value is invalid.
const (
	OutcomeInvalid  Outcome = iota
	OutcomeFree             // let in without a proof of work
	OutcomeProven           // let in for a proof of work
	OutcomeAsked            // refused with a question
	OutcomePlain            // refused without one, because the payload cannot do it or no more can be asked
	OutcomeBadProof         // refused, because the proof that came is no good; with a question
	OutcomeHard             // refused, because even the proven challenges are used up
	outcomeCount
)

// String gives the name that metrics and logs use.
func (o Outcome) String() string {
	switch o {
	case OutcomeFree:
		return "free"
	case OutcomeProven:
		return "proven"
	case OutcomeAsked:
		return "asked"
	case OutcomePlain:
		return "plain"
	case OutcomeBadProof:
		return "bad_proof"
	case OutcomeHard:
		return "hard"
	case OutcomeInvalid, outcomeCount:
	}
	return "invalid"
}

// Scope is whose bucket decided: with an admission the one that was charged,
// with a refusal the one that was used up. A new one needs String.
type Scope uint8

// The scopes. The zero value is invalid.
const (
	ScopeInvalid Scope = iota
	ScopeClient        // one client's images
	ScopeAudio         // one client's audio challenges
	ScopeTotal         // all clients together
	scopeCount
)

// String gives the name that metrics and logs use.
func (s Scope) String() string {
	switch s {
	case ScopeClient:
		return "client"
	case ScopeAudio:
		return "audio"
	case ScopeTotal:
		return "total"
	case ScopeInvalid, scopeCount:
	}
	return "invalid"
}

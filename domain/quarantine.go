package domain

import (
	"strings"
	"time"
	"unicode/utf8"
)

// The stored names of the events about quarantines; see events.go.
const (
	NameVotesQuarantined = "VotesQuarantined.v1"
	NameQuarantineLifted = "QuarantineLifted.v1"
)

// QuarantineID names one quarantine. It is no challenge's id.
type QuarantineID struct{ UUID }

// ParseQuarantineID reads a quarantine's id; errors as [ParseUUID].
func ParseQuarantineID(s string) (QuarantineID, error) {
	u, err := ParseUUID(s)
	return QuarantineID{u}, err
}

// VotesQuarantined says that votes are set aside until the quarantine is lifted.
// The votes' own events stay what they are. Its header names the quarantine
// where others name a challenge, and the client whose votes are meant, empty for
// all clients'.
type VotesQuarantined struct {
	Header
	Pattern   VotePattern // zero: all votes of that time
	From, To  time.Time   // at or after From and before To; UTC, whole microseconds
	Reason    string
	Automatic bool // the service found the flood itself
}

// Name implements [Event].
func (*VotesQuarantined) Name() string { return NameVotesQuarantined }

// Quarantine gives the quarantine's id.
func (e *VotesQuarantined) Quarantine() QuarantineID { return QuarantineID(e.Challenge) }

// Exclusion gives the votes that are set aside.
func (e *VotesQuarantined) Exclusion() Exclusion {
	return Exclusion{From: e.From, To: e.To, Client: e.Client, Pattern: e.Pattern}
}

// QuarantineLifted says that the votes of a quarantine count again, as if it had
// never been. Its header is the quarantine's.
type QuarantineLifted struct {
	Header
	Reason string
}

// Name implements [Event].
func (*QuarantineLifted) Name() string { return NameQuarantineLifted }

// Quarantine gives the quarantine's id.
func (e *QuarantineLifted) Quarantine() QuarantineID { return QuarantineID(e.Challenge) }

var (
	_ Event = (*VotesQuarantined)(nil)
	_ Event = (*QuarantineLifted)(nil)
)

// Quarantine is the state of one quarantine. The zero value is one that does
// not exist.
type Quarantine struct {
	Votes  *VotesQuarantined // nil: there is none
	Lifted *QuarantineLifted // nil while it is in force
}

// InForce reports whether votes are set aside by it.
func (q Quarantine) InForce() bool { return q.Votes != nil && q.Lifted == nil }

// EvolveQuarantine applies one event to a quarantine. It is total: what cannot
// follow, and events about anything else, change nothing.
func EvolveQuarantine(q Quarantine, e Event) Quarantine {
	switch e := e.(type) {
	case *VotesQuarantined:
		if q.Votes == nil {
			q.Votes = e
		}
	case *QuarantineLifted:
		if q.InForce() && q.Votes.Challenge == e.Challenge {
			q.Lifted = e
		}
	}
	return q
}

// QuarantineCommand is what somebody asks of a quarantine. The set is closed.
type QuarantineCommand interface{ quarantineCommand() }

// QuarantineVotes asks to set votes aside.
type QuarantineVotes struct {
	Quarantine QuarantineID
	Votes      Exclusion // both ends of its time are needed
	Reason     string
	Automatic  bool
}

// LiftQuarantine asks to let the votes of a quarantine count again.
type LiftQuarantine struct {
	Quarantine QuarantineID
	Reason     string
}

func (QuarantineVotes) quarantineCommand() {}
func (LiftQuarantine) quarantineCommand()  {}

// MaxReasonRunes bounds the reason of a quarantine or of its lifting.
const MaxReasonRunes = 500

// DecideQuarantine turns a command into the event that it causes, or refuses it
// with an [Error]: CodeConflict when the quarantine exists already, or has been
// lifted already, CodeNotFound when it does not exist, and CodeInvalid.
func DecideQuarantine(q Quarantine, cmd QuarantineCommand, now time.Time, id EventID) (Event, error) {
	h := Header{ID: id, At: Moment(now)}
	switch cmd := cmd.(type) {
	case QuarantineVotes:
		if q.Votes != nil {
			return nil, Conflict(nil)
		}
		if err := checkQuarantine(cmd); err != nil {
			return nil, err
		}
		h.Challenge, h.Client = ChallengeID(cmd.Quarantine), cmd.Votes.Client
		return &VotesQuarantined{
			Header: h, Pattern: cmd.Votes.Pattern, From: Moment(cmd.Votes.From), To: Moment(cmd.Votes.To),
			Reason: cmd.Reason, Automatic: cmd.Automatic,
		}, nil
	case LiftQuarantine:
		switch {
		case q.Votes == nil:
			return nil, NotFound("there is no quarantine %s", cmd.Quarantine)
		case q.Lifted != nil:
			return nil, &Error{Code: CodeConflict, Message: "the quarantine was lifted at " + q.Lifted.At.Format(time.RFC3339)}
		}
		if err := checkReason(cmd.Reason); err != nil {
			return nil, err
		}
		h.Challenge, h.Client = q.Votes.Challenge, q.Votes.Client
		return &QuarantineLifted{Header: h, Reason: cmd.Reason}, nil
	}
	return nil, Invalid("command", "there is no such command")
}

func checkQuarantine(cmd QuarantineVotes) error {
	v := cmd.Votes
	switch {
	case v.From.IsZero() || v.To.IsZero():
		return Invalid("from", "a quarantine has a beginning and an end; it is over votes, not over time to come")
	case !v.From.Before(v.To):
		return Invalid("from", "the quarantine ends at %s, which is not after its beginning, %s", v.To.UTC().Format(time.RFC3339), v.From.UTC().Format(time.RFC3339))
	case v.Pattern.Kind > PatternSelection:
		return Invalid("pattern", "there is no such kind of pattern")
	case utf8.RuneCountInString(v.Pattern.Text) > MaxAnswerRunes*maxFoldGrowth:
		return Invalid("pattern", "the text is longer than any answer")
	case v.Pattern.Positions > MaxPositions:
		return Invalid("pattern", "a challenge has at most %d positions, the pattern has %d", MaxPositions, v.Pattern.Positions)
	}
	return checkReason(cmd.Reason)
}

// maxFoldGrowth is how many letters one character may become when it is folded:
// U+FDFA, an honorific, becomes 18 and four spaces.
const maxFoldGrowth = 18

func checkReason(reason string) error {
	switch {
	case !utf8.ValidString(reason):
		return Invalid("reason", "the reason is not valid UTF-8")
	case utf8.RuneCountInString(reason) > MaxReasonRunes:
		return Invalid("reason", "the reason is longer than %d characters", MaxReasonRunes)
	case strings.TrimSpace(reason) == "":
		return Invalid("reason", "a reason is needed: somebody will ask for it later")
	}
	return nil
}

// Quarantines is the state of all quarantines, in the order in which they were
// made. It is not safe for concurrent use.
type Quarantines struct {
	list    []Quarantine
	index   map[QuarantineID]int
	pattern map[VotePattern][]int // by their pattern
}

// Apply takes in an event; events about anything else change nothing.
func (q *Quarantines) Apply(e Event) {
	var id QuarantineID
	switch e := e.(type) {
	case *VotesQuarantined:
		id = e.Quarantine()
	case *QuarantineLifted:
		id = e.Quarantine()
	default:
		return
	}
	if i, ok := q.index[id]; ok {
		q.list[i] = EvolveQuarantine(q.list[i], e)
		return
	}
	made := EvolveQuarantine(Quarantine{}, e)
	if made.Votes == nil {
		return
	}
	if q.index == nil {
		q.index, q.pattern = map[QuarantineID]int{}, map[VotePattern][]int{}
	}
	q.index[id] = len(q.list)
	q.pattern[made.Votes.Pattern] = append(q.pattern[made.Votes.Pattern], len(q.list))
	q.list = append(q.list, made)
}

// Get gives one quarantine; the zero value where there is none.
func (q *Quarantines) Get(id QuarantineID) Quarantine {
	if i, ok := q.index[id]; ok {
		return q.list[i]
	}
	return Quarantine{}
}

// All gives all quarantines, in the order in which they were made. The caller
// does not change it.
func (q *Quarantines) All() []Quarantine { return q.list }

// SetAside reports whether a quarantine that is in force covers a vote.
func (q *Quarantines) SetAside(v *Vote) bool {
	return q.covers(v.Pattern, v) || v.Pattern.Kind != PatternNone && q.covers(VotePattern{}, v)
}

func (q *Quarantines) covers(p VotePattern, v *Vote) bool {
	for _, i := range q.pattern[p] {
		if q.list[i].InForce() && q.list[i].Votes.Exclusion().Covers(v) {
			return true
		}
	}
	return false
}

// Of gives the quarantines of exactly this pattern.
func (q *Quarantines) Of(p VotePattern) []Quarantine {
	list := make([]Quarantine, 0, len(q.pattern[p]))
	for _, i := range q.pattern[p] {
		list = append(list, q.list[i])
	}
	return list
}

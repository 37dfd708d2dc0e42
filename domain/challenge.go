package domain

import "time"

// Lifetime is how long a challenge can be answered after it was created.
const Lifetime = 20 * time.Minute

// AnswerGrace is how much longer than it can be answered a challenge is held by
// what brings answers together with their challenges: the clocks of two nodes may
// differ. All have the same, so that they count the same answers.
const AnswerGrace = time.Minute

// Challenge is the state of one challenge: what its events add up to. The zero
// value is a challenge that does not exist.
type Challenge struct {
	Status   Status
	Created  *ChallengeCreated  // nil while Status is StatusNone
	Answered *ChallengeAnswered // nil until there is a verdict
	Consumed *VerdictConsumed   // nil until the verdict is consumed; see consumption.go
}

// Evolve applies one event to a challenge. It is total: an event that cannot
// follow (a second creation, an answer to nothing, a second answer) changes
// nothing, so the first verdict stands whatever a log holds after it.
func Evolve(c Challenge, e Event) Challenge {
	switch e := e.(type) {
	case *ChallengeCreated:
		if c.Status == StatusNone {
			return Challenge{Status: StatusCreated, Created: e}
		}
	case *ChallengeAnswered:
		if c.Status == StatusCreated && c.Created != nil && e.Verdict.Final() && c.Created.Challenge == e.Challenge {
			c.Status = e.Verdict
			c.Answered = e
		}
	case *VerdictConsumed:
		if c.Status == StatusValidated && c.Consumed == nil && c.Answered != nil && c.Answered.Challenge == e.Challenge && c.Answered.Client == e.Client {
			c.Consumed = e
		}
	}
	return c
}

// Command is what somebody asks of a challenge. The set is closed.
type Command interface{ command() }

// IssueChallenge asks for a new challenge with this composition.
type IssueChallenge struct {
	Challenge   ChallengeID
	Client      ClientID
	Composition Composition
}

// AnswerChallenge asks for the verdict on an answer.
type AnswerChallenge struct {
	Challenge ChallengeID
	Client    ClientID
	Answer    Answer
}

func (IssueChallenge) command()  {}
func (AnswerChallenge) command() {}

// Decide turns a command into the event that it causes, or refuses it with an
// [Error]: CodeConflict when the challenge exists already, CodeNotFound when
// it does not or is another client's, CodeAlreadyAnswered (with the final
// status) when it has its verdict, CodeExpired, and CodeInvalid. An answer to
// a challenge that has its verdict is refused as such whatever it holds and
// however late it comes: a lost response must lock nobody out.
func Decide(c Challenge, cmd Command, now time.Time, id EventID) (Event, error) {
	now = Moment(now)
	switch cmd := cmd.(type) {
	case IssueChallenge:
		return decideIssue(c, cmd, now, id)
	case AnswerChallenge:
		return decideAnswer(c, cmd, now, id)
	}
	return nil, Invalid("command", "there is no such command")
}

func decideIssue(c Challenge, cmd IssueChallenge, now time.Time, id EventID) (Event, error) {
	if c.Status != StatusNone {
		return nil, Conflict(nil)
	}
	if err := cmd.Composition.check(); err != nil {
		return nil, err
	}
	return &ChallengeCreated{
		Header:      Header{ID: id, Challenge: cmd.Challenge, Client: cmd.Client, At: now},
		Type:        cmd.Composition.Type,
		Keyword:     cmd.Composition.Keyword,
		Credit:      cmd.Composition.Credit,
		Positions:   cmd.Composition.Positions,
		WhollyKnown: cmd.Composition.WhollyKnown,
		Mix:         cmd.Composition.Mix,
		ExpiresAt:   now.Add(Lifetime),
		Generation:  cmd.Composition.Generation,
		Language:    cmd.Composition.Language,
	}, nil
}

func decideAnswer(c Challenge, cmd AnswerChallenge, now time.Time, id EventID) (Event, error) {
	if c.Created == nil || c.Created.Client != cmd.Client || c.Created.Challenge != cmd.Challenge {
		return nil, NotFound("there is no such challenge")
	}
	if c.Status.Final() {
		return nil, AlreadyAnswered(c.Status)
	}
	if !now.Before(c.Created.ExpiresAt) {
		return nil, Expired()
	}
	if err := CheckAnswer(c.Created, cmd.Answer); err != nil {
		return nil, err
	}
	return &ChallengeAnswered{
		Header:  Header{ID: id, Challenge: cmd.Challenge, Client: cmd.Client, At: now},
		Answer:  cmd.Answer,
		Verdict: Judge(c.Created, cmd.Answer),
	}, nil
}

// AlreadyAnswered says that the challenge has its verdict, and which.
func AlreadyAnswered(s Status) *Error {
	return &Error{Code: CodeAlreadyAnswered, Message: "the challenge has been answered already", Status: s}
}

// Expired says that the challenge was not answered in time.
func Expired() *Error {
	return &Error{Code: CodeExpired, Message: "the challenge has expired; ask for a new one"}
}

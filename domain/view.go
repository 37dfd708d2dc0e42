package domain

import "time"

// Request is what a browser asks for when it asks for a challenge. The zero
// value asks for any.
type Request struct {
	Type     ChallengeType // TypeInvalid: any that can be served
	Language string        // of the visitor, a BCP 47 tag; empty: not said
	CanProve bool          // the payload can do a proof of work, if it is asked for one
	Proof    string        // the proof that it has done, "<token>.<counter>"; empty: none
}

// ChallengeView is all that a browser is told of a challenge. It has no field
// that could differ by role: what is not here cannot be sent by mistake.
type ChallengeView struct {
	Challenge ChallengeID
	Client    ClientID
	Type      ChallengeType
	ExpiresAt time.Time
	Prompt    map[string]string // language -> keyword, with classification only
	Images    int               // how many images it has, none with audio; positions are 0 to Images-1
	Credit    string
	Language  string // of what is said, with audio only
}

// Showing names one showing of an image: a place in a challenge.
type Showing struct {
	Challenge ChallengeID
	Position  int // from 0
}

// Picture is one served image.
type Picture struct {
	Bytes       []byte // never changed by whoever holds it
	ContentType string
	// Loan, where there is one, takes the bytes back, for another picture to be made
	// in their place. Release it once, when nobody needs them any more, or never:
	// then they are the holder's for good.
	Loan interface{ Release() }
}

// Sound is the sound of an audio challenge.
type Sound struct {
	Bytes       []byte // never changed by whoever holds it
	ContentType string
}

// AnswerOutcome is what the browser is told about its answer.
type AnswerOutcome struct {
	Challenge  ChallengeID
	Status     Status         // StatusValidated or StatusRejected
	Next       *ChallengeView // after a rejection: a new challenge; nil where none could be had
	RetryAfter time.Duration  // with a nil Next after a rejection: when to ask for one
}

package domain

import "fmt"

// ChallengeType says what a visitor is asked to do. A new type needs: String,
// ParseChallengeType, CheckAnswer, Judge, the composer, the widget.
type ChallengeType uint8

// The types of challenge. The zero value is invalid.
const (
	TypeInvalid        ChallengeType = iota
	TypeTranscription                // type the words on the images
	TypeClassification               // choose the images that show a keyword
	TypeAudio                        // type what is heard
)

// String gives the name used in requests, in JSON and in the store.
func (t ChallengeType) String() string {
	switch t {
	case TypeTranscription:
		return "transcription"
	case TypeClassification:
		return "classification"
	case TypeAudio:
		return "audio"
	case TypeInvalid:
	}
	return "invalid"
}

// ParseChallengeType reads a type's name.
func ParseChallengeType(s string) (ChallengeType, error) {
	for t := TypeTranscription; t <= TypeAudio; t++ {
		if t.String() == s {
			return t, nil
		}
	}
	return TypeInvalid, Invalid("type", "the type is %.40q; it is one of transcription, classification, audio", s)
}

// Role is the part an image plays in one challenge. It never leaves the
// service except through the events.
type Role uint8

// The roles. The zero value is invalid.
const (
	RoleInvalid  Role = iota
	RoleKnown         // its answer is on record and decides the verdict
	RoleUnknown       // its answer is a vote
	RoleSentinel      // plays an unknown, though its truth is on record: it measures the votes
)

// String gives the name used in events and in the store.
func (r Role) String() string {
	switch r {
	case RoleKnown:
		return "known"
	case RoleUnknown:
		return "unknown"
	case RoleSentinel:
		return "sentinel"
	case RoleInvalid:
	}
	return "invalid"
}

// Trust says where an expected answer comes from.
type Trust uint8

// The grades of trust. The zero value means that there is no expected answer.
const (
	TrustNone     Trust = iota
	TrustImported       // the institution's own annotation
	TrustPromoted       // settled by visitors' votes
)

// String gives the name used in events.
func (t Trust) String() string {
	switch t {
	case TrustImported:
		return "imported"
	case TrustPromoted:
		return "promoted"
	case TrustNone:
	}
	return "none"
}

// Status is where a challenge stands. A new status needs: String, ParseStatus,
// openapi.yaml, the state tables and their conformance tests.
type Status uint8

// The statuses. The zero value means that the challenge does not exist.
const (
	StatusNone Status = iota
	StatusCreated
	StatusValidated
	StatusRejected
)

// String gives the name of the public contract.
func (s Status) String() string {
	switch s {
	case StatusCreated:
		return "created"
	case StatusValidated:
		return "validated"
	case StatusRejected:
		return "rejected"
	case StatusNone:
	}
	return "none"
}

// ParseStatus reads a status's name; "none" is refused.
func ParseStatus(s string) (Status, error) {
	for t := StatusCreated; t <= StatusRejected; t++ {
		if t.String() == s {
			return t, nil
		}
	}
	return StatusNone, fmt.Errorf("%q is no status", s)
}

// Final reports whether nothing can change the status any more.
func (s Status) Final() bool { return s == StatusValidated || s == StatusRejected }

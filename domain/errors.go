package domain

import (
	"errors"
	"fmt"
	"time"
)

// Code classifies an error for callers. Whoever adds one adds a row to the
// table of statuses in package http.
type Code uint8

// The vocabulary of errors. Anything that is not an [Error] is internal.
const (
	CodeInternal        Code = iota // zero: not for callers' eyes
	CodeInvalid                     // the input is malformed; Field says where
	CodeNotFound                    // no such client, challenge or image
	CodeConflict                    // somebody else wrote first; read again
	CodeAlreadyAnswered             // the challenge has its verdict; Status says which
	CodeExpired                     // the challenge was not answered in time, or is no longer shown
	CodeLimited                     // too many; RetryAfter says when to come back
	CodeUnavailable                 // a needed part does not answer; RetryAfter says when to come back
)

// String gives the code's name as it stands in logs and problem documents.
func (c Code) String() string {
	switch c {
	case CodeInvalid:
		return "invalid"
	case CodeNotFound:
		return "not-found"
	case CodeConflict:
		return "conflict"
	case CodeAlreadyAnswered:
		return "already-answered"
	case CodeExpired:
		return "expired"
	case CodeLimited:
		return "limited"
	case CodeUnavailable:
		return "unavailable"
	case CodeInternal:
	}
	return "internal"
}

// Error is an error that callers may be told: Message is safe to send.
type Error struct {
	Code       Code
	Field      string        // the part of the input that is wrong; empty where none is
	Message    string        // one sentence for people, without secrets and without roles
	Status     Status        // the final status, with CodeAlreadyAnswered only
	RetryAfter time.Duration // when to come back, with CodeLimited and CodeUnavailable
	Work       *Work         // a proof of work that lets the caller in at once, with CodeLimited only; nil: there is none
	Cause      error         // for logs, never for callers; may be nil
}

// Error gives the message, with its cause for the log.
func (e *Error) Error() string {
	s := e.Code.String() + ": " + e.Message
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// CodeOf finds the code of err or of what it wraps; CodeInternal otherwise.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// Invalid says that a field of the input is wrong, and how.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// NotFound says that something named in the input does not exist.
func NotFound(format string, args ...any) *Error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf(format, args...)}
}

// Conflict says that another writer was first.
func Conflict(cause error) *Error {
	return &Error{Code: CodeConflict, Message: "somebody else changed this first", Cause: cause}
}

// UnavailableRetryAfter is how long callers are asked to wait when a needed
// part does not answer: long enough for a leader's election to get under way.
const UnavailableRetryAfter = 2 * time.Second

// Unavailable says that a part that was needed did not answer.
func Unavailable(what string, cause error) *Error {
	return &Error{Code: CodeUnavailable, Message: what, RetryAfter: UnavailableRetryAfter, Cause: cause}
}

// count names a number of things.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func thereAre(n int, noun string) string {
	if n == 1 {
		return "there is 1 " + noun
	}
	return "there are " + count(n, noun)
}

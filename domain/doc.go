// Package domain holds what Ocapi is about, and nothing of how it is stored,
// sent or shown: challenges, their events, how an answer is judged, and how
// the images of a challenge are dealt.
//
// Everything here is a pure value or a pure function: no clock, no randomness
// of its own, no input or output. Time, identifiers and random sources are
// arguments, so every decision can be replayed and every table test is exact.
// The package imports the standard library and golang.org/x/text only; a test
// at the root of the repository fails when that changes.
//
// # The life of a challenge
//
//	(nothing) --IssueChallenge--> created --AnswerChallenge--> validated
//	                                 |                    \--> rejected
//	                                 \-- 20 minutes pass --> created, expired
//
// validated and rejected are final. An expired challenge keeps the status
// created for ever: nobody has proved anything with it.
//
// [Decide] turns a command into an event or refuses it with an [Error];
// [Evolve] turns a challenge and an event into the next challenge. Both are
// total: any input gives an answer, none panics.
package domain

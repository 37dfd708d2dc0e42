// Package http is Ocapi's face to browsers and partners: the public contract
// (openapi.yaml in this folder, written by hand and enforced by the tests),
// the check of partners' tokens, the pages for developers, and the operator's
// own listener. Importers call it apihttp.
//
// A handler decodes with limits, calls one method of [Challenges], and encodes
// the outcome; there is no logic of the domain here. Handlers return errors,
// and one place turns these into problem documents, logs what is worth it,
// and measures.
//
// # What never gets in
//
// The first thing that happens to a request is that its remote address, user
// agent, referrer and forwarding headers are removed from it, so that nothing
// behind can log, store or derive anything from them. net/http itself writes
// addresses to its error log; [Server] has them removed.
//
// # What never differs
//
// Nothing here knows which images of a challenge are known. Responses are
// built from [domain.ChallengeView] and [domain.Picture], which cannot say.
package http

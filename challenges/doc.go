// Package challenges is the command side: it issues challenges, takes answers
// and tells statuses, by tying the domain's decisions to the event log, the
// projections, the collections and the limiter, each behind an interface that
// is declared here.
//
// # One read path
//
// Every read of a challenge goes memory, then the log's last event, then the
// archive. What is said to be absent, or merely created, was asked of every
// source; when one of them cannot be asked, the answer is CodeUnavailable,
// never a guess.
package challenges

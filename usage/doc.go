// Package usage counts, by client and day, what leaves no event: a partner's
// look-ups of states, requests that could not be served, and those that the
// limiter turned away. Nothing is kept of a single request. Counts are sums in
// memory that are added to a table now and then; what a node has counted since
// is lost when it is killed, and only then.
package usage

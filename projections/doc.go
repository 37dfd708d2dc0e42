// Package projections keeps what the events add up to, in memory, fed from the
// log: the state of every recent challenge for partners' look-ups, and the
// recent creations that answers are judged from.
//
// A projection is a hint that is never wrong: what it holds was in the log. It
// may lack what another node has just written, so only a final status is
// answered from it; anything else asks the log.
package projections

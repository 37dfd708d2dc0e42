// Package rate says how many challenges may be handed out, without knowing to
// whom: buckets for each client and for all of them together. Nothing about a
// visitor is looked at, stored or hashed.
//
// The arithmetic is the generic cell rate algorithm ([GCRA]), a pure function;
// [Limiter] keeps the buckets and spends from several of them at once. Up to
// the free limit a challenge costs nothing, beyond it a proof of work
// ([Puzzles]), the more the more of them are used up ([Step]). [Gate] puts
// the two together: it admits, refuses, or asks.
//
// # A node among others
//
// A challenge is charged by the node that hands it out before it is created,
// and by every other node when it comes from the log ([Gate.Observe]), at the
// event's time. A node that starts charges what the log still holds in the same
// way. What a node has let in itself it recognises by the challenge's
// identifier.
package rate

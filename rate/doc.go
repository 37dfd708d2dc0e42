// Package rate says how many challenges may be handed out, without knowing to
// whom: one bucket for each client and one for all of them together. Nothing
// about a visitor is looked at, stored or hashed.
//
// The arithmetic is the generic cell rate algorithm ([GCRA]), a pure function;
// [Limiter] keeps the buckets and spends from two of them at once.
package rate

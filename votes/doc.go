// Package votes looks at what visitors say of unknown images as it comes in: it
// finds who floods them with one answer, and brings answers together with the
// challenges that they answer. It knows time only from events, so that a replay
// finds what was found.
package votes

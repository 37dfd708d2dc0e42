// Package replay has the commands that make anew, from the events, what follows from
// them: at any moment of the past, by any method, or in the place of what is stored.
package replay

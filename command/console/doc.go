// Package console is how the program speaks to people: tables that fit a terminal,
// a bar that shows how far something is, numbers, moments and errors in words.
// Nothing in it is safe for concurrent use on one writer.
package console

// Package stats has the commands that tell how often images were shown, and what
// became of clients' challenges.
package stats

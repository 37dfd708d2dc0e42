// Package consensus has the commands that tell and decide what visitors' answers add
// up to.
package consensus

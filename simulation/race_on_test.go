//go:build race

package simulation

// racing says that the race detector is on, under which less is simulated.
const racing = true

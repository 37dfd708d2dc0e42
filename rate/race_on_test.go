//go:build race

package rate_test

// racing says that the race detector is on, under which simulations take ten
// times as long.
const racing = true

package fetch

// What is decided about addresses and waits, for tests.
var (
	Public     = public
	RetryAfter = retryAfter
)

package postgres

import (
	"net"
	"time"
)

// What an unanswered connection costs at most: a query that was sent, and
// acknowledged by the other machine's kernel, before the cable was pulled
// would otherwise wait for two hours where its caller set no limit.
const (
	keepAliveIdle     = 5 * time.Second
	keepAliveInterval = 5 * time.Second
	keepAliveCount    = 3

	// userTimeout is for data that nobody acknowledges; the kernel's own is a
	// quarter of an hour.
	userTimeout = 15 * time.Second
)

// dialer gives up connections that have gone dead within twenty seconds.
func dialer() *net.Dialer {
	return &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount},
		Control:         limitUnacknowledged,
	}
}

//go:build !linux

package postgres

import "syscall"

// limitUnacknowledged does nothing where the kernel has no such thing.
func limitUnacknowledged(string, string, syscall.RawConn) error { return nil }

//go:build !linux

package eventstore

import "os"

// fdatasync flushes a file: with all that is said of it where a system knows
// nothing less, and down to the platters on Darwin.
func fdatasync(f *os.File) error { return f.Sync() }

package eventstore

import (
	"errors"
	"os"
	"syscall"
)

// fdatasync flushes what a file holds, and its length, but not its times.
func fdatasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

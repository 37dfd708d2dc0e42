package place

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// TestLockEndsWithItsRelease, though the file is still open elsewhere: a process
// that is being started has it open until it becomes another program.
func TestLockEndsWithItsRelease(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	descriptor, err := syscall.Dup(int(lock.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	other := os.NewFile(uintptr(descriptor), "the same file")
	defer other.Close() //nolint:errcheck // a test's
	if _, err := LockFolder(dir); !errors.Is(err, ErrServed) {
		t.Errorf("the folder is locked twice: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := LockFolder(dir)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}

package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Names within a data folder.
const (
	ArchiveFile     = "archive.db"     // the SQLite archive
	CollectionsFile = "collections.db" // the SQLite tables of clients and collections
	LogFolder       = "log"            // of the embedded NATS server
	MarkFile        = "log.mark"       // how far the log went, outside of it
	LockFile        = "ocapi.lock"     // see LockFolder
	SocketFile      = "ocapi.sock"     // takes commands of the folder's owner
)

// Lock says that one process serves a data folder.
type Lock struct{ file *os.File }

// ErrServed says that another process holds the folder's lock.
var ErrServed = errors.New("another ocapi serves this data folder")

// LockFolder takes the folder's lock, which ends with the process; the folder is
// made where there is none. The error is ErrServed while another process has it.
func LockFolder(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, LockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		err = fmt.Errorf("%w %s (process %s)", ErrServed, dir, strings.TrimSpace(string(holder)))
		return nil, errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Truncate(0), writeAll(f, fmt.Sprintln(os.Getpid()))); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", path, err), f.Close())
	}
	return &Lock{file: f}, nil
}

func writeAll(f *os.File, s string) error {
	_, err := f.WriteString(s)
	return err
}

// Release gives the lock up. It is taken off the file before that is closed: a
// process that is just being started by this one has it open for a moment too.
func (l *Lock) Release() error {
	return errors.Join(syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN), l.file.Close())
}

// RequireFolder says what is wrong with a folder that a reading command needs.
func RequireFolder(dir, file string) error {
	_, err := os.Stat(filepath.Join(dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds no data of Ocapi (%s is missing); name the folder with --data", dir, file)
	}
	return err
}

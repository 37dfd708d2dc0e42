// Package sqlite opens SQLite files the way Ocapi needs them: a write-ahead
// log, every commit on disk before it is acknowledged, one writer and several
// readers in the process, and files that only their owner can read.
//
// It knows nothing of what the files hold; schemas are package migrations'.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	driver "modernc.org/sqlite" // registers the driver "sqlite", too
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	driverName = "sqlite"

	// busyTimeout is how long a statement waits for another process's write. A
	// command beside a running server commits in milliseconds, an import's batch
	// in some hundred; whoever waits longer should be told.
	busyTimeout = 5 * time.Second

	probeEvery = 5 * time.Millisecond

	// fileMode is for files that hold secrets and expected answers.
	fileMode fs.FileMode = 0o600

	// minReaders keeps lookups apart from one long scan on a small machine.
	minReaders = 4
)

// DB is one SQLite file. Both handles may be used by any number of goroutines.
type DB struct {
	// Write has one connection, and its transactions begin by taking the
	// file's write lock: two writers wait for each other and neither fails
	// half-way. It is nil when the file was opened read-only. A transaction
	// that is open on it blocks every other use of it, so a transaction
	// function must not use Write itself.
	Write *sql.DB
	// Read has several connections that cannot write. Each statement sees all
	// that was committed before it began, by this process or another.
	Read *sql.DB

	path string
}

// Path is the file, as it was given.
func (db *DB) Path() string { return db.path }

// Open opens the file for writing and reading, and creates it, empty, with
// permissions 0600 where it does not exist; its folder has to exist. A file
// that others may read is narrowed to 0600. Errors name the file.
func Open(ctx context.Context, path string) (*DB, error) {
	if err := narrow(path); err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	address, err := address(path, url.Values{
		"mode":    {"rw"},
		"_txlock": {"immediate"},
		// synchronous=FULL: in WAL mode NORMAL would acknowledge commits that a
		// power cut takes back.
		// secure_delete: what is overwritten in a page is gone from the file, at no
		// cost; a secret is not to be read in the space that it once took.
		"_pragma": {busyPragma(), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "secure_delete(FAST)", walLimitPragma},
	})
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	write, err := connect(ctx, address, 1)
	if err != nil {
		return nil, fmt.Errorf("open the database %s for writing: %w", path, err)
	}
	read, err := openReaders(ctx, path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s for reading: %w", path, err), write.Close())
	}
	return &DB{Write: write, Read: read, path: path}, nil
}

// OpenReadOnly opens a file that exists, for reading only, and works beside a
// process that writes it: readers see each commit as soon as it is made. It
// neither creates nor changes the file; SQLite may put its two companions
// (-wal, -shm) beside it, so the folder has to be writable for the user. When
// there is no such file the error is [fs.ErrNotExist]. Errors name the file.
func OpenReadOnly(ctx context.Context, path string) (*DB, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return nil, fmt.Errorf("open the database %s for reading: %w", path, err)
	}
	read, err := openReaders(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open the database %s for reading: %w", path, err)
	}
	return &DB{Read: read, path: path}, nil
}

// Close closes both handles. Statements under way are waited for.
func (db *DB) Close() error {
	// Readers first: the last connection to close is then the one that may
	// write, and it folds the log back into the file.
	err := db.Read.Close()
	if db.Write != nil {
		err = errors.Join(err, db.Write.Close())
	}
	if err != nil {
		return fmt.Errorf("close the database %s: %w", db.path, err)
	}
	return nil
}

func openReaders(ctx context.Context, path string) (*sql.DB, error) {
	address, err := address(path, url.Values{
		"mode":    {"ro"},
		"_pragma": {busyPragma(), "query_only(ON)"},
	})
	if err != nil {
		return nil, err
	}
	return connect(ctx, address, max(minReaders, runtime.GOMAXPROCS(0)))
}

func connect(ctx context.Context, address string, connections int) (*sql.DB, error) {
	db, err := sql.Open(driverName, address)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := probe(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// probe opens a first connection and reads from the file. A ping reads no
// page; asking for something that only the file can answer refuses garbage
// here and not later.
func probe(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		var version int
		err := db.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version)
		// The switch to WAL needs the file alone for a moment, and does not wait
		// for it as statements do: of two processes that open a new file at once,
		// one is told "busy".
		if busy, ok := errors.AsType[*driver.Error](err); !ok || busy.Code()&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(probeEvery):
		}
	}
}

// address writes the file's URI. Escaping matters: a '?' or '%' in a folder's
// name would otherwise be read as parameters.
func address(path string, parameters url.Values) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: parameters.Encode()}
	return u.String(), nil
}

// walLimitPragma has a write-ahead log cut back to 16 MiB when it begins anew: it
// is otherwise as large for ever as the largest import made it, and nobody who
// watches its size can tell whether it is written back.
const walLimitPragma = "journal_size_limit(16777216)"

func busyPragma() string { return fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()) }

// narrow makes sure that the file exists and is its owner's alone, before
// SQLite puts anything into it. The companions inherit the file's mode.
func narrow(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("it is not a regular file")
	case info.Mode().Perm()&^fileMode != 0:
		err = f.Chmod(fileMode)
	}
	return errors.Join(err, f.Close())
}

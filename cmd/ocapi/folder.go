package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"ocapi/clients"
	"ocapi/corpus"
	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/sqlite"
)

// Names within a data folder.
const (
	archiveFile     = "archive.db"
	collectionsFile = "collections.db"
	logFolder       = "log"
	markFile        = "log.mark"
	lockFile        = "ocapi.lock"
	socketFile      = "ocapi.sock"
)

// stores are the open databases of one data folder.
type stores struct {
	archiveDB     *sqlite.DB
	collectionsDB *sqlite.DB
	archive       eventstore.Archive
	clients       *clients.Store
	corpus        *corpus.Store
	// logEnd tells the last sequence of the event log; nil where it is not open.
	logEnd func(context.Context) (eventstore.Sequence, error)
	// changed is called after a command that was sent to the running service, so
	// that it is in force when the command ends; nil where nobody serves.
	changed func(context.Context)
}

// openStores opens both databases for writing, creating the folder and its
// schemas where they are missing.
func openStores(ctx context.Context, dir string) (_ *stores, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	s := &stores{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.archiveDB, err = sqlite.Open(ctx, filepath.Join(dir, archiveFile)); err != nil {
		return nil, err
	}
	if err = migrations.Up(ctx, s.archiveDB.Write, migrations.Archive); err != nil {
		return nil, fmt.Errorf("bring %s up to date: %w", s.archiveDB.Path(), err)
	}
	if s.collectionsDB, err = sqlite.Open(ctx, filepath.Join(dir, collectionsFile)); err != nil {
		return nil, err
	}
	if err = migrations.Up(ctx, s.collectionsDB.Write, migrations.Collections); err != nil {
		return nil, fmt.Errorf("bring %s up to date: %w", s.collectionsDB.Path(), err)
	}
	s.archive = eventstore.NewSQLiteArchive(s.archiveDB.Write, s.archiveDB.Read)
	s.clients = clients.New(s.collectionsDB.Write, s.collectionsDB.Read, time.Now)
	s.corpus = corpus.NewStore(corpus.StoreParams{Write: s.collectionsDB.Write, Read: s.collectionsDB.Read, Now: time.Now})
	return s, nil
}

// Close closes what is open.
func (s *stores) Close() error {
	var errs []error
	for _, db := range []*sqlite.DB{s.archiveDB, s.collectionsDB} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// folderLock says that one process serves a data folder.
type folderLock struct{ file *os.File }

// errServed says that another process holds the folder's lock.
var errServed = errors.New("another ocapi serves this data folder")

// lockFolder takes the folder's lock, which ends with the process.
func lockFolder(dir string) (*folderLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		err = fmt.Errorf("%w %s (process %s)", errServed, dir, strings.TrimSpace(string(holder)))
		return nil, errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Truncate(0), writeAll(f, fmt.Sprintln(os.Getpid()))); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", path, err), f.Close())
	}
	return &folderLock{file: f}, nil
}

func writeAll(f *os.File, s string) error {
	_, err := f.WriteString(s)
	return err
}

// release gives the lock up.
func (l *folderLock) release() error { return l.file.Close() }

// requireFolder says what is wrong with a folder that a reading command needs.
func requireFolder(dir, file string) error {
	_, err := os.Stat(filepath.Join(dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds no data of Ocapi (%s is missing); name the folder with --data", dir, file)
	}
	return err
}

// openArchiveReadOnly opens the archive beside whatever process serves it.
func openArchiveReadOnly(ctx context.Context, dir string) (eventstore.Archive, func() error, error) {
	if err := requireFolder(dir, archiveFile); err != nil {
		return nil, nil, err
	}
	db, err := sqlite.OpenReadOnly(ctx, filepath.Join(dir, archiveFile))
	if err != nil {
		return nil, nil, err
	}
	return eventstore.NewSQLiteArchive(nil, db.Read), db.Close, nil
}

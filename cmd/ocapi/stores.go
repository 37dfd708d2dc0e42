package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ocapi/clients"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/postgres"
	"ocapi/sqlite"
)

// stores are the open databases of one place.
type stores struct {
	archive eventstore.Archive
	clients *clients.Store
	corpus  *corpus.Store
	// write and read are the handles of the clients' and collections' tables; the
	// registry reads by them.
	write, read *sql.DB
	// keys seal private ids; nil with the reason in noKeys.
	keys    *clients.Keyring
	noKeys  error
	address string // of the shared database, without its password; empty in a folder

	files   []*sqlite.DB // of a folder, the archive first
	closers []func() error
	// logEnd tells the last sequence of the event log; nil where it is not open.
	logEnd func(context.Context) (eventstore.Sequence, error)
	// append adds an event to the event log, wherever its subject is; nil where the
	// log is not open.
	append func(context.Context, domain.Event) error
	// changed is called after a command that was sent to the running service, so
	// that it is in force when the command ends; nil where nobody serves.
	changed func(context.Context)
}

// Close closes what is open.
func (s *stores) Close() error {
	var errs []error
	for _, closer := range slices.Backward(s.closers) {
		errs = append(errs, closer())
	}
	return errors.Join(errs...)
}

// openStores opens a place for writing. A folder is made and its schemas are
// brought up to date; a database has to be migrated.
func openStores(ctx context.Context, p place) (*stores, error) {
	if p.shared() {
		return openDatabaseWith(ctx, p.DatabaseURL, p.keys)
	}
	return openFolderWith(ctx, p.Data, p.keys)
}

// openFolder opens a folder with the keys that it has itself.
func openFolder(ctx context.Context, dir string) (*stores, error) {
	return openFolderWith(ctx, dir, keyFlags{})
}

func openFolderWith(ctx context.Context, dir string, flags keyFlags) (_ *stores, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	s := &stores{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	open := func(file string, set migrations.Set) (*sqlite.DB, error) {
		db, err := sqlite.Open(ctx, filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		s.files, s.closers = append(s.files, db), append(s.closers, db.Close)
		if err := migrations.Up(ctx, db.Write, set); err != nil {
			return nil, fmt.Errorf("bring %s up to date: %w", db.Path(), err)
		}
		return db, nil
	}
	archive, err := open(archiveFile, migrations.Archive)
	if err != nil {
		return nil, err
	}
	collections, err := open(collectionsFile, migrations.Collections)
	if err != nil {
		return nil, err
	}
	s.archive = eventstore.NewSQLiteArchive(archive.Write, archive.Read)
	s.use(collections.Write, collections.Read, inFile)
	s.keys, s.noKeys = folderKeys(ctx, dir, flags, s.clients)
	if s.noKeys != nil && flags.given() {
		return nil, s.noKeys
	}
	s.use(collections.Write, collections.Read, inFile)
	return s, nil
}

// Where the tables of clients and collections are.
const (
	inServer = false
	inFile   = true
)

// use makes the stores of clients and collections over a database's handles.
func (s *stores) use(write, read *sql.DB, file bool) {
	s.write, s.read = write, read
	s.clients = clients.New(clients.Params{Write: write, Read: read, Now: time.Now, Keys: s.keys, NoKeys: s.noKeys})
	s.corpus = corpus.NewStore(corpus.StoreParams{Write: write, Read: read, File: file, Now: time.Now})
}

// openDatabase opens a shared database without keys.
func openDatabase(ctx context.Context, url string) (*stores, error) {
	return openDatabaseWith(ctx, url, keyFlags{})
}

// openDatabaseWith opens a shared database, and refuses one whose schema is not
// this program's.
func openDatabaseWith(ctx context.Context, url string, flags keyFlags) (*stores, error) {
	var keys *clients.Keyring
	noKeys := clients.ErrNoKey
	if flags.given() {
		var err error
		if keys, err = flags.read(); err != nil {
			return nil, err
		}
		noKeys = nil
	}
	db, err := postgres.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	s := &stores{closers: []func() error{db.Close}, address: db.Address(), keys: keys, noKeys: noKeys}
	pending, err := migrations.Pending(ctx, db.Read, migrations.Postgres)
	if err == nil && pending > 0 {
		err = fmt.Errorf("migrations of the database are pending (%d); bring it up to date with: ocapi migrate up", pending)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.archive = eventstore.NewPostgresArchive(db.Pool)
	s.use(db.Write, db.Read, inServer)
	return s, nil
}

// openForReading opens what a reading command needs, beside whatever process
// serves it: in a folder the one file, without migrating it.
func openForReading(ctx context.Context, p place, file string) (*stores, error) {
	if p.shared() {
		return openDatabase(ctx, p.DatabaseURL)
	}
	if err := requireFolder(p.Data, file); err != nil {
		return nil, err
	}
	db, err := sqlite.OpenReadOnly(ctx, filepath.Join(p.Data, file))
	if err != nil {
		return nil, err
	}
	s := &stores{closers: []func() error{db.Close}}
	set := migrations.Collections
	if file == archiveFile {
		set = migrations.Archive
	}
	pending, err := migrations.Pending(ctx, db.Read, set)
	if err == nil && pending > 0 {
		err = fmt.Errorf("%s is an older release's; start the service once, or change something by a command, to bring it up to date", db.Path())
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if file == archiveFile {
		s.archive = eventstore.NewSQLiteArchive(nil, db.Read)
	} else {
		s.use(nil, db.Read, inFile)
	}
	return s, nil
}

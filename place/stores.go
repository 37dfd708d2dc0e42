package place

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

// Stores are the open databases of one place. What was opened for reading alone has
// only what its file holds. The functions and fields that a node sets (LogEnd, Append,
// Changed) are set before others have the stores; all is safe for concurrent use then.
type Stores struct {
	Archive eventstore.Archive
	Clients *clients.Store // nil where the archive alone was opened, as are Corpus, Write and Read
	Corpus  *corpus.Store
	// Write and Read are the handles of the clients' and collections' tables; the
	// registry reads by them.
	Write, Read *sql.DB
	// Keys seal private ids; nil with the reason in NoKeys.
	Keys    *clients.Keyring
	NoKeys  error
	Address string // of the shared database, without its password; empty in a folder

	Files   []*sqlite.DB // of a folder, the archive first
	closers []func() error
	// LogEnd tells the last sequence of the event log; nil where it is not open.
	LogEnd func(context.Context) (eventstore.Sequence, error)
	// Append adds an event to the event log, wherever its subject is; nil where the
	// log is not open.
	Append func(context.Context, domain.Event) error
	// Changed is called after a command that was sent to the running service, so
	// that it is in force when the command ends; nil where nobody serves.
	Changed func(context.Context)
}

// Close closes what is open.
func (s *Stores) Close() error {
	var errs []error
	for _, closer := range slices.Backward(s.closers) {
		errs = append(errs, closer())
	}
	return errors.Join(errs...)
}

// Open opens a place for writing. A folder is made and its schemas are
// brought up to date; a database has to be migrated.
func Open(ctx context.Context, p Flags) (*Stores, error) {
	if p.Shared() {
		return openDatabaseWith(ctx, p.DatabaseURL, p.keys)
	}
	return openFolderWith(ctx, p.Data, p.keys)
}

// OpenFolder opens a folder with the keys that it has itself.
func OpenFolder(ctx context.Context, dir string) (*Stores, error) {
	return openFolderWith(ctx, dir, KeyFlags{})
}

func openFolderWith(ctx context.Context, dir string, flags KeyFlags) (_ *Stores, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	s := &Stores{}
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
		s.Files, s.closers = append(s.Files, db), append(s.closers, db.Close)
		if err := migrations.Up(ctx, db.Write, set); err != nil {
			return nil, fmt.Errorf("bring %s up to date: %w", db.Path(), err)
		}
		return db, nil
	}
	archive, err := open(ArchiveFile, migrations.Archive)
	if err != nil {
		return nil, err
	}
	collections, err := open(CollectionsFile, migrations.Collections)
	if err != nil {
		return nil, err
	}
	s.Archive = eventstore.NewSQLiteArchive(archive.Write, archive.Read)
	s.use(collections.Write, collections.Read, inFile)
	s.Keys, s.NoKeys = folderKeys(ctx, dir, flags, s.Clients)
	if s.NoKeys != nil && flags.Given() {
		return nil, s.NoKeys
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
func (s *Stores) use(write, read *sql.DB, file bool) {
	s.Write, s.Read = write, read
	s.Clients = clients.New(clients.Params{Write: write, Read: read, Now: time.Now, Keys: s.Keys, NoKeys: s.NoKeys})
	s.Corpus = corpus.NewStore(corpus.StoreParams{Write: write, Read: read, File: file, Now: time.Now})
}

// openDatabase opens a shared database without keys.
func openDatabase(ctx context.Context, url string) (*Stores, error) {
	return openDatabaseWith(ctx, url, KeyFlags{})
}

// openDatabaseWith opens a shared database, and refuses one whose schema is not
// this program's.
func openDatabaseWith(ctx context.Context, url string, flags KeyFlags) (*Stores, error) {
	var keys *clients.Keyring
	noKeys := clients.ErrNoKey
	if flags.Given() {
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
	s := &Stores{closers: []func() error{db.Close}, Address: db.Address(), Keys: keys, NoKeys: noKeys}
	pending, err := migrations.Pending(ctx, db.Read, migrations.Postgres)
	if err == nil && pending > 0 {
		err = fmt.Errorf("migrations of the database are pending (%d); bring it up to date with: ocapi migrate up", pending)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.Archive = eventstore.NewPostgresArchive(db.Pool)
	s.use(db.Write, db.Read, inServer)
	return s, nil
}

// OpenForReading opens what a reading command needs, beside whatever process
// serves it: in a folder the one file, without migrating it.
func OpenForReading(ctx context.Context, p Flags, file string) (*Stores, error) {
	if p.Shared() {
		return openDatabase(ctx, p.DatabaseURL)
	}
	if err := RequireFolder(p.Data, file); err != nil {
		return nil, err
	}
	db, err := sqlite.OpenReadOnly(ctx, filepath.Join(p.Data, file))
	if err != nil {
		return nil, err
	}
	s := &Stores{closers: []func() error{db.Close}}
	set := migrations.Collections
	if file == ArchiveFile {
		set = migrations.Archive
	}
	pending, err := migrations.Pending(ctx, db.Read, set)
	if err == nil && pending > 0 {
		err = fmt.Errorf("%s is an older release's; start the service once, or change something by a command, to bring it up to date", db.Path())
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if file == ArchiveFile {
		s.Archive = eventstore.NewSQLiteArchive(nil, db.Read)
	} else {
		s.use(nil, db.Read, inFile)
	}
	return s, nil
}

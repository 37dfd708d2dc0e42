// Package migrations holds the schemas of Ocapi's databases as numbered,
// embedded, forward-only steps, and applies them.
//
// A step that has been released is never edited: a change is a new step.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed sqlite postgres
var steps embed.FS

// ErrNewer says that a database has steps that this program does not know: a
// newer release has migrated it, and an older one must not touch it.
var ErrNewer = errors.New("the database was migrated by a newer release of ocapi")

// Set names one database and its schema. A new set needs: String, source, and
// a test that migrates it from empty.
type Set uint8

// The sets. The zero value is invalid.
const (
	SetInvalid  Set = iota
	Archive         // a SQLite file: events, states, checkpoint
	Collections     // a SQLite file: clients, collections, images
	Postgres        // a PostgreSQL schema, the first of the search_path: all of these
)

// String gives the set's name as it stands in messages.
func (s Set) String() string {
	switch s {
	case Archive:
		return "archive"
	case Collections:
		return "collections"
	case Postgres:
		return "PostgreSQL"
	case SetInvalid:
	}
	return "invalid"
}

// Step is one migration.
type Step struct {
	Version   int64
	Name      string    // the file's name
	AppliedAt time.Time // zero while it is pending
}

// Up applies the steps that are pending, each in a transaction of its own, in
// the order of their numbers; without any it changes nothing. db is the
// writing handle of the database. Two processes may call it at once: each
// step is applied by one of them. The error is [ErrNewer] when the database is
// ahead of this program.
func Up(ctx context.Context, db *sql.DB, set Set) error {
	provider, err := provider(db, set)
	if err != nil {
		return err
	}
	for {
		before, err := Pending(ctx, db, set)
		if err != nil || before == 0 {
			return err
		}
		_, err = provider.Up(ctx)
		if err == nil {
			return nil
		}
		// SQLite has no advisory lock, as PostgreSQL has: of two processes that apply
		// one step, the second fails whole and changes nothing. Wherever somebody
		// made progress the rest is tried again; where nobody did, the error is real.
		after, pendingErr := Pending(context.WithoutCancel(ctx), db, set)
		if pendingErr != nil || after >= before {
			return fmt.Errorf("migrate the %s database: %w", set, errors.Join(err, pendingErr))
		}
	}
}

// Pending counts the steps that have not been applied. It writes nothing, so
// db may be a reading handle. The error is [ErrNewer] as with [Up].
func Pending(ctx context.Context, db *sql.DB, set Set) (int, error) {
	status, err := Status(ctx, db, set)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, step := range status {
		if step.AppliedAt.IsZero() {
			n++
		}
	}
	return n, nil
}

// Status lists all steps of a set in the order of their numbers. It writes
// nothing, so db may be a reading handle. The error is [ErrNewer] as with
// [Up].
func Status(ctx context.Context, db *sql.DB, set Set) ([]Step, error) {
	provider, err := provider(db, set)
	if err != nil {
		return nil, err
	}
	applied, err := applied(ctx, db, set)
	if err != nil {
		return nil, fmt.Errorf("read the version of the %s database: %w", set, err)
	}
	var list []Step
	for _, file := range provider.ListSources() {
		list = append(list, Step{Version: file.Version, Name: file.Path, AppliedAt: applied[file.Version]})
		delete(applied, file.Version)
	}
	for version := range applied {
		return nil, fmt.Errorf("read the version of the %s database: it has step %d: %w", set, version, ErrNewer)
	}
	return list, nil
}

// source is where a set's steps are and how its database is spoken to.
type source struct {
	folder          string
	dialect         goose.Dialect
	hasVersionTable string // a query for the number of goose's tables
}

const (
	sqliteHasVersionTable = `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'goose_db_version'`

	// Another schema's steps are not ours.
	postgresHasVersionTable = `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'goose_db_version'`
)

func (s Set) source() (source, error) {
	switch s {
	case Archive:
		return source{"sqlite/archive", goose.DialectSQLite3, sqliteHasVersionTable}, nil
	case Collections:
		return source{"sqlite/collections", goose.DialectSQLite3, sqliteHasVersionTable}, nil
	case Postgres:
		return source{"postgres", goose.DialectPostgres, postgresHasVersionTable}, nil
	case SetInvalid:
	}
	return source{}, fmt.Errorf("there is no set of migrations with the number %d", s)
}

// applied reads goose's own table. The provider's questions would create it
// where it is missing, which a reader must not.
func applied(ctx context.Context, db *sql.DB, set Set) (map[int64]time.Time, error) {
	from, err := set.source()
	if err != nil {
		return nil, err
	}
	var tables int
	if err := db.QueryRowContext(ctx, from.hasVersionTable).Scan(&tables); err != nil {
		return nil, err
	}
	versions := map[int64]time.Time{}
	if tables == 0 {
		return versions, nil
	}
	store, err := database.NewStore(from.dialect, goose.DefaultTablename)
	if err != nil {
		return nil, err
	}
	rows, err := store.ListMigrations(ctx, db)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if row.Version == 0 || !row.IsApplied {
			continue // goose's mark that its table exists
		}
		step, err := store.GetMigration(ctx, db, row.Version)
		if err != nil {
			return nil, err
		}
		versions[row.Version] = step.Timestamp.UTC()
	}
	return versions, nil
}

// provider builds a quiet goose provider for the set, without goose's global
// registry.
func provider(db *sql.DB, set Set) (*goose.Provider, error) {
	from, err := set.source()
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(steps, from.folder)
	if err != nil {
		return nil, fmt.Errorf("find the %s migrations: %w", set, err)
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger())}
	if from.dialect == goose.DialectPostgres {
		options = append(options, goose.WithSessionLocker(schemaLock{}))
	}
	p, err := goose.NewProvider(from.dialect, db, files, options...)
	if err != nil {
		return nil, fmt.Errorf("read the %s migrations: %w", set, err)
	}
	return p, nil
}

package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ocapi/sqlite"
)

func open(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDB(t, db) })
	return db
}

func closeDB(t *testing.T, db *sqlite.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func exec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func text(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var s string
	if err := db.QueryRowContext(t.Context(), query).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

func TestOpenSetsWhatDurabilityNeeds(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "a.db"))
	for _, c := range []struct {
		handle       *sql.DB
		pragma, want string
	}{
		{db.Write, "journal_mode", "wal"},
		{db.Write, "synchronous", "2"},
		{db.Write, "foreign_keys", "1"},
		{db.Write, "busy_timeout", "5000"},
		{db.Write, "journal_size_limit", "16777216"},
		{db.Read, "journal_mode", "wal"},
		{db.Read, "query_only", "1"},
		{db.Read, "busy_timeout", "5000"},
	} {
		if got := text(t, c.handle, "PRAGMA "+c.pragma); got != c.want {
			t.Errorf("%s = %s, want %s", c.pragma, got, c.want)
		}
	}
	if _, err := db.Read.ExecContext(t.Context(), "CREATE TABLE t (x)"); err == nil {
		t.Error("the reading handle wrote")
	}
}

// TestLogOfALargeImportIsCutBack: its size tells whether it is written back.
func TestLogOfALargeImportIsCutBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for i, statement := range []string{"CREATE TABLE t (x)", "INSERT INTO t VALUES (zeroblob(40000000))"} {
		if _, err := db.Write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(i, err)
		}
	}
	if size() < 40_000_000 {
		t.Fatalf("the log has %d bytes: the test does not see what it judges", size())
	}
	for range 2 { // what was written last is in the log until the next begins anew
		if _, err := db.Write.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"); err != nil {
			t.Fatal(err)
		}
	}
	if size() > 16<<20 {
		t.Errorf("the log has %d bytes", size())
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		before fs.FileMode
	}{{"new file", 0}, {"file that others could read", 0o644}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.db")
			if c.before != 0 {
				if err := os.WriteFile(path, nil, c.before); err != nil {
					t.Fatal(err)
				}
			}
			db := open(t, path)
			exec(t, db.Write, "CREATE TABLE t (x)")
			files, err := filepath.Glob(path + "*")
			if err != nil || len(files) != 3 {
				t.Fatalf("files = %v, %v; want the file, its log and its index", files, err)
			}
			for _, f := range files {
				info, err := os.Stat(f)
				if err != nil {
					t.Fatal(err)
				}
				if info.Mode().Perm() != 0o600 {
					t.Errorf("%s has mode %v", f, info.Mode())
				}
			}
		})
	}
}

func TestPathsWithSpecialCharacters(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a?b#c%20d é&mode=memory")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "x.db")
	db := open(t, path)
	exec(t, db.Write, "CREATE TABLE t (x)")
	if info, err := os.Stat(path); err != nil || info.Size() == 0 && !exists(path+"-wal") {
		t.Errorf("the database is not at %s: %v", path, err)
	}
	if db.Path() != path {
		t.Errorf("Path = %q", db.Path())
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestReadOnlySeesALiveWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	writer := open(t, path)
	exec(t, writer.Write, "CREATE TABLE t (x TEXT)")
	reader, err := sqlite.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer closeDB(t, reader)
	if reader.Write != nil {
		t.Error("a read-only database has a writing handle")
	}
	for i := range 5 {
		exec(t, writer.Write, "INSERT INTO t (x) VALUES ('row')")
		if got, want := text(t, reader.Read, "SELECT count(*) FROM t"), fmt.Sprint(i+1); got != want {
			t.Errorf("the reader sees %s rows, want %s", got, want)
		}
	}
	if _, err := reader.Read.ExecContext(t.Context(), "INSERT INTO t (x) VALUES ('no')"); err == nil {
		t.Error("a read-only database was written")
	}
}

func TestReadOnlyAfterTheWriterIsGone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	writer, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, writer.Write, "CREATE TABLE t (x TEXT)")
	exec(t, writer.Write, "INSERT INTO t (x) VALUES ('row')")
	closeDB(t, writer)
	reader, err := sqlite.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer closeDB(t, reader)
	if got := text(t, reader.Read, "SELECT x FROM t"); got != "row" {
		t.Errorf("x = %q", got)
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("this is no database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		open       func(context.Context, string) (*sqlite.DB, error)
		is         error
	}{
		{"read-only, no file", filepath.Join(dir, "missing.db"), sqlite.OpenReadOnly, fs.ErrNotExist},
		{"read-only, folder", dir, sqlite.OpenReadOnly, nil},
		{"read-only, garbage", garbage, sqlite.OpenReadOnly, nil},
		{"no folder", filepath.Join(dir, "no", "a.db"), sqlite.Open, fs.ErrNotExist},
		{"folder", dir, sqlite.Open, nil},
		{"garbage", garbage, sqlite.Open, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db, err := c.open(t.Context(), c.path)
			if err == nil {
				closeDB(t, db)
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.path) {
				t.Errorf("the error does not name %s: %v", c.path, err)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error = %v, want %v", err, c.is)
			}
		})
	}
	if exists(filepath.Join(dir, "missing.db")) {
		t.Error("a read-only open created a file")
	}
}

func TestTwoProcessesWriting(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	exec(t, open(t, path).Write, "CREATE TABLE t (x INTEGER)")
	exec(t, open(t, path).Write, "INSERT INTO t (x) VALUES (0)")
	var group sync.WaitGroup
	for range 4 {
		db := open(t, path)
		group.Go(func() {
			for range 20 {
				// Read, then write: without an immediate lock two of these
				// would fail each other.
				if err := increment(context.Background(), db.Write); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := text(t, open(t, path).Read, "SELECT x FROM t"); got != "80" {
		t.Errorf("x = %s, want 80", got)
	}
}

func increment(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	var x int
	if err := tx.QueryRowContext(ctx, "SELECT x FROM t").Scan(&x); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE t SET x = $1", x+1); err != nil {
		return err
	}
	return tx.Commit()
}

// TestBackupIsAWholeDatabase copies a file while it is written: the copy holds
// whole transactions, and is its owner's alone.
func TestBackupIsAWholeDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	if _, err := db.Write.ExecContext(t.Context(), "CREATE TABLE t (a INTEGER, b BLOB)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ctx.Err() == nil; i++ { // always two rows at a time
			_, err := db.Write.ExecContext(context.Background(), "INSERT INTO t VALUES (?1, zeroblob(5000)), (?1, zeroblob(5000))", i)
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range 5 {
		path := filepath.Join(dir, fmt.Sprintf("copy-%d.db", i))
		if err := db.Backup(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the copy has the permissions %v, %v", info.Mode(), err)
		}
		copied, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		var rows, halves int
		var sound string
		row := copied.Read.QueryRowContext(t.Context(), "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM (SELECT a FROM t GROUP BY a HAVING count(*) <> 2))")
		if err := errors.Join(row.Scan(&rows, &halves), copied.Read.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&sound)); err != nil || halves != 0 || sound != "ok" {
			t.Errorf("the copy has %d rows, %d halves of transactions, and is %s: %v", rows, halves, sound, err)
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Backup(t.Context(), path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("backing up over a file that exists: %v", err)
		}
	}
	cancel()
	writer.Wait()
	if err := db.Backup(t.Context(), filepath.Join(dir, "none", "a.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("backing up into a folder that is not there: %v", err)
	}
}

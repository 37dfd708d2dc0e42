package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	driver "modernc.org/sqlite"
)

// backuper is what the driver's connections offer.
type backuper interface {
	NewBackup(destination string) (*driver.Backup, error)
}

// Backup copies the database, as it is at one moment, into a new file of
// permissions 0600, while others read and write it. The file is on disk when
// it returns; there is none, where it fails. An existing file is refused.
func (db *DB) Backup(ctx context.Context, path string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return fmt.Errorf("back up the database %s: %w", db.path, err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = fmt.Errorf("back up the database %s: %w", db.path, errors.Join(err, os.Remove(path)))
		}
	}()
	conn, err := db.Read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool
	err = conn.Raw(func(c any) error {
		b, err := c.(backuper).NewBackup(path) //nolint:forcetypeassert // the driver is this package's own choice
		if err != nil {
			return err
		}
		// All pages in one step: between steps another's write would begin it anew.
		_, err = b.Step(-1)
		return errors.Join(err, b.Finish())
	})
	if err != nil {
		return err
	}
	return f.Sync()
}

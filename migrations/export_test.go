package migrations

import (
	"context"
	"database/sql"
)

// UpTo leaves a database as an earlier release would have.
func UpTo(ctx context.Context, db *sql.DB, set Set, version int64) error {
	provider, err := provider(db, set)
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}

// Lock takes the lock of a PostgreSQL schema's migrations.
func Lock(ctx context.Context, conn *sql.Conn) error { return schemaLock{}.SessionLock(ctx, conn) }

// Unlock gives it back.
func Unlock(ctx context.Context, conn *sql.Conn) error { return schemaLock{}.SessionUnlock(ctx, conn) }

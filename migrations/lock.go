package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3/lock"
)

const (
	// The lock is of one schema: others in the same database are migrated beside
	// it. It ends with the session, so a process that dies leaves none behind.
	tryLock = `SELECT pg_try_advisory_lock(hashtextextended('ocapi migrations of ' || coalesce(current_schema(), ''), 0))`
	unlock  = `SELECT pg_advisory_unlock(hashtextextended('ocapi migrations of ' || coalesce(current_schema(), ''), 0))`

	// A step may take longer on a large database than any statement of a running
	// service should. It still gives up soon where it waits for others' locks,
	// behind which all of them would queue.
	noTimeout      = `SET statement_timeout = 0`
	defaultTimeout = `RESET statement_timeout`

	lockEvery   = 100 * time.Millisecond
	lockTimeout = 10 * time.Minute // whoever has it is migrating, and that may take its time
)

// schemaLock keeps all but one process from migrating a PostgreSQL schema.
type schemaLock struct{}

var _ lock.SessionLocker = schemaLock{}

// SessionLock waits for the lock.
func (schemaLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	limited, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	for {
		var mine bool
		if err := conn.QueryRowContext(limited, tryLock).Scan(&mine); err != nil {
			return fmt.Errorf("take the lock for migrations: %w", err)
		}
		if mine {
			break
		}
		select {
		case <-limited.Done():
			return fmt.Errorf("wait for another process that migrates: %w", limited.Err())
		case <-time.After(lockEvery):
		}
	}
	if _, err := conn.ExecContext(ctx, noTimeout); err != nil {
		return errors.Join(err, schemaLock{}.SessionUnlock(context.WithoutCancel(ctx), conn))
	}
	return nil
}

// SessionUnlock gives it back.
func (schemaLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, defaultTimeout)
	var was bool
	if unlockErr := conn.QueryRowContext(ctx, unlock).Scan(&was); unlockErr != nil {
		err = errors.Join(err, fmt.Errorf("give back the lock for migrations: %w", unlockErr))
	}
	return err
}

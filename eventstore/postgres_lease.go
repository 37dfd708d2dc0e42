package eventstore

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// pgTryLease's key is the schema's: two archives in one database do not know
	// of each other.
	pgTryLease = `SELECT pg_try_advisory_lock(hashtextextended('ocapi archive in ' || current_schema(), 0))`

	// pgKeepLease has the server look for the holder every second, and free the
	// lease 3 s after its machine or its network is gone; a process that dies is
	// noticed at once. That nothing is said for long is no reason to end it.
	pgKeepLease = `SET tcp_keepalives_idle = 1; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;
SET tcp_user_timeout = 3000; SET idle_session_timeout = 0`

	pgEndLease = `SELECT pg_advisory_unlock_all()`

	leaseGoodbye = time.Second
)

// TryLease implements [Archive]: it is a lock of a connection of its own, which
// is not the pool's any more, and ends with it.
func (a *PostgresArchive) TryLease(ctx context.Context) (release func(), ok bool, err error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	pooled, err := a.pool.Acquire(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("take the archiver's lease: %w", err)
	}
	if err := pooled.QueryRow(ctx, pgTryLease).Scan(&ok); err != nil {
		_ = pooled.Hijack().PgConn().Close(ctx) // it may have the lock
		return nil, false, fmt.Errorf("take the archiver's lease: %w", err)
	}
	if !ok {
		pooled.Release()
		return nil, false, nil
	}
	conn := pooled.Hijack()
	release = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), leaseGoodbye)
		defer cancel()
		// The server ends a session a moment after it is closed; who asks next
		// must not find the lease taken. What fails here has no lease any more.
		_, _ = conn.Exec(ctx, pgEndLease)
		_ = conn.Close(ctx)
	})
	if _, err := conn.PgConn().Exec(ctx, pgKeepLease).ReadAll(); err != nil {
		release()
		return nil, false, fmt.Errorf("keep the archiver's lease: %w", err)
	}
	return release, true, nil
}

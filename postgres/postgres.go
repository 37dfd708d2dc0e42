// Package postgres opens PostgreSQL databases the way Ocapi needs them:
// bounded pools, limits that free locks and callers from whoever hangs, and a
// first connection that says what is wrong in the operator's words.
//
// It knows nothing of what a database holds; schemas are package migrations'.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// A node has at most 18 connections: five nodes and an operator's commands fit
// into the 100 that a server allows by default.
const (
	maxWriters = 4 // writers of one table wait for each other anyway
	maxReaders = 6
	maxPool    = 8 // the archiver, its lease, a rebuild, and lookups

	// maxLifetime moves connections to where a name points by now.
	maxLifetime = 30 * time.Minute
	maxIdle     = 5 * time.Minute

	// A connection that has been idle for longer is asked whether it is alive
	// before it is used. A server takes longer than that to be killed and to come
	// back, so that nobody is given a connection to the one that is gone.
	pingAfter = 50 * time.Millisecond

	// pingTimeout bounds the question: a connection whose network was cut must
	// not cost its caller all the time that it has.
	pingTimeout = time.Second

	// closeTimeout bounds the farewell to a server that says nothing any more.
	closeTimeout = 5 * time.Second
)

// DB is one PostgreSQL database, as one user and with one search_path. All
// three may be used by any number of goroutines. Transactions hold locks, or
// keep the server from tidying up, until they end: one that does nothing for
// half a minute is ended by the server.
type DB struct {
	// Write runs its transactions at READ COMMITTED: each statement sees what
	// was committed before it began, so whoever reads in order to write takes a
	// row's lock first.
	Write *sql.DB
	// Read cannot write, and its transactions are REPEATABLE READ: all
	// statements of one see the same snapshot.
	Read *sql.DB
	// Pool is for those who need what database/sql has not. Its transactions
	// are as those of Write.
	Pool *pgxpool.Pool

	address string
}

// Address is where the database is, for people: without user and password.
func (db *DB) Address() string { return db.address }

// Open connects to the database of a URL of the form
// postgres://user:password@host:5432/database, with the parameters that
// PostgreSQL's own programs take (sslmode, search_path, several hosts, …) and
// the PG… variables of the environment for what it leaves out. It makes a
// first connection and is done within seconds; what it opens connects again by
// itself. The server has to be a primary of release 14 or later with a
// database in UTF-8; a pooler in between has to keep sessions apart. Errors
// are [ErrUnreachable], [ErrRefused], [ErrUnfit] or about the URL itself, and
// none holds a password.
func Open(ctx context.Context, url string) (*DB, error) {
	writing, err := parse(url)
	if err != nil {
		return nil, err
	}
	reading := writing.Copy()
	reading.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	reading.RuntimeParams["default_transaction_read_only"] = "on"

	db := &DB{address: address(writing)}
	if err := probe(ctx, writing); err != nil {
		return nil, fmt.Errorf("open the database at %s: %w", db.address, err)
	}
	// Its parser alone makes a pool's configuration; what it read from the URL
	// is replaced by ours.
	pool, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, fmt.Errorf("open the database at %s: %w", db.address, err)
	}
	pool.ConnConfig = writing.Copy()
	for name, value := range planning {
		pool.ConnConfig.RuntimeParams[name] = value
	}
	pool.MaxConns, pool.MinConns = maxPool, 0
	pool.MaxConnLifetime, pool.MaxConnIdleTime = maxLifetime, maxIdle
	pool.PingTimeout = pingTimeout
	pool.ShouldPing = func(_ context.Context, p pgxpool.ShouldPingParams) bool { return p.IdleDuration > pingAfter }
	if db.Pool, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		return nil, fmt.Errorf("open the database at %s: %w", db.address, err)
	}
	db.Write = open(writing, maxWriters)
	db.Read = open(reading, maxReaders)
	return db, nil
}

// Close closes all connections. Those of Pool that are in use are waited for,
// and so is the server, but not for longer than five seconds: then the error
// says so, and what is left ends with the process.
func (db *DB) Close() error {
	done := make(chan error, 1)
	go func() {
		db.Pool.Close()
		done <- errors.Join(db.Read.Close(), db.Write.Close())
	}()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("close the database at %s: %w", db.address, err)
		}
		return nil
	case <-time.After(closeTimeout):
		return fmt.Errorf("close the database at %s: connections are left after %s", db.address, closeTimeout)
	}
}

func open(config *pgx.ConnConfig, connections int) *sql.DB {
	db := stdlib.OpenDB(*config, stdlib.OptionShouldPing(dead))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxLifetime(maxLifetime)
	db.SetConnMaxIdleTime(maxIdle)
	return db
}

// dead reports whether a connection is to be pinged, for as long as the caller
// has time: those that have not answered within a shorter one are. The driver
// has closed them then, so that its own ping fails at once.
func dead(ctx context.Context, p stdlib.ShouldPingParams) bool {
	if p.IdleDuration <= pingAfter {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return p.Conn.PgConn().Ping(ctx) != nil
}

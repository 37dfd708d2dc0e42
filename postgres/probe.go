package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// minRelease is the oldest that is still maintained, and the first that says
// at once whether it is a standby.
const minRelease = 14

// Errors of [Open], and of connections made later.
var (
	// ErrUnreachable says that there is no answer, or not yet: the same may
	// succeed later.
	ErrUnreachable = errors.New("the database cannot be reached")
	// ErrRefused says that the server refuses the user, the password or the
	// database's name.
	ErrRefused = errors.New("the database refused the connection")
	// ErrUnfit says that the server is too old, a standby, or its database in
	// another encoding than UTF-8.
	ErrUnfit = errors.New("the database cannot be used")
)

// Codes of PostgreSQL's errors, from its manual's appendix A.
const (
	invalidPassword      = "28P01"
	invalidAuthorization = "28000"
	noSuchDatabase       = "3D000"
	tooManyConnections   = "53300"
	cannotConnectNow     = "57P03" // it is starting up or shutting down
	adminShutdown        = "57P01"
)

// probe makes one connection, and says what is wrong.
func probe(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return explain(err, config)
	}
	// A server that is about to go down accepts connections and no statements.
	err = conn.Ping(ctx)
	if closeErr := conn.Close(ctx); err == nil {
		err = closeErr
	}
	if err != nil {
		return explain(err, config)
	}
	return nil
}

// explain sorts a failure to connect. The driver's errors name hosts, user and
// database, and no password.
func explain(err error, config *pgx.ConnConfig) error {
	if errors.Is(err, ErrUnfit) {
		return err
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	switch refused.Code {
	case invalidPassword:
		return fmt.Errorf("%w: it refused the password of the user %q: %w", ErrRefused, config.User, refused)
	case invalidAuthorization:
		return fmt.Errorf("%w: it refused the user %q: %w", ErrRefused, config.User, refused)
	case noSuchDatabase:
		return fmt.Errorf("%w: there is no database %q: %w", ErrRefused, config.Database, refused)
	case tooManyConnections, cannotConnectNow, adminShutdown:
		return fmt.Errorf("%w: %w", ErrUnreachable, refused)
	}
	return fmt.Errorf("%w: %w", ErrRefused, refused)
}

// fit refuses a server that could not do what is asked of it, by what it said
// of itself when the connection was made: with several hosts the next is tried.
func fit(_ context.Context, conn *pgconn.PgConn) error {
	version := conn.ParameterStatus("server_version")
	if release(version) < minRelease {
		return fmt.Errorf("%w: it is PostgreSQL %s, and Ocapi needs %d or later", ErrUnfit, version, minRelease)
	}
	if conn.ParameterStatus("in_hot_standby") == "on" {
		return fmt.Errorf("%w: it is a standby, and Ocapi needs the primary", ErrUnfit)
	}
	if encoding := conn.ParameterStatus("server_encoding"); encoding != "UTF8" {
		return fmt.Errorf("%w: it is encoded in %s; make it with ENCODING 'UTF8'", ErrUnfit, encoding)
	}
	return nil
}

// release is the first number of a version such as "15.18 (Debian 15.18-1)" or
// "17beta2"; 0 when there is none.
func release(version string) int {
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	n, err := strconv.Atoi(version[:end])
	if err != nil {
		return 0
	}
	return n
}

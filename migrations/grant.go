package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/pressly/goose/v3"
)

// grants lists what the service does to each table, and so what its role may
// do. Whoever adds a table adds it here; a test finds the one that is missing.
var grants = []struct{ table, privileges string }{
	// Nobody who serves can change or remove an event.
	{"events", "SELECT, INSERT"},
	{"states", "SELECT, INSERT, UPDATE, DELETE"}, // a rebuild deletes
	{"checkpoint", "SELECT, UPDATE"},
	{"gaps", "SELECT, INSERT"},
	{"snapshots", "SELECT, INSERT, UPDATE"},

	{"clients", "SELECT, INSERT, UPDATE, DELETE"},
	{"client_names", "SELECT, INSERT, UPDATE, DELETE"},
	{"client_secrets", "SELECT, INSERT, UPDATE, DELETE"},
	{"client_collections", "SELECT, INSERT, UPDATE, DELETE"},
	{"client_limits", "SELECT, INSERT, UPDATE, DELETE"},
	{"client_days", "SELECT, INSERT, UPDATE, DELETE"},
	{"client_settings", "SELECT, INSERT, UPDATE, DELETE"},
	{"client_revision", "SELECT, UPDATE"},
	{"service_keys", "SELECT, INSERT"},

	{"collections", "SELECT, INSERT, UPDATE, DELETE"},
	{"keywords", "SELECT, INSERT, UPDATE, DELETE"},
	{"images", "SELECT, INSERT, UPDATE, DELETE"},
	{"renderings", "SELECT, INSERT, UPDATE, DELETE"},
	{"imported_votes", "SELECT, INSERT, DELETE"},
	{"looks", "SELECT, INSERT, DELETE"},
	{"retirements", "SELECT, INSERT, UPDATE, DELETE"},
	{"corpus_revision", "SELECT, UPDATE"},
	{"plans", "SELECT, INSERT, DELETE"},
	{"annotations", "SELECT, INSERT, UPDATE, DELETE"},
	{"annotations_through", "SELECT, UPDATE"},
	{"needs", "SELECT, INSERT, UPDATE, DELETE"},

	// The service refuses to start on steps that it does not know.
	{goose.DefaultTablename, "SELECT"},
}

// partitionMaker is the function by which the service makes partitions of the
// events' table, which its role may not do by itself.
const partitionMaker = "make_event_partitions"

const (
	selectRole = `SELECT count(*) FROM pg_roles WHERE rolname = $1`

	// True for superusers and for the owner, too.
	selectMayAll = `SELECT pg_has_role($1, relowner, 'MEMBER') FROM pg_class
		WHERE relname = $2 AND relnamespace = quote_ident(current_schema())::regnamespace`

	selectSchema = `SELECT current_schema()`

	selectTable = `SELECT to_regclass($1) IS NOT NULL`

	// Written as a statement may have it: with its schema and its arguments' types.
	selectFunctions = `SELECT oid::regprocedure::text FROM pg_proc
		WHERE proname = $1 AND pronamespace = quote_ident(current_schema())::regnamespace`
)

// Grant lets a role of a migrated PostgreSQL database do what the service does
// and no more: append events, but neither change nor remove them, and change
// the rest as it needs to. What else the role was granted on these tables
// before is taken from it. It is to be called again after [Up] has applied
// steps. db is the writing handle of whoever owns the tables. The error says
// so when there is no such role, or when it may do everything anyway because
// it owns the tables.
func Grant(ctx context.Context, db *sql.DB, role string) error {
	if err := grant(ctx, db, role); err != nil {
		return fmt.Errorf("grant the role %q what the service needs: %w", role, err)
	}
	return nil
}

func grant(ctx context.Context, db *sql.DB, role string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := checkRole(ctx, tx, role); err != nil {
		return err
	}
	var schema string
	if err := tx.QueryRowContext(ctx, selectSchema).Scan(&schema); err != nil {
		return err
	}
	to, in := quote(role), quote(schema)
	statements := []string{fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s", in, to)}
	for _, g := range grants {
		table := in + "." + quote(g.table)
		var there bool
		if err := tx.QueryRowContext(ctx, selectTable, table).Scan(&there); err != nil {
			return err
		}
		if there {
			statements = append(statements, fmt.Sprintf("REVOKE ALL ON %s FROM %s", table, to),
				fmt.Sprintf("GRANT %s ON %s TO %s", g.privileges, table, to))
		}
	}
	functions, err := texts(ctx, tx, selectFunctions, partitionMaker)
	if err != nil {
		return err
	}
	for _, f := range functions {
		statements = append(statements, fmt.Sprintf("GRANT EXECUTE ON FUNCTION %s TO %s", f, to))
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func checkRole(ctx context.Context, tx *sql.Tx, role string) error {
	var roles int
	if err := tx.QueryRowContext(ctx, selectRole, role).Scan(&roles); err != nil {
		return err
	}
	if roles == 0 {
		return errors.New("there is no such role; make it with CREATE ROLE … LOGIN")
	}
	var may bool
	err := tx.QueryRowContext(ctx, selectMayAll, role, goose.DefaultTablename).Scan(&may)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return errors.New("the database has not been migrated")
	case err == nil && may:
		return errors.New("it owns the tables or is a superuser, and may do everything; the service needs a role of its own")
	}
	return err
}

func texts(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error comes through rows.Err
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// quote writes a name as an identifier of SQL.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

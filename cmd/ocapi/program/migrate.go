package program

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/migrations"
	"ocapi/place"
	"ocapi/postgres"
	"ocapi/sqlite"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply what is pending. Nodes that run may be asked to go on: every step suits the release before it."`
	Status migrateStatusCmd `cmd:"" help:"List the steps of the schema and when each was applied."`
}

type migrateUpCmd struct {
	Grant string `help:"Give this role of the database what the service needs and no more; it is then refused any change of events." placeholder:"ROLE"`
	place.Flags
}

// Run migrates the database, or a folder that nobody serves.
func (c *migrateUpCmd) Run(env *command.Environment) error {
	if !c.Shared() {
		if c.Grant != "" {
			return errors.New("--grant is for a database with roles; a data folder belongs to its owner alone")
		}
		if err := place.RequireFolder(c.Data, place.CollectionsFile); err != nil {
			return err
		}
		// Opening a folder for writing is what migrates it.
		return command.WithStores(env, c.Flags, func(*place.Stores) error {
			_, err := fmt.Fprintln(env.Stdout, "The data folder is up to date.")
			return err
		})
	}
	db, err := postgres.Open(env.Context, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	before, err := migrations.Pending(env.Context, db.Read, migrations.Postgres)
	if err != nil {
		return err
	}
	if err := migrations.Up(env.Context, db.Write, migrations.Postgres); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "The database is up to date; applied: %s.\n", console.Count(before, "migration")) //nolint:errcheck // as in main
	if c.Grant == "" {
		return nil
	}
	if err := migrations.Grant(env.Context, db.Write, c.Grant); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "The role %s has what the service needs.\n", c.Grant)
	return err
}

type migrateStatusCmd struct {
	place.Flags
}

// Run lists the steps. It changes nothing.
func (c *migrateStatusCmd) Run(env *command.Environment) (err error) {
	w := tabwriter.NewWriter(env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SCHEMA\tSTEP\tAPPLIED") //nolint:errcheck // Flush tells
	show := func(db *sql.DB, set migrations.Set) error {
		steps, err := migrations.Status(env.Context, db, set)
		if err != nil {
			return err
		}
		for _, step := range steps {
			applied := "pending"
			if !step.AppliedAt.IsZero() {
				applied = step.AppliedAt.Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", set, step.Name, applied) //nolint:errcheck // Flush tells
		}
		return nil
	}
	if c.Shared() {
		db, err := postgres.Open(env.Context, c.DatabaseURL)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		return errors.Join(show(db.Read, migrations.Postgres), w.Flush())
	}
	for _, part := range []struct {
		file string
		set  migrations.Set
	}{{place.ArchiveFile, migrations.Archive}, {place.CollectionsFile, migrations.Collections}} {
		if err := place.RequireFolder(c.Data, part.file); err != nil {
			return err
		}
		db, err := sqlite.OpenReadOnly(env.Context, filepath.Join(c.Data, part.file))
		if err != nil {
			return err
		}
		if err := errors.Join(show(db.Read, part.set), db.Close()); err != nil {
			return err
		}
	}
	return w.Flush()
}

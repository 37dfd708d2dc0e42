package main

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"ocapi/migrations"
	"ocapi/postgres"
	"ocapi/sqlite"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply what is pending. Nodes that run may be asked to go on: every step suits the release before it."`
	Status migrateStatusCmd `cmd:"" help:"List the steps of the schema and when each was applied."`
}

type migrateUpCmd struct {
	Grant string `help:"Give this role of the database what the service needs and no more; it is then refused any change of events." placeholder:"ROLE"`
	place
}

// Run migrates the database, or a folder that nobody serves.
func (c *migrateUpCmd) Run(env *environment) error {
	if !c.shared() {
		if c.Grant != "" {
			return errors.New("--grant is for a database with roles; a data folder belongs to its owner alone")
		}
		if err := requireFolder(c.Data, collectionsFile); err != nil {
			return err
		}
		// Opening a folder for writing is what migrates it.
		return withStores(env, c.place, func(*stores) error {
			_, err := fmt.Fprintln(env.stdout, "The data folder is up to date.")
			return err
		})
	}
	db, err := postgres.Open(env.ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	before, err := migrations.Pending(env.ctx, db.Read, migrations.Postgres)
	if err != nil {
		return err
	}
	if err := migrations.Up(env.ctx, db.Write, migrations.Postgres); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "The database is up to date; applied: %s.\n", count(before, "migration")) //nolint:errcheck // as in main
	if c.Grant == "" {
		return nil
	}
	if err := migrations.Grant(env.ctx, db.Write, c.Grant); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "The role %s has what the service needs.\n", c.Grant)
	return err
}

type migrateStatusCmd struct {
	place
}

// Run lists the steps. It changes nothing.
func (c *migrateStatusCmd) Run(env *environment) (err error) {
	w := tabwriter.NewWriter(env.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SCHEMA\tSTEP\tAPPLIED") //nolint:errcheck // Flush tells
	show := func(db *sql.DB, set migrations.Set) error {
		steps, err := migrations.Status(env.ctx, db, set)
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
	if c.shared() {
		db, err := postgres.Open(env.ctx, c.DatabaseURL)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		return errors.Join(show(db.Read, migrations.Postgres), w.Flush())
	}
	for _, part := range []struct {
		file string
		set  migrations.Set
	}{{archiveFile, migrations.Archive}, {collectionsFile, migrations.Collections}} {
		if err := requireFolder(c.Data, part.file); err != nil {
			return err
		}
		db, err := sqlite.OpenReadOnly(env.ctx, filepath.Join(c.Data, part.file))
		if err != nil {
			return err
		}
		if err := errors.Join(show(db.Read, part.set), db.Close()); err != nil {
			return err
		}
	}
	return w.Flush()
}

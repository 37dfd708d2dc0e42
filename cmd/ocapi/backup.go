package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

type backupCmd struct {
	To string `arg:"" help:"A new folder. To restore, serve it, or a copy of it, as the data folder."`
	place
}

// backupPatience bounds the wait until what was acknowledged is archived.
const backupPatience = time.Minute

// Run copies the databases of the folder while it is served. The event log
// need not be copied: what it held when the command began is in the archive's
// copy, and the next start makes the log anew after it.
func (c *backupCmd) Run(env *environment) error {
	if c.shared() {
		return errors.New("a shared database is backed up by PostgreSQL's own means (pg_dump, or its archive of the write-ahead log)")
	}
	return withExisting(env, c.place, func(s *stores) error {
		if s.logEnd == nil {
			return errors.New("nobody serves this data folder: copy it whole, or start the service first")
		}
		to := c.To
		if !filepath.IsAbs(to) {
			to = filepath.Join(env.dir, to)
		}
		if err := os.Mkdir(to, 0o700); err != nil {
			return fmt.Errorf("make the backup's folder: %w", err)
		}
		seq, err := s.backUp(env.ctx, to)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "Everything up to event %d, the collections and the clients are in %s.\n", seq, to)
		return err
	})
}

// backUp copies the archive, once it holds what the log holds now, and then the
// collections, which may be newer: events name what was there before them.
func (s *stores) backUp(ctx context.Context, to string) (uint64, error) {
	end, err := s.logEnd(ctx)
	if err != nil {
		return 0, err
	}
	waiting, cancel := context.WithTimeout(ctx, backupPatience)
	defer cancel()
	for {
		at, err := s.archive.Checkpoint(waiting)
		if err != nil {
			return 0, err
		}
		if at.Seq >= end {
			break
		}
		if !sleep(waiting, 20*time.Millisecond) {
			return 0, fmt.Errorf("the events from %d to %d are not archived: see /readyz of the operator's listener", at.Seq+1, end)
		}
	}
	for _, file := range s.files {
		if err := file.Backup(ctx, filepath.Join(to, filepath.Base(file.Path()))); err != nil {
			return 0, err
		}
	}
	return uint64(end), nil
}

package program

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ocapi/command"
	"ocapi/place"
)

type backupCmd struct {
	To       string `arg:"" help:"A new folder. To restore, serve it, or a copy of it, as the data folder."`
	WithKeys bool   `help:"Copy the keys of private ids as well: whoever has the copy can then sign as every client."`
	place.Flags
}

// backupPatience bounds the wait until what was acknowledged is archived.
const backupPatience = time.Minute

// Run copies the databases of the folder while it is served. The event log
// need not be copied: what it held when the command began is in the archive's
// copy, and the next start makes the log anew after it.
func (c *backupCmd) Run(env *command.Environment) error {
	if c.Shared() {
		return errors.New("a shared database is backed up by PostgreSQL's own means (pg_dump, or its archive of the write-ahead log)")
	}
	return command.WithExisting(env, c.Flags, func(s *place.Stores) error {
		if s.LogEnd == nil {
			return errors.New("nobody serves this data folder: copy it whole, or start the service first")
		}
		to := c.To
		if !filepath.IsAbs(to) {
			to = filepath.Join(env.Dir, to)
		}
		if err := os.Mkdir(to, 0o700); err != nil {
			return fmt.Errorf("make the backup's folder: %w", err)
		}
		seq, err := backUp(env.Context, s, to)
		if err != nil {
			return err
		}
		if c.WithKeys {
			if err := copyKeys(c.Data, to); err != nil {
				return err
			}
		}
		fmt.Fprintf(env.Stdout, "Everything up to event %d, the collections and the clients are in %s.\n", seq, to) //nolint:errcheck // as in main
		if path := filepath.Join(c.Data, place.KeyFile); !c.WithKeys && isFile(path) {
			fmt.Fprintf(env.Stdout, "The keys of private ids are not: without a copy of %s, kept elsewhere, no partner can use what is restored.\n", path) //nolint:errcheck // as in main
		}
		return nil
	})
}

// copyKeys copies a folder's own file of keys.
func copyKeys(from, to string) error {
	text, err := os.ReadFile(filepath.Join(from, place.KeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("--with-keys: the folder has no keys of its own; copy the file that --secrets-key-file names")
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(to, place.KeyFile), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("copy the keys of private ids: %w", err)
	}
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// backUp copies the archive, once it holds what the log holds now, and then the
// collections, which may be newer: events name what was there before them.
func backUp(ctx context.Context, s *place.Stores, to string) (uint64, error) {
	end, err := s.LogEnd(ctx)
	if err != nil {
		return 0, err
	}
	waiting, cancel := context.WithTimeout(ctx, backupPatience)
	defer cancel()
	for {
		at, err := s.Archive.Checkpoint(waiting)
		if err != nil {
			return 0, err
		}
		if at.Seq >= end {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-waiting.Done():
			return 0, fmt.Errorf("the events from %d to %d are not archived: see /readyz of the operator's listener", at.Seq+1, end)
		}
	}
	for _, file := range s.Files {
		if err := file.Backup(ctx, filepath.Join(to, filepath.Base(file.Path()))); err != nil {
			return 0, err
		}
	}
	return uint64(end), nil
}

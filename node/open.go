package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"ocapi/challenges"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/place"
	"ocapi/postgres"
)

// lockServed takes the lock of a folder that was served before. Whoever starts
// the service twice is told so, and not that its port is taken.
func (n *node) lockServed() (err error) {
	if n.cfg.Shared() {
		return nil
	}
	if _, err := os.Stat(filepath.Join(n.cfg.Data, place.LockFile)); err != nil {
		return nil // there is none, or Open says what is wrong
	}
	n.lock, err = place.LockFolder(n.cfg.Data)
	return err
}

// Open opens the data folder, which is this process's alone, or the
// database that the nodes share.
func (n *node) openStores(ctx context.Context) (err error) {
	if !n.cfg.Shared() {
		if n.lock == nil {
			if n.lock, err = place.LockFolder(n.cfg.Data); err != nil {
				return err
			}
		}
	} else if n.cfg.Migrate {
		if err := migrateDatabase(ctx, n.cfg.DatabaseURL); err != nil {
			return err
		}
	}
	if n.stores, err = place.Open(ctx, n.cfg.With(n.cfg.KeyFlags)); err != nil {
		return err
	}
	n.stores.Corpus.KeepPictures(int(n.cfg.PictureCacheBytes))
	return nil
}

// migrateDatabase brings the schema up to date, as several nodes that start
// together may.
func migrateDatabase(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, url)
	if err != nil {
		return err
	}
	return errors.Join(migrations.Up(ctx, db.Write, migrations.Postgres), db.Close())
}

// openLog opens the log, embedded or of the cluster, and compares it with the
// archive.
func (n *node) openLog(ctx context.Context) error {
	at, err := n.stores.Archive.Checkpoint(ctx)
	if err != nil {
		return err
	}
	cfg := eventstore.LogConfig{
		MaxBytes: n.cfg.LogMaxBytes, Durability: n.cfg.durability(), AckTimeout: place.AckTimeout,
		Shared: n.cfg.Shared(), Now: n.env.Clock(), Logger: n.logger,
	}
	if n.cfg.Shared() {
		if n.cluster, err = eventstore.ConnectCluster(ctx, n.cfg.NATSFlags.Cluster(n.logger)); err != nil {
			return err
		}
		n.log, err = eventstore.OpenLog(ctx, n.cluster, cfg, at.Seq)
	} else {
		n.embedded, err = eventstore.StartEmbedded(eventstore.EmbeddedConfig{
			Dir: filepath.Join(n.cfg.Data, place.LogFolder), Durability: n.cfg.durability(), MaxBytes: n.cfg.LogMaxBytes, Logger: n.logger,
		})
		if err != nil {
			return err
		}
		if n.mark, err = eventstore.OpenMark(filepath.Join(n.cfg.Data, place.MarkFile), n.logger); err != nil {
			return err
		}
		cfg.Mark = n.mark
		n.log, err = n.embedded.OpenLog(ctx, cfg, at.Seq)
	}
	if err != nil {
		return err
	}
	n.stores.LogEnd = func(ctx context.Context) (eventstore.Sequence, error) {
		extent, err := n.log.Extent(ctx)
		return extent.Last, err
	}
	n.stores.Append = func(ctx context.Context, e domain.Event) error { return place.AppendAfterLast(ctx, n.log, e) }
	if err := eventstore.Reconcile(ctx, n.log, n.stores.Archive, n.logger); err != nil {
		return fmt.Errorf("compare the event log with the archive: %w", err)
	}
	return nil
}

// corpusSource shows the collections to the dealer.
type corpusSource struct{ store *corpus.Store }

// Revision implements challenges.Corpus.
func (c corpusSource) Revision(ctx context.Context) (int64, error) { return c.store.Revision(ctx) }

// Decisions implements challenges.Corpus.
func (c corpusSource) Decisions(ctx context.Context) (int64, error) { return c.store.Decisions(ctx) }

// Load implements challenges.Corpus.
func (c corpusSource) Load(ctx context.Context) (challenges.Collections, error) {
	s, err := c.store.Load(ctx)
	if err != nil {
		return challenges.Collections{}, err
	}
	out := challenges.Collections{Revision: s.Revision, Decisions: s.Decisions, Images: s.Images}
	for i := range s.Collections {
		info := s.Collections[i].Info()
		info.Demo = s.Collections[i].Demo
		out.Infos = append(out.Infos, info)
	}
	return out, nil
}

package corpus

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"ocapi/corpus/plate"
	"ocapi/domain"
)

// DefaultCacheBytes is the bound of a store's cache of pictures: about 2,700
// of 12 kB, more than are on anybody's screen at once on a small machine.
const DefaultCacheBytes = 32 << 20

// KeepPictures changes the bound of the cache of pictures, as
// [StoreParams.CacheBytes]. It is called before the store is used.
func (s *Store) KeepPictures(maxBytes int) { s.cache = newCache(maxBytes) }

// Store keeps collections in a migrated database, be it a file of their own or
// PostgreSQL: the statements are the same. It is safe for concurrent use.
// Errors are [domain.Error] where a method says so; anything else is the
// database's, wrapped.
type Store struct {
	write, read *sql.DB
	now         func() time.Time
	cache       *cache
	shown       shown
	file        bool
	prepared    atomic.Pointer[sql.Stmt] // selectPicture, in a file
	lacking     plates                   // of pictures that were read without one; nil where nothing is changed
	ink         [32]byte                 // what showings are drawn from, beside what they are of
}

// StoreParams says where a store keeps its data.
type StoreParams struct {
	Write, Read *sql.DB          // Write may be nil where nothing is changed
	Now         func() time.Time // the clock
	// File says that the database is a file of this machine: a picture is read
	// from it at once or not at all, so that nothing watches for the end of the
	// caller's context meanwhile.
	File       bool
	CacheBytes int // bound of the cache of pictures; 0: DefaultCacheBytes, negative: none
}

// NewStore makes a store.
func NewStore(p StoreParams) *Store {
	if p.CacheBytes == 0 {
		p.CacheBytes = DefaultCacheBytes
	}
	s := &Store{write: p.Write, read: p.Read, now: p.Now, file: p.File, cache: newCache(p.CacheBytes)}
	if p.Write != nil {
		s.lacking = make(plates, platesAtOnce)
	}
	_, _ = rand.Read(s.ink[:]) // it never fails
	return s
}

const (
	upsertCollection = `INSERT INTO collections (id, title, credit, demo, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, credit = excluded.credit, demo = excluded.demo
		WHERE collections.title <> excluded.title OR collections.credit <> excluded.credit OR collections.demo <> excluded.demo`

	upsertKeyword = `INSERT INTO keywords (collection, keyword, lang, label) VALUES ($1, $2, $3, $4)
		ON CONFLICT (collection, keyword, lang) DO UPDATE SET label = excluded.label WHERE keywords.label <> excluded.label`

	insertImage = `INSERT INTO images (id, collection, document, type, known, trust, text, labels, candidates, complete, prior,
			renderings, institution, shelfmark, page, licence, source, created_at, guess, canvas, region)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
		ON CONFLICT (id) DO NOTHING`

	// The type is part of the id, and the collection and the renderings stay:
	// all else can be corrected. What votes say of a truth on record is of no
	// consequence once that is another one.
	updateImage = `UPDATE images SET document = $2, known = $3, trust = $4, text = $5, labels = $6, candidates = $7, complete = $8,
			prior = $9, institution = $10, shelfmark = $11, page = $12, licence = $13, source = $14, guess = $15, canvas = $16, region = $17,
			corrected_at = CASE WHEN known <> $3 OR text <> $5 OR labels <> $6 OR complete <> $8 THEN $18 ELSE corrected_at END
		WHERE id = $1`

	insertRendering = `INSERT INTO renderings (image, n, content_type, width, height, bytes, plate) VALUES ($1, $2, $3, $4, $5, $6, $7)`

	insertLook = `INSERT INTO looks (image, hash) VALUES ($1, $2)`

	deleteRenderings = `DELETE FROM renderings WHERE image = $1`
	deleteLook       = `DELETE FROM looks WHERE image = $1`
	deleteRetirement = `DELETE FROM retirements WHERE image = $1`
	deleteImage      = `DELETE FROM images WHERE id = $1`

	deleteCollectionLooks      = `DELETE FROM looks WHERE image IN (SELECT id FROM images WHERE collection = $1)`
	deleteCollectionRetired    = `DELETE FROM retirements WHERE image IN (SELECT id FROM images WHERE collection = $1)`
	deleteCollectionRenderings = `DELETE FROM renderings WHERE image IN (SELECT id FROM images WHERE collection = $1)`
	deleteCollectionImages     = `DELETE FROM images WHERE collection = $1`
	deleteCollectionKeywords   = `DELETE FROM keywords WHERE collection = $1`
	deleteCollection           = `DELETE FROM collections WHERE id = $1`

	// It changes nothing and takes the row's lock. SQLite's writers take turns
	// anyway; of PostgreSQL's, two would read what both are about to change.
	takeTurn = `UPDATE corpus_revision SET revision = revision WHERE id = 1`

	raiseRevision = `UPDATE corpus_revision SET revision = revision + 1 WHERE id = 1`
)

// PutCollection adds a collection, or brings its title, credit and demo flag
// up to date. The keywords that it has are added to those in the store or
// replace their labels; none is removed. CreatedAt is the store's. Putting the
// same again changes nothing. The error is CodeInvalid for a malformed id.
func (s *Store) PutCollection(ctx context.Context, c Collection) error {
	if _, err := ParseCollectionID(string(c.ID)); err != nil {
		return err
	}
	now := domain.Moment(s.now()).UnixMicro()
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		changed, err := affected(tx.ExecContext(ctx, upsertCollection, c.ID, c.Title, c.Credit, number(c.Demo), now))
		if err != nil {
			return false, err
		}
		for keyword, labels := range c.Keywords {
			for lang, label := range labels {
				more, err := affected(tx.ExecContext(ctx, upsertKeyword, c.ID, keyword, lang, label))
				if err != nil {
					return false, err
				}
				changed = changed || more
			}
		}
		return changed, nil
	})
	return wrap(err, "put the collection %s", c.ID)
}

// AddImages adds images with their pictures to collections that are there, all
// in one transaction: on an error none is added. Outcomes come in the order of
// the images. One that is there already, by its id, is left as it is, so
// adding the same again changes nothing. The error is CodeInvalid for an
// image that cannot be stored.
func (s *Store) AddImages(ctx context.Context, images []NewImage) ([]Outcome, error) {
	plates := make([][][]byte, len(images))
	for i := range images {
		var err error
		if plates[i], err = images[i].check(); err != nil {
			return nil, err
		}
	}
	outcomes := make([]Outcome, len(images))
	now := domain.Moment(s.now()).UnixMicro()
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		changed := false
		for i := range images {
			var err error
			if outcomes[i], err = addImage(ctx, tx, &images[i], plates[i], now); err != nil {
				return false, fmt.Errorf("image %s: %w", images[i].ID, err)
			}
			changed = changed || outcomes[i] == OutcomeMade
		}
		return changed, nil
	})
	if err != nil {
		return nil, wrap(err, "add %d images", len(images))
	}
	return outcomes, nil
}

func addImage(ctx context.Context, tx *sql.Tx, im *NewImage, plates [][]byte, now int64) (Outcome, error) {
	made, err := affected(tx.ExecContext(ctx, insertImage, im.ID, im.Collection, im.Document, im.Type, number(im.Known), im.Trust,
		im.Text, list(im.Labels), list(im.Candidates), number(im.Complete), im.Prior, len(im.Pictures),
		im.Institution, im.ShelfMark, im.Page, im.Licence, im.Source, now, im.Guess, im.Canvas, im.Region))
	if err != nil {
		return OutcomeInvalid, err
	}
	if !made {
		stored, err := scanEntry(tx.QueryRowContext(ctx, selectEntry, im.ID))
		if err != nil {
			return OutcomeInvalid, err
		}
		return compare(&im.Entry, &stored), nil
	}
	for n, p := range im.Pictures {
		if _, err := tx.ExecContext(ctx, insertRendering, im.ID, n, p.ContentType, p.Width, p.Height, p.Bytes, plates[n]); err != nil {
			return OutcomeInvalid, err
		}
	}
	if _, err := tx.ExecContext(ctx, insertLook, im.ID, int64(im.Hash)); err != nil {
		return OutcomeInvalid, err
	}
	return OutcomeMade, nil
}

// UpdateImages brings what is on record of images up to date, by their ids, in
// one transaction; pictures, type and collection stay. It says how many were
// changed; those that are right already are not. What visitors have settled
// ([domain.TrustPromoted]) is kept against data that are not promoted. The
// error is CodeNotFound for an id that is not there; then nothing is changed.
func (s *Store) UpdateImages(ctx context.Context, entries []Entry) (int, error) {
	for i := range entries {
		if err := entries[i].check(); err != nil {
			return 0, err
		}
	}
	now := domain.Moment(s.now()).UnixMicro()
	changed := 0
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		for i := range entries {
			e := &entries[i]
			stored, err := scanEntry(tx.QueryRowContext(ctx, selectEntry, e.ID))
			if errors.Is(err, sql.ErrNoRows) {
				return false, domain.NotFound("there is no image %s", e.ID)
			}
			if err != nil {
				return false, err
			}
			if compare(e, &stored) == OutcomePresent || stored.Trust == domain.TrustPromoted && e.Trust != domain.TrustPromoted {
				continue
			}
			if _, err := tx.ExecContext(ctx, updateImage, e.ID, e.Document, number(e.Known), e.Trust, e.Text, list(e.Labels),
				list(e.Candidates), number(e.Complete), e.Prior, e.Institution, e.ShelfMark, e.Page, e.Licence, e.Source, e.Guess, e.Canvas, e.Region, now); err != nil {
				return false, err
			}
			changed++
		}
		return changed > 0, nil
	})
	if err != nil {
		return 0, wrap(err, "update %d images", len(entries))
	}
	return changed, nil
}

// DeleteImages removes images with their pictures, in one transaction, and
// says how many were there. Events that name them keep their meaning. Other
// processes may show a picture from their caches until they restart, though
// none deals it any more once it has seen the revision.
func (s *Store) DeleteImages(ctx context.Context, ids []domain.ImageID) (int, error) {
	deleted := 0
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		for _, id := range ids {
			for _, statement := range []string{deleteRenderings, deleteLook, deleteRetirement} {
				if _, err := tx.ExecContext(ctx, statement, id); err != nil {
					return false, err
				}
			}
			gone, err := affected(tx.ExecContext(ctx, deleteImage, id))
			if err != nil {
				return false, err
			}
			if gone {
				deleted++
			}
		}
		return deleted > 0, nil
	})
	s.cache.clear()
	if err != nil {
		return 0, wrap(err, "delete %d images", len(ids))
	}
	return deleted, nil
}

// DeleteCollection removes a collection with all that belongs to it, in one
// transaction; otherwise as [Store.DeleteImages]. The error is CodeNotFound
// when it is not there.
func (s *Store) DeleteCollection(ctx context.Context, id domain.CollectionID) error {
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		for _, statement := range []string{
			deleteCollectionRenderings, deleteCollectionLooks, deleteCollectionRetired, deleteCollectionImages,
			deleteCollectionKeywords, deleteCollectionVotes,
		} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return false, err
			}
		}
		gone, err := affected(tx.ExecContext(ctx, deleteCollection, id))
		if err == nil && !gone {
			err = domain.NotFound("there is no collection %.80q", string(id))
		}
		return gone, err
	})
	s.cache.clear()
	return wrap(err, "delete the collection %s", id)
}

// change runs do in one transaction, while no other change of any process is
// under way, and raises the revision with it where do says that it changed
// something.
func (s *Store) change(ctx context.Context, do func(tx *sql.Tx) (bool, error)) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	changed := false
	if _, err = tx.ExecContext(ctx, takeTurn); err == nil {
		changed, err = do(tx)
	}
	if err == nil && changed {
		_, err = tx.ExecContext(ctx, raiseRevision)
	}
	if err != nil {
		if rollback := tx.Rollback(); !errors.Is(rollback, sql.ErrTxDone) {
			err = errors.Join(err, rollback)
		}
		return err
	}
	return tx.Commit()
}

// check refuses what could not be dealt, judged or served. It gives the plates
// of the pictures, as they are stored.
func (im *NewImage) check() ([][]byte, error) {
	if err := im.Entry.check(); err != nil {
		return nil, err
	}
	if len(im.Pictures) == 0 {
		return nil, domain.Invalid("renderings", "the image %s has no rendering", im.ID)
	}
	plates := make([][]byte, len(im.Pictures))
	for n, p := range im.Pictures {
		if len(p.Bytes) == 0 || p.ContentType == "" || p.Width <= 0 || p.Height <= 0 {
			return nil, domain.Invalid("renderings", "rendering %d of the image %s is empty", n, im.ID)
		}
		made, err := plate.New(p.Bytes)
		if err != nil {
			return nil, domain.Invalid("renderings", "rendering %d of the image %s cannot be shown: %v", n, im.ID, err)
		}
		plates[n] = made.Encode()
	}
	return plates, nil
}

func (e *Entry) check() error {
	switch {
	case e.ID == "" || e.Collection == "" || e.Document == "":
		return domain.Invalid("image", "the image %q lacks an id, a collection or a document", string(e.ID))
	case e.Type != domain.TypeTranscription && e.Type != domain.TypeClassification:
		return domain.Invalid("type", "the image %s has the type %s", e.ID, e.Type)
	case e.Known != (e.Trust != domain.TrustNone):
		return domain.Invalid("trust", "the image %s has a role that its trust contradicts", e.ID)
	case e.Known && e.Type == domain.TypeTranscription && domain.Fold(e.Text) == "":
		return domain.Invalid("text", "the known image %s has no text that can be judged", e.ID)
	case e.Prior < 0 || e.Prior > 1:
		return domain.Invalid("prior", "the prior %g of the image %s is no probability", e.Prior, e.ID)
	}
	return nil
}

// compare says whether two entries of one id say the same.
func compare(a, b *Entry) Outcome {
	same := a.Collection == b.Collection && a.Document == b.Document && a.Type == b.Type && a.Known == b.Known &&
		a.Trust == b.Trust && a.Text == b.Text && a.Complete == b.Complete && a.Prior == b.Prior &&
		a.Guess == b.Guess && a.Provenance == b.Provenance && slices.Equal(a.Labels, b.Labels) && slices.Equal(a.Candidates, b.Candidates)
	if same {
		return OutcomePresent
	}
	return OutcomeDiffers
}

// list writes keywords as a JSON array.
func list(keywords []string) string {
	if len(keywords) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(keywords) // strings always marshal
	return string(b)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func affected(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// wrap says what was being done, except where the error says it better.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*domain.Error](err); ok {
		return e
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

package corpus

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"ocapi/corpus/plate"
	"ocapi/domain"
)

// Show gives one rendering of an image as it is sent for one showing: in bytes
// that it shares with no other showing, and in one of very few sizes (see
// [plate]). The same showing gets the same bytes from this store, so that asking
// again and again tells no more than asking once. The bytes are the caller's,
// who may release them.
// Errors: CodeNotFound when there is no such rendering, CodeUnavailable when the
// database does not answer.
func (s *Store) Show(ctx context.Context, id domain.ImageID, rendering uint32, showing domain.Showing) (domain.Picture, error) {
	made := prints.Get().(*print) //nolint:forcetypeassert // nothing else is put there
	picture := domain.Picture{Loan: made}
	err := s.look(ctx, pictureKey{id, rendering}, func(p cached) {
		made.bytes = p.plate.PrintIn(made.bytes, s.seed(showing))
		picture.Bytes, picture.ContentType = made.bytes, p.contentType
	})
	if err != nil {
		made.Release()
		return domain.Picture{}, err
	}
	return picture, nil
}

// prints is memory that pictures are sent from: made anew for each, it was a
// fifth of all that the process allocated.
var prints = sync.Pool{New: func() any { return &print{} }}

// print is memory for one picture.
type print struct{ bytes []byte }

// maxPrintBytes bounds what is kept for the next picture. Ours are smaller; a
// larger one is made for itself.
const maxPrintBytes = 256 << 10

// Release implements domain.Picture.Loan.
func (p *print) Release() {
	if cap(p.bytes) <= maxPrintBytes {
		prints.Put(p)
	}
}

// seed mixes what a showing is of with what only this store knows. All its
// parts have a fixed length, so no two showings can be mixed up.
func (s *Store) seed(showing domain.Showing) plate.Seed {
	var b [len(s.ink) + len(domain.UUID{}) + 8]byte
	copy(b[:], s.ink[:])
	copy(b[len(s.ink):], showing.Challenge.UUID[:])
	binary.BigEndian.PutUint64(b[len(b)-8:], uint64(showing.Position))
	return sha256.Sum256(b[:])
}

// Picture gives one rendering of an image as it is stored, from the cache where
// it can. It is for those who look after the collection: visitors get [Store.Show].
// Errors as of Show.
func (s *Store) Picture(ctx context.Context, id domain.ImageID, rendering uint32) (domain.Picture, error) {
	var picture domain.Picture
	err := s.look(ctx, pictureKey{id, rendering}, func(p cached) {
		picture.Bytes, picture.ContentType = bytes.Clone(p.plate.Picture()), p.contentType
	})
	return picture, err
}

// look calls see with a rendering, which is see's only until it returns: one
// that is not kept lies in the memory of the database's driver.
func (s *Store) look(ctx context.Context, key pictureKey, see func(cached)) error {
	if p, ok := s.cache.get(key); ok {
		s.shown.cached.Add(1)
		see(p)
		return nil
	}
	err := s.readPicture(ctx, key, see)
	switch {
	case err == nil:
		s.shown.read.Add(1)
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return domain.NotFound("there is no such image")
	}
	s.shown.failed.Add(1)
	return domain.Unavailable("the image cannot be read now",
		fmt.Errorf("read rendering %d of the image %s: %w", key.rendering, key.image, err))
}

// readPicture reads a rendering from the database. The error is [sql.ErrNoRows]
// when there is none; see is called where there is no error.
func (s *Store) readPicture(ctx context.Context, key pictureKey, see func(cached)) (err error) {
	rows, err := s.storedPicture(ctx, key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	// What is shown once and never again, which with many images is nearly all,
	// is not copied: making room for it and clearing that away cost as much as
	// the print.
	var contentType, picture, storedPlate sql.RawBytes
	if err := rows.Scan(&contentType, &picture, &storedPlate); err != nil {
		return err
	}
	borrowed := borrowedPlates.Get().(*plate.Plate) //nolint:forcetypeassert // nothing else is put there
	defer func() {
		borrowed.Forget()
		borrowedPlates.Put(borrowed)
	}()
	p := cached{contentTypeOf(contentType), borrowed}
	if borrowed.Restore(picture, storedPlate) != nil {
		made, err := plate.New(picture)
		if err != nil {
			return err
		}
		s.lacking.add(key, made)
		p.plate = made
	}
	see(p)
	if s.cache.wants(key, p) {
		p.plate = p.plate.Clone()
		s.cache.put(key, p)
	}
	return nil
}

// borrowedPlates are for pictures that are printed from and not kept.
var borrowedPlates = sync.Pool{New: func() any { return &plate.Plate{} }}

// contentTypeOf makes nothing new for what nearly all pictures are.
func contentTypeOf(b []byte) string {
	if string(b) == renderedType {
		return renderedType
	}
	return string(b)
}

// storedPicture asks for a rendering. In a file the statement is prepared, since
// parsing it costs as much as finding the row, and does not listen to ctx, for
// which the driver starts a goroutine each time. PostgreSQL's driver prepares
// by itself, where the connection allows it.
func (s *Store) storedPicture(ctx context.Context, key pictureKey) (*sql.Rows, error) {
	if s.file && ctx.Err() == nil {
		patient := context.WithoutCancel(ctx)
		if statement := s.pictureStatement(patient); statement != nil {
			return statement.QueryContext(patient, string(key.image), int64(key.rendering))
		}
	}
	return s.read.QueryContext(ctx, selectPicture, string(key.image), int64(key.rendering))
}

// pictureStatement prepares selectPicture at its first use; it ends with the
// database. It gives nil where that fails: then asking says why.
func (s *Store) pictureStatement(ctx context.Context) *sql.Stmt {
	if statement := s.prepared.Load(); statement != nil {
		return statement
	}
	statement, err := s.read.PrepareContext(ctx, selectPicture)
	if err != nil {
		return nil
	}
	if !s.prepared.CompareAndSwap(nil, statement) {
		_ = statement.Close() // another was quicker
	}
	return s.prepared.Load()
}

// shown counts where pictures came from.
type shown struct{ cached, read, failed atomic.Uint64 }

// Pictures tells how many pictures came from the cache, how many from the
// database, and how many could not be read, since the store was opened.
func (s *Store) Pictures() (fromCache, fromStore, failed uint64) {
	return s.shown.cached.Load(), s.shown.read.Load(), s.shown.failed.Load()
}

package corpus

import (
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
	p, err := s.picture(ctx, id, rendering)
	if err != nil {
		return domain.Picture{}, err
	}
	made := prints.Get().(*print) //nolint:forcetypeassert // nothing else is put there
	made.bytes = p.plate.PrintIn(made.bytes, s.seed(showing))
	return domain.Picture{Bytes: made.bytes, ContentType: p.contentType, Loan: made}, nil
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
// Its bytes are shared: nobody changes them. Errors as of Show.
func (s *Store) Picture(ctx context.Context, id domain.ImageID, rendering uint32) (domain.Picture, error) {
	p, err := s.picture(ctx, id, rendering)
	if err != nil {
		return domain.Picture{}, err
	}
	return domain.Picture{Bytes: p.plate.Picture(), ContentType: p.contentType}, nil
}

// storedPicture asks for a rendering. In a file the statement is prepared, since
// parsing it costs as much as finding the row, and does not listen to ctx, for
// which the driver starts a goroutine each time. PostgreSQL's driver prepares
// by itself, where the connection allows it.
func (s *Store) storedPicture(ctx context.Context, key pictureKey) *sql.Row {
	if s.file && ctx.Err() == nil {
		patient := context.WithoutCancel(ctx)
		if statement := s.pictureStatement(patient); statement != nil {
			return statement.QueryRowContext(patient, string(key.image), int64(key.rendering))
		}
	}
	return s.read.QueryRowContext(ctx, selectPicture, string(key.image), int64(key.rendering))
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

func (s *Store) picture(ctx context.Context, id domain.ImageID, rendering uint32) (cached, error) {
	key := pictureKey{id, rendering}
	if p, ok := s.cache.get(key); ok {
		s.shown.cached.Add(1)
		return p, nil
	}
	var p cached
	var stored, storedPlate []byte
	err := s.storedPicture(ctx, key).Scan(&p.contentType, &stored, &storedPlate)
	if errors.Is(err, sql.ErrNoRows) {
		return cached{}, domain.NotFound("there is no such image")
	}
	asStored := false
	if err == nil {
		p.plate, asStored, err = plateOf(stored, storedPlate)
	}
	if err != nil {
		s.shown.failed.Add(1)
		return cached{}, domain.Unavailable("the image cannot be read now",
			fmt.Errorf("read rendering %d of the image %s: %w", rendering, id, err))
	}
	s.shown.read.Add(1)
	if !asStored {
		s.lacking.add(key, p.plate)
	}
	s.cache.put(key, p)
	return p, nil
}

// shown counts where pictures came from.
type shown struct{ cached, read, failed atomic.Uint64 }

// Pictures tells how many pictures came from the cache, how many from the
// database, and how many could not be read, since the store was opened.
func (s *Store) Pictures() (fromCache, fromStore, failed uint64) {
	return s.shown.cached.Load(), s.shown.read.Load(), s.shown.failed.Load()
}

package corpus

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ocapi/domain"
)

// Holding is one image as the collection's keeper sees it, in whatever state.
type Holding struct {
	Entry
	MadeAt    time.Time // when it was imported
	RetiredAt time.Time // zero: it is dealt
	Reason    string    // of its retirement
}

// Retired reports whether the image is dealt no more.
func (h *Holding) Retired() bool { return !h.RetiredAt.IsZero() }

// Weight says how much there is to serve.
type Weight struct {
	Pictures    int   // renderings of all images
	Bytes       int64 // of all of them
	MedianBytes int   // of one
}

const (
	selectHoldings = `SELECT id, document, type, known, trust, text, labels, candidates, complete, prior, renderings,
			institution, shelfmark, page, licence, source, canvas, region, created_at,
			COALESCE(at, 0), COALESCE(reason, '')
		FROM images LEFT JOIN retirements ON image = id AND restored_at IS NULL
		WHERE collection = $1 ORDER BY id`

	selectWeight = `SELECT length(bytes) FROM renderings JOIN images ON image = id WHERE collection = $1 ORDER BY length(bytes)`

	selectLooks = `SELECT looks.hash, id, type, known, text, labels, complete FROM images JOIN looks ON image = id
		WHERE collection = $1
			AND NOT EXISTS (SELECT 1 FROM retirements WHERE retirements.image = images.id AND restored_at IS NULL)`
)

// Holdings gives all images of a collection, those that are retired among
// them, sorted by id, with what votes have decided about them. The error is CodeNotFound when there is no such
// collection.
func (s *Store) Holdings(ctx context.Context, id domain.CollectionID) (Collection, []Holding, error) {
	var c Collection
	var holdings []Holding
	err := s.view(ctx, func(tx *sql.Tx) error {
		all, err := readCollections(ctx, tx)
		if err != nil {
			return err
		}
		found := false
		for i := range all {
			if all[i].ID == id {
				c, found = all[i], true
			}
		}
		if !found {
			return domain.NotFound("there is no collection %.80q", string(id))
		}
		in := newInterner()
		err = each(ctx, tx, selectHoldings, []any{id}, func(rows *sql.Rows) error {
			h, err := scanHolding(rows, in)
			if err != nil {
				return err
			}
			h.Collection = id
			holdings = append(holdings, h)
			return nil
		})
		if err != nil {
			return err
		}
		return overlay(ctx, tx, id, in, len(holdings), func(i int) *domain.Image { return &holdings[i].Image })
	})
	return c, holdings, wrap(err, "read the collection %s", id)
}

func scanHolding(rows *sql.Rows, in *interner) (Holding, error) {
	var h Holding
	var labels, candidates string
	var made, retired int64
	err := rows.Scan(&h.ID, &h.Document, &h.Type, &h.Known, &h.Trust, &h.Text, &labels, &candidates, &h.Complete, &h.Prior, &h.Renderings,
		&h.Institution, &h.ShelfMark, &h.Page, &h.Licence, &h.Source, &h.Canvas, &h.Region, &made, &retired, &h.Reason)
	if err != nil {
		return Holding{}, err
	}
	for _, p := range []*string{&h.Document, &h.Institution, &h.ShelfMark, &h.Licence, &h.Source, &h.Canvas, &h.Reason} {
		*p = in.text(*p)
	}
	if h.Labels, err = in.list(labels); err != nil {
		return Holding{}, fmt.Errorf("labels of the image %s: %w", h.ID, err)
	}
	if h.Candidates, err = in.list(candidates); err != nil {
		return Holding{}, fmt.Errorf("candidates of the image %s: %w", h.ID, err)
	}
	h.MadeAt = time.UnixMicro(made).UTC()
	if retired != 0 {
		h.RetiredAt = time.UnixMicro(retired).UTC()
	}
	return h, nil
}

// Weigh measures the renderings of a collection.
func (s *Store) Weigh(ctx context.Context, id domain.CollectionID) (Weight, error) {
	var w Weight
	var sizes []int32 // sorted
	err := s.view(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, selectWeight, []any{id}, func(rows *sql.Rows) error {
			var n int32
			if err := rows.Scan(&n); err != nil {
				return err
			}
			sizes = append(sizes, n)
			w.Bytes += int64(n)
			return nil
		})
	})
	if err != nil {
		return Weight{}, fmt.Errorf("measure the pictures of the collection %s: %w", id, err)
	}
	if w.Pictures = len(sizes); w.Pictures > 0 {
		w.MedianBytes = int(sizes[w.Pictures/2])
	}
	return w, nil
}

// twins gives what the collection's images look like.
func (s *Store) twins(ctx context.Context, id domain.CollectionID) (*twins, error) {
	known := newTwins()
	in := newInterner()
	err := s.view(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, selectLooks, []any{id}, func(rows *sql.Rows) error {
			var e Entry
			var hash int64
			var labels string
			if err := rows.Scan(&hash, &e.ID, &e.Type, &e.Known, &e.Text, &labels, &e.Complete); err != nil {
				return err
			}
			var err error
			if e.Labels, err = in.list(labels); err != nil {
				return fmt.Errorf("labels of the image %s: %w", e.ID, err)
			}
			known.add(PictureHash(hash), &e)
			return nil
		})
	})
	return known, wrap(err, "read what the images of the collection %s look like", id)
}

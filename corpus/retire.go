package corpus

import (
	"context"
	"database/sql"
	"fmt"
	"unicode/utf8"

	"ocapi/domain"
)

// maxReasonRunes bounds the reason of a retirement.
const maxReasonRunes = 500

// Retirement says which images of a collection are to be dealt no more, or
// again. Exactly one of Images, Document and All says which.
type Retirement struct {
	Collection domain.CollectionID
	Images     []domain.ImageID
	Document   string // all images that are cut from it
	All        bool
	Restore    bool   // they are to be dealt again
	Reason     string // for those who ask later; none where images are restored
}

const (
	selectCollectionIDs = `SELECT id FROM images WHERE collection = $1 ORDER BY id`
	selectDocumentIDs   = `SELECT id FROM images WHERE collection = $1 AND document = $2 ORDER BY id`
	selectMember        = `SELECT count(*) FROM images WHERE id = $1 AND collection = $2`

	// An image that is retired stays so, with the reason that it has. One that was
	// restored is retired after that, whatever the clock says.
	insertRetirement = `INSERT INTO retirements (image, at, reason)
		SELECT $1, COALESCE((SELECT CASE WHEN max(restored_at) >= $2 THEN max(restored_at) + 1 END FROM retirements WHERE image = $1), $2), $3
		WHERE NOT EXISTS (SELECT 1 FROM retirements WHERE image = $1 AND restored_at IS NULL)`

	updateRestored = `UPDATE retirements SET restored_at = CASE WHEN $2 > at THEN $2 ELSE at + 1 END
		WHERE image = $1 AND restored_at IS NULL`
)

// Retire takes images out of every deck, or puts them back, in one transaction,
// and says how many changed sides. An image that is retired stays in the store:
// live challenges still show it, and events that name it keep their meaning.
// Doing the same again changes nothing. The error is CodeInvalid for a
// retirement that does not say which images, CodeNotFound where the collection,
// the document or one of the images is not there; then nothing is changed.
func (s *Store) Retire(ctx context.Context, r Retirement) (int, error) {
	if err := r.check(); err != nil {
		return 0, err
	}
	now := domain.Moment(s.now()).UnixMicro()
	changed := 0
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		ids, err := r.ids(ctx, tx)
		if err != nil {
			return false, err
		}
		for _, id := range ids {
			statement, args := insertRetirement, []any{id, now, r.Reason}
			if r.Restore {
				statement, args = updateRestored, []any{id, now}
			}
			done, err := affected(tx.ExecContext(ctx, statement, args...))
			if err != nil {
				return false, fmt.Errorf("image %s: %w", id, err)
			}
			if done {
				changed++
			}
		}
		return changed > 0, nil
	})
	if err != nil {
		return 0, wrap(err, "retire images of the collection %s", r.Collection)
	}
	return changed, nil
}

func (r *Retirement) check() error {
	said := 0
	for _, given := range []bool{len(r.Images) > 0, r.Document != "", r.All} {
		if given {
			said++
		}
	}
	switch {
	case said != 1:
		return domain.Invalid("images", "say which images: either by their names, or by their document, or all of them")
	case utf8.RuneCountInString(r.Reason) > maxReasonRunes || !utf8.ValidString(r.Reason):
		return domain.Invalid("reason", "a reason is a text of at most %d characters", maxReasonRunes)
	}
	return nil
}

// ids finds the images that are meant.
func (r *Retirement) ids(ctx context.Context, tx *sql.Tx) ([]domain.ImageID, error) {
	if len(r.Images) > 0 {
		for _, id := range r.Images {
			var n int
			if err := tx.QueryRowContext(ctx, selectMember, id, r.Collection).Scan(&n); err != nil {
				return nil, err
			}
			if n == 0 {
				return nil, domain.NotFound("the collection %.80q has no image %.80q", string(r.Collection), string(id))
			}
		}
		return r.Images, nil
	}
	query, args := selectCollectionIDs, []any{r.Collection}
	if !r.All {
		query, args = selectDocumentIDs, []any{r.Collection, r.Document}
	}
	var ids []domain.ImageID
	err := each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var id domain.ImageID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
		return nil
	})
	if err == nil && len(ids) == 0 {
		what := "no images"
		if !r.All {
			what = fmt.Sprintf("no document %.200q", r.Document)
		}
		err = domain.NotFound("the collection %.80q has %s", string(r.Collection), what)
	}
	return ids, err
}

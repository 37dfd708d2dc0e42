package corpus

import (
	"context"
	"database/sql"
	"fmt"

	"ocapi/domain"
)

const (
	// By image, in the order of [selectImages] and [selectHoldings].
	selectDecided   = `SELECT image, keyword, status, truth, is_match, text, tried, decided_at FROM annotations WHERE collection = $1 AND status <> 0 ORDER BY image, keyword`
	selectNeeds     = `SELECT image, need FROM needs WHERE collection = $1 ORDER BY image`
	selectCorrected = `SELECT id, corrected_at FROM images WHERE collection = $1 AND corrected_at <> 0 AND known <> 0`

	selectImageDecided   = `SELECT image, keyword, status, truth, is_match, text, tried, decided_at FROM annotations WHERE image = $2 AND collection = $1 AND status <> 0 ORDER BY keyword`
	selectImageNeed      = `SELECT image, need FROM needs WHERE image = $2 AND collection = $1`
	selectImageCorrected = `SELECT id, corrected_at FROM images WHERE id = $2 AND collection = $1 AND corrected_at <> 0 AND known <> 0`

	selectDecidedCounts = `SELECT a.status, a.tried >= $2, count(*)
		FROM annotations a JOIN images i ON i.id = a.image AND i.collection = a.collection
		WHERE a.collection = $1 AND a.status <> 0 AND (i.known = 0 OR a.decided_at >= i.corrected_at)
			AND (i.type = 1 AND a.keyword = '' OR i.type = 2 AND a.keyword <> '')
		GROUP BY a.status, a.tried >= $2`
)

// DecidedCounts counts the questions about a collection's images by what votes
// have decided. What does not count any more, since a record was corrected or an
// image deleted, is left out.
type DecidedCounts struct {
	Settled int
	Proven  int // of the settled: by so many answers since that they decide who passes
	Disputed, Unreadable,
	Refuted int // truths on record
}

// DecidedCounts counts what votes have decided about a collection's images.
func (s *Store) DecidedCounts(ctx context.Context, id domain.CollectionID) (DecidedCounts, error) {
	var c DecidedCounts
	err := s.view(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, selectDecidedCounts, []any{id, domain.ProvenAfter}, func(rows *sql.Rows) error {
			var status domain.QuestionStatus
			var tried bool
			var n int
			if err := rows.Scan(&status, &tried, &n); err != nil {
				return err
			}
			switch status {
			case domain.QuestionSettled:
				c.Settled += n
				if tried {
					c.Proven += n
				}
			case domain.QuestionDisputed:
				c.Disputed += n
			case domain.QuestionUnreadable:
				c.Unreadable += n
			case domain.QuestionRefuted:
				c.Refuted += n
			case domain.QuestionOpen:
			}
			return nil
		})
	})
	return c, wrap(err, "count what votes have decided about the collection %s", id)
}

// overlay lays what votes have made of a collection's images over what is on
// record of them. image gives one of n, which are sorted by id.
func overlay(ctx context.Context, tx *sql.Tx, id domain.CollectionID, in *interner, n int, image func(i int) *domain.Image) error {
	return overlayBy(ctx, tx, overlayQueries{selectNeeds, selectCorrected, selectDecided, []any{id}}, in, n, image)
}

// overlayQueries find what votes have made of some images, sorted by their ids.
type overlayQueries struct {
	needs, corrected, decided string
	args                      []any
}

func overlayBy(ctx context.Context, tx *sql.Tx, q overlayQueries, in *interner, n int, image func(i int) *domain.Image) error {
	at := 0
	find := func(id domain.ImageID) *domain.Image {
		for at < n && image(at).ID < id {
			at++
		}
		if at < n && image(at).ID == id {
			return image(at)
		}
		return nil // it was retired or deleted
	}
	err := each(ctx, tx, q.needs, q.args, func(rows *sql.Rows) error {
		var id domain.ImageID
		var need uint8
		if err := rows.Scan(&id, &need); err != nil {
			return err
		}
		if im := find(id); im != nil {
			im.Need = need
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("what needs votes: %w", err)
	}
	corrected := map[domain.ImageID]int64{}
	err = each(ctx, tx, q.corrected, q.args, func(rows *sql.Rows) error {
		var id domain.ImageID
		var moment int64
		if err := rows.Scan(&id, &moment); err != nil {
			return err
		}
		corrected[id] = moment
		return nil
	})
	if err != nil {
		return fmt.Errorf("what was corrected: %w", err)
	}
	at = 0
	err = each(ctx, tx, q.decided, q.args, func(rows *sql.Rows) error {
		var id domain.ImageID
		var d domain.Decision
		var tried uint32
		var moment int64
		if err := rows.Scan(&id, &d.Keyword, &d.Status, &d.Truth.Kind, &d.Truth.Match, &d.Truth.Text, &tried, &moment); err != nil {
			return err
		}
		im := find(id)
		// What was decided before a record was corrected says nothing of it.
		if im == nil || moment < corrected[id] || (im.Type == domain.TypeTranscription) != (d.Keyword == "") {
			return nil
		}
		d.Keyword = in.text(d.Keyword)
		if d.Status != domain.QuestionSettled {
			d.Truth = domain.Truth{}
		} else if d.Proven = tried >= domain.ProvenAfter; !d.Proven && im.Need == 0 {
			im.Need = uint8(domain.ProvenAfter - tried)
		}
		im.Decided = append(im.Decided, d)
		return nil
	})
	if err != nil {
		return fmt.Errorf("what votes have decided: %w", err)
	}
	return nil
}

// Overlaid gives an image with what votes have decided about it, retired or not;
// false where it is not there.
func (s *Store) Overlaid(ctx context.Context, id domain.ImageID) (Entry, bool, error) {
	entries, err := s.Entries(ctx, []domain.ImageID{id})
	if err != nil {
		return Entry{}, false, err
	}
	e, there := entries[id]
	if !there {
		return Entry{}, false, nil
	}
	err = s.view(ctx, func(tx *sql.Tx) error {
		q := overlayQueries{selectImageNeed, selectImageCorrected, selectImageDecided, []any{e.Collection, id}}
		return overlayBy(ctx, tx, q, newInterner(), 1, func(int) *domain.Image { return &e.Image })
	})
	return e, err == nil, wrap(err, "read what votes have decided about the image %s", id)
}

package corpus

import (
	"context"
	"database/sql"
	"fmt"

	"ocapi/domain"
)

const (
	// What was decided before a record was corrected says nothing of it.
	decided = ` FROM annotations a JOIN images i ON i.id = a.image AND i.collection = a.collection
		WHERE a.collection = $1 AND a.status <> 0 AND (i.known = 0 OR a.decided_at >= i.corrected_at)
			AND (i.type = 1 AND a.keyword = '' OR i.type = 2 AND a.keyword <> '')`

	// By image, in the order of [selectImages] and [selectHoldings].
	selectDecided = `SELECT a.image, a.keyword, a.status, a.truth, a.is_match, a.text, a.tried` + decided + ` ORDER BY a.image, a.keyword`

	selectDecidedCounts = `SELECT a.status, a.tried >= $2, count(*)` + decided + ` GROUP BY a.status, a.tried >= $2`

	selectNeeds = `SELECT image, need FROM needs WHERE collection = $1 ORDER BY image`

	selectImageDecided = `SELECT a.image, a.keyword, a.status, a.truth, a.is_match, a.text, a.tried` + decided + ` AND a.image = $2 ORDER BY a.keyword`
	selectImageNeed    = `SELECT image, need FROM needs WHERE collection = $1 AND image = $2`
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
	return overlayBy(ctx, tx, overlayQueries{selectNeeds, selectDecided, []any{id}}, in, n, image)
}

// overlayQueries find what votes have made of some images, sorted by their ids.
type overlayQueries struct {
	needs, decided string
	args           []any
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
	at = 0
	err = each(ctx, tx, q.decided, q.args, func(rows *sql.Rows) error {
		var id domain.ImageID
		var d domain.Decision
		var tried uint32
		if err := rows.Scan(&id, &d.Keyword, &d.Status, &d.Truth.Kind, &d.Truth.Match, &d.Truth.Text, &tried); err != nil {
			return err
		}
		im := find(id)
		if im == nil {
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
		q := overlayQueries{selectImageNeed, selectImageDecided, []any{e.Collection, id}}
		return overlayBy(ctx, tx, q, newInterner(), 1, func(int) *domain.Image { return &e.Image })
	})
	return e, err == nil, wrap(err, "read what votes have decided about the image %s", id)
}

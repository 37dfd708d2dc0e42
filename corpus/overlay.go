package corpus

import (
	"context"
	"database/sql"
	"fmt"

	"ocapi/domain"
)

const (
	// What was decided before a record was corrected says nothing of it. By image, in
	// the order of [selectImages].
	selectDecided = `SELECT a.image, a.keyword, a.status, a.truth, a.is_match, a.text, a.tried
		FROM annotations a JOIN images i ON i.id = a.image AND i.collection = a.collection
		WHERE a.collection = $1 AND a.status <> 0 AND (i.known = 0 OR a.decided_at >= i.corrected_at)
			AND (i.type = 1 AND a.keyword = '' OR i.type = 2 AND a.keyword <> '')
		ORDER BY a.image, a.keyword`

	selectNeeds = `SELECT image, need FROM needs WHERE collection = $1 ORDER BY image`
)

// overlay lays what votes have made of a collection's images, which are sorted by
// id, over what is on record of them.
func overlay(ctx context.Context, tx *sql.Tx, images []domain.Image, id domain.CollectionID, in *interner) error {
	at := 0
	find := func(image domain.ImageID) *domain.Image {
		for at < len(images) && images[at].ID < image {
			at++
		}
		if at < len(images) && images[at].ID == image {
			return &images[at]
		}
		return nil // it was retired or deleted
	}
	err := each(ctx, tx, selectNeeds, []any{id}, func(rows *sql.Rows) error {
		var image domain.ImageID
		var need uint8
		if err := rows.Scan(&image, &need); err != nil {
			return err
		}
		if im := find(image); im != nil {
			im.Need = need
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("what needs votes: %w", err)
	}
	at = 0
	err = each(ctx, tx, selectDecided, []any{id}, func(rows *sql.Rows) error {
		var image domain.ImageID
		var d domain.Decision
		var tried uint32
		if err := rows.Scan(&image, &d.Keyword, &d.Status, &d.Truth.Kind, &d.Truth.Match, &d.Truth.Text, &tried); err != nil {
			return err
		}
		im := find(image)
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

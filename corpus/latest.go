package corpus

import (
	"context"
	"database/sql"

	"ocapi/domain"
)

const (
	// As in selectDecidedCounts: what does not count any more, since a record was
	// corrected or an image deleted, is left out.
	selectLatest = `SELECT a.image, a.keyword, a.collection, a.status, a.truth, a.is_match, a.text, a.probability, a.votes, a.merged,
			a.model, a.through, a.seq, a.event_id, a.decided_at, a.tried
		FROM annotations a JOIN images i ON i.id = a.image AND i.collection = a.collection
		WHERE a.collection = $1 AND a.status = 1 AND (i.known = 0 OR a.decided_at >= i.corrected_at)
			AND (i.type = 1 AND a.keyword = '' OR i.type = 2 AND a.keyword <> '')
		ORDER BY a.decided_at DESC, a.image, a.keyword LIMIT $2`

	selectAgreement = `SELECT count(*), coalesce(avg(a.probability), 0), coalesce(avg(a.votes), 0)
		FROM annotations a JOIN images i ON i.id = a.image AND i.collection = a.collection
		WHERE a.collection = $1 AND a.status = 1 AND (i.known = 0 OR a.decided_at >= i.corrected_at)
			AND (i.type = 1 AND a.keyword = '' OR i.type = 2 AND a.keyword <> '')`

	selectLicences = `SELECT licence, count(*) FROM images WHERE collection = $1 GROUP BY licence ORDER BY count(*) DESC, licence LIMIT $2`
)

// LatestSettled gives what votes have settled last about a collection's images,
// the latest first, at most so many.
func (s *Store) LatestSettled(ctx context.Context, id domain.CollectionID, most int) ([]Annotation, error) {
	var list []Annotation
	err := s.view(ctx, func(tx *sql.Tx) error {
		return eachAnnotation(ctx, tx, selectLatest, []any{id, most}, func(a Annotation) error {
			list = append(list, a)
			return nil
		})
	})
	return list, wrap(err, "read the latest annotations of the collection %q", string(id))
}

// Agreement is how sure the settled answers about a collection's images are, on
// average.
type Agreement struct {
	Settled     int
	Probability float64 // that one is right, as it was decided; 0 where there is none
	Votes       float64 // that were counted for one
}

// Agreement averages what votes have settled about a collection's images.
func (s *Store) Agreement(ctx context.Context, id domain.CollectionID) (Agreement, error) {
	var a Agreement
	err := s.view(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, selectAgreement, id).Scan(&a.Settled, &a.Probability, &a.Votes)
	})
	return a, wrap(err, "read the agreement about the collection %q", string(id))
}

// LicenceCount is how many images of a collection bear a licence.
type LicenceCount struct {
	Licence string // as it was imported; empty: none is on record
	Images  int
}

// Licences counts a collection's images by their licence, the commonest first, at
// most so many licences. It goes through all of the collection's images.
func (s *Store) Licences(ctx context.Context, id domain.CollectionID, most int) ([]LicenceCount, error) {
	var list []LicenceCount
	err := s.view(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, selectLicences, []any{id, most}, func(rows *sql.Rows) error {
			var c LicenceCount
			if err := rows.Scan(&c.Licence, &c.Images); err != nil {
				return err
			}
			list = append(list, c)
			return nil
		})
	})
	return list, wrap(err, "read the licences of the collection %q", string(id))
}

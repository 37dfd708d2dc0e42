package corpus

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"ocapi/domain"
)

// Annotation is what has been decided about one question of an image: a row of
// the projection of the events about annotations.
type Annotation struct {
	domain.Finding
	Status    domain.QuestionStatus
	Seq       domain.Sequence // of the event that decided it
	Event     domain.EventID  // of it
	DecidedAt time.Time       // when it was decided: the event's own time, UTC
	// Tried is how many answers a settled question has had since it was settled,
	// which tell whether people who are right agree with it.
	Tried uint32
}

// AnnotationsMark is the place in the log up to which a projection has counted.
// The zero value is before the first event. Later streams of the log have larger
// incarnations, so marks are compared by incarnation, then by sequence.
type AnnotationsMark struct {
	Incarnation domain.Incarnation
	Seq         domain.Sequence
}

// Compare orders marks by what comes first in the log.
func (m AnnotationsMark) Compare(o AnnotationsMark) int {
	return cmp.Or(cmp.Compare(m.Incarnation, o.Incarnation), cmp.Compare(m.Seq, o.Seq))
}

// ImageProgress says how near to being settled an image is.
type ImageProgress struct {
	Image      domain.ImageID
	Collection domain.CollectionID
	// Need is about how many more votes settle the nearest of its questions, where
	// all go on agreeing; 0: nothing is known of that, or nothing is to be asked.
	Need uint8
}

const (
	annotationColumns = `image, keyword, collection, status, truth, is_match, text, probability, votes, merged, model, through, seq, event_id, decided_at, tried`

	selectAnnotation  = `SELECT ` + annotationColumns + ` FROM annotations WHERE image = $1 AND keyword = $2`
	selectAnnotations = `SELECT ` + annotationColumns + ` FROM annotations WHERE collection = $1 ORDER BY image, keyword`

	selectAllAnnotations   = `SELECT ` + annotationColumns + ` FROM annotations ORDER BY image, keyword`
	selectImageAnnotations = `SELECT ` + annotationColumns + ` FROM annotations WHERE image = $1 ORDER BY keyword`

	upsertAnnotation = `INSERT INTO annotations (` + annotationColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (image, keyword) DO UPDATE SET collection = excluded.collection, status = excluded.status, truth = excluded.truth,
			is_match = excluded.is_match, text = excluded.text, probability = excluded.probability, votes = excluded.votes,
			merged = excluded.merged, model = excluded.model, through = excluded.through, seq = excluded.seq,
			event_id = excluded.event_id, decided_at = excluded.decided_at, tried = excluded.tried`

	deleteAnnotations = `DELETE FROM annotations`
	deleteNeeds       = `DELETE FROM needs`

	selectThrough          = `SELECT incarnation, seq FROM annotations_through WHERE id = 1`
	updateThrough          = `UPDATE annotations_through SET incarnation = $1, seq = $2 WHERE id = 1`
	selectDecisionRevision = `SELECT revision FROM annotations_through WHERE id = 1`
	raiseDecisionRevision  = `UPDATE annotations_through SET revision = revision + 1 WHERE id = 1`

	upsertNeed = `INSERT INTO needs (image, collection, need) VALUES ($1, $2, $3)
		ON CONFLICT (image) DO UPDATE SET collection = excluded.collection, need = excluded.need
		WHERE needs.need <> excluded.need OR needs.collection <> excluded.collection`
	deleteNeed = `DELETE FROM needs WHERE image = $1`
)

// PutAnnotations writes what has been decided up to a place in the log, all in
// one transaction, with that place: rows that are there are replaced. What was
// put up to a later place already is not put again, so any node may put, and the
// same twice. Rows need not have an image in the store.
//
// The revision of the collections is raised only where something that is dealt
// as right is so no more; all else is taken up when the next plan is made.
func (s *Store) PutAnnotations(ctx context.Context, through AnnotationsMark, list []Annotation) error {
	for i := range list {
		if err := list[i].check(); err != nil {
			return err
		}
	}
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		at, err := readThrough(ctx, tx)
		if err != nil || through.Compare(at) < 0 {
			return false, err
		}
		urgent, changed := false, false
		for i := range list {
			a := &list[i]
			before, err := readAnnotation(ctx, tx, a.Image, a.Keyword)
			if err != nil {
				return false, err
			}
			if before == a.stored() {
				continue
			}
			if err := putAnnotation(ctx, tx, a); err != nil {
				return false, fmt.Errorf("image %s: %w", a.Image, err)
			}
			changed = true
			urgent = urgent || overthrows(&before, a)
		}
		return urgent, finishPut(ctx, tx, through, changed)
	})
	return wrap(err, "put %d annotations", len(list))
}

// ReplaceAnnotations makes the rows of all collections those of the list, in one
// transaction: what a rebuild ends with, so that nothing is missing meanwhile.
// Needs are forgotten; put them anew.
func (s *Store) ReplaceAnnotations(ctx context.Context, through AnnotationsMark, list []Annotation) error {
	for i := range list {
		if err := list[i].check(); err != nil {
			return err
		}
	}
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		type question struct {
			image   domain.ImageID
			keyword string
		}
		before := map[question]Annotation{}
		err := eachAnnotation(ctx, tx, selectAllAnnotations, nil, func(a Annotation) error {
			if a.Status == domain.QuestionSettled || a.Status == domain.QuestionRefuted {
				before[question{a.Image, a.Keyword}] = a
			}
			return nil
		})
		if err != nil {
			return false, err
		}
		for _, statement := range []string{deleteAnnotations, deleteNeeds} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return false, err
			}
		}
		urgent := false
		for i := range list {
			a := &list[i]
			if err := putAnnotation(ctx, tx, a); err != nil {
				return false, fmt.Errorf("image %s: %w", a.Image, err)
			}
			q := question{a.Image, a.Keyword}
			old := before[q]
			urgent = urgent || overthrows(&old, a)
			delete(before, q)
		}
		for _, old := range before {
			urgent = urgent || overthrows(&old, &Annotation{})
		}
		return urgent, finishPut(ctx, tx, through, true)
	})
	return wrap(err, "replace all annotations by %d", len(list))
}

// ClearAnnotations removes all rows and needs, and says that nothing has been
// counted. What votes have settled is not dealt as known until it is put again.
func (s *Store) ClearAnnotations(ctx context.Context) error {
	return wrap(s.ReplaceAnnotations(ctx, AnnotationsMark{}, nil), "clear the annotations")
}

// PutProgress writes how near to being settled images are. It says what is asked
// next when a plan is made, and raises no revision: put it now and then, in
// batches.
func (s *Store) PutProgress(ctx context.Context, list []ImageProgress) error {
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		// Prepared once: half of what a start with many votes did was reading the
		// same two statements again for each image.
		upsert, err := tx.PrepareContext(ctx, upsertNeed)
		if err != nil {
			return false, err
		}
		defer upsert.Close() //nolint:errcheck // ends with the transaction anyway
		remove, err := tx.PrepareContext(ctx, deleteNeed)
		if err != nil {
			return false, err
		}
		defer remove.Close() //nolint:errcheck // as above
		changed := false
		for _, p := range list {
			statement, args := upsert, []any{p.Image, p.Collection, p.Need}
			if p.Need == 0 {
				statement, args = remove, []any{p.Image}
			}
			done, err := affected(statement.ExecContext(ctx, args...))
			if err != nil {
				return false, fmt.Errorf("image %s: %w", p.Image, err)
			}
			changed = changed || done
		}
		if changed {
			_, err := tx.ExecContext(ctx, raiseDecisionRevision)
			return false, err
		}
		return false, nil
	})
	return wrap(err, "put the progress of %d images", len(list))
}

// Decisions counts the changes of annotations and progress. Whoever makes a plan
// reads the collections anew when the number has moved, though their revision has
// not. It is an indexed read of one row.
func (s *Store) Decisions(ctx context.Context) (int64, error) {
	var revision int64
	err := s.read.QueryRowContext(ctx, selectDecisionRevision).Scan(&revision)
	return revision, wrap(err, "read the revision of the annotations")
}

// AnnotationsThrough tells up to which place in the log annotations have been
// put.
func (s *Store) AnnotationsThrough(ctx context.Context) (AnnotationsMark, error) {
	var m AnnotationsMark
	err := s.view(ctx, func(tx *sql.Tx) (err error) {
		m, err = readThrough(ctx, tx)
		return err
	})
	return m, wrap(err, "read how far annotations have come")
}

// Annotations visits what has been decided about a collection's images, by image
// and keyword; of all collections where none is named. Questions without a
// decision have no row, those that are open again have one. visit must not write
// to the store; its error ends the visit and is returned.
func (s *Store) Annotations(ctx context.Context, id domain.CollectionID, visit func(Annotation) error) error {
	query, args := selectAnnotations, []any{id}
	if id == "" {
		query, args = selectAllAnnotations, nil
	}
	err := s.view(ctx, func(tx *sql.Tx) error { return eachAnnotation(ctx, tx, query, args, visit) })
	return wrap(err, "read the annotations of the collection %q", string(id))
}

// ImageAnnotations gives what has been decided about an image, by keyword.
func (s *Store) ImageAnnotations(ctx context.Context, image domain.ImageID) ([]Annotation, error) {
	var list []Annotation
	err := s.view(ctx, func(tx *sql.Tx) error {
		return eachAnnotation(ctx, tx, selectImageAnnotations, []any{image}, func(a Annotation) error {
			list = append(list, a)
			return nil
		})
	})
	return list, wrap(err, "read the annotations of the image %s", image)
}

// Annotation gives what has been decided about a question; the zero value, whose
// status is open, where nothing has been. The keyword is empty with
// transcriptions.
func (s *Store) Annotation(ctx context.Context, image domain.ImageID, keyword string) (Annotation, error) {
	var a Annotation
	err := s.view(ctx, func(tx *sql.Tx) (err error) {
		a, err = readAnnotation(ctx, tx, image, keyword)
		return err
	})
	return a, wrap(err, "read the annotation of the image %s", image)
}

// overthrows reports whether something that may be dealt as right by the old row
// is so no more by the new one. That has to reach all nodes at once.
func overthrows(old, now *Annotation) bool {
	if now.Status == domain.QuestionRefuted {
		return old.Status != domain.QuestionRefuted
	}
	return old.Status == domain.QuestionSettled && (now.Status != domain.QuestionSettled || now.Truth != old.Truth)
}

func finishPut(ctx context.Context, tx *sql.Tx, through AnnotationsMark, changed bool) error {
	_, err := tx.ExecContext(ctx, updateThrough, through.Incarnation, int64(through.Seq))
	if err == nil && changed {
		_, err = tx.ExecContext(ctx, raiseDecisionRevision)
	}
	return err
}

func readThrough(ctx context.Context, tx *sql.Tx) (m AnnotationsMark, err error) {
	return m, tx.QueryRowContext(ctx, selectThrough).Scan(&m.Incarnation, &m.Seq)
}

func readAnnotation(ctx context.Context, tx *sql.Tx, image domain.ImageID, keyword string) (found Annotation, err error) {
	return found, eachAnnotation(ctx, tx, selectAnnotation, []any{image, keyword}, func(a Annotation) error {
		found = a
		return nil
	})
}

func eachAnnotation(ctx context.Context, tx *sql.Tx, query string, args []any, visit func(Annotation) error) error {
	return each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var a Annotation
		var event string
		var at int64
		err := rows.Scan(&a.Image, &a.Keyword, &a.Collection, &a.Status, &a.Truth.Kind, &a.Truth.Match, &a.Truth.Text, &a.Probability,
			&a.Votes, &a.Merged, &a.Model, &a.Through, &a.Seq, &event, &at, &a.Tried)
		if err != nil {
			return err
		}
		if a.Event, err = domain.ParseEventID(event); err != nil {
			return fmt.Errorf("the annotation of the image %s: %w", a.Image, err)
		}
		a.DecidedAt = time.UnixMicro(at).UTC()
		return visit(a)
	})
}

func putAnnotation(ctx context.Context, tx *sql.Tx, a *Annotation) error {
	_, err := tx.ExecContext(ctx, upsertAnnotation, a.Image, a.Keyword, a.Collection, a.Status, a.Truth.Kind, number(a.Truth.Match), a.Truth.Text,
		a.Probability, a.Votes, number(a.Merged), int64(a.Model), int64(a.Through), int64(a.Seq), a.Event.String(),
		domain.Moment(a.DecidedAt).UnixMicro(), a.Tried)
	return err
}

// stored gives the row as it is read back.
func (a Annotation) stored() Annotation {
	a.DecidedAt = domain.Moment(a.DecidedAt)
	return a
}

// check refuses what no event could have said.
func (a *Annotation) check() error {
	settled := a.Status == domain.QuestionSettled
	switch {
	case a.Image == "" || a.Collection == "":
		return domain.Invalid("annotation", "an annotation of %q lacks an image or a collection", string(a.Image))
	case a.Status > domain.QuestionRefuted:
		return domain.Invalid("status", "the annotation of the image %s has the status %d", a.Image, a.Status)
	case !(a.Probability >= 0 && a.Probability <= 1): // NaN, too
		return domain.Invalid("probability", "the probability %g of the image %s is none", a.Probability, a.Image)
	case settled && a.Keyword == "" && (a.Truth.Kind != domain.TruthText || a.Truth.Text == ""):
		return domain.Invalid("truth", "the settled text of the image %s is missing", a.Image)
	case settled && a.Keyword != "" && a.Truth.Kind != domain.TruthMatch:
		return domain.Invalid("truth", "whether the image %s shows %.80q is settled and missing", a.Image, a.Keyword)
	}
	return nil
}

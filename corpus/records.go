package corpus

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ocapi/domain"
)

// record is one image with all that is known of it, as it stands in the tables:
// what is on record on one side, what votes have decided on the other.
type record struct {
	Entry
	retired     bool
	correctedAt time.Time    // when what is on record was last corrected; zero: never
	annotations []Annotation // by keyword; those that count, see overlay.go
}

// records are a collection's, at one moment.
type records struct {
	collection Collection
	images     []record // by id
	through    AnnotationsMark
}

const selectRecords = `SELECT id, collection, document, type, known, trust, text, labels, candidates, complete, prior, renderings,
		institution, shelfmark, page, licence, source, guess, canvas, region,
		EXISTS (SELECT 1 FROM retirements WHERE retirements.image = images.id AND restored_at IS NULL), corrected_at
	FROM images WHERE collection = $1 ORDER BY id`

// records gives a collection with all of its images. The error is CodeNotFound
// when it is not there.
func (s *Store) records(ctx context.Context, id domain.CollectionID) (*records, error) {
	found := &records{}
	err := s.view(ctx, func(tx *sql.Tx) error {
		all, err := readCollections(ctx, tx)
		if err != nil {
			return err
		}
		for i := range all {
			if all[i].ID == id {
				found.collection = all[i]
			}
		}
		if found.collection.ID == "" {
			return domain.NotFound("there is no collection %.80q", string(id))
		}
		if found.through, err = readThrough(ctx, tx); err != nil {
			return err
		}
		in := newInterner()
		at := map[domain.ImageID]int{}
		err = each(ctx, tx, selectRecords, []any{id}, func(rows *sql.Rows) error {
			r, err := scanRecord(rows, in)
			if err != nil {
				return err
			}
			at[r.ID] = len(found.images)
			found.images = append(found.images, r)
			return nil
		})
		if err != nil {
			return err
		}
		return eachAnnotation(ctx, tx, selectAnnotations, []any{id}, func(a Annotation) error {
			// Else the image was deleted since, or is known by now as somebody has corrected it.
			if i, there := at[a.Image]; there && !(found.images[i].Known && a.DecidedAt.Before(found.images[i].correctedAt)) {
				found.images[i].annotations = append(found.images[i].annotations, a)
			}
			return nil
		})
	})
	if err != nil {
		return nil, wrap(err, "read the collection %s", id)
	}
	return found, nil
}

func scanRecord(rows *sql.Rows, in *interner) (record, error) {
	var r record
	var labels, candidates string
	var corrected int64
	err := rows.Scan(&r.ID, &r.Collection, &r.Document, &r.Type, &r.Known, &r.Trust, &r.Text, &labels, &candidates, &r.Complete, &r.Prior,
		&r.Renderings, &r.Institution, &r.ShelfMark, &r.Page, &r.Licence, &r.Source, &r.Guess, &r.Canvas, &r.Region, &r.retired, &corrected)
	if err != nil {
		return record{}, err
	}
	if corrected > 0 {
		r.correctedAt = time.UnixMicro(corrected).UTC()
	}
	for _, p := range []*string{&r.Document, &r.Institution, &r.ShelfMark, &r.Licence, &r.Source, &r.Canvas} {
		*p = in.text(*p)
	}
	if r.Labels, err = in.list(labels); err != nil {
		return record{}, fmt.Errorf("labels of the image %s: %w", r.ID, err)
	}
	if r.Candidates, err = in.list(candidates); err != nil {
		return record{}, fmt.Errorf("candidates of the image %s: %w", r.ID, err)
	}
	return r, nil
}

// outcome is one answer to one question of an image that is given back.
type outcome struct {
	keyword     string
	truth       domain.Truth
	status      domain.QuestionStatus
	onRecord    bool    // it came with the image; what follows is then of no vote
	probability float64 // negative: nobody has said
	votes       uint32
	merged      bool
	at          time.Time
}

// wanted says which answers are given back.
type wanted struct {
	statuses []domain.QuestionStatus
	known    bool // also what is on record
}

// outcomes gives the answers of an image, by keyword. What good answers
// contradict is not on record any more.
func (w *wanted) outcomes(r *record) []outcome {
	var list []outcome
	refuted := map[string]bool{}
	for _, a := range r.annotations {
		refuted[a.Keyword] = a.Status == domain.QuestionRefuted
		if !w.status(a.Status) || a.Truth.Kind == domain.TruthNone {
			continue
		}
		list = append(list, outcome{
			keyword: a.Keyword, truth: a.Truth, status: a.Status, probability: a.Probability, votes: a.Votes, merged: a.Merged, at: a.DecidedAt,
		})
	}
	if !w.known || !r.Known {
		return list
	}
	if r.Type == domain.TypeTranscription {
		if !refuted[""] {
			list = append(list, outcome{truth: domain.Truth{Kind: domain.TruthText, Text: r.Text}, onRecord: true, probability: -1})
		}
		return list
	}
	for _, label := range r.Labels {
		if !refuted[label] {
			list = append(list, outcome{keyword: label, truth: domain.Truth{Kind: domain.TruthMatch, Match: true}, onRecord: true, probability: -1})
		}
	}
	return list
}

func (w *wanted) status(s domain.QuestionStatus) bool {
	for _, asked := range w.statuses {
		if s == asked {
			return true
		}
	}
	return false
}

// says tells people how an answer came about.
func (o *outcome) says() string {
	if o.onRecord {
		return ""
	}
	by := fmt.Sprintf("%d votes", o.votes)
	if o.votes == 0 { // votes decide nothing before there are some
		by = "a person"
	}
	s := fmt.Sprintf("Ocapi: %s by %s, %s", o.status, by, o.at.UTC().Format("2006-01-02"))
	if o.merged {
		s += "; put together from what the votes have in common"
	}
	return s
}

// givenBack reports whether what an import says of an image that is there is
// nothing but what votes have settled of it: an export has come back. It is no
// news, and above all no other source: taken for one it would make an answer on
// record of what visitors say.
func (s *Store) givenBack(ctx context.Context, e, old *Entry) (bool, error) {
	same := *e
	same.Known, same.Trust, same.Text, same.Labels, same.Candidates, same.Complete = old.Known, old.Trust, old.Text, old.Labels, old.Candidates, old.Complete
	same.Guess, same.Prior = old.Guess, old.Prior
	if compare(&same, old) != OutcomePresent {
		return false, nil
	}
	list, err := s.ImageAnnotations(ctx, e.ID)
	if err != nil {
		return false, err
	}
	settled := map[string]domain.Truth{}
	for _, a := range list {
		if a.Status == domain.QuestionSettled {
			settled[a.Keyword] = a.Truth
		}
	}
	if e.Type == domain.TypeTranscription {
		text := firstOf(e.Text, e.Guess)
		return text != "" && text == settled[""].Text, nil
	}
	labels := e.Labels
	if !e.Known {
		labels = e.Candidates
	}
	for _, label := range labels {
		if !settled[label].Match && !(old.Known && old.Shows(label)) {
			return false, nil
		}
	}
	return len(labels) > 0, nil
}

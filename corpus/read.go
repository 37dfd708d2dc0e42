package corpus

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ocapi/domain"
)

const (
	selectRevision = `SELECT revision FROM corpus_revision WHERE id = 1`

	selectCollections = `SELECT id, title, credit, demo, created_at FROM collections ORDER BY id`

	selectKeywords = `SELECT collection, keyword, lang, label FROM keywords ORDER BY collection, keyword, lang`

	// By id, which is a hash: the order tells nothing. What is retired is not dealt.
	selectImages = `SELECT id, collection, document, type, known, trust, text, labels, candidates, complete, prior, renderings
		FROM images WHERE collection = $1
			AND NOT EXISTS (SELECT 1 FROM retirements WHERE image = images.id AND restored_at IS NULL)
		ORDER BY id`

	selectEntry = `SELECT id, collection, document, type, known, trust, text, labels, candidates, complete, prior, renderings,
			institution, shelfmark, page, licence, source, guess, canvas, region
		FROM images WHERE id = $1`

	selectCounts = `SELECT type, known, count(*) FROM images WHERE collection = $1 GROUP BY type, known ORDER BY type, known DESC`

	selectInstitutions = `SELECT DISTINCT institution FROM images WHERE collection = $1 AND institution <> '' ORDER BY institution LIMIT 2`

	selectPicture = `SELECT content_type, bytes, plate FROM renderings WHERE image = $1 AND n = $2`
)

// Revision counts the changes: whoever sees the number that it saw before has
// everything. It is an indexed read of one row.
func (s *Store) Revision(ctx context.Context) (int64, error) {
	var revision int64
	if err := s.read.QueryRowContext(ctx, selectRevision).Scan(&revision); err != nil {
		return 0, fmt.Errorf("read the revision of the collections: %w", err)
	}
	return revision, nil
}

// Snapshot is what challenges are dealt from, as it was at one moment.
type Snapshot struct {
	Revision    int64
	Decisions   int64          // what [Store.Decisions] said
	Collections []Collection   // sorted by id
	Images      []domain.Image // by collection in that order, then by id, which tells nothing
}

// Load reads all that dealing from these collections needs, in one
// transaction, with what votes have decided beside what is on record. Without any
// named it reads all collections; those that do not exist are left out.
func (s *Store) Load(ctx context.Context, collections ...domain.CollectionID) (Snapshot, error) {
	var snapshot Snapshot
	err := s.view(ctx, func(tx *sql.Tx) error {
		// The revision first: should a database's snapshots be weaker than
		// SQLite's, the rest is at worst newer than it, and is read again.
		if err := tx.QueryRowContext(ctx, selectRevision).Scan(&snapshot.Revision); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, selectDecisionRevision).Scan(&snapshot.Decisions); err != nil {
			return err
		}
		all, err := readCollections(ctx, tx)
		if err != nil {
			return err
		}
		in := newInterner()
		for _, c := range all {
			if len(collections) > 0 && !slices.Contains(collections, c.ID) {
				continue
			}
			snapshot.Collections = append(snapshot.Collections, c)
			before := len(snapshot.Images)
			if snapshot.Images, err = appendImages(ctx, tx, snapshot.Images, c.ID, in); err != nil {
				return err
			}
			if err := overlay(ctx, tx, c.ID, in, len(snapshot.Images)-before, func(i int) *domain.Image { return &snapshot.Images[before+i] }); err != nil {
				return fmt.Errorf("the collection %s: %w", c.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return Snapshot{}, fmt.Errorf("load collections: %w", err)
	}
	return snapshot, nil
}

// Collections gives all collections, sorted by id.
func (s *Store) Collections(ctx context.Context) ([]Collection, error) {
	var all []Collection
	err := s.view(ctx, func(tx *sql.Tx) (err error) {
		all, err = readCollections(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the collections: %w", err)
	}
	return all, nil
}

// Collection gives one collection. The error is CodeNotFound when it is not
// there.
func (s *Store) Collection(ctx context.Context, id domain.CollectionID) (Collection, error) {
	all, err := s.Collections(ctx)
	if err != nil {
		return Collection{}, err
	}
	for _, c := range all {
		if c.ID == id {
			return c, nil
		}
	}
	return Collection{}, domain.NotFound("there is no collection %.80q", string(id))
}

// Images gives the images of these collections, or of all where none is named;
// see [Store.Load], which gives them with the revision they belong to.
func (s *Store) Images(ctx context.Context, collections ...domain.CollectionID) ([]domain.Image, error) {
	snapshot, err := s.Load(ctx, collections...)
	return snapshot.Images, err
}

// Entries gives those of the images that are there.
func (s *Store) Entries(ctx context.Context, ids []domain.ImageID) (map[domain.ImageID]Entry, error) {
	found := make(map[domain.ImageID]Entry, len(ids))
	err := s.view(ctx, func(tx *sql.Tx) error {
		query, err := tx.PrepareContext(ctx, selectEntry)
		if err != nil {
			return err
		}
		defer func() { _ = query.Close() }() // ends with the transaction anyway
		for _, id := range ids {
			e, err := scanEntry(query.QueryRowContext(ctx, id))
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			found[id] = e
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up %d images: %w", len(ids), err)
	}
	return found, nil
}

// Counts counts a collection's images by type, known ones first; what it has
// none of is left out.
func (s *Store) Counts(ctx context.Context, id domain.CollectionID) ([]Count, error) {
	var counts []Count
	err := s.view(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, selectCounts, []any{id}, func(rows *sql.Rows) error {
			var c Count
			if err := rows.Scan(&c.Type, &c.Known, &c.Images); err != nil {
				return err
			}
			counts = append(counts, c)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("count the images of the collection %s: %w", id, err)
	}
	return counts, nil
}

// institutions gives up to two different institutions of a collection's images.
func (s *Store) institutions(ctx context.Context, id domain.CollectionID) ([]string, error) {
	var lines []string
	err := s.view(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, selectInstitutions, []any{id}, func(rows *sql.Rows) error {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			lines = append(lines, line)
			return nil
		})
	})
	return lines, wrap(err, "read the institutions of the collection %s", id)
}

func readCollections(ctx context.Context, tx *sql.Tx) ([]Collection, error) {
	var all []Collection
	index := map[domain.CollectionID]int{}
	err := each(ctx, tx, selectCollections, nil, func(rows *sql.Rows) error {
		c := Collection{Keywords: Keywords{}}
		var at int64
		if err := rows.Scan(&c.ID, &c.Title, &c.Credit, &c.Demo, &at); err != nil {
			return err
		}
		c.CreatedAt = time.UnixMicro(at).UTC()
		index[c.ID] = len(all)
		all = append(all, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, each(ctx, tx, selectKeywords, nil, func(rows *sql.Rows) error {
		var id domain.CollectionID
		var keyword, lang, label string
		if err := rows.Scan(&id, &keyword, &lang, &label); err != nil {
			return err
		}
		i, ok := index[id]
		if !ok {
			return fmt.Errorf("the keyword %q is of the collection %s, which is not there", keyword, id)
		}
		labels := all[i].Keywords[keyword]
		if labels == nil {
			labels = map[string]string{}
			all[i].Keywords[keyword] = labels
		}
		labels[lang] = label
		return nil
	})
}

func appendImages(ctx context.Context, tx *sql.Tx, images []domain.Image, id domain.CollectionID, in *interner) ([]domain.Image, error) {
	err := each(ctx, tx, selectImages, []any{id}, func(rows *sql.Rows) error {
		var im domain.Image
		var labels, candidates string
		if err := rows.Scan(&im.ID, &im.Collection, &im.Document, &im.Type, &im.Known, &im.Trust, &im.Text,
			&labels, &candidates, &im.Complete, &im.Prior, &im.Renderings); err != nil {
			return err
		}
		im.Collection, im.Document = id, in.text(im.Document)
		var err error
		if im.Labels, err = in.list(labels); err != nil {
			return fmt.Errorf("labels of the image %s: %w", im.ID, err)
		}
		if im.Candidates, err = in.list(candidates); err != nil {
			return fmt.Errorf("candidates of the image %s: %w", im.ID, err)
		}
		images = append(images, im)
		return nil
	})
	return images, err
}

func scanEntry(row *sql.Row) (Entry, error) {
	var e Entry
	var labels, candidates string
	err := row.Scan(&e.ID, &e.Collection, &e.Document, &e.Type, &e.Known, &e.Trust, &e.Text, &labels, &candidates,
		&e.Complete, &e.Prior, &e.Renderings, &e.Institution, &e.ShelfMark, &e.Page, &e.Licence, &e.Source, &e.Guess, &e.Canvas, &e.Region)
	if err != nil {
		return Entry{}, err
	}
	in := newInterner()
	if e.Labels, err = in.list(labels); err != nil {
		return Entry{}, fmt.Errorf("labels of the image %s: %w", e.ID, err)
	}
	if e.Candidates, err = in.list(candidates); err != nil {
		return Entry{}, fmt.Errorf("candidates of the image %s: %w", e.ID, err)
	}
	return e, nil
}

// interner keeps one copy of what a million images share: the names of
// documents and the few different lists of keywords.
type interner struct {
	texts map[string]string
	lists map[string][]string // by their JSON
}

func newInterner() *interner {
	return &interner{texts: map[string]string{}, lists: map[string][]string{"[]": nil}}
}

func (in *interner) text(s string) string {
	if t, ok := in.texts[s]; ok {
		return t
	}
	in.texts[s] = s
	return s
}

func (in *interner) list(s string) ([]string, error) {
	if l, ok := in.lists[s]; ok {
		return l, nil
	}
	var l []string
	if err := json.Unmarshal([]byte(s), &l); err != nil {
		return nil, err
	}
	in.lists[s] = l
	return l, nil
}

// view runs do in one transaction that only reads.
func (s *Store) view(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	return do(tx)
}

// each calls do for every row of a query.
func each(ctx context.Context, tx *sql.Tx, query string, args []any, do func(*sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error comes through rows.Err
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// sortedSet gives the different strings of a list, sorted; nil for none.
func sortedSet(texts []string) []string {
	set := map[string]struct{}{}
	for _, t := range texts {
		set[t] = struct{}{}
	}
	return slices.Sorted(maps.Keys(set))
}

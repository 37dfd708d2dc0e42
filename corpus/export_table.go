package corpus

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"ocapi/corpus/layout"
	"ocapi/domain"
)

// tableFile is the table's name. A folder with it is imported as a manifest.
const tableFile = manifestName + ".csv"

// resultColumns are those of a table that say what votes have decided. An import
// does not read them: they are what was decided there, not what is on record.
var resultColumns = []string{
	"asked", "status", "answer", "probability", "votes", "merged", "decided_at", "model", "through", "retired",
}

func isResultColumn(name string) bool { return slices.Contains(resultColumns, name) }

// tableColumns are the columns of an exported table, by the names that a
// manifest has for them, and what was decided.
func tableColumns() []string {
	var list []string
	seen := map[column]bool{}
	for _, n := range columnNames() {
		if !seen[n.column] {
			seen[n.column] = true
			list = append(list, n.name)
		}
	}
	return append(list, resultColumns...)
}

// table writes a line for each question of each image, with what is on record in
// the columns of a manifest and what was decided beside it, and the collection's
// own tables.
func (e *exporter) table(context.Context) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	columns := tableColumns()
	rows := [][]string{columns}
	for i := range e.images {
		r := &e.images[i]
		own := e.ownColumns(r)
		for _, result := range e.results(r) {
			row := make([]string, len(columns))
			for at, name := range columns {
				if isResultColumn(name) {
					row[at] = result[name]
				} else {
					row[at] = own[name]
				}
			}
			rows = append(rows, row)
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	if err := e.out.write(tableFile, b.Bytes()); err != nil {
		return err
	}
	return e.collectionTables()
}

// ownColumns gives what is on record of an image.
func (e *exporter) ownColumns(r *record) map[string]string {
	own := map[string]string{
		"image_id": string(r.ID), "kind": r.Type.String(), "known": yes(r.Known), "text": r.Text, "guess": r.Guess,
		"document": r.Document, "credit": r.Institution, "source": r.Source, "shelfmark": r.ShelfMark, "page": r.Page,
		"licence": r.Licence, "canvas": r.Canvas, "region": r.Region,
	}
	if r.Prior > 0 {
		own["prior"] = strconv.FormatFloat(r.Prior, 'g', -1, 64)
	}
	if r.Type == domain.TypeClassification {
		own["keyword"] = strings.Join(append(slices.Clone(r.Labels), r.Candidates...), "|")
		if r.Known {
			own["labels_complete"] = yes(r.Complete)
		}
	}
	if e.located == nil {
		return own
	}
	at, ok := e.located.found[r.ID]
	switch {
	case !ok, at.scaled: // a table's boxes are in the picture's own pixels
		return own
	case at.file == "" && at.address == "": // of a canvas, which names it better
		return own
	}
	own["file"], own["iiif"] = at.file, at.address
	if b := at.Box; !b.Empty() {
		own["x"], own["y"] = strconv.Itoa(b.Min.X), strconv.Itoa(b.Min.Y)
		own["w"], own["h"] = strconv.Itoa(b.Dx()), strconv.Itoa(b.Dy())
	}
	own["outline"] = layout.FormatPoints(at.Outline)
	return own
}

// results gives a line for each question that something was decided about, or
// one without a question. Which statuses are asked for chooses lines, not images.
func (e *exporter) results(r *record) []map[string]string {
	var list []map[string]string
	for _, a := range r.annotations {
		if e.ExportParams.Statuses != nil && !e.status(a.Status) {
			continue
		}
		line := map[string]string{
			"asked": a.Keyword, "status": a.Status.String(), "votes": strconv.FormatUint(uint64(a.Votes), 10),
			"probability": strconv.FormatFloat(a.Probability, 'g', -1, 64), "merged": yes(a.Merged),
			"decided_at": a.DecidedAt.UTC().Format(time.RFC3339Nano), "retired": yes(r.retired),
			"model": strconv.FormatUint(a.Model, 10), "through": strconv.FormatUint(uint64(a.Through), 10),
		}
		switch a.Truth.Kind {
		case domain.TruthText:
			line["answer"] = a.Truth.Text
		case domain.TruthMatch:
			line["answer"] = yes(a.Truth.Match)
		case domain.TruthNone:
		}
		e.report.Answers++
		list = append(list, line)
	}
	if list == nil && (e.ExportParams.Statuses == nil || e.Known && r.Known) {
		list = append(list, map[string]string{"retired": yes(r.retired)})
	}
	return list
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// collectionTables writes what a folder says of its collection.
func (e *exporter) collectionTables() error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll([][]string{{"title", "credit"}, {e.collection.Title, e.collection.Credit}}); err != nil {
		return err
	}
	if err := e.out.write(collectionFile, b.Bytes()); err != nil {
		return err
	}
	rows := [][]string{{"keyword", "lang", "label"}}
	for keyword, labels := range e.collection.Keywords {
		for lang, label := range labels {
			rows = append(rows, []string{keyword, lang, label})
		}
	}
	if len(rows) == 1 {
		return nil
	}
	slices.SortFunc(rows[1:], slices.Compare[[]string])
	b.Reset()
	w = csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return e.out.write(keywordsFile, b.Bytes())
}

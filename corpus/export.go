package corpus

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"ocapi/domain"
)

// ExportFormat is one way in which results are given back. A new one needs:
// String, exportNames, [Export] and docs/collections.md.
type ExportFormat uint8

// The formats. The zero value is invalid.
const (
	ExportInvalid       ExportFormat = iota
	ExportWebAnnotation              // W3C Web Annotation, JSON-LD
	ExportIIIF                       // an annotation page for each canvas, Presentation API 3
	ExportPage                       // PAGE XML
	ExportALTO                       // ALTO XML
	ExportCSV                        // a table with the columns of a manifest
)

func exportNames() []string {
	return []string{"", "web-annotation", "iiif", "page", "alto", "csv"}
}

// String returns the name by which the format is asked for.
func (f ExportFormat) String() string {
	if names := exportNames(); f != ExportInvalid && int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("export(%d)", uint8(f))
}

// ParseExportFormat reads a format's name. The error is CodeInvalid.
func ParseExportFormat(s string) (ExportFormat, error) {
	names := exportNames()
	if i := slices.Index(names, s); i > 0 {
		return ExportFormat(i), nil
	}
	return ExportInvalid, domain.Invalid("format", "%.40q is no format to export to; it is one of %s", s, strings.Join(names[1:], ", "))
}

// ExportParams describes an export.
type ExportParams struct {
	Collection string
	Format     ExportFormat
	// Out is the folder that is made. It is whole or not there.
	Out string
	// Force replaces an earlier export that is there, and nothing else.
	Force bool
	// Statuses says which answers are given back; nil: those that are settled, and
	// in a table all.
	Statuses []domain.QuestionStatus
	// Known gives back what was on record before, too; a table has it always.
	Known bool
	// Source is what the collection was imported from, where it is at hand: a
	// folder, a file, or the address of a IIIF manifest. It is read and never
	// written. From it come the places of images, and the files that texts are put
	// into.
	Source       string
	SourceFormat Format            // FormatAuto: told by the content
	Columns      map[string]string // of the import, where it had some
	// Base is the address under which what is made will be published. The ids of
	// IIIF's annotation pages are such addresses; it is needed there.
	Base    string
	Program string // name and version of the program, as "Ocapi 0.6.0"
	Fetch   FetchParams
	Limits  Limits
}

// ExportReport says what an export has made.
type ExportReport struct {
	Collection domain.CollectionID
	Images     int // of the collection
	Answers    int // that were given back
	There      int // that stand in the source's files already, to the letter
	Files      int // that were made, beside the one about the export
	Unplaced   int // answers whose place is neither on record nor in the source
	Outlines   int // places whose outline is not on record; their box was taken
	Unmatched  int // images of the collection that the source does not have
	// Negative answers: that an image does not show a keyword. Only tables hold them.
	Negative int
	// Wordless answers are about pictures; pages of text have no place for them.
	Wordless int
	Problems Problems // with files of the source
}

// Export writes what is known of a collection's images in a format that their
// institution reads. The same collection, source and parameters give the same
// bytes. Bad parameters are CodeInvalid, and so is a folder that would be
// overwritten; a collection that is not there is CodeNotFound.
func Export(ctx context.Context, p ExportParams, store *Store) (ExportReport, error) {
	id, err := ParseCollectionID(p.Collection)
	if err != nil {
		return ExportReport{}, err
	}
	if err := p.check(); err != nil {
		return ExportReport{}, err
	}
	report, err := p.export(ctx, id, store)
	return report, wrap(err, "export the collection %s", id)
}

func (p *ExportParams) check() error {
	switch {
	case p.Format <= ExportInvalid || int(p.Format) >= len(exportNames()):
		return domain.Invalid("format", "%s is no format to export to", p.Format)
	case p.Out == "":
		return domain.Invalid("out", "the folder to write to is missing")
	case p.Base != "" && !isAddress(p.Base):
		return domain.Invalid("base", "the base %.80q begins with neither http nor https", p.Base)
	case p.Format == ExportIIIF && p.Base == "":
		return domain.Invalid("base", "the base is missing: IIIF names pages of annotations by the addresses at which they are published")
	}
	for _, s := range p.Statuses {
		if s > domain.QuestionRefuted {
			return domain.Invalid("status", "%d is no status", s)
		}
	}
	if p.Source != "" && !isAddress(p.Source) && within(p.Source, p.Out) {
		return domain.Invalid("out", "the folder to write to is within the source, which is not changed")
	}
	return nil
}

// within reports whether a path is a folder or lies below it.
func within(folder, path string) bool {
	absolute := func(p string) string {
		if whole, err := filepath.Abs(p); err == nil {
			p = whole
		}
		// What is not there yet lies where its folder does.
		for rest := ""; ; {
			if real, err := filepath.EvalSymlinks(p); err == nil {
				return filepath.Join(real, rest)
			}
			if filepath.Dir(p) == p {
				return filepath.Join(p, rest)
			}
			p, rest = filepath.Dir(p), filepath.Join(filepath.Base(p), rest)
		}
	}
	relative, err := filepath.Rel(absolute(folder), absolute(path))
	return err == nil && relative != ".." && !strings.HasPrefix(relative, ".."+string(filepath.Separator))
}

// exporter is an export under way.
type exporter struct {
	*ExportParams
	*records
	wanted
	source  *source  // nil: not at hand
	located *locator // nil: the source is not at hand
	out     *outFolder
	report  ExportReport
}

func (p *ExportParams) export(ctx context.Context, id domain.CollectionID, store *Store) (report ExportReport, err error) {
	e := &exporter{ExportParams: p, wanted: wanted{statuses: p.Statuses, known: p.Known}}
	if e.statuses == nil {
		e.statuses = []domain.QuestionStatus{domain.QuestionSettled}
	}
	if e.records, err = store.records(ctx, id); err != nil {
		return e.report, err
	}
	e.report.Collection, e.report.Images = id, len(e.images)
	if p.Source != "" {
		params := p.importParams()
		if e.source, err = openSource(ctx, &params); err != nil {
			return e.report, fmt.Errorf("source %s: %w", p.Source, err)
		}
		defer e.source.close()
		if e.located, err = locate(ctx, p, e.source, e.records, &e.report.Problems); err != nil {
			return e.report, fmt.Errorf("source %s: %w", p.Source, err)
		}
		e.report.Unmatched = len(e.images) - len(e.located.found)
	}
	if e.out, err = newOutFolder(p.Out, p.Force); err != nil {
		return e.report, err
	}
	defer e.out.discard()
	switch p.Format {
	case ExportWebAnnotation:
		err = e.webAnnotations(ctx)
	case ExportIIIF:
		err = e.annotationPages(ctx)
	case ExportPage, ExportALTO:
		err = e.sheets(ctx)
	case ExportCSV:
		err = e.table(ctx)
	case ExportInvalid: // refused above
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return e.report, err
	}
	e.report.Files = e.out.files
	if err := e.about(); err != nil {
		return e.report, err
	}
	e.report.Problems.sort()
	return e.report, e.out.commit()
}

// place gives where an image comes from: as the source has it, else as its
// provenance does.
func (e *exporter) place(r *record) (at place, outlined, ok bool) {
	if e.located != nil {
		if at, ok = e.located.found[r.ID]; ok {
			return at, false, true
		}
	}
	return placeOnRecord(r)
}

// about says what an export is of, so that whoever finds it later knows; and by
// it an earlier export is told from a folder with something else.
func (e *exporter) about() error {
	var statuses []string
	for _, s := range e.statuses {
		statuses = append(statuses, s.String())
	}
	slices.Sort(statuses)
	if e.Format == ExportCSV && e.Statuses == nil {
		statuses = []string{"all"}
	}
	return e.out.json(aboutFile, map[string]any{
		"program": e.Program, "collection": e.collection.ID, "title": e.collection.Title, "credit": e.collection.Credit,
		"format": e.Format.String(), "statuses": statuses, "known": e.Known || e.Format == ExportCSV, "answers": e.report.Answers,
		"through": map[string]any{"incarnation": e.through.Incarnation, "sequence": e.through.Seq},
	})
}

// byPlace orders what is on one page as it is read: from above, then from the
// left.
func byPlace[T any](list []T, at func(*T) (place, domain.ImageID)) {
	slices.SortStableFunc(list, func(a, b T) int {
		p, i := at(&a)
		q, j := at(&b)
		return cmp.Or(cmp.Compare(p.Box.Min.Y, q.Box.Min.Y), cmp.Compare(p.Box.Min.X, q.Box.Min.X), cmp.Compare(i, j))
	})
}

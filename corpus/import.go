package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"ocapi/corpus/fetch"
	"ocapi/domain"
)

// Bounds of what is read, where [Limits] says nothing.
const (
	// DefaultMaxPixels holds a sheet of 33 by 43 cm, larger than A3, at 600 dpi.
	DefaultMaxPixels = 80_000_000

	// DefaultMaxFileBytes holds such a page as a lightly compressed TIFF.
	DefaultMaxFileBytes = 256 << 20
)

// Limits bound one picture file, against small files that unpack to gigabytes.
type Limits struct {
	MaxPixels    int   // 0, or more than it: [DefaultMaxPixels]
	MaxFileBytes int64 // 0: [DefaultMaxFileBytes]
}

// ImportParams describes an import.
type ImportParams struct {
	// Source is a folder, a file, or the address of a IIIF manifest.
	Source     string
	Format     Format // FormatAuto: told by the content
	Collection string // the collection's id; it need not exist yet
	// Title and Credit: where empty, those of the folder's collection.csv or of
	// the manifest, then those that the collection has; a credit that is still
	// missing is taken from the images when they all name the same.
	Title, Credit string
	// Licence and SourceURL are an image's where the material does not say.
	Licence, SourceURL string
	// Columns says what a table that was made for something else calls ours:
	// "file" -> "Filename".
	Columns map[string]string
	// LabelsComplete is what an image shows no other keyword means where the
	// material does not say.
	LabelsComplete bool
	Level          Level // of transcribed pages
	// AsGuess takes texts and labels for a machine's: the images are unknown.
	AsGuess bool
	// KnownShare is the share, from 0 to 1, of images with an answer on record
	// that are known; the others are asked about. nil: all.
	KnownShare *float64
	// Update brings images that are there already up to date with the source;
	// otherwise they are left as they are, and differences are noted.
	Update     bool
	Renderings int // of each image; 0: [DefaultRenderings]
	Workers    int // cores to use; 0: all. Beside a server leave it one
	Limits     Limits
	// Fetch says how pictures are fetched, where they are named by addresses. The
	// host of a Source that is an address is trusted.
	Fetch FetchParams
	Rules Rules // what fits a challenge; the zero value leaves nothing out
	// DryRun reads and judges everything, and stores nothing: the report says what
	// would have been done.
	DryRun bool
}

// FetchParams says how what is at addresses is fetched.
type FetchParams = fetch.Params

// Import reads images, and what is on record of them, into a collection (see
// docs). What is wrong with a part or a picture is in the report, and the rest goes
// on; what makes the whole unreadable is an error, as are a failing database
// and the end of ctx. The report is right in each case: whole batches are
// stored, nothing half. Doing the same again changes nothing; after an
// interruption it continues. Importing into the demo collection is refused
// with CodeInvalid. progress may be nil.
func Import(ctx context.Context, p ImportParams, store *Store, progress ProgressFunc) (Report, error) {
	id, err := ParseCollectionID(p.Collection)
	if err != nil {
		return Report{}, err
	}
	if err := p.check(); err != nil {
		return Report{}, err
	}
	from, err := openSource(ctx, &p)
	if err != nil {
		return Report{}, wrap(err, "import %s", p.Source)
	}
	defer from.close()
	report, err := importSource(ctx, p, id, from, store, progress)
	if err != nil {
		err = wrap(err, "import %s", p.Source)
	}
	return report, err
}

func (p *ImportParams) check() error {
	if err := p.Rules.Validate(); err != nil {
		return err
	}
	if s := p.KnownShare; s != nil && !(*s >= 0 && *s <= 1) {
		return domain.Invalid("known share", "the known share is %g; it is from 0 to 1", *s)
	}
	if checkSource(p.SourceURL) != nil {
		return domain.Invalid("source", "the source %.80q is no address", p.SourceURL)
	}
	return nil
}

func importSource(ctx context.Context, p ImportParams, id domain.CollectionID, from *source, store *Store, progress ProgressFunc) (Report, error) {
	t := &tally{tell: progress, report: Report{Collection: id}}
	if p.DryRun {
		t.plan = newPlan()
	}
	p.Limits = p.Limits.withDefaults()
	job, err := from.prepare(ctx, &p, t)
	if err != nil {
		return t.finish(), err
	}
	defer job.fetcher.Close()
	if err := putCollection(ctx, p, id, from, job, store, t); err != nil {
		return t.finish(), err
	}
	if from.format == FormatZooniverse {
		err = (&classifications{source: from, collection: id, store: store, tally: t}).run(ctx)
	} else {
		line := &pipeline{
			store: store, collection: id, renderings: orDefault(p.Renderings, DefaultRenderings),
			workers: orDefault(p.Workers, runtime.GOMAXPROCS(0)), update: p.Update,
			roles: p.roles(), limits: p.Limits, rules: p.Rules, tally: t, uncredited: from.uncredited(),
		}
		err = line.run(ctx, job.importer)
	}
	if err != nil {
		return t.finish(), err
	}
	if err := adoptCredit(ctx, id, store, t); err != nil {
		return t.finish(), err
	}
	report := t.finish()
	err = appraise(ctx, store, &report, t.plan)
	return report, err
}

func (p *ImportParams) roles() roles {
	r := roles{share: 1, guess: p.AsGuess}
	if p.KnownShare != nil {
		r.share = *p.KnownShare
	}
	return r
}

// check reads the header only.
func (m *manifest) check() error {
	t, err := openTable(m.folder, m.name)
	if err != nil {
		return err
	}
	defer t.close()
	_, err = m.header(t)
	return err
}

func (l Limits) withDefaults() Limits {
	// More would not fit the budget of decoded pages.
	if l.MaxPixels <= 0 || l.MaxPixels > DefaultMaxPixels {
		l.MaxPixels = DefaultMaxPixels
	}
	if l.MaxFileBytes <= 0 {
		l.MaxFileBytes = DefaultMaxFileBytes
	}
	return l
}

func orDefault(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// putCollection makes or updates the collection from parameters, folder and
// store, in this order of precedence.
func putCollection(ctx context.Context, p ImportParams, id domain.CollectionID, from *source, job *job, store *Store, t *tally) error {
	existing, err := store.Collection(ctx, id)
	if err != nil && domain.CodeOf(err) != domain.CodeNotFound {
		return err
	}
	if existing.Demo || id == DemoCollection {
		return domain.Invalid("collection", "the collection %s is drawn by the program; import into another one", id)
	}
	title, credit := job.title, job.credit
	var keywords Keywords
	if from.root != nil {
		ownTitle, ownCredit, err := readCollectionFile(from.root)
		if err != nil {
			return err
		}
		title, credit = firstOf(ownTitle, title), firstOf(ownCredit, credit)
		if keywords, err = readKeywordsFile(from.root, t); err != nil {
			return err
		}
	}
	c := Collection{
		ID:       id,
		Title:    firstOf(p.Title, title, existing.Title, string(id)),
		Credit:   firstOf(p.Credit, credit, existing.Credit),
		Keywords: keywords,
	}
	if t.plan != nil {
		t.plan.collection = c
		return nil
	}
	return store.PutCollection(ctx, c)
}

// readCollectionFile reads the title and credit of collection.csv, if any.
func readCollectionFile(folder *os.Root) (title, credit string, err error) {
	t, err := openTable(folder, collectionFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	defer t.close()
	header, line, err := t.next()
	if err == nil {
		var fields []string
		if fields, line, err = t.next(); err == nil {
			err = checkFields(fields)
		}
		for i := 0; err == nil && i < len(header); i++ {
			switch name := strings.ToLower(strings.TrimSpace(header[i])); name {
			case "title":
				title = strings.TrimSpace(fields[i])
			case "credit":
				credit = strings.TrimSpace(fields[i])
			default:
				err = fmt.Errorf("the column %.60q is not known; the columns are title, credit", name)
			}
		}
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it has no line below the names of its columns (title, credit)")
	}
	if err != nil {
		return "", "", fmt.Errorf("%s:%d: %w", collectionFile, line, err)
	}
	return title, credit, nil
}

// readKeywordsFile reads keywords.csv, if any; bad lines are skipped.
func readKeywordsFile(folder *os.Root, t *tally) (Keywords, error) {
	table, err := openTable(folder, keywordsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer table.close()
	header, line, err := table.next()
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", keywordsFile, line, err)
	}
	at := map[string]int{}
	for i, name := range header {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	keyword, hasKeyword := at["keyword"]
	lang, hasLang := at["lang"]
	label, hasLabel := at["label"]
	if len(header) != 3 || !hasKeyword || !hasLang || !hasLabel {
		return nil, fmt.Errorf("%s:%d: its columns are keyword, lang and label", keywordsFile, line)
	}
	keywords := Keywords{}
	for {
		fields, line, err := table.next()
		switch {
		case errors.Is(err, io.EOF):
			return keywords, nil
		case err != nil && isLineError(err):
			t.note(Problem{Origin{keywordsFile, line}, lineReason(err, len(fields), len(header))})
			continue
		case err != nil:
			return nil, fmt.Errorf("read %s after line %d: %w", keywordsFile, line, err)
		}
		if err := keywords.add(fields[keyword], fields[lang], fields[label]); err != nil {
			t.note(Problem{Origin{keywordsFile, line}, err.Error()})
		}
	}
}

func (k Keywords) add(keyword, lang, label string) error {
	if err := checkFields([]string{keyword, lang, label}); err != nil {
		return err
	}
	keyword, lang, label = strings.TrimSpace(keyword), strings.ToLower(strings.TrimSpace(lang)), strings.TrimSpace(label)
	switch {
	case keyword == "" || label == "":
		return errors.New("the keyword or its label is missing")
	case len(keyword) > maxKeywordBytes || len(label) > maxKeywordBytes:
		return fmt.Errorf("the keyword or its label is longer than %d bytes", maxKeywordBytes)
	case !isLanguage(lang):
		return fmt.Errorf("%.40q is no language; write a code such as en, fr or pt-br", lang)
	}
	if k[keyword] == nil {
		k[keyword] = map[string]string{}
	}
	k[keyword][lang] = label
	return nil
}

// isLanguage checks the form of a language tag (RFC 5646), not its existence.
func isLanguage(s string) bool {
	for i, part := range strings.Split(s, "-") {
		if len(part) < 2 || len(part) > 8 || i == 0 && len(part) > 3 {
			return false
		}
		for _, r := range part {
			if (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
				return false
			}
		}
	}
	return true
}

// adoptCredit gives a collection without a credit line the one that all of its
// images name. Where they differ somebody has to decide.
func adoptCredit(ctx context.Context, id domain.CollectionID, store *Store, t *tally) error {
	if t.plan != nil {
		return nil
	}
	c, err := store.Collection(ctx, id)
	if err != nil || c.Credit != "" {
		return err
	}
	lines, err := store.institutions(ctx, id)
	if err != nil {
		return err
	}
	if len(lines) != 1 {
		t.note(Problem{Reason: "the collection has no credit line, and its images name none or several; challenges show none until one is given"})
		return nil
	}
	c.Credit = lines[0]
	return store.PutCollection(ctx, c)
}

// appraise adds to a report what the collection holds and can serve.
func appraise(ctx context.Context, store *Store, report *Report, plan *plan) error {
	snapshot, err := store.Load(ctx, report.Collection)
	if err != nil {
		return err
	}
	if plan != nil {
		plan.apply(&snapshot)
	}
	report.Counts = countImages(snapshot.Images)
	var infos []domain.CollectionInfo
	for i := range snapshot.Collections {
		infos = append(infos, snapshot.Collections[i].Info())
	}
	pool, err := domain.NewPool(domain.DefaultDealing(), infos, snapshot.Images)
	if err != nil {
		return fmt.Errorf("see what the collection %s can serve: %w", report.Collection, err)
	}
	report.Types, report.Keywords, report.Shortages = pool.Types(), pool.Keywords(), pool.Shortages()
	for _, t := range report.Types {
		if !pool.Secrecy(t).Safe() {
			report.Small = append(report.Small, t)
		}
	}
	if document, one := onlyDocument(snapshot.Images); one {
		report.Notes.add(Problem{Reason: fmt.Sprintf(
			"all transcription images are of one document (%.80q), and two of one document are never shown together; say in the column \"document\" what belongs together", document)})
	}
	return nil
}

// onlyDocument reports whether all of several texts are of one document.
func onlyDocument(images []domain.Image) (document string, one bool) {
	n := 0
	for i := range images {
		if images[i].Type != domain.TypeTranscription {
			continue
		}
		if n > 0 && images[i].Document != document {
			return "", false
		}
		document = images[i].Document
		n++
	}
	return document, n > 1
}

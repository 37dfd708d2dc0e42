package corpus

import (
	"context"
	"fmt"
	"net/url"

	"ocapi/corpus/alto"
	"ocapi/corpus/fetch"
	"ocapi/corpus/iiif"
	"ocapi/corpus/page"
)

// job is an import that is ready to begin.
type job struct {
	importer      Importer // nil: there are votes and no images
	fetcher       *fetch.Fetcher
	title, credit string // as the material has them
}

// uncredited reports whether the source is of a kind that has no place for credit,
// licence and source.
func (s *source) uncredited() bool {
	switch s.format {
	case FormatPage, FormatALTO:
		return true
	case FormatLabels:
		return s.file == "" // folders; a table has columns
	default:
		return false
	}
}

// prepare looks at the source as far as is needed to know that it can be read:
// one that cannot leaves no empty collection behind.
func (s *source) prepare(ctx context.Context, p *ImportParams, t *tally) (*job, error) {
	params := p.Fetch
	if u, err := url.Parse(s.address); err == nil && s.address != "" {
		params.Trusted = u.Hostname()
	}
	j := &job{fetcher: fetch.New(params)}
	err := j.prepare(ctx, s, p, t)
	if err != nil {
		j.fetcher.Close()
		return nil, err
	}
	if j.importer != nil {
		j.importer = &filled{j.importer, Provenance{Institution: p.Credit, Licence: p.Licence, Source: p.SourceURL}}
	}
	return j, nil
}

func (j *job) prepare(ctx context.Context, s *source, p *ImportParams, t *tally) error {
	maxBytes := p.Limits.MaxFileBytes
	fetchPicture := func(ctx context.Context, address string) ([]byte, error) {
		return j.fetcher.Get(ctx, address, maxBytes)
	}
	switch s.format {
	case FormatManifest, FormatLabels:
		if s.file == "" {
			j.importer = &labels{tree: s.tree, complete: p.LabelsComplete, maxBytes: maxBytes, total: t.total}
			return nil
		}
		m := &manifest{folder: s.root, name: s.file, complete: p.LabelsComplete, maxBytes: maxBytes, total: t.total, fetch: fetchPicture}
		if s.format == FormatLabels {
			m.other = &otherTable{columns: p.Columns, tree: s.tree}
		}
		j.importer = m
		return m.check()
	case FormatPage, FormatALTO:
		files := s.tree.xml()
		if s.file != "" {
			files = []string{s.file}
		}
		root := "" // both, where nobody has chosen
		if p.Format != FormatAuto || s.file != "" {
			root = map[Format]string{FormatPage: page.Root, FormatALTO: alto.Root}[s.format]
		}
		j.importer = &sheets{tree: s.tree, files: files, root: root, level: p.Level, guess: p.AsGuess, maxBytes: maxBytes, total: t.total}
		return nil
	case FormatIIIF:
		return j.prepareManifest(ctx, s, p, fetchPicture, t)
	case FormatZooniverse:
		return (&classifications{source: s}).check()
	}
	return fmt.Errorf("nothing reads the format %s", s.format)
}

func (j *job) prepareManifest(ctx context.Context, s *source, p *ImportParams, picture fetchFunc, t *tally) error {
	get := func(ctx context.Context, address string) ([]byte, error) {
		return j.fetcher.Get(ctx, address, iiif.MaxBytes)
	}
	var data []byte
	var err error
	name := s.address
	if name != "" {
		data, err = get(ctx, name)
	} else {
		name = s.file
		data, err = readBounded(s.root, name, iiif.MaxBytes)
	}
	if err != nil {
		return err
	}
	m, err := readManifest(name, data)
	if err != nil {
		return err
	}
	j.title, j.credit = m.Label, m.Credit
	j.importer = &canvases{
		file: name, manifest: m, complete: p.LabelsComplete, guess: p.AsGuess, get: get, picture: picture, total: t.total,
	}
	return nil
}

// filled gives images what their material does not say of where they come from.
type filled struct {
	Importer
	otherwise Provenance
}

// Read implements [Importer].
func (f *filled) Read(ctx context.Context, sink Sink) error {
	return f.Importer.Read(ctx, &filling{sink, f.otherwise})
}

// filling is the sink that does so.
type filling struct {
	Sink
	otherwise Provenance
}

// Page implements [Sink].
func (f *filling) Page(ctx context.Context, p Page) error {
	for i := range p.Items {
		of := &p.Items[i].Provenance
		of.Institution = firstOf(of.Institution, f.otherwise.Institution)
		of.Licence = firstOf(of.Licence, f.otherwise.Licence)
		of.Source = firstOf(of.Source, f.otherwise.Source)
	}
	return f.Sink.Page(ctx, p)
}

package corpus

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

type corpusExportCmd struct {
	Name         string            `arg:"" help:"The collection."`
	Format       string            `help:"web-annotation, iiif, page, alto or csv (see docs/collections.md)." required:""`
	Out          string            `help:"The folder to make (default: the collection's name and the format, here)." placeholder:"FOLDER"`
	Force        bool              `help:"Replace an earlier export in that folder."`
	Status       []string          `help:"Which answers: settled, disputed, unreadable, refuted, open. Default: settled; of csv all." sep:","`
	Known        bool              `help:"Also what was on record when the images were imported (csv has it always)."`
	Source       string            `help:"What the collection was imported from, where it is at hand: for the places of images, and to put texts into copies of its files. It is not changed."`
	SourceFormat string            `help:"What the source is, as with import." default:"auto"`
	Columns      map[string]string `help:"As with import." mapsep:","`
	Base         string            `help:"The address under which what is made will be published; iiif needs it." placeholder:"ADDRESS"`
	AllowPrivate bool              `help:"As with import."`
	Rate         float64           `help:"Requests a second to one host." default:"2"`
	place.Flags
}

// Run exports a collection. It reads beside a running service.
func (c *corpusExportCmd) Run(env *command.Environment) (err error) {
	params, err := c.params(env)
	if err != nil {
		return err
	}
	stores, err := place.OpenForReading(env.Context, c.Flags, place.CollectionsFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stores.Close()) }()
	report, err := corpus.Export(env.Context, params, stores.Corpus)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(env.Stdout, exportSummary(&report, &params, c.out()))
	return err
}

// out gives the folder as the caller wrote it.
func (c *corpusExportCmd) out() string {
	if c.Out != "" {
		return c.Out
	}
	return c.Name + "-" + c.Format
}

func (c *corpusExportCmd) params(env *command.Environment) (corpus.ExportParams, error) {
	p := corpus.ExportParams{
		Collection: c.Name, Out: c.out(), Force: c.Force, Known: c.Known, Source: c.Source, Columns: c.Columns, Base: c.Base,
		Program: "Ocapi " + env.Version, Fetch: corpus.FetchParams{AllowPrivate: c.AllowPrivate},
	}
	// Before it names a folder.
	if _, err := corpus.ParseCollectionID(c.Name); err != nil {
		return p, err
	}
	if !filepath.IsAbs(p.Out) {
		p.Out = filepath.Join(env.Dir, p.Out)
	}
	if p.Source != "" && !strings.Contains(p.Source, "://") && !filepath.IsAbs(p.Source) {
		p.Source = filepath.Join(env.Dir, p.Source)
	}
	for _, name := range c.Status {
		s, err := domain.ParseQuestionStatus(name)
		if err != nil {
			return p, err
		}
		p.Statuses = append(p.Statuses, s)
	}
	var err error
	if p.Format, err = corpus.ParseExportFormat(c.Format); err != nil {
		return p, err
	}
	if p.Format == corpus.ExportIIIF && p.Base == "" {
		return p, domain.Invalid("base", "--base is missing: IIIF names pages of annotations by the address at which they will be published")
	}
	if p.SourceFormat, err = corpus.ParseFormat(c.SourceFormat); err != nil {
		return p, err
	}
	p.Fetch.Interval, err = intervalOf(c.Rate)
	return p, err
}

func exportSummary(r *corpus.ExportReport, p *corpus.ExportParams, out string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Collection %s: %s of %s in %s: %s\n", r.Collection, console.Count(r.Answers, "answer"), console.Count(r.Images, "image"), console.Count(r.Files, "file"), out)
	say := func(n int, what string) {
		if n > 0 {
			fmt.Fprintf(&b, "  %6d  %s\n", n, what)
		}
	}
	say(r.There, "of them stand in the files already, to the letter")
	if p.Source != "" {
		say(r.Unmatched, "images are not of this source: their places are those on record, if any")
	}
	switch {
	case r.Unplaced > 0 && p.Format == corpus.ExportIIIF:
		say(r.Unplaced, "answers left out: their images are of no canvas")
	case p.Source == "":
		say(r.Unplaced, "answers left out: where they stand is not on record; --source FOLDER, what they were imported from, tells")
	default:
		say(r.Unplaced, "answers left out: they have no place of their own")
	}
	say(r.Outlines, "places are given by their boxes alone: their outlines are in the source (--source)")
	say(r.Wordless, "answers left out: they are about pictures, and pages of text have no place for them; csv and web-annotation have them")
	say(r.Negative, "answers left out: that an image does not show a keyword; csv has them")
	printProblems(&b, "Not read", &r.Problems)
	return b.String()
}

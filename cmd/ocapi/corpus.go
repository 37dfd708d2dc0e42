package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
)

type corpusCmd struct {
	Import corpusImportCmd `cmd:"" help:"Import images, and what is on record of them, into a collection."`
	List   corpusListCmd   `cmd:"" help:"List the collections and what they can serve."`
}

type corpusImportCmd struct {
	Source         string            `arg:"" help:"A folder, a file, or the address of a IIIF manifest (see docs/collections.md)."`
	Collection     string            `help:"The collection's name: letters, digits, '-', '_' and '.'." required:""`
	Format         string            `help:"What the source is: auto, manifest, labels, page, alto, iiif or zooniverse." default:"auto"`
	Title          string            `help:"A title for people."`
	Credit         string            `help:"The institution's line, shown with every challenge."`
	Licence        string            `help:"The images' licence, where the material does not say."`
	SourceURL      string            `name:"source-url" help:"Where the images come from, where the material does not say."`
	Columns        map[string]string `help:"What a table that was made for something else calls file, keyword, text …: --columns file=Filename,keyword=Label." mapsep:","`
	LabelsComplete bool              `help:"An image shows none of the keywords that it is not said to show (where no column labels_complete says otherwise)."`
	Level          string            `help:"What becomes one image of a transcribed page: word, line, or auto (words where a line has them)." default:"auto"`
	AsGuess        bool              `help:"Texts and labels are a machine's: the images are unknown, and the guess is kept."`
	KnownShare     float64           `help:"The share of the images with an answer on record that are known, from 0 to 1; the others are asked about." default:"1"`
	Update         bool              `help:"Bring images that are there already up to date with the source."`
	AllowPrivate   bool              `help:"Fetch from this machine and private networks too, where a document points there."`
	Rate           float64           `help:"Requests a second to one host." default:"2"`
	place
}

// importSaid is how often an import says how far it is.
const importSaid = 2 * time.Second

// shownProblems bounds how many skipped lines are printed one by one.
const shownProblems = 50

// Run imports the folder, inside the running service where there is one.
func (c *corpusImportCmd) Run(env *environment) error {
	workers := 0 // all cores
	if env.stores != nil {
		// Inside the service, visitors come first.
		workers = max(1, runtime.GOMAXPROCS(0)-1)
	}
	params, err := c.params(env)
	if err != nil {
		return err
	}
	params.Workers = workers
	return withStores(env, c.place, func(s *stores) error {
		said := time.Now()
		report, err := corpus.Import(env.ctx, params, s.corpus, func(p corpus.Progress) {
			if time.Since(said) > importSaid {
				said = time.Now()
				fmt.Fprintf(env.stderr, "%d of %d lines\n", p.Done, p.Total) //nolint:errcheck // the report follows
			}
		})
		if err != nil && report.Made+report.Updated+report.Votes+report.Skipped.Total == 0 {
			return err // there is nothing to report
		}
		printReport(env, &report)
		if err == nil && report.Made+report.Present+report.Updated+report.Votes+report.VotesPresent == 0 {
			return errors.New("no image was imported")
		}
		return err
	})
}

// maxRate is the most requests a second to one host; more is no import but an
// attack.
const maxRate = 50

// params reads the command line, before anything is opened.
func (c *corpusImportCmd) params(env *environment) (corpus.ImportParams, error) {
	p := corpus.ImportParams{
		Source: c.Source, Collection: c.Collection, Title: c.Title, Credit: c.Credit, Licence: c.Licence, SourceURL: c.SourceURL,
		Columns: c.Columns, LabelsComplete: c.LabelsComplete, AsGuess: c.AsGuess, KnownShare: &c.KnownShare, Update: c.Update,
		Fetch: corpus.FetchParams{AllowPrivate: c.AllowPrivate},
	}
	if !strings.Contains(p.Source, "://") && !filepath.IsAbs(p.Source) {
		p.Source = filepath.Join(env.dir, p.Source)
	}
	if !(c.Rate > 0 && c.Rate <= maxRate) {
		return p, domain.Invalid("rate", "the rate is %g requests a second; it is above 0 and at most %d", c.Rate, maxRate)
	}
	p.Fetch.Interval = time.Duration(float64(time.Second) / c.Rate)
	var err error
	if p.Format, err = corpus.ParseFormat(c.Format); err != nil {
		return p, err
	}
	p.Level, err = corpus.ParseLevel(c.Level)
	return p, err
}

func printReport(env *environment, r *corpus.Report) {
	var b strings.Builder
	fmt.Fprintf(&b, "Collection %s: %s made, %d there already, %d brought up to date, %d skipped.\n",
		r.Collection, count(r.Made, "image"), r.Present, r.Updated, r.Skipped.Total)
	if r.Votes+r.VotesPresent > 0 {
		fmt.Fprintf(&b, "Answers of another platform: %d stored, %d there already.\n", r.Votes, r.VotesPresent)
	}
	printProblems(&b, "Skipped", r.Skipped)
	printProblems(&b, "Worth a look", r.Notes)
	if len(r.Counts) > 0 {
		b.WriteString("It holds:\n")
		for _, count := range r.Counts {
			role := "unknown"
			if count.Known {
				role = "known"
			}
			fmt.Fprintf(&b, "  %6d  %s, %s\n", count.Images, count.Type, role)
		}
	}
	printServable(&b, r.Types, r.Keywords, r.Shortages)
	fmt.Fprint(env.stdout, b.String()) //nolint:errcheck // nobody is left to be told
}

func printServable(b *strings.Builder, types []domain.ChallengeType, keywords []string, shortages []domain.Shortage) {
	b.WriteString("It can serve by itself:\n")
	for _, t := range types {
		fmt.Fprintf(b, "  %s", t)
		if t == domain.TypeClassification {
			fmt.Fprintf(b, " (%s)", strings.Join(keywords, ", "))
		}
		b.WriteByte('\n')
	}
	if len(types) == 0 {
		b.WriteString("  nothing yet\n")
	}
	for _, s := range shortages {
		what := s.Type.String()
		if s.Keyword != "" {
			what += fmt.Sprintf(" of %q", s.Keyword)
		}
		fmt.Fprintf(b, "  not %s: %s\n", what, s.Reason)
	}
}

func printProblems(b *strings.Builder, title string, p corpus.Problems) {
	if p.Total == 0 {
		return
	}
	fmt.Fprintf(b, "%s:\n", title)
	shown := min(len(p.List), shownProblems)
	for _, problem := range p.List[:shown] {
		fmt.Fprintf(b, "  %s\n", problem)
	}
	if p.Total > shown {
		fmt.Fprintf(b, "  and %d more\n", p.Total-shown)
	}
}

type corpusListCmd struct {
	place
}

// Run lists the collections. It reads beside a running service.
func (c *corpusListCmd) Run(env *environment) (err error) {
	stores, err := openForReading(env.ctx, c.place, collectionsFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stores.Close()) }()
	snapshot, err := stores.corpus.Load(env.ctx)
	if err != nil {
		return err
	}
	var b strings.Builder
	if len(snapshot.Collections) == 0 {
		b.WriteString("There are no collections yet; make one with: ocapi corpus import DIR --collection NAME\n")
	}
	for i := range snapshot.Collections {
		collection := &snapshot.Collections[i]
		var images []domain.Image
		for _, im := range snapshot.Images {
			if im.Collection == collection.ID {
				images = append(images, im)
			}
		}
		fmt.Fprintf(&b, "%s: %s (%s)\n", collection.ID, orDash([]string{collection.Title}), count(len(images), "image"))
		pool, err := domain.NewPool(domain.DefaultDealing(), []domain.CollectionInfo{collection.Info()}, images, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			return err
		}
		printServable(&b, pool.Types(), pool.Keywords(), pool.Shortages())
	}
	_, err = fmt.Fprint(env.stdout, b.String())
	return err
}

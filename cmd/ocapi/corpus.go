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
	Import corpusImportCmd `cmd:"" help:"Import a folder with a table of images into a collection."`
	List   corpusListCmd   `cmd:"" help:"List the collections and what they can serve."`
}

type corpusImportCmd struct {
	Dir            string `arg:"" help:"The folder, with manifest.csv in it (see docs/collections.md)."`
	Collection     string `help:"The collection's name: letters, digits, '-', '_' and '.'." required:""`
	Title          string `help:"A title for people."`
	Credit         string `help:"The institution's line, shown with every challenge."`
	LabelsComplete bool   `help:"An image shows none of the keywords that its line does not name (where no column labels_complete says otherwise)."`
	Update         bool   `help:"Bring images that are there already up to date with the table."`
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
	return withStores(env, c.place, func(s *stores) error {
		dir := c.Dir
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(env.dir, dir)
		}
		said := time.Now()
		report, err := corpus.Import(env.ctx, corpus.ImportParams{
			Dir: dir, Collection: c.Collection, Title: c.Title, Credit: c.Credit,
			LabelsComplete: c.LabelsComplete, Update: c.Update, Workers: workers,
		}, s.corpus, func(p corpus.Progress) {
			if time.Since(said) > importSaid {
				said = time.Now()
				fmt.Fprintf(env.stderr, "%d of %d lines\n", p.Done, p.Total) //nolint:errcheck // the report follows
			}
		})
		if err != nil && report.Made+report.Updated+report.Skipped.Total == 0 {
			return err // there is nothing to report
		}
		printReport(env, &report)
		if err == nil && report.Made+report.Present+report.Updated == 0 {
			return errors.New("no image was imported")
		}
		return err
	})
}

func printReport(env *environment, r *corpus.Report) {
	var b strings.Builder
	fmt.Fprintf(&b, "Collection %s: %d images made, %d were there already, %d brought up to date, %d skipped.\n",
		r.Collection, r.Made, r.Present, r.Updated, r.Skipped.Total)
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
		fmt.Fprintf(&b, "%s: %s (%d images)\n", collection.ID, orDash([]string{collection.Title}), len(images))
		pool, err := domain.NewPool(domain.DefaultDealing(), []domain.CollectionInfo{collection.Info()}, images, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			return err
		}
		printServable(&b, pool.Types(), pool.Keywords(), pool.Shortages())
	}
	_, err = fmt.Fprint(env.stdout, b.String())
	return err
}

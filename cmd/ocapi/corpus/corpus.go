package corpus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

// Command is the commands of "ocapi corpus".
type Command struct {
	Import corpusImportCmd `cmd:"" help:"Import images, and what is on record of them, into a collection."`
	List   corpusListCmd   `cmd:"" help:"List the collections and what they can serve."`
	Show   corpusShowCmd   `cmd:"" help:"Show what a collection holds, and draw a contact sheet of it."`
	Check  corpusCheckCmd  `cmd:"" help:"Say what a collection can serve and what it lacks."`
	Retire corpusRetireCmd `cmd:"" help:"Deal images no more, or again."`
	Export corpusExportCmd `cmd:"" help:"Write what is known of a collection's images in a format that archives read."`
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
	DryRun         bool              `help:"Read and judge everything, store nothing, and say what would be done."`
	ruleFlags
	place.Flags
}

// ruleFlags change the rules of what fits a challenge. The defaults are those
// of corpus.DefaultRules; a test compares them.
type ruleFlags struct {
	MinLength      int     `help:"The fewest letters and digits of a known text." default:"2"`
	MaxLength      int     `help:"The most letters and digits of a known text; 0: as many as an answer may have." default:"24"`
	MinSide        int     `help:"The least width and height of an image, in its own pixels." default:"20"`
	MinLetters     float64 `help:"The least height of small letters on the visitor's page, in pixels." default:"9"`
	MinContrast    float64 `help:"The least difference of light between ink and paper, 0 to 255." default:"30"`
	MaxAspect      float64 `help:"How many times the longer side of an image may be as long as the shorter; 0: any." default:"10"`
	Untypeable     bool    `help:"Take known texts with characters that no keyboard has."`
	Contradictions bool    `help:"Take images that look the same as others but have another answer."`
}

func (f *ruleFlags) rules() corpus.Rules {
	return corpus.Rules{
		MinLength: f.MinLength, MaxLength: f.MaxLength, Typeable: !f.Untypeable, MinSide: f.MinSide, MinLetters: f.MinLetters,
		MinContrast: f.MinContrast, MaxAspect: f.MaxAspect, Consistent: !f.Contradictions,
	}
}

// shownProblems bounds how many problems of a kind are printed one by one.
const shownProblems = 10

// Run imports the folder, inside the running service where there is one. A
// trial changes nothing and needs nobody.
func (c *corpusImportCmd) Run(env *command.Environment) error {
	if c.DryRun {
		return c.trial(env)
	}
	workers := 0 // all cores
	if env.Stores != nil {
		// Inside the service, visitors come first.
		workers = max(1, runtime.GOMAXPROCS(0)-1)
	}
	return command.WithStores(env, c.Flags, func(s *place.Stores) error { return c.run(env, s, workers) })
}

func (c *corpusImportCmd) run(env *command.Environment, s *place.Stores, workers int) error {
	params, err := c.params(env)
	if err != nil {
		return err
	}
	params.Workers = workers
	show, clear := env.Progress()
	report, err := corpus.Import(env.Context, params, s.Corpus, show)
	clear()
	if err != nil && report.Made+report.Updated+report.Votes+report.Skipped.Total == 0 {
		return err // there is nothing to report
	}
	printReport(env, &report, c.DryRun)
	if err == nil && report.Made+report.Present+report.Updated+report.Votes+report.VotesPresent == 0 {
		return errors.New("no image was imported")
	}
	return err
}

// trial opens the place for reading; where there is none yet, an empty one that
// is thrown away.
func (c *corpusImportCmd) trial(env *command.Environment) (err error) {
	var s *place.Stores
	if err = place.RequireFolder(c.Data, place.CollectionsFile); !c.Shared() && err != nil {
		var empty string
		if empty, err = os.MkdirTemp("", "ocapi-trial-"); err != nil {
			return fmt.Errorf("make a folder for a trial: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(empty)) }()
		s, err = place.OpenFolder(env.Context, empty)
	} else {
		s, err = place.OpenForReading(env.Context, c.Flags, place.CollectionsFile)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return c.run(env, s, 0)
}

// maxRate is the most requests a second to one host; more is no import but an
// attack.
const maxRate = 50

// params reads the command line, before anything is opened.
func (c *corpusImportCmd) params(env *command.Environment) (corpus.ImportParams, error) {
	p := corpus.ImportParams{
		Source: c.Source, Collection: c.Collection, Title: c.Title, Credit: c.Credit, Licence: c.Licence, SourceURL: c.SourceURL,
		Columns: c.Columns, LabelsComplete: c.LabelsComplete, AsGuess: c.AsGuess, KnownShare: &c.KnownShare, Update: c.Update,
		Rules: c.rules(), DryRun: c.DryRun, Fetch: corpus.FetchParams{AllowPrivate: c.AllowPrivate},
	}
	if !strings.Contains(p.Source, "://") && !filepath.IsAbs(p.Source) {
		p.Source = filepath.Join(env.Dir, p.Source)
	}
	var err error
	if p.Fetch.Interval, err = intervalOf(c.Rate); err != nil {
		return p, err
	}
	if p.Format, err = corpus.ParseFormat(c.Format); err != nil {
		return p, err
	}
	p.Level, err = corpus.ParseLevel(c.Level)
	return p, err
}

// intervalOf gives the time between two requests to one host.
func intervalOf(rate float64) (time.Duration, error) {
	if !(rate > 0 && rate <= maxRate) {
		return 0, domain.Invalid("rate", "the rate is %g requests a second; it is above 0 and at most %d", rate, maxRate)
	}
	return time.Duration(float64(time.Second) / rate), nil
}

func printReport(env *command.Environment, r *corpus.Report, trial bool) {
	var b strings.Builder
	if trial {
		b.WriteString("This is a trial: nothing was stored. An import would end with this:\n")
	}
	fmt.Fprintf(&b, "Collection %s: %s made, %d there already, %d brought up to date, %d skipped.\n",
		r.Collection, console.Count(r.Made, "image"), r.Present, r.Updated, r.Skipped.Total)
	if r.Votes+r.VotesPresent > 0 {
		fmt.Fprintf(&b, "Answers of another platform: %d stored, %d there already.\n", r.Votes, r.VotesPresent)
	}
	printProblems(&b, "Skipped", &r.Skipped)
	printProblems(&b, "Taken, though they look nearly the same as others", &r.Near)
	printProblems(&b, "Worth a look", &r.Notes)
	if len(r.Counts) > 0 {
		b.WriteString("It holds:\n")
		for _, count := range r.Counts {
			fmt.Fprintf(&b, "  %6d  %s, %s\n", count.Images, count.Type, roleOf(count.Known))
		}
	}
	printServable(&b, r)
	fmt.Fprint(env.Stdout, b.String()) //nolint:errcheck // nobody is left to be told
}

func roleOf(known bool) string {
	if known {
		return "known"
	}
	return "unknown"
}

func printServable(b *strings.Builder, r *corpus.Report) {
	b.WriteString("It can serve by itself:\n")
	for _, t := range r.Types {
		fmt.Fprintf(b, "  %s", t)
		if t == domain.TypeClassification {
			fmt.Fprintf(b, " (%s)", strings.Join(r.Keywords, ", "))
		}
		if slices.Contains(r.Small, t) {
			b.WriteString(", only with serve --small-pools: too few images to hide which are known")
		}
		b.WriteByte('\n')
	}
	if len(r.Types) == 0 {
		b.WriteString("  nothing yet\n")
	}
	if len(r.Small) > 0 {
		fmt.Fprintf(b, "  (ocapi corpus check %s says how many more it takes)\n", r.Collection)
	}
	for _, s := range r.Shortages {
		what := s.Type.String()
		if s.Keyword != "" {
			what += fmt.Sprintf(" of %q", s.Keyword)
		}
		fmt.Fprintf(b, "  not %s: %s\n", what, s.Reason)
	}
}

// printProblems says how many there are for each reason, and then where the
// first of them are.
func printProblems(b *strings.Builder, title string, p *corpus.Problems) {
	if p.Total == 0 {
		return
	}
	fmt.Fprintf(b, "%s:\n", title)
	shown := min(len(p.List), shownProblems)
	if reasons := p.Reasons(); len(reasons) < p.Total {
		for _, r := range reasons {
			fmt.Fprintf(b, "  %6d  %s\n", r.Total, r.Reason)
		}
		if p.Total > shown {
			b.WriteString("  The first of them:\n")
		} else {
			b.WriteString("  One by one:\n")
		}
	}
	for _, problem := range p.List[:shown] {
		fmt.Fprintf(b, "  %s\n", problem)
	}
	if p.Total > shown {
		fmt.Fprintf(b, "  and %d more\n", p.Total-shown)
	}
}

// printDecided tells what votes have made of a collection; nothing where they
// have made nothing of it.
func printDecided(b *strings.Builder, c corpus.DecidedCounts) {
	if c == (corpus.DecidedCounts{}) {
		return
	}
	fmt.Fprintf(b, "\nDecided by visitors' votes: %s settled (%s of them tried by %d answers or more, and so dealt as known), %s disputed, %s unreadable, %s on record refuted.\n",
		console.Grouped(c.Settled), console.Grouped(c.Proven), domain.ProvenAfter, console.Grouped(c.Disputed), console.Grouped(c.Unreadable), console.Grouped(c.Refuted))
}

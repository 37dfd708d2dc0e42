package corpus

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

type corpusCheckCmd struct {
	Name string `arg:"" help:"The collection."`
	place.Flags
}

// Run says what a collection lacks; it fails where that is something for every
// type of challenge. It reads beside a running service.
func (c *corpusCheckCmd) Run(env *command.Environment) (err error) {
	stores, err := place.OpenForReading(env.Context, c.Flags, place.CollectionsFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stores.Close()) }()
	collection, holdings, err := stores.Corpus.Holdings(env.Context, domain.CollectionID(c.Name))
	if err != nil {
		return err
	}
	f, err := corpus.Check(&collection, holdings, domain.DefaultDealing())
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Collection %s: %s images", collection.ID, console.Grouped(len(holdings)))
	if f.Retired > 0 {
		fmt.Fprintf(&b, ", %s of them retired and not counted below", console.Grouped(f.Retired))
	}
	b.WriteString(".\n")
	if collection.Credit == "" {
		b.WriteString("It has no credit line: challenges show none until an import gives one (--credit).\n")
	}
	decided, err := stores.Corpus.DecidedCounts(env.Context, collection.ID)
	if err != nil {
		return err
	}
	printDecided(&b, decided)
	printTexts(&b, &f)
	printKeywords(&b, &f)
	printGaps(&b, &f)
	printMixes(&b, &f)
	printSecrecy(&b, &f)
	if err := printOverlaps(env, &b, stores, collection.ID); err != nil {
		return err
	}
	if _, err := fmt.Fprint(env.Stdout, b.String()); err != nil {
		return err
	}
	if len(f.Types) == 0 {
		return fmt.Errorf("the collection %s can serve no challenge yet", collection.ID)
	}
	return nil
}

// served says whether visitors get challenges of a type. The demonstration's are
// served however few its images are.
func served(f *corpus.Findings, t domain.ChallengeType) string {
	switch {
	case !slices.Contains(f.Types, t):
		return "not served"
	case !f.Demo && !f.Secrecy[t].Safe():
		return "served only with serve --small-pools"
	}
	return "served"
}

func printTexts(b *strings.Builder, f *corpus.Findings) {
	t := &f.Texts
	if t.KnownTexts+t.Unknown.There == 0 {
		b.WriteString("\ntranscription: there are no texts\n")
		return
	}
	fmt.Fprintf(b, "\ntranscription: %s\n", served(f, domain.TypeTranscription))
	fmt.Fprintf(b, "  known:   %s texts, in %s different forms%s\n", console.Grouped(t.KnownTexts), console.Grouped(t.Known.There), missing(t.Known, "forms"))
	if t.Short > 0 {
		fmt.Fprintf(b, "           %s of them are too short to be asked for\n", console.Grouped(t.Short))
	}
	fmt.Fprintf(b, "  unknown: %s texts%s\n", console.Grouped(t.Unknown.There), missing(t.Unknown, "texts"))
	for _, s := range f.Shortages {
		// What is missing in numbers stands above; there are other reasons.
		if s.Type == domain.TypeTranscription && t.Known.Missing()+t.Unknown.Missing() == 0 {
			fmt.Fprintf(b, "  %s\n", s.Reason)
		}
	}
}

func missing(s domain.Supply, what string) string {
	if s.Missing() == 0 {
		return ""
	}
	return fmt.Sprintf("; it takes %d %s: %d are missing", s.Least, what, s.Missing())
}

func printKeywords(b *strings.Builder, f *corpus.Findings) {
	if len(f.Keywords) == 0 {
		b.WriteString("\nclassification: there are no keywords\n")
		return
	}
	asked := 0
	for i := range f.Keywords {
		if f.Keywords[i].Servable() {
			asked++
		}
	}
	fmt.Fprintf(b, "\nclassification: %s, %d of %d keywords\n", served(f, domain.TypeClassification), asked, len(f.Keywords))
	lacksNonMatches := false
	columns(b, func(w io.Writer) {
		fmt.Fprintln(w, "  KEYWORD\tMATCHES\tNON-MATCHES\tUNKNOWN\tSETS\tMISSING") //nolint:errcheck // Flush tells
		for i := range f.Keywords {
			k := &f.Keywords[i]
			var lacks []string
			for _, part := range []struct {
				supply domain.Supply
				name   string
			}{{k.Matches, "matches"}, {k.NonMatches, "non-matches"}, {k.Unknown, "unknown"}} {
				if n := part.supply.Missing(); n > 0 {
					lacks = append(lacks, fmt.Sprintf("%d %s", n, part.name))
				}
			}
			lacksNonMatches = lacksNonMatches || k.NonMatches.Missing() > 0
			sets := "-"
			if k.Servable() {
				sets = console.Grouped(f.Sheets[k.Keyword])
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\n", k.Keyword, console.Grouped(k.Matches.There), console.Grouped(k.NonMatches.There), //nolint:errcheck // Flush tells
				console.Grouped(k.Unknown.There), sets, console.OrDash(lacks))
		}
	})
	if lacksNonMatches {
		b.WriteString("  An image is a non-match only where its labels are said to be complete (labels_complete).\n")
	}
}

// columns aligns what is written with tabs.
func columns(b *strings.Builder, write func(w io.Writer)) {
	var raw strings.Builder
	w := tabwriter.NewWriter(&raw, 0, 4, 2, ' ', 0)
	write(w)
	_ = w.Flush() // a builder takes everything
	for line := range strings.Lines(raw.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

func printGaps(b *strings.Builder, f *corpus.Findings) {
	if len(f.Gaps) > 0 {
		b.WriteString("\nLabels are missing in languages that other keywords have one in (keywords.csv):\n")
		for _, g := range f.Gaps {
			fmt.Fprintf(b, "  %s: %s\n", g.Keyword, strings.Join(g.Languages, ", "))
		}
	}
	if len(f.Alike) > 0 {
		b.WriteString("\nKeywords that may be meant to be one:\n")
		for _, group := range f.Alike {
			fmt.Fprintf(b, "  %s\n", strings.Join(group, ", "))
		}
	}
}

func printMixes(b *strings.Builder, f *corpus.Findings) {
	if len(f.Mixes) == 0 {
		return
	}
	b.WriteString("\nRoles of each credit line of images:\n")
	tells := false
	columns(b, func(w io.Writer) {
		fmt.Fprintln(w, "  TYPE\tKNOWN\tUNKNOWN\tCREDIT") //nolint:errcheck // Flush tells
		for i := range f.Mixes {
			m := &f.Mixes[i]
			credit := console.Shortened(m.Credit, 60)
			if credit == "" {
				credit = "(none)"
			}
			if m.Tells() {
				tells = true
				credit += "  (!)"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", m.Type, console.Grouped(m.Known), console.Grouped(m.Unknown), credit) //nolint:errcheck // Flush tells
		}
	})
	if tells {
		b.WriteString("  (!) All images with this line have one role: whoever learns where an image is from knows its role.\n")
	}
}

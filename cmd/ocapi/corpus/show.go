package corpus

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

type corpusShowCmd struct {
	Name    string `arg:"" help:"The collection."`
	Sheet   string `help:"The file for the contact sheet, a PNG (default: the collection's name and -sheet.png, here)." placeholder:"FILE"`
	NoSheet bool   `help:"Draw no contact sheet."`
	Keyword string `help:"Draw the contact sheet of this keyword: its matches, non-matches and unknown images."`
	Each    int    `help:"How many images the contact sheet has of each group, at most." default:"40"`
	place.Flags
}

// maxEach bounds the images of a group of a contact sheet.
const maxEach = 500

// Run shows a collection. It reads beside a running service.
func (c *corpusShowCmd) Run(env *command.Environment) (err error) {
	if c.Each < 1 || c.Each > maxEach {
		return fmt.Errorf("--each: %d is not from 1 to %d", c.Each, maxEach)
	}
	stores, err := place.OpenForReading(env.Context, c.Flags, place.CollectionsFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stores.Close()) }()
	collection, holdings, err := stores.Corpus.Holdings(env.Context, domain.CollectionID(c.Name))
	if err != nil {
		return err
	}
	weight, err := stores.Corpus.Weigh(env.Context, collection.ID)
	if err != nil {
		return err
	}
	var b strings.Builder
	printHead(&b, &collection, holdings, weight)
	printStates(&b, holdings)
	decided, err := stores.Corpus.DecidedCounts(env.Context, collection.ID)
	if err != nil {
		return err
	}
	printDecided(&b, decided)
	printLabels(&b, &collection, holdings)
	printOrigins(&b, holdings)
	if _, err := fmt.Fprint(env.Stdout, b.String()); err != nil || c.NoSheet {
		return err
	}
	drawn, err := c.draw(env, stores.Corpus, &collection, holdings)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "\nContact sheet: %s (%s of %s images)\n", c.file(), console.Grouped(drawn), console.Grouped(len(holdings)))
	return err
}

// file names the contact sheet.
func (c *corpusShowCmd) file() string {
	if c.Sheet != "" {
		return c.Sheet
	}
	name := c.Name
	if c.Keyword != "" {
		name += "-" + strings.Map(func(r rune) rune {
			if r == filepath.Separator || r < ' ' || r == 0x7f {
				return '-'
			}
			return r
		}, c.Keyword)
	}
	return name + "-sheet.png"
}

func printHead(b *strings.Builder, c *corpus.Collection, holdings []corpus.Holding, w corpus.Weight) {
	fmt.Fprintf(b, "Collection %s\n", c.ID)
	fmt.Fprintf(b, "  title:    %s\n  credit:   %s\n", console.Dashed(c.Title), console.Dashed(c.Credit))
	if len(holdings) > 0 {
		first, last := holdings[0].MadeAt, holdings[0].MadeAt
		for i := range holdings {
			if holdings[i].MadeAt.Before(first) {
				first = holdings[i].MadeAt
			}
			if holdings[i].MadeAt.After(last) {
				last = holdings[i].MadeAt
			}
		}
		fmt.Fprintf(b, "  imported: from %s to %s\n", console.Moment(first), console.Moment(last))
	} else {
		fmt.Fprintf(b, "  begun:    %s\n", console.Moment(c.CreatedAt))
	}
	if w.Pictures > 0 {
		fmt.Fprintf(b, "  pictures: %s renderings, %.1f MB, the median has %.1f kB\n", console.Grouped(w.Pictures), float64(w.Bytes)/1e6, float64(w.MedianBytes)/1e3)
	}
}

func printStates(b *strings.Builder, holdings []corpus.Holding) {
	type row struct {
		t    domain.ChallengeType
		role string // "known" comes before "unknown"
	}
	type count struct{ dealt, retired int }
	counts := map[row]*count{}
	for i := range holdings {
		h := &holdings[i]
		c := counts[row{h.Type, roleOf(h.Known)}]
		if c == nil {
			c = &count{}
			counts[row{h.Type, roleOf(h.Known)}] = c
		}
		switch {
		case h.Retired():
			c.retired++
		default:
			c.dealt++
		}
	}
	b.WriteString("\nImages:\n")
	columns(b, func(w io.Writer) {
		fmt.Fprintln(w, "  TYPE\tON RECORD\tDEALT\tRETIRED") //nolint:errcheck // Flush tells
		rows := slices.SortedFunc(maps.Keys(counts), func(a, b row) int {
			return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.role, b.role))
		})
		for _, r := range rows {
			c := counts[r]
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", r.t, r.role, console.Grouped(c.dealt), console.Grouped(c.retired)) //nolint:errcheck // Flush tells
		}
	})
}

func printLabels(b *strings.Builder, c *corpus.Collection, holdings []corpus.Holding) {
	images := map[string]int{}
	for keyword := range c.Keywords {
		images[keyword] = 0
	}
	for i := range holdings {
		for _, k := range holdings[i].Labels {
			images[k]++
		}
		for _, k := range holdings[i].Candidates {
			images[k] += 0
		}
	}
	if len(images) == 0 {
		return
	}
	b.WriteString("\nKeywords, with their labels and the known images that show them:\n")
	columns(b, func(w io.Writer) {
		for _, k := range slices.Sorted(maps.Keys(images)) {
			var labels []string
			for _, lang := range slices.Sorted(maps.Keys(c.Keywords[k])) {
				labels = append(labels, lang+" "+c.Keywords[k][lang])
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\n", k, console.Grouped(images[k]), console.OrDash(labels)) //nolint:errcheck // Flush tells
		}
	})
}

// shownOrigins bounds the credit lines that are listed.
const shownOrigins = 20

func printOrigins(b *strings.Builder, holdings []corpus.Holding) {
	type origin struct{ credit, licence string }
	type count struct {
		images    int
		documents map[string]struct{}
	}
	counts := map[origin]*count{}
	for i := range holdings {
		h := &holdings[i]
		o := origin{h.Institution, h.Licence}
		if counts[o] == nil {
			counts[o] = &count{documents: map[string]struct{}{}}
		}
		counts[o].images++
		counts[o].documents[h.Document] = struct{}{}
	}
	if len(counts) == 0 {
		return
	}
	b.WriteString("\nWhere the images come from:\n")
	origins := slices.SortedFunc(maps.Keys(counts), func(a, b origin) int {
		return cmp.Or(-cmp.Compare(counts[a].images, counts[b].images), cmp.Compare(a.credit, b.credit), cmp.Compare(a.licence, b.licence))
	})
	columns(b, func(w io.Writer) {
		fmt.Fprintln(w, "  IMAGES\tDOCUMENTS\tCREDIT\tLICENCE") //nolint:errcheck // Flush tells
		for _, o := range origins[:min(len(origins), shownOrigins)] {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", console.Grouped(counts[o].images), console.Grouped(len(counts[o].documents)), //nolint:errcheck // Flush tells
				console.Dashed(console.Shortened(o.credit, 60)), console.Dashed(console.Shortened(o.licence, 40)))
		}
	})
	if more := len(origins) - shownOrigins; more > 0 {
		fmt.Fprintf(b, "  and %d more credit lines\n", more)
	}
}

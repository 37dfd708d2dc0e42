package corpus

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

type corpusListCmd struct {
	place.Flags
}

// Run lists the collections. It reads beside a running service.
func (c *corpusListCmd) Run(env *command.Environment) (err error) {
	stores, err := place.OpenForReading(env.Context, c.Flags, place.CollectionsFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stores.Close()) }()
	snapshot, err := stores.Corpus.Load(env.Context)
	if err != nil {
		return err
	}
	if len(snapshot.Collections) == 0 {
		_, err := fmt.Fprintln(env.Stdout, "There are no collections yet; make one with: ocapi corpus import DIR --collection NAME")
		return err
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTITLE\tIMAGES\tTEXTS (KNOWN/UNKNOWN)\tPICTURES (KNOWN/UNKNOWN)\tSETTLED BY VOTES\tSERVES\tCREDIT") //nolint:errcheck // Flush tells
	for i := range snapshot.Collections {
		line, err := listLine(env, stores.Corpus, &snapshot, &snapshot.Collections[i])
		if err != nil {
			return err
		}
		fmt.Fprintln(w, line) //nolint:errcheck // Flush tells
	}
	return w.Flush()
}

func listLine(env *command.Environment, store *corpus.Store, snapshot *corpus.Snapshot, c *corpus.Collection) (string, error) {
	var images []domain.Image
	for _, im := range snapshot.Images {
		if im.Collection == c.ID {
			images = append(images, im)
		}
	}
	counts, err := store.Counts(env.Context, c.ID)
	if err != nil {
		return "", err
	}
	all := 0
	for _, count := range counts {
		all += count.Images
	}
	total := console.Grouped(all)
	if retired := all - len(images); retired > 0 {
		total += fmt.Sprintf(" (%s retired)", console.Grouped(retired))
	}
	pool, err := domain.NewPool(domain.DefaultDealing(), []domain.CollectionInfo{c.Info()}, images)
	if err != nil {
		return "", err
	}
	var serves []string
	for _, t := range pool.Types() {
		name := t.String()
		if t == domain.TypeClassification {
			name = fmt.Sprintf("%s of %d", name, len(pool.Keywords()))
		}
		if !c.Demo && !pool.Secrecy(t).Safe() {
			name += " (too small)"
		}
		serves = append(serves, name)
	}
	if len(serves) == 0 {
		serves = []string{"nothing yet"}
	}
	decided, err := store.DecidedCounts(env.Context, c.ID)
	if err != nil {
		return "", err
	}
	const longest = 40
	return strings.Join([]string{
		string(c.ID), console.Dashed(console.Shortened(c.Title, longest)), total,
		rolesOf(images, domain.TypeTranscription), rolesOf(images, domain.TypeClassification), console.Grouped(decided.Settled),
		strings.Join(serves, ", "), console.Dashed(console.Shortened(c.Credit, longest)),
	}, "\t"), nil
}

// rolesOf counts the known and unknown images of a type.
func rolesOf(images []domain.Image, t domain.ChallengeType) string {
	known, unknown := 0, 0
	for i := range images {
		switch {
		case images[i].Type != t:
		case images[i].Known:
			known++
		default:
			unknown++
		}
	}
	if known+unknown == 0 {
		return "-"
	}
	return console.Grouped(known) + "/" + console.Grouped(unknown)
}

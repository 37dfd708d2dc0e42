package corpus

import (
	"fmt"
	"slices"
	"strings"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

// printSecrecy says how well the collection hides which of its images are known
// from whoever watches which come, stay and go, and what it lacks for that.
func printSecrecy(b *strings.Builder, f *corpus.Findings) {
	if len(f.Types) == 0 || f.Demo {
		return
	}
	b.WriteString("\nHow well it hides which images are known, when it is served by itself:\n")
	small := false
	for _, t := range f.Types {
		s := f.Secrecy[t]
		fmt.Fprintf(b, "  %s: %s\n", t, secrecyInWords(t, s))
		if !s.Safe() {
			small = true
			for _, line := range lackInWords(t, s) {
				fmt.Fprintf(b, "    %s\n", line)
			}
		}
	}
	if small {
		b.WriteString("  More images help, and so does serving the collection together with others.\n")
	}
}

func secrecyInWords(t domain.ChallengeType, s domain.Secrecy) string {
	what := "pairs of texts"
	if t == domain.TypeClassification {
		what = "sets of nine pictures"
	}
	switch {
	case s.Safe():
		return fmt.Sprintf("%s %s at a time, each shown %s times;\n    no image comes back within %s challenges",
			console.Grouped(s.Cycle), what, console.Grouped(s.Votes), console.Grouped(s.Horizon))
	case s.Rest > 1:
		return fmt.Sprintf("too small: after %s challenges images come back,\n    and whoever watches longer than that tells known from unknown; it should take %s",
			console.Grouped(s.After), console.Grouped(s.Horizon))
	}
	return fmt.Sprintf("too small: after %s challenges other unknown images come\n    while the known ones stay, which tells them apart; it should take %s",
		console.Grouped(s.After), console.Grouped(s.Horizon))
}

// lackInWords says what there has to be more of.
func lackInWords(t domain.ChallengeType, s domain.Secrecy) []string {
	noun := "text"
	if t == domain.TypeClassification {
		noun = "picture"
	}
	var lines []string
	if s.KnownMissing > 0 {
		lines = append(lines, console.Counted(s.KnownMissing, "known "+noun)+" missing")
	}
	if s.UnknownMissing > 0 {
		lines = append(lines, console.Counted(s.UnknownMissing, "unknown "+noun)+" missing")
	}
	switch {
	case len(lines) > 0:
	case t == domain.TypeTranscription:
		lines = append(lines, "there are texts enough, but too many are the same or of one document: "+console.Counted(s.SheetsMissing, "pair")+" missing")
	default:
		lines = append(lines, "there are pictures enough, but for too few keywords both known and unknown ones: "+console.Counted(s.SheetsMissing, "set")+" missing")
	}
	return lines
}

// printOverlaps says which clients are dealt from the collection together with
// different others: each group of collections is dealt by plans of its own.
func printOverlaps(env *command.Environment, b *strings.Builder, stores *place.Stores, id domain.CollectionID) error {
	list, err := stores.Clients.List(env.Context)
	if err != nil {
		return err
	}
	collections, err := stores.Corpus.Collections(env.Context)
	if err != nil {
		return err
	}
	var usual []domain.CollectionID
	for i := range collections {
		if !collections[i].Demo {
			usual = append(usual, collections[i].ID)
		}
	}
	users := map[domain.PoolKey][]string{}
	for i := range list {
		if list[i].Disabled {
			continue
		}
		from := list[i].Collections
		if len(from) == 0 {
			from = usual
		}
		if slices.Contains(from, id) {
			key := domain.NewPoolKey(from)
			users[key] = append(users[key], string(list[i].ID))
		}
	}
	if len(users) < 2 {
		return nil
	}
	b.WriteString("\nIt is dealt in several groups of collections, each by itself: whoever gets challenges of two of them sees its images\n" +
		"come in both, and may tell known from unknown ones.\n")
	keys := make([]domain.PoolKey, 0, len(users))
	for key := range users {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(b, "  %s: %s\n", strings.ReplaceAll(string(key), " ", ", "), strings.Join(users[key], ", "))
	}
	return nil
}

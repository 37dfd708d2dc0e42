package corpus

import (
	"fmt"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

type corpusRetireCmd struct {
	Name     string   `arg:"" help:"The collection."`
	Image    []string `arg:"" optional:"" help:"Images, by the names that the contact sheet has."`
	Document string   `help:"All images of this document."`
	All      bool     `help:"All images of the collection."`
	Reason   string   `help:"Why, for those who ask later."`
	Restore  bool     `help:"Deal them again."`
	place.Flags
}

// Run retires images or restores them, in the running service where there is
// one.
func (c *corpusRetireCmd) Run(env *command.Environment) error {
	return command.WithExisting(env, c.Flags, func(s *place.Stores) error {
		r := corpus.Retirement{
			Collection: domain.CollectionID(c.Name), Document: c.Document, All: c.All, Restore: c.Restore, Reason: c.Reason,
		}
		for _, id := range c.Image {
			r.Images = append(r.Images, domain.ImageID(id))
		}
		changed, err := s.Corpus.Retire(env.Context, r)
		if err != nil {
			return err
		}
		left, err := s.Corpus.Images(env.Context, r.Collection)
		if err != nil {
			return err
		}
		what := "are dealt no more; challenges that are under way still show them"
		if c.Restore {
			what = "are dealt again"
		}
		_, err = fmt.Fprintf(env.Stdout, "%s images of %s %s. %s images are dealt.\n", console.Grouped(changed), c.Name, what, console.Grouped(len(left)))
		return err
	})
}

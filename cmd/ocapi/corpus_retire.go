package main

import (
	"fmt"

	"ocapi/corpus"
	"ocapi/domain"
)

type corpusRetireCmd struct {
	Name     string   `arg:"" help:"The collection."`
	Image    []string `arg:"" optional:"" help:"Images, by the names that the contact sheet has."`
	Document string   `help:"All images of this document."`
	All      bool     `help:"All images of the collection."`
	Reason   string   `help:"Why, for those who ask later."`
	Restore  bool     `help:"Deal them again."`
	place
}

// Run retires images or restores them, in the running service where there is
// one.
func (c *corpusRetireCmd) Run(env *environment) error {
	return withExisting(env, c.place, func(s *stores) error {
		r := corpus.Retirement{
			Collection: domain.CollectionID(c.Name), Document: c.Document, All: c.All, Restore: c.Restore, Reason: c.Reason,
		}
		for _, id := range c.Image {
			r.Images = append(r.Images, domain.ImageID(id))
		}
		changed, err := s.corpus.Retire(env.ctx, r)
		if err != nil {
			return err
		}
		left, err := s.corpus.Images(env.ctx, r.Collection)
		if err != nil {
			return err
		}
		what := "are dealt no more; challenges that are under way still show them"
		if c.Restore {
			what = "are dealt again"
		}
		_, err = fmt.Fprintf(env.stdout, "%s images of %s %s. %s images are dealt.\n", grouped(changed), c.Name, what, grouped(len(left)))
		return err
	})
}

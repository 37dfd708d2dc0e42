package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ocapi/corpus/zooniverse"
	"ocapi/domain"
)

// batchVotes is how many votes are stored in one transaction.
const batchVotes = 2_000

// classifications reads an export of a Zooniverse project into votes.
type classifications struct {
	source     *source
	collection domain.CollectionID
	store      *Store
	tally      *tally
}

// check reads the header only.
func (c *classifications) check() error {
	f, text, err := openText(c.source.root, c.source.file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	if _, err = zooniverse.NewReader(text); err != nil {
		return fmt.Errorf("%s:1: %w", c.source.file, err)
	}
	return nil
}

// run stores everything that can be read.
func (c *classifications) run(ctx context.Context) error {
	f, text, err := openText(c.source.root, c.source.file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	reader, err := zooniverse.NewReader(text)
	if err != nil {
		return err
	}
	var batch []ImportedVote
	flush := func() error {
		keep := c.store.AddVotes
		if c.tally.plan != nil {
			keep = c.store.MissingVotes
		}
		added, err := keep(ctx, batch)
		if err != nil {
			return err
		}
		c.tally.votes(added, len(batch)-added)
		batch = batch[:0]
		return ctx.Err()
	}
	for {
		one, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return flush()
		case err != nil:
			e, ok := errors.AsType[*zooniverse.LineError](err)
			if !ok {
				return fmt.Errorf("read %s: %w", c.source.file, err)
			}
			c.tally.skip(Problem{Origin{c.source.file, e.Line}, e.Reason})
			continue
		}
		batch = append(batch, c.votes(one)...)
		if len(batch) >= batchVotes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
}

// votes gives the answers of one sitting. One with several subjects is of the
// first: which of them an answer is about is said nowhere.
func (c *classifications) votes(one *zooniverse.Classification) []ImportedVote {
	subject := one.Subjects[0]
	if len(one.Subjects) > 1 {
		c.tally.note(Problem{Origin{c.source.file, one.Line}, fmt.Sprintf("it is of %d subjects; its answers were taken for the first", len(one.Subjects))})
	}
	list := make([]ImportedVote, len(one.Answers))
	for i, a := range one.Answers {
		list[i] = ImportedVote{
			Collection: c.collection, Classification: one.ID, Task: a.Task, N: a.N,
			Subject: subject.ID, File: subject.File, Question: a.Question, Value: a.Value,
			Workflow: one.Workflow, Version: one.Version, DecidedAt: one.DecidedAt,
		}
	}
	return list
}

package annotation

import (
	"context"

	"ocapi/consensus"
	"ocapi/corpus"
	"ocapi/domain"
)

// report writes to the collections what dealing wants to know besides decisions.
func (a *Annotator) report(ctx context.Context) error {
	// What is written with the state's place in the log says that all decisions
	// before it are there.
	if err := a.project.put(ctx); err != nil {
		return err
	}
	if err := PutNeeds(ctx, a.Corpus, a.state, &a.Rules); err != nil {
		return err
	}
	return a.reportTrials(ctx)
}

// PutNeeds writes how near to being settled the images are of which something has
// been heard.
func PutNeeds(ctx context.Context, store *corpus.Store, state *consensus.State, rules *consensus.Rules) error {
	for {
		needs := state.Needs(rules, reportMost)
		list := make([]corpus.ImageProgress, len(needs))
		for i, n := range needs {
			list[i] = corpus.ImageProgress{Image: n.Image, Collection: n.Collection, Need: n.Votes}
		}
		if len(list) > 0 {
			if err := store.PutProgress(ctx, list); err != nil {
				return err
			}
		}
		if len(needs) < reportMost {
			return nil
		}
	}
}

// reportTrials writes how often settled questions have been answered.
func (a *Annotator) reportTrials(ctx context.Context) error {
	var tried []corpus.Annotation
	for _, p := range a.state.Trials() {
		row, err := a.Corpus.Annotation(ctx, p.Question.Image, p.Question.Keyword)
		if err != nil {
			return err
		}
		if row.Seq == p.Decided && row.Status == domain.QuestionSettled {
			row.Tried = p.Tried
			tried = append(tried, row)
		}
	}
	return a.putTrials(ctx, a.state, tried)
}

// catchUpTrials writes what another node, or this one before a crash, has not.
func (a *Annotator) catchUpTrials(ctx context.Context, s *consensus.State) error {
	var tried []corpus.Annotation
	err := a.Corpus.Annotations(ctx, "", func(row corpus.Annotation) error {
		if row.Status != domain.QuestionSettled || row.Tried >= domain.ProvenAfter {
			return nil
		}
		if answers, decided := s.Tried(consensus.Question{Image: row.Image, Keyword: row.Keyword}); answers > row.Tried && decided == row.Seq {
			row.Tried = answers
			tried = append(tried, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.putTrials(ctx, s, tried)
}

func (a *Annotator) putTrials(ctx context.Context, s *consensus.State, list []corpus.Annotation) error {
	if len(list) == 0 {
		return nil
	}
	at := s.Position()
	return a.Corpus.PutAnnotations(ctx, corpus.AnnotationsMark{Incarnation: at.Incarnation, Seq: at.Seq}, list)
}

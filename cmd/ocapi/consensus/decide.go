package consensus

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"ocapi/command"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

// questionFlags name one question.
type questionFlags struct {
	Image   string `arg:"" help:"The image, by the name that the contact sheet has."`
	Keyword string `help:"The keyword that it is asked for. Default: none, as with transcriptions."`
	Reason  string `required:"" help:"Why, for those who ask later."`
	place.Flags
	place.NATSFlags
}

// consensusAcceptCmd has a person say what is right.
type consensusAcceptCmd struct {
	Text  *string `help:"The text that the image bears." xor:"truth"`
	Shows bool    `help:"It shows the keyword." xor:"truth"`
	Lacks bool    `help:"It does not show the keyword." xor:"truth"`
	questionFlags
}

// Run appends the acceptance to the event log.
func (c *consensusAcceptCmd) Run(env *command.Environment) error {
	return c.decide(env, func(q *asked) (domain.AnnotationCommand, error) {
		var truth domain.Truth
		switch {
		case c.Text != nil:
			truth = domain.Truth{Kind: domain.TruthText, Text: *c.Text}
		case c.Shows, c.Lacks:
			truth = domain.Truth{Kind: domain.TruthMatch, Match: c.Shows}
		}
		return domain.AcceptAnnotation{Image: q.image, Collection: q.collection, Keyword: c.Keyword, Truth: truth, Reason: c.Reason}, nil
	})
}

// consensusWithdrawCmd has a person say that an answer is not right.
type consensusWithdrawCmd struct{ questionFlags }

// Run appends the withdrawal to the event log.
func (c *consensusWithdrawCmd) Run(env *command.Environment) error {
	return c.decide(env, func(q *asked) (domain.AnnotationCommand, error) {
		return domain.WithdrawAnnotation{Image: q.image, Collection: q.collection, Keyword: c.Keyword, OnRecord: q.onRecord, Reason: c.Reason}, nil
	})
}

// consensusRestoreCmd has a person take a withdrawal back.
type consensusRestoreCmd struct{ questionFlags }

// Run appends what takes the withdrawal back to the event log.
func (c *consensusRestoreCmd) Run(env *command.Environment) error {
	return c.decide(env, func(q *asked) (domain.AnnotationCommand, error) {
		return domain.RestoreAnnotation{Before: q.before, Reason: c.Reason}, nil
	})
}

// asked is what is known of a question that a person decides.
type asked struct {
	image      domain.ImageID
	collection domain.CollectionID
	onRecord   domain.Truth
	now        domain.Annotation
	before     domain.Annotation // before the last decision that changed it
}

// decide appends what a command causes, waits until it is archived, and says how
// the question stands.
func (c *questionFlags) decide(env *command.Environment, decision func(q *asked) (domain.AnnotationCommand, error)) error {
	return command.WithLog(env, c.Flags, c.NATSFlags, func(s *place.Stores) error {
		q, err := c.look(env.Context, s)
		if err != nil {
			return err
		}
		cmd, err := decision(q)
		if err != nil {
			return err
		}
		v7, err := uuid.NewV7()
		if err != nil {
			return err
		}
		id := domain.EventID{UUID: domain.UUID(v7)}
		e, err := domain.DecideAnnotation(q.now, cmd, env.Clock()(), id)
		if err != nil {
			return err
		}
		if err := s.Append(env.Context, e); err != nil {
			return err
		}
		if err := command.Archived(env.Context, s, id); err != nil {
			return err
		}
		after := domain.EvolveAnnotation(q.now, 0, e)
		_, err = fmt.Fprintf(env.Stdout, "%s. That stands, whatever the votes say, until a person decides otherwise.\n", standsAs(&after, q.onRecord))
		return err
	})
}

// standsAs says how a question stands after a person's decision.
func standsAs(a *domain.Annotation, onRecord domain.Truth) string {
	switch {
	case a.Status == domain.QuestionSettled:
		return "It is settled as " + said(a.Finding.Truth)
	case a.Status == domain.QuestionRefuted:
		return "What is on record, " + said(onRecord) + ", is not relied on any more"
	case onRecord.Kind != domain.TruthNone:
		return "What is on record, " + said(onRecord) + ", is relied on again"
	}
	return "It is open again, and put to visitors"
}

// said says a truth to people.
func said(t domain.Truth) string {
	switch t.Kind {
	case domain.TruthText:
		return fmt.Sprintf("%q", t.Text)
	case domain.TruthMatch:
		if t.Match {
			return "showing it"
		}
		return "not showing it"
	case domain.TruthNone:
	}
	return "nothing"
}

// look reads what is known of the question.
func (c *questionFlags) look(ctx context.Context, s *place.Stores) (*asked, error) {
	q := &asked{image: domain.ImageID(c.Image)}
	entries, err := s.Corpus.Entries(ctx, []domain.ImageID{q.image})
	if err != nil {
		return nil, err
	}
	e, found := entries[q.image]
	if !found {
		return nil, fmt.Errorf("there is no image %q", c.Image)
	}
	switch {
	case e.Type == domain.TypeTranscription && c.Keyword != "":
		return nil, fmt.Errorf("--keyword: the image %s is for transcription: it is asked what it bears, and for no keyword", c.Image)
	case e.Type != domain.TypeTranscription && c.Keyword == "":
		return nil, fmt.Errorf("--keyword: the image %s is a picture: say for which keyword", c.Image)
	}
	q.collection = e.Collection
	switch {
	case !e.Known:
	case e.Type == domain.TypeTranscription:
		q.onRecord = domain.Truth{Kind: domain.TruthText, Text: e.Text}
	case e.Complete || slices.Contains(e.Labels, c.Keyword):
		q.onRecord = domain.Truth{Kind: domain.TruthMatch, Match: slices.Contains(e.Labels, c.Keyword)}
	}
	records, err := s.Archive.Challenge(ctx, domain.ChallengeID(domain.AnnotationOf(q.image, c.Keyword)))
	if err != nil {
		return nil, err
	}
	if c.Keyword != "" && len(records) == 0 {
		if err := c.usual(ctx, s.Corpus, &e); err != nil {
			return nil, err
		}
	}
	for _, r := range records {
		next := domain.EvolveAnnotation(q.now, r.Seq, r.Event)
		if next.Status != q.now.Status {
			q.before = q.now
		}
		q.now = next
	}
	return q, nil
}

// usual refuses a keyword that nothing of the image's collection is asked for: a
// slip of the pen would make a question of its own that nobody ever sees.
func (c *questionFlags) usual(ctx context.Context, store *corpus.Store, e *corpus.Entry) error {
	if slices.Contains(e.Labels, c.Keyword) || slices.Contains(e.Candidates, c.Keyword) {
		return nil
	}
	images, err := store.Images(ctx, e.Collection)
	if err != nil {
		return err
	}
	var all []string
	for i := range images {
		all = append(append(all, images[i].Labels...), images[i].Candidates...)
	}
	slices.Sort(all)
	if all = slices.Compact(all); slices.Contains(all, c.Keyword) {
		return nil
	}
	const few = 30
	more := ""
	if len(all) > few {
		all, more = all[:few], ", …"
	}
	return fmt.Errorf("--keyword: nothing in the collection %s is asked for %.80q; its keywords are %s%s", e.Collection, c.Keyword, strings.Join(all, ", "), more)
}

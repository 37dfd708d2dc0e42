package annotation

import (
	"testing"
	"time"

	"ocapi/consensus"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

// TestReportPassesNothingOver has a decision wait to be put into the collections,
// as it does where they could not be written a moment ago, while a report is
// written with a later place in the log: what is before that place is not put any
// more, so the decision has to be there.
func TestReportPassesNothingOver(t *testing.T) {
	t.Parallel()
	s, err := place.OpenFolder(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // a test's
	id := func(n byte) (u domain.UUID) { u[15] = n; return u }
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	truth := domain.Truth{Kind: domain.TruthText, Text: "lande"}
	accepted := func(n byte, image domain.ImageID) domain.Event {
		h := domain.Header{ID: domain.EventID{UUID: id(n)}, Challenge: domain.ChallengeID(domain.AnnotationOf(image, "")), At: now}
		return &domain.AnnotationAccepted{Header: h, Finding: domain.Finding{Image: image, Collection: "c", Truth: truth, Probability: 0.99}}
	}
	h := domain.Header{ID: domain.EventID{UUID: id(2)}, Challenge: domain.ChallengeID{UUID: id(9)}, Client: "site", At: now}
	c := &domain.ChallengeCreated{Header: h, Type: domain.TypeTranscription, ExpiresAt: now.Add(domain.Lifetime), Positions: []domain.Position{
		{Image: "first", Collection: "c", Role: domain.RoleSentinel, Trust: domain.TrustPromoted, Expected: truth},
		{Image: "known", Collection: "c", Role: domain.RoleKnown, Trust: domain.TrustImported, Expected: truth},
	}}
	answer := &domain.ChallengeAnswered{Header: h, Answer: domain.Answer{Texts: []string{"lande", "lande"}}, Verdict: domain.StatusValidated}
	a := New(Params{Corpus: s.Corpus, Rules: consensus.DefaultRules(), Now: time.Now})
	a.project.corpus = s.Corpus
	a.state = consensus.NewState(consensus.StateParams{Decode: func([]byte) (domain.Event, error) { return c, nil }})
	for i, e := range []domain.Event{accepted(1, "first"), accepted(2, "second"), c, answer} {
		r := domain.Record{Seq: domain.Sequence(i + 1), Incarnation: 1, Event: e}
		if err := a.state.Apply(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		a.project.hold(r)
		if i == 0 {
			if err := a.project.put(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := a.report(t.Context()); err != nil {
		t.Fatal(err)
	}
	if mark, err := s.Corpus.AnnotationsThrough(t.Context()); err != nil || mark != (corpus.AnnotationsMark{Incarnation: 1, Seq: 4}) {
		t.Fatalf("the report goes up to %+v, %v", mark, err)
	}
	for image, tried := range map[domain.ImageID]uint32{"first": 1, "second": 0} {
		row, err := s.Corpus.Annotation(t.Context(), image, "")
		if err != nil || row.Status != domain.QuestionSettled || row.Tried != tried {
			t.Errorf("%s is %+v, %v", image, row, err)
		}
	}
}

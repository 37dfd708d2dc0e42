package domain_test

import (
	"testing"

	"ocapi/domain"
)

// TestEvolveAnnotation walks a question through all that can be decided of it.
func TestEvolveAnnotation(t *testing.T) {
	t.Parallel()
	f := domain.Finding{Image: "i", Keyword: "cat", Truth: domain.Truth{Kind: domain.TruthMatch, Match: true}, Probability: 0.99, Votes: 3}
	var a domain.Annotation
	for i, tt := range []struct {
		event domain.Event
		name  string
		want  domain.QuestionStatus
		says  string
	}{
		{&domain.AnnotationAccepted{Finding: f}, "AnnotationAccepted.v1", domain.QuestionSettled, "settled"},
		{&domain.AnnotationWithdrawn{Finding: f}, "AnnotationWithdrawn.v1", domain.QuestionOpen, "open"},
		{&domain.AnnotationDisputed{Finding: f}, "AnnotationDisputed.v1", domain.QuestionDisputed, "disputed"},
		{&domain.ImageUnreadable{Finding: f}, "ImageUnreadable.v1", domain.QuestionUnreadable, "unreadable"},
		{&domain.AnnotationWithdrawn{Finding: f, Refuted: true}, "AnnotationWithdrawn.v1", domain.QuestionRefuted, "refuted"},
	} {
		if got := tt.event.Name(); got != tt.name {
			t.Errorf("the stored name is %s, want %s", got, tt.name)
		}
		seq := domain.Sequence(i + 1)
		a = domain.EvolveAnnotation(a, seq, tt.event)
		if a.Status != tt.want || a.Status.String() != tt.says || a.Seq != seq || a.Event != tt.event || a.Finding != f {
			t.Errorf("after %s: %v (%s) at %d; want %s", tt.name, a.Status, a.Status, a.Seq, tt.says)
		}
	}
	if after := domain.EvolveAnnotation(a, 9, &domain.ChallengeAnswered{}); after.Seq != a.Seq || after.Status != a.Status {
		t.Error("an answer changes an annotation")
	}
	if got := (&domain.ModelFitted{}).Name(); got != "ModelFitted.v1" {
		t.Errorf("the stored name of a fitting is %s", got)
	}
}

func TestAnnotationOf(t *testing.T) {
	t.Parallel()
	ids := map[domain.AnnotationID]string{domain.ModelID: "the model"}
	for _, q := range [][2]string{{"i", ""}, {"i", "cat"}, {"i", "dog"}, {"j", "cat"}, {"", "icat"}, {"ic", "at"}} {
		id := domain.AnnotationOf(domain.ImageID(q[0]), q[1])
		if other, taken := ids[id]; taken {
			t.Errorf("%v has the id of %s", q, other)
		}
		ids[id] = q[0] + " " + q[1]
		if id != domain.AnnotationOf(domain.ImageID(q[0]), q[1]) {
			t.Errorf("%v has two ids", q)
		}
	}
	// Stored subjects depend on it.
	if got, want := domain.AnnotationOf("i", "cat").String(), "1c685afc-0b74-8e29-929c-5d7b3f793add"; got != want {
		t.Errorf("the id is %s, want %s", got, want)
	}
}

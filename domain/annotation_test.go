package domain_test

import (
	"testing"
	"time"

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

func TestDecideAnnotation(t *testing.T) {
	t.Parallel()
	now, id := time.Date(2026, 3, 1, 12, 0, 0, 999, time.UTC), domain.EventID{UUID: domain.UUID{1}}
	yes, no := domain.Truth{Kind: domain.TruthMatch, Match: true}, domain.Truth{Kind: domain.TruthMatch}
	text := domain.Truth{Kind: domain.TruthText, Text: "Lande"}
	f := domain.Finding{Image: "i", Collection: "c", Keyword: "cat", Truth: yes, Probability: 0.99, Votes: 3}
	head := domain.Header{Challenge: domain.ChallengeID(domain.AnnotationOf("i", "cat"))}
	state := func(events ...domain.Event) (a domain.Annotation) {
		for i, e := range events {
			a = domain.EvolveAnnotation(a, domain.Sequence(i+1), e)
		}
		return a
	}
	accepted := state(&domain.AnnotationAccepted{Header: head, Finding: f})
	byPerson := state(&domain.AnnotationAccepted{Header: head, Finding: f, Reason: "seen"})
	withdrawn := state(&domain.AnnotationWithdrawn{Header: head, Finding: f, Reason: "no"})
	refuted := state(&domain.AnnotationWithdrawn{Header: head, Finding: f, Refuted: true})
	disputed := state(&domain.AnnotationDisputed{Header: head, Finding: f})
	accept := func(truth domain.Truth) domain.AcceptAnnotation {
		return domain.AcceptAnnotation{Image: "i", Collection: "c", Keyword: "cat", Truth: truth, Reason: "r"}
	}
	withdraw := func(record domain.Truth) domain.WithdrawAnnotation {
		return domain.WithdrawAnnotation{Image: "i", Collection: "c", Keyword: "cat", OnRecord: record, Reason: "r"}
	}
	for _, tt := range []struct {
		name  string
		a     domain.Annotation
		cmd   domain.AnnotationCommand
		code  domain.Code // 0: it is done
		want  domain.QuestionStatus
		truth domain.Truth
	}{
		{"accept what is disputed", disputed, accept(domain.Truth{}), 0, domain.QuestionSettled, yes},
		{"accept another", disputed, accept(no), 0, domain.QuestionSettled, no},
		{"accept of nothing known", domain.Annotation{}, accept(domain.Truth{}), domain.CodeInvalid, 0, no},
		{"accept a text for a keyword", disputed, accept(text), domain.CodeInvalid, 0, no},
		{"accept what the votes accepted", accepted, accept(domain.Truth{}), 0, domain.QuestionSettled, yes},
		{"accept it twice", byPerson, accept(domain.Truth{}), domain.CodeConflict, 0, no},
		{"accept without a reason", disputed, domain.AcceptAnnotation{Image: "i", Keyword: "cat", Truth: yes}, domain.CodeInvalid, 0, no},
		{"accept a text without letters", domain.Annotation{}, domain.AcceptAnnotation{Image: "i", Truth: domain.Truth{Kind: domain.TruthText, Text: "?"}, Reason: "r"}, domain.CodeInvalid, 0, no},
		{"withdraw", accepted, withdraw(domain.Truth{}), 0, domain.QuestionOpen, yes},
		{"withdraw what is on record", domain.Annotation{}, withdraw(no), 0, domain.QuestionRefuted, domain.Truth{}},
		{"withdraw what was accepted against the record", accepted, withdraw(no), 0, domain.QuestionRefuted, yes},
		{"withdraw nothing", disputed, withdraw(domain.Truth{}), domain.CodeNotFound, 0, no},
		{"withdraw what is refuted", refuted, withdraw(yes), domain.CodeConflict, 0, no},
		{"restore what was withdrawn", withdrawn, domain.RestoreAnnotation{Before: accepted, Reason: "r"}, 0, domain.QuestionSettled, yes},
		{"restore what was refuted", refuted, domain.RestoreAnnotation{Reason: "r"}, 0, domain.QuestionOpen, yes},
		{"restore what is disputed", disputed, domain.RestoreAnnotation{Reason: "r"}, domain.CodeNotFound, 0, no},
		{"restore nothing", domain.Annotation{}, domain.RestoreAnnotation{Reason: "r"}, domain.CodeNotFound, 0, no},
	} {
		e, err := domain.DecideAnnotation(tt.a, tt.cmd, now, id)
		if tt.code != 0 {
			if domain.CodeOf(err) != tt.code || e != nil {
				t.Errorf("%s: %v, %v; want %v", tt.name, e, err, tt.code)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := domain.EvolveAnnotation(tt.a, 9, e)
		h := e.Head()
		if got.Status != tt.want || got.Finding.Truth != tt.truth || !got.Held() || h.Challenge != head.Challenge || h.ID != id || h.Client != "" ||
			!h.At.Equal(domain.Moment(now)) || got.Finding.Image != "i" || got.Finding.Keyword != "cat" || got.Finding.Collection != "c" {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	if accepted.Held() || refuted.Held() || disputed.Held() || (domain.Annotation{}).Held() {
		t.Error("what votes decide is held")
	}
}

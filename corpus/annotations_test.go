package corpus_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
)

// settledText is the settled question of an image's text.
func settledText(image, text string) corpus.Annotation {
	return corpus.Annotation{
		Finding: domain.Finding{
			Image: domain.ImageID(image), Collection: "c", Truth: domain.Truth{Kind: domain.TruthText, Text: text},
			Probability: 0.9871234567, Votes: 4, Merged: true, Model: 7, Through: 41,
		},
		Status: domain.QuestionSettled, Seq: 42, Event: domain.EventID{UUID: domain.UUID{1, 2, 3}},
		DecidedAt: time.Date(2026, 3, 4, 5, 6, 7, 8_000, time.UTC), Tried: 3,
	}
}

// settledLabel is a settled question of whether an image shows a keyword.
func settledLabel(image, keyword string, match bool) corpus.Annotation {
	a := settledText(image, "")
	a.Keyword, a.Truth, a.Merged = keyword, domain.Truth{Kind: domain.TruthMatch, Match: match}, false
	return a
}

func (b *bundle) put(t *testing.T, seq domain.Sequence, list ...corpus.Annotation) {
	t.Helper()
	if err := b.store.PutAnnotations(t.Context(), corpus.AnnotationsMark{Incarnation: 5, Seq: seq}, list); err != nil {
		t.Fatal(err)
	}
}

// annotations gives all rows of a collection.
func (b *bundle) annotations(t *testing.T, id domain.CollectionID) (list []corpus.Annotation) {
	t.Helper()
	err := b.store.Annotations(t.Context(), id, func(a corpus.Annotation) error {
		list = append(list, a)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAnnotations(t *testing.T) { onEveryDatabase(t, testAnnotations) }

func testAnnotations(t *testing.T, b *bundle) {
	through := func() corpus.AnnotationsMark {
		m, err := b.store.AnnotationsThrough(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := through(); m != (corpus.AnnotationsMark{}) {
		t.Errorf("before all, annotations go to %+v", m)
	}
	horse, ship, text := settledLabel("b", "horse", true), settledLabel("b", "ship", false), settledText("a", "Öl ﬁn")
	elsewhere := settledText("z", "word")
	elsewhere.Collection = "other"
	b.put(t, 50, ship, elsewhere, text, horse)
	if got, want := b.annotations(t, "c"), []corpus.Annotation{text, horse, ship}; !slices.Equal(got, want) {
		t.Errorf("annotations are\n%+v, want\n%+v", got, want)
	}
	if got := b.annotations(t, ""); len(got) != 4 {
		t.Errorf("there are %d annotations in all", len(got))
	}
	if got, err := b.store.ImageAnnotations(t.Context(), "b"); err != nil || !slices.Equal(got, []corpus.Annotation{horse, ship}) {
		t.Errorf("of one image: %+v, %v", got, err)
	}
	if got, err := b.store.Annotation(t.Context(), "b", "ship"); err != nil || got != ship {
		t.Errorf("of one question: %+v, %v", got, err)
	}
	if got, err := b.store.Annotation(t.Context(), "b", "tree"); err != nil || got != (corpus.Annotation{}) {
		t.Errorf("of a question without a decision: %+v, %v", got, err)
	}
	stop := errors.New("stop")
	if err := b.store.Annotations(t.Context(), "c", func(corpus.Annotation) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a visitor's error: %v", err)
	}

	// What is put late is not put.
	late := text
	late.Status = domain.QuestionDisputed
	b.put(t, 49, late)
	if got, _ := b.store.Annotation(t.Context(), "a", ""); got != text || through().Seq != 50 {
		t.Errorf("what was put late is %+v, through %+v", got, through())
	}
	// A later stream of the log begins at 1 again.
	if err := b.store.PutAnnotations(t.Context(), corpus.AnnotationsMark{Incarnation: 6, Seq: 1}, []corpus.Annotation{late}); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.store.Annotation(t.Context(), "a", ""); got != late {
		t.Errorf("in a later stream it is %+v", got)
	}

	if err := b.store.ReplaceAnnotations(t.Context(), corpus.AnnotationsMark{Incarnation: 5, Seq: 3}, []corpus.Annotation{ship}); err != nil {
		t.Fatal(err)
	}
	if got := b.annotations(t, ""); !slices.Equal(got, []corpus.Annotation{ship}) || through().Seq != 3 {
		t.Errorf("replaced, they are %+v, through %+v", got, through())
	}
	if err := b.store.ClearAnnotations(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.annotations(t, ""); len(got) != 0 || through() != (corpus.AnnotationsMark{}) {
		t.Errorf("cleared, they are %+v, through %+v", got, through())
	}
}

// TestAnnotationsRevision: nodes read the collections anew at once only where
// something that is dealt as right is so no more.
func TestAnnotationsRevision(t *testing.T) { onEveryDatabase(t, testAnnotationsRevision) }

func testAnnotationsRevision(t *testing.T, b *bundle) {
	status := func(s domain.QuestionStatus) corpus.Annotation {
		a := settledText("a", "word")
		a.Status = s
		return a
	}
	tried := status(domain.QuestionSettled)
	tried.Tried = 31
	other := settledText("a", "other")
	seq := domain.Sequence(0)
	for _, step := range []struct {
		name          string
		put           corpus.Annotation
		now, decision bool
	}{
		{"disputed", status(domain.QuestionDisputed), false, true},
		{"settled", status(domain.QuestionSettled), false, true},
		{"the same again", status(domain.QuestionSettled), false, false},
		{"tried", tried, false, true},
		{"another text", other, true, true},
		{"open", status(domain.QuestionOpen), true, true},
		{"refuted", status(domain.QuestionRefuted), true, true},
		{"settled after that", status(domain.QuestionSettled), false, true},
		{"unreadable", status(domain.QuestionUnreadable), true, true},
	} {
		seq++
		revision, decisions := b.revision(t), b.decisions(t)
		b.put(t, seq, step.put)
		if now := b.revision(t) > revision; now != step.now {
			t.Errorf("%s: the collections' revision moved: %t", step.name, now)
		}
		if moved := b.decisions(t) > decisions; moved != step.decision {
			t.Errorf("%s: the decisions' revision moved: %t", step.name, moved)
		}
	}
	b.put(t, seq, status(domain.QuestionSettled))
	revision := b.revision(t)
	if err := b.store.ReplaceAnnotations(t.Context(), corpus.AnnotationsMark{}, []corpus.Annotation{tried}); err != nil || b.revision(t) != revision {
		t.Errorf("replaced by the same, the revision moved: %v", err)
	}
	if err := b.store.ClearAnnotations(t.Context()); err != nil || b.revision(t) == revision {
		t.Errorf("cleared, the revision did not move: %v", err)
	}
	if err := b.store.PutProgress(t.Context(), []corpus.ImageProgress{{Image: "a", Collection: "c", Need: 2}, {Image: "b", Collection: "c"}}); err != nil {
		t.Error(err)
	}
	decisions := b.decisions(t)
	if err := b.store.PutProgress(t.Context(), []corpus.ImageProgress{{Image: "a", Collection: "c", Need: 2}}); err != nil || b.decisions(t) != decisions {
		t.Errorf("the same progress again moves the decisions' revision: %v", err)
	}
	if err := b.store.PutProgress(t.Context(), []corpus.ImageProgress{{Image: "a", Collection: "c"}}); err != nil || b.decisions(t) == decisions {
		t.Errorf("no more progress does not move the decisions' revision: %v", err)
	}
}

func (b *bundle) decisions(t *testing.T) int64 {
	t.Helper()
	r, err := b.store.Decisions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnnotationsRefuse(t *testing.T) { onEveryDatabase(t, testAnnotationsRefuse) }

func testAnnotationsRefuse(t *testing.T, b *bundle) {
	for name, change := range map[string]func(*corpus.Annotation){
		"no image":          func(a *corpus.Annotation) { a.Image = "" },
		"no collection":     func(a *corpus.Annotation) { a.Collection = "" },
		"no such status":    func(a *corpus.Annotation) { a.Status = 9 },
		"no probability":    func(a *corpus.Annotation) { a.Probability = math.NaN() },
		"an empty text":     func(a *corpus.Annotation) { a.Truth.Text = "" },
		"a match for text":  func(a *corpus.Annotation) { a.Truth = domain.Truth{Kind: domain.TruthMatch} },
		"a text for labels": func(a *corpus.Annotation) { a.Keyword = "ship" },
	} {
		a := settledText("a", "word")
		change(&a)
		good := settledText("b", "word")
		for _, put := range []func(context.Context, corpus.AnnotationsMark, []corpus.Annotation) error{b.store.PutAnnotations, b.store.ReplaceAnnotations} {
			if err := put(t.Context(), corpus.AnnotationsMark{Seq: 1}, []corpus.Annotation{good, a}); domain.CodeOf(err) != domain.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if got := b.annotations(t, ""); len(got) != 0 {
		t.Errorf("refused, and yet there: %+v", got)
	}
}

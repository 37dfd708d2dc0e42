package corpus_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ocapi/corpus"
	"ocapi/domain"
)

// dealt lists the images that challenges are dealt from.
func (b *bundle) dealt(t *testing.T) string {
	t.Helper()
	images, err := b.store.Images(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, im := range images {
		ids = append(ids, string(im.ID))
	}
	return strings.Join(ids, " ")
}

func TestRetire(t *testing.T) { onEveryDatabase(t, testRetire) }

func testRetire(t *testing.T, b *bundle) {
	b.addCollection(t)
	if err := b.store.PutCollection(t.Context(), corpus.Collection{ID: "other"}); err != nil {
		t.Fatal(err)
	}
	elsewhere := newImage("z")
	elsewhere.Collection = "other"
	var batch []corpus.NewImage
	for i, id := range []string{"a", "b", "c", "d"} {
		im := newImage(id)
		im.Document = []string{"one", "one", "two", "three"}[i]
		batch = append(batch, im)
	}
	if _, err := b.store.AddImages(t.Context(), append(batch, elsewhere)); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name    string
		r       corpus.Retirement
		changed int
		dealt   string
	}{
		{"one image", corpus.Retirement{Images: []domain.ImageID{"d"}, Reason: "blurred"}, 1, "a b c"},
		{"the same again", corpus.Retirement{Images: []domain.ImageID{"d"}, Reason: "another reason"}, 0, "a b c"},
		{"a document", corpus.Retirement{Document: "one"}, 2, "c"},
		{"everything", corpus.Retirement{All: true}, 1, ""},
		{"a document again", corpus.Retirement{Document: "one", Restore: true}, 2, "a b"},
		{"what is dealt already", corpus.Retirement{Images: []domain.ImageID{"a"}, Restore: true}, 0, "a b"},
		{"retired after it was restored", corpus.Retirement{Images: []domain.ImageID{"a"}}, 1, "b"},
		{"restored once more", corpus.Retirement{Images: []domain.ImageID{"a"}, Restore: true}, 1, "a b"},
	} {
		before := b.revision(t)
		step.r.Collection = "c"
		changed, err := b.store.Retire(t.Context(), step.r)
		if err != nil || changed != step.changed {
			t.Fatalf("%s: %d changed, %v; want %d", step.name, changed, err, step.changed)
		}
		// Servers look at the revision: it moves when a deck has to.
		if moved := b.revision(t) > before; moved != (changed > 0) {
			t.Errorf("%s: revision moved: %t", step.name, moved)
		}
		if got := b.dealt(t); got != step.dealt {
			t.Errorf("%s: %q is dealt, want %q", step.name, got, step.dealt)
		}
	}

	_, holdings, err := b.store.Holdings(t.Context(), "c")
	if err != nil || len(holdings) != 4 {
		t.Fatalf("%d holdings, %v", len(holdings), err)
	}
	for _, h := range holdings {
		if h.Retired() != slices.Contains([]domain.ImageID{"c", "d"}, h.ID) || h.MadeAt.IsZero() || h.Collection != "c" {
			t.Errorf("held is %+v", h)
		}
		if h.ID == "d" && h.Reason != "blurred" {
			t.Errorf("the reason is %q", h.Reason)
		}
		// A live challenge still shows what is retired.
		if _, err := b.store.Picture(t.Context(), h.ID, 0); err != nil {
			t.Error(err)
		}
	}
	// An image that is there, retired or not, is not made again.
	if outcomes, err := b.store.AddImages(t.Context(), batch); err != nil || fmt.Sprint(outcomes) != "[2 2 2 2]" || b.dealt(t) != "a b" {
		t.Errorf("added again: %v, %v; dealt is %q", outcomes, err, b.dealt(t))
	}

	revision := b.revision(t)
	for name, c := range map[string]struct {
		r    corpus.Retirement
		code domain.Code
	}{
		"nothing said":              {corpus.Retirement{Collection: "c"}, domain.CodeInvalid},
		"said twice":                {corpus.Retirement{Collection: "c", All: true, Document: "one"}, domain.CodeInvalid},
		"a reason without end":      {corpus.Retirement{Collection: "c", All: true, Reason: strings.Repeat("x", 501)}, domain.CodeInvalid},
		"no such image":             {corpus.Retirement{Collection: "c", Images: []domain.ImageID{"a", "nowhere"}}, domain.CodeNotFound},
		"of another collection":     {corpus.Retirement{Collection: "c", Images: []domain.ImageID{"a", "z"}}, domain.CodeNotFound},
		"no such document":          {corpus.Retirement{Collection: "c", Document: "four"}, domain.CodeNotFound},
		"no such collection":        {corpus.Retirement{Collection: "nowhere", All: true}, domain.CodeNotFound},
		"a document of another one": {corpus.Retirement{Collection: "other", Document: "one"}, domain.CodeNotFound},
	} {
		if n, err := b.store.Retire(t.Context(), c.r); domain.CodeOf(err) != c.code || n != 0 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if b.revision(t) != revision || b.dealt(t) != "a b" {
		t.Error("a refused retirement has changed something")
	}

	// What was ever retired can be deleted.
	if n, err := b.store.DeleteImages(t.Context(), []domain.ImageID{"a", "d"}); err != nil || n != 2 {
		t.Errorf("deleted %d, %v", n, err)
	}
	if err := b.store.DeleteCollection(t.Context(), "c"); err != nil {
		t.Error(err)
	}
}

func TestWeigh(t *testing.T) { onEveryDatabase(t, testWeigh) }

func testWeigh(t *testing.T, b *bundle) {
	b.addCollection(t)
	if w, err := b.store.Weigh(t.Context(), "c"); err != nil || w != (corpus.Weight{}) {
		t.Errorf("an empty collection weighs %+v, %v", w, err)
	}
	if _, err := b.store.AddImages(t.Context(), []corpus.NewImage{newImage("a", 300, 20), newImage("b", 40)}); err != nil {
		t.Fatal(err)
	}
	// 10, 300, 20 and 10, 40 bytes.
	if w, err := b.store.Weigh(t.Context(), "c"); err != nil || w != (corpus.Weight{Pictures: 5, Bytes: 380, MedianBytes: 20}) {
		t.Errorf("it weighs %+v, %v", w, err)
	}
	if _, _, err := b.store.Holdings(t.Context(), "nowhere"); domain.CodeOf(err) != domain.CodeNotFound {
		t.Errorf("the holdings of no collection: %v", err)
	}
}

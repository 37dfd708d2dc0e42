package corpus_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
)

// overlaid writes what votes have made of each image that is dealt.
func (b *bundle) overlaid(t *testing.T) map[domain.ImageID]string {
	t.Helper()
	snapshot, err := b.store.Load(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if snapshot.Decisions != b.decisions(t) {
		t.Errorf("loaded are the decisions %d of %d", snapshot.Decisions, b.decisions(t))
	}
	all := map[domain.ImageID]string{}
	for _, im := range snapshot.Images {
		var said []string
		for _, d := range im.Decided {
			s := fmt.Sprint(d.Keyword, " ", d.Status)
			if d.Status == domain.QuestionSettled {
				s += fmt.Sprint(" ", d.Truth.Match, d.Truth.Text, " ", d.Proven)
			}
			said = append(said, s)
		}
		if im.Need > 0 {
			said = append(said, fmt.Sprint("needs ", im.Need))
		}
		if im.Known != (im.Trust == domain.TrustImported) {
			t.Errorf("what is on record of %s has changed: %+v", im.ID, im)
		}
		all[im.ID] = strings.Join(said, "; ")
	}
	return all
}

func TestOverlay(t *testing.T) { onEveryDatabase(t, testOverlay) }

func testOverlay(t *testing.T, b *bundle) {
	b.addCollection(t)
	var batch []corpus.NewImage
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "known", "known2", "retired"} {
		im := newImage(id)
		if !strings.HasPrefix(id, "known") {
			im.Known, im.Trust, im.Text = false, domain.TrustNone, ""
		}
		batch = append(batch, im)
	}
	picture := newImage("picture")
	picture.Type, picture.Known, picture.Trust, picture.Text, picture.Candidates = domain.TypeClassification, false, domain.TrustNone, "", []string{"horse", "ship"}
	if _, err := b.store.AddImages(t.Context(), append(batch, picture)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.Retire(t.Context(), corpus.Retirement{Collection: "c", Images: []domain.ImageID{"retired"}}); err != nil {
		t.Fatal(err)
	}
	with := func(a corpus.Annotation, status domain.QuestionStatus, tried uint32) corpus.Annotation {
		a.Status, a.Tried = status, tried
		return a
	}
	strange := settledText("f", "text")
	strange.Keyword, strange.Truth = "ship", domain.Truth{Kind: domain.TruthMatch} // of a text
	b.put(t, 50,
		with(settledText("a", "one"), domain.QuestionSettled, 29), with(settledText("b", "two"), domain.QuestionSettled, 30),
		with(settledText("c", "three"), domain.QuestionDisputed, 0), with(settledText("d", "four"), domain.QuestionOpen, 0),
		with(settledText("known", "other"), domain.QuestionRefuted, 0), with(settledText("known2", "other"), domain.QuestionRefuted, 0),
		settledText("retired", "five"), settledText("nowhere", "six"), strange,
		settledLabel("picture", "ship", false), with(settledLabel("picture", "horse", true), domain.QuestionUnreadable, 0),
	)
	progress := []corpus.ImageProgress{
		{Image: "d", Collection: "c", Need: 1}, {Image: "e", Collection: "c", Need: 2}, {Image: "nowhere", Collection: "c", Need: 2},
		{Image: "retired", Collection: "c", Need: 2}, {Image: "picture", Collection: "c", Need: 4},
	}
	if err := b.store.PutProgress(t.Context(), progress); err != nil {
		t.Fatal(err)
	}
	want := map[domain.ImageID]string{
		"a": " settled falseone false; needs 1", "b": " settled falsetwo true", "c": " disputed", "d": "needs 1", "e": "needs 2", "f": "",
		"known": " refuted", "known2": " refuted",
		"picture": "horse unreadable; ship settled false false; needs 4",
	}
	compare := func(when string) {
		t.Helper()
		got := b.overlaid(t)
		if len(got) != len(want) {
			t.Errorf("%s: %d images are dealt", when, len(got))
		}
		for id, w := range want {
			if got[id] != w {
				t.Errorf("%s: votes have made of %s %q, want %q", when, id, got[id], w)
			}
		}
	}
	compare("at first")

	// A record that is corrected is relied on again, until it is contradicted once
	// more; another change of the entry changes nothing.
	corrected, touched := entry("known"), entry("known2")
	corrected.Text, touched.ShelfMark = "corrected", "another"
	if n, err := b.store.UpdateImages(t.Context(), []corpus.Entry{corrected, touched}); err != nil || n != 2 {
		t.Fatalf("%d corrected, %v", n, err)
	}
	want["known"] = ""
	compare("after a correction")
	again := with(settledText("known", "other"), domain.QuestionRefuted, 0)
	again.DecidedAt = time.Date(2026, 5, 6, 7, 8, 10, 0, time.UTC) // the clock's moment, and a second
	b.put(t, 51, again)
	want["known"] = " refuted"
	compare("contradicted once more")
}

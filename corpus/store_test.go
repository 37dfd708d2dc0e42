package corpus_test

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"ocapi/corpus"
	"ocapi/domain"
)

func TestParseCollectionID(t *testing.T) {
	t.Parallel()
	for id, ok := range map[string]bool{
		"a": true, "Wills-1914_18.v2": true, "": false, strings.Repeat("x", 64): true, strings.Repeat("x", 65): false,
		"a b": false, "a/b": false, "é": false, "a\n": false,
	} {
		if _, err := corpus.ParseCollectionID(id); (err == nil) != ok || err != nil && domain.CodeOf(err) != domain.CodeInvalid {
			t.Errorf("ParseCollectionID(%q) = %v", id, err)
		}
	}
}

func TestPutCollection(t *testing.T) { onEveryDatabase(t, testPutCollection) }

func testPutCollection(t *testing.T, b *bundle) {
	start := b.revision(t)
	steps := []struct {
		name    string
		put     corpus.Collection
		changes bool
		want    corpus.Collection
	}{
		{
			"new", corpus.Collection{ID: "c", Title: "T", Credit: "C", Keywords: corpus.Keywords{"mill": {"en": "mill", "fr": "moulin"}}}, true,
			corpus.Collection{ID: "c", Title: "T", Credit: "C", Keywords: corpus.Keywords{"mill": {"en": "mill", "fr": "moulin"}}},
		},
		{
			"the same", corpus.Collection{ID: "c", Title: "T", Credit: "C", Keywords: corpus.Keywords{"mill": {"en": "mill"}}}, false,
			corpus.Collection{ID: "c", Title: "T", Credit: "C", Keywords: corpus.Keywords{"mill": {"en": "mill", "fr": "moulin"}}},
		},
		{
			"another label", corpus.Collection{ID: "c", Title: "T", Credit: "C", Keywords: corpus.Keywords{"mill": {"fr": "moulin à vent", "de": "Mühle"}}}, true,
			corpus.Collection{ID: "c", Title: "T", Credit: "C", Keywords: corpus.Keywords{"mill": {"en": "mill", "fr": "moulin à vent", "de": "Mühle"}}},
		},
		{
			"another title", corpus.Collection{ID: "c", Title: "U", Credit: "D", Demo: true}, true,
			corpus.Collection{ID: "c", Title: "U", Credit: "D", Demo: true, Keywords: corpus.Keywords{"mill": {"en": "mill", "fr": "moulin à vent", "de": "Mühle"}}},
		},
	}
	for _, s := range steps {
		if err := b.store.PutCollection(t.Context(), s.put); err != nil {
			t.Fatal(err)
		}
		if now := b.revision(t); (now > start) != s.changes {
			t.Errorf("%s: revision %d -> %d", s.name, start, now)
		} else {
			start = now
		}
		got, err := b.store.Collection(t.Context(), "c")
		if err != nil {
			t.Fatal(err)
		}
		if got.CreatedAt.IsZero() {
			t.Errorf("%s: no time of creation", s.name)
		}
		got.CreatedAt = s.want.CreatedAt
		if !reflect.DeepEqual(got, s.want) {
			t.Errorf("%s: got %+v, want %+v", s.name, got, s.want)
		}
	}
	if err := b.store.PutCollection(t.Context(), corpus.Collection{ID: "a b"}); domain.CodeOf(err) != domain.CodeInvalid {
		t.Errorf("a malformed id: %v", err)
	}
	if _, err := b.store.Collection(t.Context(), "nowhere"); domain.CodeOf(err) != domain.CodeNotFound {
		t.Errorf("an unknown collection: %v", err)
	}
}

func TestAddImages(t *testing.T) { onEveryDatabase(t, testAddImages) }

func testAddImages(t *testing.T, b *bundle) {
	b.addCollection(t)
	text := newImage("text", 20, 30)
	text.Provenance = corpus.Provenance{Institution: "I", ShelfMark: "S", Page: "P", Licence: "L", Source: "https://example.org/"}
	label := newImage("label")
	label.Type, label.Text, label.Labels, label.Complete = domain.TypeClassification, "", []string{"a", "b \"c\""}, true
	open := newImage("open")
	open.Type, open.Known, open.Trust, open.Text, open.Candidates, open.Prior = domain.TypeClassification, false, domain.TrustNone, "", []string{"a"}, 0.25
	batch := []corpus.NewImage{text, label, open}

	before := b.revision(t)
	outcomes, err := b.store.AddImages(t.Context(), batch)
	if err != nil || fmt.Sprint(outcomes) != "[1 1 1]" || b.revision(t) != before+1 {
		t.Fatalf("first: %v, %v, revision %d -> %d", outcomes, err, before, b.revision(t))
	}
	outcomes, err = b.store.AddImages(t.Context(), batch)
	if err != nil || fmt.Sprint(outcomes) != "[2 2 2]" || b.revision(t) != before+1 {
		t.Errorf("again: %v, %v, revision %d", outcomes, err, b.revision(t))
	}
	other := text
	other.Text = "another"
	outcomes, err = b.store.AddImages(t.Context(), []corpus.NewImage{other})
	if err != nil || fmt.Sprint(outcomes) != "[3]" || b.revision(t) != before+1 {
		t.Errorf("with other data: %v, %v, revision %d", outcomes, err, b.revision(t))
	}

	snapshot, err := b.store.Load(t.Context(), "c", "nowhere")
	if err != nil {
		t.Fatal(err)
	}
	want := []domain.Image{label.Image, open.Image, text.Image} // by id
	want[0].Renderings, want[1].Renderings, want[2].Renderings = 1, 1, 3
	if !reflect.DeepEqual(snapshot.Images, want) || snapshot.Revision != before+1 || len(snapshot.Collections) != 1 {
		t.Errorf("loaded %+v\nwant %+v", snapshot, want)
	}
	if none, err := b.store.Images(t.Context(), "nowhere"); err != nil || len(none) != 0 {
		t.Errorf("an unknown collection has %d images, %v", len(none), err)
	}
	entries, err := b.store.Entries(t.Context(), []domain.ImageID{"text", "nothing"})
	if err != nil || len(entries) != 1 || entries["text"].Provenance != text.Provenance {
		t.Errorf("entries = %+v, %v", entries, err)
	}
	list, err := b.store.Counts(t.Context(), "c")
	if err != nil || counts(list) != "transcription known 1, classification known 1, classification unknown 1" {
		t.Errorf("counts = %s, %v", counts(list), err)
	}
}

func TestAddImagesIsAllOrNothing(t *testing.T) { onEveryDatabase(t, testAddImagesIsAllOrNothing) }

func testAddImagesIsAllOrNothing(t *testing.T, b *bundle) {
	b.addCollection(t)
	before := b.revision(t)
	for _, c := range []struct {
		name    string
		change  func(*corpus.NewImage)
		invalid bool
	}{
		{"a collection that is not there", func(im *corpus.NewImage) { im.Collection = "nowhere" }, false},
		{"no id", func(im *corpus.NewImage) { im.ID = "" }, true},
		{"no document", func(im *corpus.NewImage) { im.Document = "" }, true},
		{"no picture", func(im *corpus.NewImage) { im.Pictures = nil }, true},
		{"an empty picture", func(im *corpus.NewImage) { im.Pictures[0].Bytes = nil }, true},
		{"a picture that cannot be shown", func(im *corpus.NewImage) { im.Pictures[0].Bytes = []byte("GIF89a") }, true},
		{"audio", func(im *corpus.NewImage) { im.Type = domain.TypeAudio }, true},
		{"known without trust", func(im *corpus.NewImage) { im.Trust = domain.TrustNone }, true},
		{"unknown with trust", func(im *corpus.NewImage) { im.Known = false }, true},
		{"a text that folds to nothing", func(im *corpus.NewImage) { im.Text = "…!" }, true},
		{"a prior above one", func(im *corpus.NewImage) { im.Prior = 1.5 }, true},
	} {
		bad := newImage("bad")
		c.change(&bad)
		_, err := b.store.AddImages(t.Context(), []corpus.NewImage{newImage("good"), bad})
		if err == nil || (domain.CodeOf(err) == domain.CodeInvalid) != c.invalid {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	images, err := b.store.Images(t.Context())
	if err != nil || len(images) != 0 || b.revision(t) != before {
		t.Errorf("%d images are left, revision %d -> %d, %v", len(images), before, b.revision(t), err)
	}
}

func TestUpdateImages(t *testing.T) { onEveryDatabase(t, testUpdateImages) }

func testUpdateImages(t *testing.T, b *bundle) {
	b.addCollection(t)
	promoted := newImage("promoted")
	promoted.Trust = domain.TrustPromoted
	if _, err := b.store.AddImages(t.Context(), []corpus.NewImage{newImage("a"), newImage("b"), promoted}); err != nil {
		t.Fatal(err)
	}
	before := b.revision(t)
	changed, same, settled := entry("a"), entry("b"), entry("promoted")
	changed.Known, changed.Trust, changed.Text, changed.Source = false, domain.TrustNone, "", "https://example.org/"
	if n, err := b.store.UpdateImages(t.Context(), []corpus.Entry{changed, same, settled}); n != 1 || err != nil {
		t.Errorf("UpdateImages = %d, %v", n, err)
	}
	if n, err := b.store.UpdateImages(t.Context(), []corpus.Entry{changed}); n != 0 || err != nil {
		t.Errorf("again: UpdateImages = %d, %v", n, err)
	}
	if b.revision(t) != before+1 {
		t.Errorf("revision %d -> %d", before, b.revision(t))
	}
	entries, err := b.store.Entries(t.Context(), []domain.ImageID{"a", "promoted"})
	if err != nil || entries["a"].Known || entries["a"].Source == "" || entries["promoted"].Trust != domain.TrustPromoted {
		t.Errorf("entries = %+v, %v", entries, err)
	}
	if _, err := b.store.UpdateImages(t.Context(), []corpus.Entry{same, entry("nothing")}); domain.CodeOf(err) != domain.CodeNotFound {
		t.Errorf("an unknown image: %v", err)
	}
}

func TestDelete(t *testing.T) { onEveryDatabase(t, testDelete) }

func testDelete(t *testing.T, b *bundle) {
	b.addCollection(t)
	if _, err := b.store.AddImages(t.Context(), []corpus.NewImage{newImage("a"), newImage("b"), newImage("c")}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.Picture(t.Context(), "a", 0); err != nil {
		t.Fatal(err)
	}
	if n, err := b.store.DeleteImages(t.Context(), []domain.ImageID{"a", "nothing"}); n != 1 || err != nil {
		t.Errorf("DeleteImages = %d, %v", n, err)
	}
	if _, err := b.store.Picture(t.Context(), "a", 0); domain.CodeOf(err) != domain.CodeNotFound {
		t.Errorf("a deleted picture: %v", err)
	}
	before := b.revision(t)
	if err := b.store.DeleteCollection(t.Context(), "c"); err != nil || b.revision(t) != before+1 {
		t.Fatalf("DeleteCollection = %v, revision %d -> %d", err, before, b.revision(t))
	}
	if err := b.store.DeleteCollection(t.Context(), "c"); domain.CodeOf(err) != domain.CodeNotFound {
		t.Errorf("again: %v", err)
	}
	var left int
	const all = `SELECT (SELECT count(*) FROM images) + (SELECT count(*) FROM renderings) + (SELECT count(*) FROM keywords) + (SELECT count(*) FROM collections)`
	if err := b.db.Read.QueryRowContext(t.Context(), all).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows are left, %v", left, err)
	}
}

func TestPicture(t *testing.T) { onEveryDatabase(t, testPicture) }

func testPicture(t *testing.T, b *bundle) {
	b.addCollection(t)
	if _, err := b.store.AddImages(t.Context(), []corpus.NewImage{newImage("a", 20, 30)}); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for n, size := range []int{10, 20, 30} {
				p, err := b.store.Picture(context.Background(), "a", uint32(n))
				if err != nil || !bytes.Equal(p.Bytes, corpus.Stub(n, size)) || p.ContentType != "image/jpeg" {
					t.Errorf("rendering %d: %d bytes of %s, %v", n, len(p.Bytes), p.ContentType, err)
				}
			}
		})
	}
	group.Wait()
	for _, c := range []struct {
		id domain.ImageID
		n  uint32
	}{{"a", 3}, {"a", 1 << 31}, {"b", 0}, {"", 0}} {
		if _, err := b.store.Picture(t.Context(), c.id, c.n); domain.CodeOf(err) != domain.CodeNotFound {
			t.Errorf("Picture(%q, %d) = %v", c.id, c.n, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newStore(b.db).Picture(ended, "a", 0); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("without a database: %v", err)
	}
	if _, err := b.store.Picture(ended, "a", 0); err != nil {
		t.Errorf("what is cached needs no database: %v", err)
	}
}

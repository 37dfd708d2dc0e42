package corpus_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"ocapi/corpus"
	"ocapi/corpus/demo"
	"ocapi/domain"
)

func TestWriteDemoIsServable(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("it draws a hundred pictures, which takes minutes under the race detector; the other tests of the demo run the same code")
	}
	b := setup(t)
	// About the least that both types can be dealt from.
	p := corpus.DemoParams{Seed: 7, Counts: demo.Counts{KnownTexts: 58, UnknownTexts: 44, KnownPerKeyword: 3, UnknownPerKeyword: 1}}
	if err := corpus.WriteDemo(t.Context(), p, b.store, nil); err != nil {
		t.Fatal(err)
	}
	snapshot, err := b.store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := snapshot.Collections[0]
	if c.ID != corpus.DemoCollection || !c.Demo || c.Credit == "" || c.Keywords["windmill"]["fr"] == "" || c.Keywords["windmill"]["de"] == "" {
		t.Errorf("collection = %+v", c)
	}
	for _, im := range snapshot.Images {
		if im.Type == domain.TypeClassification && im.Known != im.Complete || !im.Known && (im.Text != "" || im.Labels != nil) || im.Renderings != corpus.DefaultRenderings {
			t.Errorf("image = %+v", im)
		}
	}
	b.deal(t, snapshot, domain.TypeTranscription)
	b.deal(t, snapshot, domain.TypeClassification)
}

// TestPicturesTellNoRole compares the bytes of known and unknown pictures: a
// guess by size is right about half of the time.
func TestPicturesTellNoRole(t *testing.T) {
	t.Parallel()
	p := corpus.DemoParams{Seed: 11, Renderings: 2, Counts: demo.Counts{KnownTexts: 30, UnknownTexts: 30, KnownPerKeyword: 4, UnknownPerKeyword: 4}}
	if raceDetector {
		p.Counts, p.Renderings = demo.Counts{KnownTexts: 12, UnknownTexts: 12}, 1
	}
	b := setup(t)
	if err := corpus.WriteDemo(t.Context(), p, b.store, nil); err != nil {
		t.Fatal(err)
	}
	images, err := b.store.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[domain.ChallengeType]map[bool][]int{}
	for _, im := range images {
		if sizes[im.Type] == nil {
			sizes[im.Type] = map[bool][]int{}
		}
		for n := range im.Renderings {
			picture, err := b.store.Picture(t.Context(), im.ID, n)
			if err != nil {
				t.Fatal(err)
			}
			sizes[im.Type][im.Known] = append(sizes[im.Type][im.Known], len(picture.Bytes))
		}
	}
	for kind, by := range sizes {
		larger := 0.0
		for _, known := range by[true] {
			for _, unknown := range by[false] {
				switch {
				case known > unknown:
					larger++
				case known == unknown:
					larger += 0.5
				}
			}
		}
		// With 60 pictures of each role three standard errors are 0.16; what is drawn
		// follows from the seed, so the number is the same each time.
		share := larger / float64(len(by[true])*len(by[false]))
		t.Logf("%s: a known picture is larger than an unknown one in %.2f of the pairs", kind, share)
		if share < 0.3 || share > 0.7 {
			t.Errorf("%s: a known picture is larger than an unknown one in %.2f of the pairs", kind, share)
		}
	}
}

func TestWriteDemoIsResumed(t *testing.T) { onEveryDatabase(t, testWriteDemoIsResumed) }

func testWriteDemoIsResumed(t *testing.T, b *bundle) {
	p := corpus.DemoParams{Seed: 7, Renderings: 1, Counts: demo.Counts{KnownTexts: 6, UnknownTexts: 4}}
	const total, batch = 10, 3
	ctx, cancel := context.WithCancel(t.Context())
	err := corpus.WriteDemoInBatches(ctx, p, batch, b.store, func(p corpus.Progress) {
		if p.Done > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	first, err := b.store.Images(t.Context(), corpus.DemoCollection)
	if err != nil || len(first) != batch {
		t.Fatalf("%d images are there, %v", len(first), err)
	}
	var start, end corpus.Progress
	err = corpus.WriteDemo(t.Context(), p, b.store, func(p corpus.Progress) {
		if start.Total == 0 {
			start = p
		}
		end = p
	})
	if err != nil || start.Done != batch || end.Done != total || end.Total != total {
		t.Fatalf("resumed: %v, progress %+v to %+v", err, start, end)
	}
	revision := b.revision(t)
	if err := corpus.WriteDemo(t.Context(), p, b.store, nil); err != nil || b.revision(t) != revision {
		t.Errorf("again: %v, revision %d -> %d", err, revision, b.revision(t))
	}

	// The same pictures as a run in one go makes, on any machine.
	whole := setup(t)
	if err := corpus.WriteDemo(t.Context(), p, whole.store, nil); err != nil {
		t.Fatal(err)
	}
	images, err := b.store.Images(t.Context())
	if err != nil || len(images) != total {
		t.Fatalf("%d images, %v", len(images), err)
	}
	for _, im := range images {
		x, errX := b.store.Picture(t.Context(), im.ID, 0)
		y, errY := whole.store.Picture(t.Context(), im.ID, 0)
		if errX != nil || errY != nil || !bytes.Equal(x.Bytes, y.Bytes) {
			t.Errorf("image %s differs, %v, %v", im.ID, errX, errY)
		}
	}
}

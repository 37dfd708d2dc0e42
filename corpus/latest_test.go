package corpus_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
)

func TestLatest(t *testing.T) { onEveryDatabase(t, testLatest) }

func testLatest(t *testing.T, b *bundle) {
	b.addCollection(t)
	if a, err := b.store.Agreement(t.Context(), "c"); err != nil || a != (corpus.Agreement{}) {
		t.Errorf("of nothing the agreement is %+v, %v", a, err)
	}
	var batch []corpus.NewImage
	for i, id := range []string{"a", "b", "c", "d", "known"} {
		im := newImage(id)
		if id != "known" {
			im.Known, im.Trust, im.Text = false, domain.TrustNone, ""
		}
		im.Licence = []string{"CC0", "CC0", "", "CC BY 4.0", "CC0"}[i]
		batch = append(batch, im)
	}
	if _, err := b.store.AddImages(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	decided := func(image string, status domain.QuestionStatus, hours int, probability float64, votes uint32) corpus.Annotation {
		a := settledText(image, "word "+image)
		a.Status, a.DecidedAt, a.Probability, a.Votes = status, at.Add(time.Duration(hours)*time.Hour), probability, votes
		return a
	}
	deleted := decided("nowhere", domain.QuestionSettled, 9, 0.5, 1)
	elsewhere := decided("known", domain.QuestionSettled, 9, 0.5, 1)
	elsewhere.Collection, elsewhere.Image = "other", "z"
	first, second := decided("a", domain.QuestionSettled, 1, 0.99, 3), decided("c", domain.QuestionSettled, 2, 0.97, 6)
	b.put(t, 50, first, second, decided("b", domain.QuestionDisputed, 3, 0.5, 12), decided("d", domain.QuestionUnreadable, 4, 0.99, 4),
		decided("known", domain.QuestionRefuted, 5, 0.99, 8), deleted, elsewhere)
	for most, want := range map[int][]corpus.Annotation{1: {second}, 10: {second, first}} {
		if got, err := b.store.LatestSettled(t.Context(), "c", most); err != nil || !slices.Equal(got, want) {
			t.Errorf("the latest %d are %+v, %v", most, got, err)
		}
	}
	a, err := b.store.Agreement(t.Context(), "c")
	if err != nil || a.Settled != 2 || math.Abs(a.Probability-0.98) > 1e-9 || math.Abs(a.Votes-4.5) > 1e-9 {
		t.Errorf("the agreement is %+v, %v", a, err)
	}
	licences, err := b.store.Licences(t.Context(), "c", 2)
	if want := []corpus.LicenceCount{{Licence: "CC0", Images: 3}, {Images: 1}}; err != nil || !slices.Equal(licences, want) {
		t.Errorf("the licences are %+v, %v", licences, err)
	}
}

package domain_test

import (
	"fmt"
	"testing"
	"time"

	"ocapi/domain"
)

// TestPicturesThatVotesTellApart has pools and plans be made in time where votes
// have decided ten things of each of 10,000 pictures, so that hardly two are
// alike: every node makes them anew whenever something is overthrown.
func TestPicturesThatVotesTellApart(t *testing.T) {
	t.Parallel()
	const pictures, decided, keywords = 10_000, 10, 25
	rng := dice(1)
	images := make([]domain.Image, pictures)
	for i := range images {
		im := domain.Image{
			ID: domain.ImageID(fmt.Sprintf("image-%05d", i)), Collection: "c", Document: fmt.Sprint(i), Type: domain.TypeClassification, Renderings: 1,
		}
		if i%4 == 0 {
			im.Known, im.Complete, im.Labels, im.Trust = true, true, []string{fmt.Sprint("keyword ", rng.IntN(keywords))}, domain.TrustImported
		} else {
			for _, k := range rng.Perm(keywords)[:decided] {
				im.Decided = append(im.Decided, domain.Decision{
					Keyword: fmt.Sprint("keyword ", k), Status: domain.QuestionSettled, Proven: rng.IntN(2) == 0,
					Truth: domain.Truth{Kind: domain.TruthMatch, Match: rng.IntN(10) == 0},
				})
			}
		}
		images[i] = im
	}
	began := time.Now()
	plan, err := newPool(t, domain.DefaultDealing(), images).Plan(domain.TypeClassification, 0, nil, rng)
	if err != nil {
		t.Fatal(err)
	}
	// One to three seconds, and ten with the race detector; where each card is looked for among
	// all pictures by all that is known of them it is a minute.
	took := time.Since(began)
	t.Logf("%d sheets in %s", len(plan.Sheets), took)
	if took > 30*time.Second || len(plan.Sheets) < 100 {
		t.Errorf("%d sheets took %s", len(plan.Sheets), took)
	}
}

package corpus

import (
	"fmt"
	"image"
	"slices"
	"strings"

	"ocapi/domain"
)

// make judges one item by what is seen of it, and renders it. made is false
// where it was left out, which the report then says.
func (p *pipeline) make(page image.Image, item *Item) (im NewImage, made bool) {
	part, err := item.cut(page)
	if err == nil {
		im, err = p.judge(part, item)
	}
	if err != nil {
		p.tally.skip(Problem{item.Origin, err.Error()})
	}
	return im, err == nil
}

func (p *pipeline) judge(part image.Image, item *Item) (NewImage, error) {
	if err := p.rules.size(part.Bounds().Size()); err != nil {
		return NewImage{}, err
	}
	l := lookAt(part, item.Type)
	if err := p.rules.looks(&l, item.Type); err != nil {
		return NewImage{}, err
	}
	like := p.twins.meet(l.hash, &item.Entry, p.rules.Consistent)
	switch {
	case like.same() && p.rules.Consistent:
		return NewImage{}, fmt.Errorf("%s: the image %q, which looks the same, is %s", sameOther, like.other.id, like.other.says())
	case like.contradicts:
		p.tally.near(Problem{item.Origin, fmt.Sprintf("it looks nearly the same as the image %q, but that is %s", like.other.id, like.other.says())})
	case like.other != nil:
		p.tally.near(Problem{item.Origin, fmt.Sprintf("it looks nearly the same as the image %q", like.other.id)})
	}
	if p.tally.plan != nil {
		return NewImage{Entry: item.Entry, Hash: l.hash}, nil
	}
	return render(part, item.Entry, l.hash, p.renderings)
}

// says gives a known image's answer as messages have it.
func (w *twin) says() string {
	if w.answer != "" {
		return fmt.Sprintf("%q", w.answer)
	}
	if len(w.labels) == 0 {
		return "without keywords"
	}
	return fmt.Sprintf("%q", strings.Join(w.labels, "|"))
}

// plan is what an import would have done, had it not been a trial.
type plan struct {
	collection Collection
	images     []domain.Image // new ones and changed ones; the tally's lock guards them
	at         map[domain.ImageID]struct{}
}

func newPlan() *plan { return &plan{at: map[domain.ImageID]struct{}{}} }

// take remembers the images of a batch, and tells how many are new.
func (t *tally) take(images []domain.Image) (made int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, im := range images {
		if _, twice := t.plan.at[im.ID]; !twice {
			t.plan.at[im.ID] = struct{}{}
			t.plan.images = append(t.plan.images, im)
			made++
		}
	}
	return made
}

// apply gives the collection as it would be.
func (p *plan) apply(snapshot *Snapshot) {
	merged := Keywords{}
	for _, c := range append(slices.Clone(snapshot.Collections), p.collection) {
		for keyword, labels := range c.Keywords {
			if merged[keyword] == nil {
				merged[keyword] = map[string]string{}
			}
			for lang, label := range labels {
				merged[keyword][lang] = label
			}
		}
	}
	p.collection.Keywords = merged
	snapshot.Collections = []Collection{p.collection}
	var rest []domain.Image
	for _, im := range snapshot.Images {
		if _, changed := p.at[im.ID]; !changed {
			rest = append(rest, im)
		}
	}
	snapshot.Images = append(rest, p.images...)
}

// countImages counts images as [Store.Counts] does.
func countImages(images []domain.Image) []Count {
	var counts []Count
	for _, t := range []domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification} {
		for _, known := range []bool{true, false} {
			c := Count{Type: t, Known: known}
			for i := range images {
				if images[i].Type == t && images[i].Known == known {
					c.Images++
				}
			}
			if c.Images > 0 {
				counts = append(counts, c)
			}
		}
	}
	return counts
}

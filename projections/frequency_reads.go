package projections

import (
	"time"

	"ocapi/domain"
)

// Totals is what all events add up to, in a size that does not grow.
type Totals struct {
	Position     Position
	Clock        time.Time // the latest time of an event, in whole seconds
	Outcomes     map[domain.ChallengeType]Outcomes
	Exposures    map[domain.ChallengeType]RoleCounts
	Images       int                          // that were ever shown
	ActiveImages map[domain.ChallengeType]int // that were shown in the hour before Clock, to the minute
	Generations  int
}

// RoleCounts counts exposures by the role that an image had.
type RoleCounts struct{ Known, Unknown, Sentinel uint64 }

// All adds up.
func (c RoleCounts) All() uint64 { return c.Known + c.Unknown + c.Sentinel }

func (c *RoleCounts) add(role int, n uint64) {
	switch domain.Role(role + 1) {
	case domain.RoleKnown:
		c.Known += n
	case domain.RoleUnknown:
		c.Unknown += n
	case domain.RoleSentinel:
		c.Sentinel += n
	case domain.RoleInvalid:
	}
}

// Totals gives the sums. Types of which there is nothing are left out.
func (f *Frequency) Totals() Totals {
	f.mu.RLock()
	defer f.mu.RUnlock()
	t := Totals{
		Position: f.position, Clock: f.clock.time(), Images: len(f.images.rows), Generations: len(f.generations.rows),
		Outcomes: map[domain.ChallengeType]Outcomes{}, Exposures: map[domain.ChallengeType]RoleCounts{}, ActiveImages: map[domain.ChallengeType]int{},
	}
	active := f.active.sum
	for kind := range domain.ChallengeType(kindCount) {
		if o := f.total.byKind[kind]; o != (Outcomes{}) {
			t.Outcomes[kind] = o
		}
		var counts RoleCounts
		for role, n := range f.exposures[kind] {
			counts.add(role, n)
		}
		if counts.All() > 0 {
			t.Exposures[kind] = counts
		}
		if active[kind] > 0 {
			t.ActiveImages[kind] = active[kind]
		}
	}
	return t
}

// ActiveImages counts the images of a type that were shown in the hour before
// the latest event, to the minute.
func (f *Frequency) ActiveImages(kind domain.ChallengeType) int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if int(kind) >= kindCount {
		return 0
	}
	return f.active.sum[kind]
}

// ImageFrequency is how often one image was shown.
type ImageFrequency struct {
	Image      domain.ImageID
	Collection domain.CollectionID
	Type       domain.ChallengeType
	Counts     RoleCounts // under the keyword that was asked for, or under all
	PerHour    float64    // under all keywords
	First      time.Time  // shown first and last, under any keyword; whole seconds
	Last       time.Time
}

// ImageQuery chooses images. The zero value chooses all that were shown.
type ImageQuery struct {
	Image      domain.ImageID      // empty: any
	Collection domain.CollectionID // empty: any
	Keyword    string              // shown under it; empty: any
}

// imagesAtOnce bounds how long a listing keeps events waiting.
const imagesAtOnce = 1024

// Images visits images in the order in which they were shown first, with rates
// of the moment now, until visit returns false. Events may be applied
// meanwhile: each image is as it was at some moment of the call.
func (f *Frequency) Images(q ImageQuery, now time.Time, visit func(ImageFrequency) bool) {
	page := make([]ImageFrequency, 0, imagesAtOnce)
	for from, more := 0, true; more; from += imagesAtOnce {
		page, more = f.imagePage(q, tickOf(now), from, page[:0])
		for _, im := range page {
			if !visit(im) {
				return
			}
		}
	}
}

func (f *Frequency) imagePage(q ImageQuery, now tick, from int, page []ImageFrequency) (_ []ImageFrequency, more bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if q.Image != "" {
		if row, _, found := f.images.find(q.Image, f.images.hash(q.Image)); found {
			page = f.appendImage(page, q, now, row)
		}
		return page, false
	}
	to := min(from+imagesAtOnce, len(f.images.rows))
	for row := from; row < to; row++ {
		page = f.appendImage(page, q, now, uint32(row))
	}
	return page, to < len(f.images.rows)
}

func (f *Frequency) appendImage(page []ImageFrequency, q ImageQuery, now tick, row uint32) []ImageFrequency {
	r := &f.images.rows[row]
	collection := domain.CollectionID(f.collections.names[r.collection])
	if q.Collection != "" && collection != q.Collection {
		return page
	}
	im := ImageFrequency{
		Collection: collection, Type: r.kind,
		PerHour: perHour(r.shown.weight(now)), First: r.first.time(), Last: r.shown.at.time(),
	}
	f.images.eachCell(row, func(c *cell) {
		if q.Keyword != "" && f.keywords.names[c.keyword] != q.Keyword {
			return
		}
		for role, n := range c.counts {
			im.Counts.add(role, uint64(n))
		}
	})
	if im.Counts.All() == 0 {
		return page
	}
	im.Image = domain.ImageID(f.images.name(row))
	return append(page, im)
}

// KeywordFrequency is how often images were shown under one keyword; that of
// transcriptions is empty.
type KeywordFrequency struct {
	Keyword string
	Images  int
	Counts  RoleCounts
}

// Keywords lists the keywords in the order in which they came. It goes through
// all images.
func (f *Frequency) Keywords() []KeywordFrequency {
	f.mu.RLock()
	defer f.mu.RUnlock()
	list := make([]KeywordFrequency, len(f.keywords.names))
	for i, name := range f.keywords.names {
		list[i].Keyword = name
	}
	for i := range f.images.cells {
		c := &f.images.cells[i]
		k := &list[c.keyword]
		k.Images++
		for role, n := range c.counts {
			k.Counts.add(role, uint64(n))
		}
	}
	return list
}

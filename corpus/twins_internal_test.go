package corpus

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"ocapi/domain"
)

func named(id string, e domain.Image) *Entry {
	e.ID = domain.ImageID(id)
	return &Entry{Image: e}
}

// flip changes some bits.
func flip(h PictureHash, bits ...int) PictureHash {
	for _, b := range bits {
		h ^= 1 << b
	}
	return h
}

func TestTwins(t *testing.T) {
	t.Parallel()
	text := func(s string) domain.Image {
		return domain.Image{Type: domain.TypeTranscription, Known: true, Text: s}
	}
	labels := func(complete bool, l ...string) domain.Image {
		return domain.Image{Type: domain.TypeClassification, Known: true, Labels: l, Complete: complete}
	}
	unknown := domain.Image{Type: domain.TypeTranscription}
	const h = PictureHash(0x0123456789abcdef)
	for name, c := range map[string]struct {
		there, comes domain.Image
		hash         PictureHash
		near         bool
		contradicts  bool
		leftOut      bool
	}{
		"the same":                             {text("Haus"), text("Haus"), h, true, false, false},
		"the same as it is judged":             {text("Haus"), text("»haus«"), h, true, false, false},
		"four bits apart":                      {text("Haus"), text("Haus"), flip(h, 0, 20, 40, 63), true, false, false},
		"five bits apart":                      {text("Haus"), text("Haus"), flip(h, 0, 1, 20, 40, 63), false, false, false},
		"five bits in one band":                {text("Haus"), text("Haus"), flip(h, 0, 1, 2, 3, 4), false, false, false},
		"another text":                         {text("Haus"), text("Hans"), h, true, true, true},
		"another text, two bits apart":         {text("Haus"), text("Hans"), flip(h, 5, 50), true, true, true},
		"another text, three bits apart":       {text("Haus"), text("Hans"), flip(h, 5, 50, 60), true, true, false},
		"an unknown text":                      {text("Haus"), unknown, h, true, false, false},
		"a known one for an unknown one":       {unknown, text("Haus"), h, true, false, false},
		"another type":                         {text("Haus"), labels(true, "house"), h, false, false, false},
		"the same keyword":                     {labels(true, "mill"), labels(true, "mill"), h, true, false, false},
		"another keyword, complete":            {labels(true, "mill"), labels(true, "ship"), h, true, true, true},
		"more keywords where not complete":     {labels(false, "mill"), labels(true, "mill", "ship"), h, true, false, false},
		"fewer than are said to be all":        {labels(true, "mill"), labels(false, "mill", "ship"), h, true, true, true},
		"other keywords, neither complete":     {labels(false, "mill"), labels(false, "ship"), h, true, false, false},
		"no keyword at all, against a keyword": {labels(true), labels(false, "ship"), h, true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			known := newTwins()
			known.add(h, named("there", c.there))
			got := known.meet(c.hash, named("comes", c.comes), true)
			if (got.other != nil) != c.near || got.contradicts != c.contradicts || got.same() != c.leftOut {
				t.Errorf("got %+v", got)
			}
			// What is left out is not what the next one is compared with.
			again := known.meet(c.hash, named("again", c.comes), true)
			if c.leftOut && (again.other == nil || again.other.id != "there") {
				t.Errorf("the next one meets %+v", again)
			}
		})
	}
}

// TestTwinsTellTheContradictionFirst has one like picture with the same answer
// and another, less like, with another answer.
func TestTwinsTellTheContradictionFirst(t *testing.T) {
	t.Parallel()
	const h = PictureHash(0xfedcba9876543210)
	known := newTwins()
	e := domain.Image{Type: domain.TypeTranscription, Known: true, Text: "haus"}
	known.add(h, named("same", e))
	e.Text = "maus"
	known.add(flip(h, 1, 2, 3), named("other", e))
	e.Text = "haus"
	if got := known.meet(h, named("new", e), true); got.other == nil || got.other.id != "other" || !got.contradicts || got.same() {
		t.Errorf("got %+v", got)
	}
}

// TestTwinsFindWhatIsNear compares the index with looking at every pair.
func TestTwinsFindWhatIsNear(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	var hashes []PictureHash
	known := newTwins()
	found := 0
	for range 3000 {
		h := PictureHash(rng.Uint64())
		if len(hashes) > 0 && rng.IntN(2) == 0 {
			h = hashes[rng.IntN(len(hashes))]
			for range rng.IntN(7) {
				h = flip(h, rng.IntN(64))
			}
		}
		nearest := 65
		for _, other := range hashes {
			nearest = min(nearest, h.distance(other))
		}
		hashes = append(hashes, h)
		got := known.meet(h, named(strconv.Itoa(len(hashes)), domain.Image{Type: domain.TypeTranscription}), true)
		switch near := nearest <= nearDistance; {
		case near != (got.other != nil), near && got.distance != nearest:
			t.Fatalf("the nearest is at %d, found was %+v", nearest, got)
		case near:
			found++
		}
	}
	if found < 500 {
		t.Fatalf("only %d were near anything: nothing was tested", found)
	}
}

package corpus_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"ocapi/corpus"
	"ocapi/corpus/demo"
	"ocapi/domain"
)

// shown is one showing as an attacker has it, and what only we know of it.
type shown struct {
	image     *domain.Image
	rendering uint32
	bytes     []byte
	pixels    image.Image
	hash      corpus.PictureHash
}

// showings shows few images many times, each in a challenge of its own.
func showings(t *testing.T, b *bundle, n int) []shown {
	t.Helper()
	images, err := b.store.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rng := mathrand.New(mathrand.NewPCG(1, 2))
	all := make([]shown, n)
	for i := range all {
		s := &all[i]
		s.image = &images[i%len(images)]
		s.rendering = rng.Uint32N(s.image.Renderings)
		var showing domain.Showing
		_, _ = rand.Read(showing.Challenge.UUID[:])
		showing.Position = rng.IntN(9)
		p, err := b.store.Show(t.Context(), s.image.ID, s.rendering, showing)
		if err != nil {
			t.Fatal(err)
		}
		if s.pixels, err = jpeg.Decode(bytes.NewReader(p.Bytes)); err != nil {
			t.Fatal(err)
		}
		s.bytes, s.hash = p.Bytes, corpus.HashOf(s.pixels, s.image.Type)
	}
	return all
}

// TestShowingsAreNotLinkedByBytes is an attacker who hashes whatever of a
// picture can be hashed exactly, over 2,000 showings of few images.
func TestShowingsAreNotLinkedByBytes(t *testing.T) {
	t.Parallel()
	n, p := 2000, corpus.DemoParams{Seed: 3, Counts: demo.Counts{KnownTexts: 16, UnknownTexts: 16, KnownPerKeyword: 1, UnknownPerKeyword: 1}}
	if raceDetector {
		n, p.Counts = 200, demo.Counts{KnownTexts: 4, UnknownTexts: 4}
	}
	b := setup(t)
	if err := corpus.WriteDemo(t.Context(), p, b.store, nil); err != nil {
		t.Fatal(err)
	}
	all := showings(t, b, n)
	for what, part := range map[string]func(s *shown) []byte{
		"bytes": func(s *shown) []byte { return s.bytes },
		// What is left when an attacker leaves out every segment but the picture's.
		"compressed data": func(s *shown) []byte { return s.bytes[bytes.Index(s.bytes, []byte{0xff, 0xda}):] },
		"pixels":          func(s *shown) []byte { return s.pixels.(*image.YCbCr).Y }, //nolint:forcetypeassert // renderings are in colour
		"lower half":      func(s *shown) []byte { y := s.pixels.(*image.YCbCr).Y; return y[len(y)/2:] },
	} {
		seen, links := map[[sha256.Size]byte]bool{}, 0
		for i := range all {
			sum := sha256.Sum256(part(&all[i]))
			if seen[sum] {
				links++
			}
			seen[sum] = true
		}
		if links > 0 {
			t.Errorf("%d of %d showings are linked by a hash of their %s", links, n, what)
		}
	}
	measureSizes(t, all)
	measureLooks(t, all)
}

// measureSizes says what the number of bytes tells.
func measureSizes(t *testing.T, all []shown) {
	t.Helper()
	for _, kind := range []domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification} {
		var known, unknown []float64
		sizes, images, both := map[string]int{}, map[string]int{}, map[string]int{}
		for _, s := range all {
			if s.image.Type != kind {
				continue
			}
			if s.image.Known {
				known = append(known, float64(len(s.bytes)))
			} else {
				unknown = append(unknown, float64(len(s.bytes)))
			}
			size, name := fmt.Sprint(len(s.bytes)), string(s.image.ID)
			sizes[size]++
			images[name]++
			both[size+" "+name]++
		}
		if len(known) == 0 {
			continue
		}
		told := entropy(sizes) + entropy(images) - entropy(both)
		role := auc(known, unknown)
		t.Logf("%v: sizes %v; the size tells %.2f of the %.2f bits that name an image; AUC of size for role %.3f",
			kind, sizes, told, entropy(images), role)
		if math.Abs(role-0.5) > 0.05 {
			t.Errorf("%v: the size tells the role (AUC %.3f)", kind, role)
		}
		if told > 0.1*entropy(images) {
			t.Errorf("%v: the size tells %.2f bits of which image it is", kind, told)
		}
	}
}

// measureLooks says how well a hash of looks links showings. There is no bar:
// a picture that people can read can be known again.
func measureLooks(t *testing.T, all []shown) {
	t.Helper()
	const near = 10 // of 64 bits, as such hashes are mostly used
	var same, sameNear, other, otherNear, right, asked int
	for i := range all {
		best, bestImage := 65, (*domain.Image)(nil)
		for j := range all {
			if i == j || all[i].image.Type != all[j].image.Type {
				continue
			}
			d := all[i].hash.Distance(all[j].hash)
			if d < best {
				best, bestImage = d, all[j].image
			}
			hit := 0
			if d <= near {
				hit = 1
			}
			if all[i].image == all[j].image {
				same, sameNear = same+1, sameNear+hit
			} else {
				other, otherNear = other+1, otherNear+hit
			}
		}
		asked++
		if bestImage == all[i].image {
			right++
		}
	}
	t.Logf("a hash of looks links %.1f %% of pairs of showings of one image and %.2f %% of others (%d bits of 64); the nearest showing is of the same image for %.1f %% of %d",
		100*float64(sameNear)/float64(same), 100*float64(otherNear)/float64(other), near, 100*float64(right)/float64(asked), asked)
}

// entropy gives the bits of a distribution.
func entropy(counts map[string]int) float64 {
	total, h := 0, 0.0
	for _, n := range counts {
		total += n
	}
	for _, n := range counts {
		p := float64(n) / float64(total)
		h -= p * math.Log2(p)
	}
	return h
}

// auc is the probability that one of a is larger than one of b, ties being
// half: what a guess of the role by this number alone is worth.
func auc(a, b []float64) float64 {
	sorted := slices.Sorted(slices.Values(b))
	wins := 0.0
	for _, x := range a {
		below, _ := slices.BinarySearch(sorted, x)
		upTo, _ := slices.BinarySearch(sorted, math.Nextafter(x, math.Inf(1)))
		wins += float64(below) + float64(upTo-below)/2
	}
	return wins / float64(len(a)) / float64(len(b))
}

// TestOneShowingIsAlwaysTheSame asks for one showing often: were the answers
// different, their mean would be the picture as it is stored.
func TestOneShowingIsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := corpus.WriteDemo(t.Context(), corpus.DemoParams{Seed: 5, Counts: demo.Counts{KnownTexts: 1}, Renderings: 2}, b.store, nil); err != nil {
		t.Fatal(err)
	}
	images, err := b.store.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	show := func(store *corpus.Store, rendering uint32, showing domain.Showing) string {
		p, err := store.Show(t.Context(), images[0].ID, rendering, showing)
		if err != nil || p.ContentType != "image/jpeg" {
			t.Fatalf("%v, %q", err, p.ContentType)
		}
		bytes := string(p.Bytes)
		p.Loan.Release() // the next picture is made where this one was
		return bytes
	}
	one := domain.Showing{Challenge: domain.ChallengeID{UUID: domain.UUID{1}}, Position: 1}
	first := show(b.store, 0, one)
	if show(b.store, 0, one) != first {
		t.Error("a showing changes from one request to the next")
	}
	for what, got := range map[string]string{
		"another position":  show(b.store, 0, domain.Showing{Challenge: one.Challenge, Position: 2}),
		"another challenge": show(b.store, 0, domain.Showing{Challenge: domain.ChallengeID{UUID: domain.UUID{2}}, Position: 1}),
		"another rendering": show(b.store, 1, one),
		// Nobody can work out beforehand what a showing will be.
		"another process": show(newStore(b.db), 0, one),
	} {
		if got == first {
			t.Errorf("%s gets the same bytes", what)
		}
	}
	if _, err := b.store.Show(t.Context(), images[0].ID, 2, one); domain.CodeOf(err) != domain.CodeNotFound {
		t.Errorf("a rendering that is not there: %v", err)
	}
}

package programtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ocapi/clients"
	"ocapi/corpus"
	"ocapi/corpus/plate/platetest"
	"ocapi/domain"
	"ocapi/place"
	"ocapi/sqlite"
)

// The world of these tests: a collection of small drawn pictures, and clients
// that are made once and copied for each test.
const (
	SiteID    = "site"
	SiteAlias = "old-site"
	OtherID   = "other"
	// BlankID is a client whose collection does not exist.
	BlankID = "blank"

	FixtureCollection = "drawn"
	FixtureCredit     = "An archive of drawings"
	FixtureTexts      = 60 // known ones in as many forms, and as many unknown ones
	fixturePictures   = 12 // matches of each keyword, and half as many unknown ones
	FixtureRenderings = 2
)

// FixtureKeywords are what the fixture's pictures are classified by.
func FixtureKeywords() []string { return []string{"ship", "house"} }

// Truth is what a picture shows to somebody who looks at it, whatever is on
// record of it.
type Truth struct {
	Text     string
	Keywords []string
}

// Reader knows pictures by their looks, as people do.
type Reader = *platetest.Reader[Truth]

// NewReader gives a reader who has seen nothing yet.
func NewReader() Reader { return new(platetest.Reader[Truth]) }

// Fixture is what all data folders of these tests begin with.
type Fixture struct {
	Reader  Reader
	Secrets map[string]string // by client
}

// templateDir is where the folder is that tests get a copy of.
var templateDir = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "ocapi-test-")
	if err != nil {
		panic(err) // a machine without room for temporary files
	}
	return dir
})

var theFixture = sync.OnceValues(func() (*Fixture, error) {
	ctx := context.Background()
	f := &Fixture{Reader: NewReader(), Secrets: map[string]string{}}
	s, err := place.OpenFolder(ctx, templateDir())
	if err != nil {
		return nil, err
	}
	if err := s.Corpus.PutCollection(ctx, corpus.Collection{ID: FixtureCollection, Title: "Drawings", Credit: FixtureCredit}); err != nil {
		return nil, err
	}
	if _, err := s.Corpus.AddImages(ctx, f.draw()); err != nil {
		return nil, err
	}
	for _, p := range []clients.CreateParams{
		{ID: SiteID, Aliases: []string{SiteAlias}}, {ID: OtherID}, {ID: BlankID, Collections: []domain.CollectionID{"nowhere"}},
	} {
		_, secret, err := s.Clients.Create(ctx, p)
		if err != nil {
			return nil, err
		}
		f.Secrets[p.ID] = secret.Reveal()
	}
	return f, s.Close()
})

// draw makes the collection's images.
func (f *Fixture) draw() []corpus.NewImage {
	var images []corpus.NewImage
	for i := range FixtureTexts {
		images = append(images,
			f.Image(corpus.Entry{Image: domain.Image{Type: domain.TypeTranscription, Known: true, Text: Word(i)}}, Truth{Text: Word(i)}),
			f.Image(corpus.Entry{Image: domain.Image{Type: domain.TypeTranscription}}, Truth{Text: Word(FixtureTexts + i)}))
	}
	for _, k := range FixtureKeywords() {
		for i := range fixturePictures {
			images = append(images, f.Image(corpus.Entry{Image: domain.Image{
				Type: domain.TypeClassification, Known: true, Labels: []string{k}, Complete: true,
			}}, Truth{Keywords: []string{k}}))
			if i%2 == 0 {
				images = append(images, f.Image(corpus.Entry{Image: domain.Image{Type: domain.TypeClassification}}, Truth{Keywords: []string{k}}))
			}
		}
	}
	return images
}

// Image completes an entry with its names and pictures, and lets the reader see
// them.
func (f *Fixture) Image(e corpus.Entry, t Truth) corpus.NewImage {
	n := f.Reader.Len()
	e.ID, e.Document, e.Collection = domain.ImageID(fmt.Sprintf("image-%04d", n)), fmt.Sprintf("document-%04d", n), FixtureCollection
	if e.Known {
		e.Trust = domain.TrustImported
	}
	made := corpus.NewImage{Entry: e}
	for r := range FixtureRenderings {
		b := Sketch(uint64(n), uint64(r), 16, 16)
		if err := f.Reader.Add(b, t); err != nil {
			panic(err) // it was just made
		}
		made.Pictures = append(made.Pictures, corpus.Rendering{ContentType: "image/jpeg", Bytes: b, Width: 16, Height: 16})
	}
	return made
}

// Word gives a word like no other: two edits from any other at least, so that
// no slip of the pen makes one of another.
func Word(n int) string {
	syllables := []string{"ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te"}
	return syllables[n%12] + syllables[n/12] + syllables[n%12] + syllables[n/12] + "n"
}

// Sketch draws a small picture that is like no other with other numbers.
func Sketch(n, rendering uint64, w, h int) []byte {
	rng := rand.New(rand.NewPCG(n, rendering))
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(rng.UintN(256))
	}
	img.Set(0, 0, color.Gray{Y: 255})
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err) // a picture of fixed size
	}
	return b.Bytes()
}

// NewFixture gives the fixture that the tests of a package share.
func NewFixture(t testing.TB) *Fixture {
	t.Helper()
	f, err := theFixture()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// NewData gives a data folder of the test's own, with the fixture in it.
func NewData(t testing.TB) (string, *Fixture) {
	t.Helper()
	f := NewFixture(t)
	dir := filepath.Join(t.TempDir(), "data")
	CopyData(t, dir)
	return dir, f
}

// CopyData makes a data folder with the fixture in it.
func CopyData(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{place.ArchiveFile, place.CollectionsFile, place.KeyFile} {
		b, err := os.ReadFile(filepath.Join(templateDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// InStores changes a stopped folder through the program's own stores.
func InStores(t testing.TB, dir string, do func(*place.Stores) error) {
	t.Helper()
	s, err := place.OpenFolder(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := do(s); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Alter runs a statement on one of a folder's databases, as a fault would.
func Alter(t testing.TB, dir, file, statement string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Write.ExecContext(t.Context(), statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// OpenCorpus reads a folder's images, beside a running service.
func OpenCorpus(t testing.TB, dir string) ([]domain.Image, error) {
	t.Helper()
	db, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(dir, place.CollectionsFile))
	if err != nil {
		return nil, err
	}
	images, err := corpus.NewStore(corpus.StoreParams{Read: db.Read, Now: time.Now}).Images(t.Context())
	return images, errors.Join(err, db.Close())
}

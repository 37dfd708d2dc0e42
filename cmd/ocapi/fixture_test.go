package main

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
	"ocapi/sqlite"
)

// The world of these tests: a collection of small drawn pictures, and clients
// that are made once and copied for each test.
const (
	siteID    = "site"
	siteAlias = "old-site"
	otherID   = "other"
	// blankID is a client whose collection does not exist.
	blankID = "blank"

	fixtureCollection = "drawn"
	fixtureCredit     = "An archive of drawings"
	fixtureTexts      = 60 // known ones in as many forms, and as many unknown ones
	fixturePictures   = 12 // matches of each keyword, and half as many unknown ones
	fixtureRenderings = 2
)

func fixtureKeywords() []string { return []string{"ship", "house"} }

// truth is what a picture shows to somebody who looks at it, whatever is on
// record of it.
type truth struct {
	text     string
	keywords []string
}

// reader knows pictures by their looks, as people do.
type reader = *platetest.Reader[truth]

func newReader() reader { return new(platetest.Reader[truth]) }

// fixture is what all data folders of these tests begin with.
type fixture struct {
	reader  reader
	secrets map[string]string // by client
}

// templateDir is where the folder is that tests get a copy of.
var templateDir = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "ocapi-test-")
	if err != nil {
		panic(err) // a machine without room for temporary files
	}
	return dir
})

var theFixture = sync.OnceValues(func() (*fixture, error) {
	ctx := context.Background()
	f := &fixture{reader: newReader(), secrets: map[string]string{}}
	s, err := openFolder(ctx, templateDir())
	if err != nil {
		return nil, err
	}
	if err := s.corpus.PutCollection(ctx, corpus.Collection{ID: fixtureCollection, Title: "Drawings", Credit: fixtureCredit}); err != nil {
		return nil, err
	}
	if _, err := s.corpus.AddImages(ctx, f.draw()); err != nil {
		return nil, err
	}
	for _, p := range []clients.CreateParams{
		{ID: siteID, Aliases: []string{siteAlias}}, {ID: otherID}, {ID: blankID, Collections: []domain.CollectionID{"nowhere"}},
	} {
		_, secret, err := s.clients.Create(ctx, p)
		if err != nil {
			return nil, err
		}
		f.secrets[p.ID] = secret.Reveal()
	}
	return f, s.Close()
})

// draw makes the collection's images.
func (f *fixture) draw() []corpus.NewImage {
	var images []corpus.NewImage
	for i := range fixtureTexts {
		images = append(images,
			f.image(corpus.Entry{Image: domain.Image{Type: domain.TypeTranscription, Known: true, Text: word(i)}}, truth{text: word(i)}),
			f.image(corpus.Entry{Image: domain.Image{Type: domain.TypeTranscription}}, truth{text: word(fixtureTexts + i)}))
	}
	for _, k := range fixtureKeywords() {
		for i := range fixturePictures {
			images = append(images, f.image(corpus.Entry{Image: domain.Image{
				Type: domain.TypeClassification, Known: true, Labels: []string{k}, Complete: true,
			}}, truth{keywords: []string{k}}))
			if i%2 == 0 {
				images = append(images, f.image(corpus.Entry{Image: domain.Image{Type: domain.TypeClassification}}, truth{keywords: []string{k}}))
			}
		}
	}
	return images
}

// image completes an entry with its names and pictures, and lets the reader see
// them.
func (f *fixture) image(e corpus.Entry, t truth) corpus.NewImage {
	n := f.reader.Len()
	e.ID, e.Document, e.Collection = domain.ImageID(fmt.Sprintf("image-%04d", n)), fmt.Sprintf("document-%04d", n), fixtureCollection
	if e.Known {
		e.Trust = domain.TrustImported
	}
	made := corpus.NewImage{Entry: e}
	for r := range fixtureRenderings {
		b := sketch(uint64(n), uint64(r), 16, 16)
		if err := f.reader.Add(b, t); err != nil {
			panic(err) // it was just made
		}
		made.Pictures = append(made.Pictures, corpus.Rendering{ContentType: "image/jpeg", Bytes: b, Width: 16, Height: 16})
	}
	return made
}

// word gives a word like no other: two edits from any other at least, so that
// no slip of the pen makes one of another.
func word(n int) string {
	syllables := []string{"ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te"}
	return syllables[n%12] + syllables[n/12] + syllables[n%12] + syllables[n/12] + "n"
}

// sketch draws a small picture that is like no other with other numbers.
func sketch(n, rendering uint64, w, h int) []byte {
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

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f, err := theFixture()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// newData gives a data folder of the test's own, with the fixture in it.
func newData(t testing.TB) (string, *fixture) {
	t.Helper()
	f := newFixture(t)
	dir := filepath.Join(t.TempDir(), "data")
	copyData(t, dir)
	return dir, f
}

func copyData(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{archiveFile, collectionsFile, keyFile} {
		b, err := os.ReadFile(filepath.Join(templateDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// inStores changes a stopped folder through the program's own stores.
func inStores(t testing.TB, dir string, do func(*stores) error) {
	t.Helper()
	s, err := openFolder(t.Context(), dir)
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

// alter runs a statement on one of a folder's databases, as a fault would.
func alter(t testing.TB, dir, file, statement string) {
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

// openCorpus reads a folder's images, beside a running service.
func openCorpus(t testing.TB, dir string) ([]domain.Image, error) {
	t.Helper()
	db, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(dir, collectionsFile))
	if err != nil {
		return nil, err
	}
	images, err := corpus.NewStore(corpus.StoreParams{Read: db.Read, Now: time.Now}).Images(t.Context())
	return images, errors.Join(err, db.Close())
}

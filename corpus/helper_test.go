package corpus_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/migrations"
	"ocapi/sqlite"
)

type bundle struct {
	db    *sqlite.DB
	store *corpus.Store
	dir   string // a folder to import
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "collections.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := migrations.Up(t.Context(), db.Write, migrations.Collections); err != nil {
		t.Fatal(err)
	}
	return &bundle{db: db, store: newStore(db), dir: t.TempDir()}
}

func newStore(db *sqlite.DB) *corpus.Store {
	return corpus.NewStore(corpus.StoreParams{Write: db.Write, Read: db.Read, Now: func() time.Time {
		return time.Date(2026, 5, 6, 7, 8, 9, 10_000, time.UTC)
	}})
}

func (b *bundle) file(t *testing.T, name string, content []byte) {
	t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) manifest(t *testing.T, lines ...string) {
	t.Helper()
	b.file(t, "manifest.csv", []byte(strings.Join(lines, "\n")+"\n"))
}

func (b *bundle) imports(t *testing.T, change ...func(*corpus.ImportParams)) corpus.Report {
	t.Helper()
	p := corpus.ImportParams{Dir: b.dir, Collection: "c"}
	for _, c := range change {
		c(&p)
	}
	report, err := corpus.Import(t.Context(), p, b.store, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func (b *bundle) revision(t *testing.T) int64 {
	t.Helper()
	r, err := b.store.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// picture draws a page that is like no other with another number.
func picture(t testing.TB, n, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{uint8(x*3 + n), uint8(y*5 + n*7), uint8(n*11 + n>>8*x), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func counts(list []corpus.Count) string {
	var s []string
	for _, c := range list {
		role := "unknown"
		if c.Known {
			role = "known"
		}
		s = append(s, fmt.Sprintf("%s %s %d", c.Type, role, c.Images))
	}
	return strings.Join(s, ", ")
}

func problems(p corpus.Problems) string {
	var s []string
	for _, problem := range p.List {
		s = append(s, problem.String())
	}
	return strings.Join(s, "\n")
}

// entry is a valid known text.
func entry(id string) corpus.Entry {
	var e corpus.Entry
	e.ID, e.Collection, e.Document = domain.ImageID(id), "c", "doc"
	e.Type, e.Known, e.Trust, e.Text = domain.TypeTranscription, true, domain.TrustImported, "word"
	return e
}

func newImage(id string, sizes ...int) corpus.NewImage {
	im := corpus.NewImage{Entry: entry(id)}
	for n, size := range append([]int{10}, sizes...) {
		im.Pictures = append(im.Pictures, corpus.Rendering{
			ContentType: "image/jpeg", Width: 3, Height: 2, Bytes: bytes.Repeat([]byte{byte(n + 1)}, size),
		})
	}
	return im
}

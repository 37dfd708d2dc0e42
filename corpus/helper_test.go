package corpus_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/migrations"
	"ocapi/postgres/postgrestest"
	"ocapi/sqlite"
)

// handles are a database's, of whatever kind.
type handles struct {
	Write, Read *sql.DB
	file        bool
}

// databases make an empty database of every kind that there is, and give what
// opens it, as one process after another would.
var databases = map[string]func(t *testing.T) func(t *testing.T) handles{
	"SQLite": func(t *testing.T) func(t *testing.T) handles {
		t.Helper()
		path := filepath.Join(t.TempDir(), "collections.db")
		return func(t *testing.T) handles {
			t.Helper()
			db, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			closeAtTheEnd(t, db)
			return handles{db.Write, db.Read, true}
		}
	},
	"PostgreSQL": func(t *testing.T) func(t *testing.T) handles {
		t.Helper()
		return postgresAt(postgrestest.URL(t))
	},
}

// sets are the migrations of each kind.
var sets = map[string]migrations.Set{"SQLite": migrations.Collections, "PostgreSQL": migrations.Postgres}

func postgresAt(url string) func(t *testing.T) handles {
	return func(t *testing.T) handles {
		t.Helper()
		db := postgrestest.Open(t, url)
		return handles{db.Write, db.Read, false}
	}
}

func closeAtTheEnd(t *testing.T, db io.Closer) {
	t.Helper()
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

type bundle struct {
	open  func(t *testing.T) handles // once more, as another process would
	db    handles
	store *corpus.Store
	dir   string // a folder to import
}

// setup is for tests of what no database has a part in.
func setup(t *testing.T) *bundle {
	t.Helper()
	return setupOn(t, databases["SQLite"](t), migrations.Collections)
}

func setupOn(t *testing.T, open func(t *testing.T) handles, set migrations.Set) *bundle {
	t.Helper()
	db := open(t)
	if err := migrations.Up(t.Context(), db.Write, set); err != nil {
		t.Fatal(err)
	}
	return &bundle{open: open, db: db, store: newStore(db), dir: t.TempDir()}
}

// onEveryDatabase runs a test on a store of each kind of database.
func onEveryDatabase(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Parallel()
	for kind, prepare := range databases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, setupOn(t, prepare(t), sets[kind]))
		})
	}
}

func newStore(db handles) *corpus.Store {
	return corpus.NewStore(corpus.StoreParams{Write: db.Write, Read: db.Read, File: db.file, Now: func() time.Time {
		return time.Date(2026, 5, 6, 7, 8, 9, 10_000, time.UTC)
	}})
}

// addCollection puts the empty collection "c" into the store.
func (b *bundle) addCollection(t *testing.T) {
	t.Helper()
	if err := b.store.PutCollection(t.Context(), corpus.Collection{ID: "c", Title: "T", Credit: "C"}); err != nil {
		t.Fatal(err)
	}
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
	p := corpus.ImportParams{Source: b.dir, Collection: "c"}
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
			ContentType: "image/jpeg", Width: 3, Height: 2, Bytes: corpus.Stub(n, size),
		})
	}
	return im
}

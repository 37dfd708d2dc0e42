package programtest

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
	"ocapi/postgres/postgrestest"
	"ocapi/sqlite"
)

// OnEveryPlace runs a test on the fixture in a data folder and in a database;
// at are the flags that name the place.
func OnEveryPlace(t *testing.T, test func(t *testing.T, at []string)) {
	t.Parallel()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		dir, _ := NewData(t)
		test(t, []string{"--data", dir})
	})
	t.Run("database", func(t *testing.T) {
		t.Parallel()
		s := &shared{t: t, Database: postgrestest.URL(t)}
		Succeed(t, "migrate", "up", "--database-url", s.Database)
		s.InStores(func(stores *place.Stores) error {
			if err := stores.Corpus.PutCollection(t.Context(), corpus.Collection{ID: FixtureCollection, Title: "Drawings", Credit: FixtureCredit}); err != nil {
				return err
			}
			_, err := stores.Corpus.AddImages(t.Context(), (&Fixture{Reader: NewReader()}).draw())
			return err
		})
		test(t, []string{"--database-url", s.Database})
	})
}

// Says holds an output to all of some patterns.
func Says(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out) {
			t.Errorf("it does not say %q:\n%s", p, out)
		}
	}
}

// Importable makes a folder that can be imported: pictures of two keywords, a
// third each, and a third unknown. Twelve are enough to serve; pictures are
// rendered as real ones are, which takes its time, so tests import few.
func Importable(t *testing.T, lines int) string {
	t.Helper()
	dir := t.TempDir()
	records := [][]string{{"file", "kind", "keyword", "known", "credit"}}
	for i := range lines {
		name := fmt.Sprintf("%04d.jpg", i)
		if err := os.WriteFile(filepath.Join(dir, name), Sketch(uint64(100_000+i), 0, 8, 8), 0o600); err != nil {
			t.Fatal(err)
		}
		keyword, known := []string{"comet", "garden", ""}[i%3], "yes"
		if keyword == "" {
			known = "no"
		}
		records = append(records, []string{name, "classification", keyword, known, "An importing archive"})
	}
	WriteTable(t, filepath.Join(dir, "manifest.csv"), records)
	return dir
}

// Imports imports a folder; how far it is may be said meanwhile.
func Imports(t *testing.T, dir, folder, collection string, flags ...string) (report string) {
	t.Helper()
	// The pictures of these tests are smaller than those that people can read.
	small := []string{"--min-side", "1", "--min-letters", "0", "--contradictions"}
	got := Command(t, slices.Concat([]string{"corpus", "import", folder, "--labels-complete", "--collection", collection, "--data", dir}, small, flags)...)
	for line := range strings.Lines(got.Err) {
		if !strings.Contains(line, " images") {
			t.Errorf("the import says %q", line)
		}
	}
	if got.Code != 0 {
		t.Fatalf("the import ended with %d: %s", got.Code, got.Err)
	}
	return got.Out
}

// WriteTable writes a CSV file.
func WriteTable(t *testing.T, path string, records [][]string) {
	t.Helper()
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(records); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ReadRecord lets a reader see what is on record of a folder's images: what is
// unknown may be read as anything.
func ReadRecord(t testing.TB, dir string) Reader {
	t.Helper()
	db, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(dir, place.CollectionsFile))
	if err != nil {
		t.Fatal(err)
	}
	store := corpus.NewStore(corpus.StoreParams{Read: db.Read, Now: time.Now})
	images, err := store.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader()
	for _, im := range images {
		for n := range im.Renderings {
			p, err := store.Picture(t.Context(), im.ID, n)
			if err != nil {
				t.Fatal(err)
			}
			shows := Truth{Text: im.Text, Keywords: im.Labels}
			if !im.Known {
				shows = Truth{Text: "illegible"}
			}
			if err := r.Add(p.Bytes, shows); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

// DrawnByProgram makes the fixture's collection one of the program's own.
func DrawnByProgram(t *testing.T, dir string) {
	t.Helper()
	InStores(t, dir, func(s *place.Stores) error {
		return s.Corpus.PutCollection(t.Context(), corpus.Collection{ID: FixtureCollection, Title: "Drawings", Credit: FixtureCredit, Demo: true})
	})
}

// CollectionThere reports whether a collection has been begun, beside whoever
// writes it.
func CollectionThere(t *testing.T, dir, id string) bool {
	t.Helper()
	db, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(dir, place.CollectionsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it is only read
	_, err = corpus.NewStore(corpus.StoreParams{Read: db.Read, Now: time.Now}).Collection(t.Context(), domain.CollectionID(id))
	return err == nil
}

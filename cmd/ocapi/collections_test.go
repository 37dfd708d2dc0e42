package main

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
	"ocapi/postgres/postgrestest"
	"ocapi/sqlite"
)

// onEveryPlace runs a test on the fixture in a data folder and in a database;
// at are the flags that name the place.
func onEveryPlace(t *testing.T, test func(t *testing.T, at []string)) {
	t.Parallel()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		dir, _ := newData(t)
		test(t, []string{"--data", dir})
	})
	t.Run("database", func(t *testing.T) {
		t.Parallel()
		s := &shared{t: t, database: postgrestest.URL(t)}
		succeed(t, "migrate", "up", "--database-url", s.database)
		s.inStores(func(stores *stores) error {
			if err := stores.corpus.PutCollection(t.Context(), corpus.Collection{ID: fixtureCollection, Title: "Drawings", Credit: fixtureCredit}); err != nil {
				return err
			}
			_, err := stores.corpus.AddImages(t.Context(), (&fixture{reader: newReader()}).draw())
			return err
		})
		test(t, []string{"--database-url", s.database})
	})
}

// says holds an output to all of some patterns.
func says(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out) {
			t.Errorf("it does not say %q:\n%s", p, out)
		}
	}
}

// importable makes a folder that can be imported: pictures of two keywords, a
// third each, and a third unknown. Twelve are enough to serve; pictures are
// rendered as real ones are, which takes its time, so tests import few.
func importable(t *testing.T, lines int) string {
	t.Helper()
	dir := t.TempDir()
	records := [][]string{{"file", "kind", "keyword", "known", "credit"}}
	for i := range lines {
		name := fmt.Sprintf("%04d.jpg", i)
		if err := os.WriteFile(filepath.Join(dir, name), sketch(uint64(100_000+i), 0, 8, 8), 0o600); err != nil {
			t.Fatal(err)
		}
		keyword, known := []string{"comet", "garden", ""}[i%3], "yes"
		if keyword == "" {
			known = "no"
		}
		records = append(records, []string{name, "classification", keyword, known, "An importing archive"})
	}
	writeTable(t, filepath.Join(dir, "manifest.csv"), records)
	return dir
}

// imports imports a folder; how far it is may be said meanwhile.
func imports(t *testing.T, dir, folder, collection string, flags ...string) (report string) {
	t.Helper()
	// The pictures of these tests are smaller than those that people can read.
	small := []string{"--min-side", "1", "--min-letters", "0", "--contradictions"}
	got := command(t, slices.Concat([]string{"corpus", "import", folder, "--labels-complete", "--collection", collection, "--data", dir}, small, flags)...)
	for line := range strings.Lines(got.err) {
		if !strings.Contains(line, " images") {
			t.Errorf("the import says %q", line)
		}
	}
	if got.code != 0 {
		t.Fatalf("the import ended with %d: %s", got.code, got.err)
	}
	return got.out
}

func writeTable(t *testing.T, path string, records [][]string) {
	t.Helper()
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(records); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readRecord lets a reader see what is on record of a folder's images: what is
// unknown may be read as anything.
func readRecord(t testing.TB, dir string) reader {
	t.Helper()
	db, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(dir, collectionsFile))
	if err != nil {
		t.Fatal(err)
	}
	store := corpus.NewStore(corpus.StoreParams{Read: db.Read, Now: time.Now})
	images, err := store.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := newReader()
	for _, im := range images {
		for n := range im.Renderings {
			p, err := store.Picture(t.Context(), im.ID, n)
			if err != nil {
				t.Fatal(err)
			}
			shows := truth{text: im.Text, keywords: im.Labels}
			if !im.Known {
				shows = truth{text: "illegible"}
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

// drawnByProgram makes the fixture's collection one of the program's own.
func drawnByProgram(t *testing.T, dir string) {
	t.Helper()
	inStores(t, dir, func(s *stores) error {
		return s.corpus.PutCollection(t.Context(), corpus.Collection{ID: fixtureCollection, Title: "Drawings", Credit: fixtureCredit, Demo: true})
	})
}

// collectionThere reports whether a collection has been begun, beside whoever
// writes it.
func collectionThere(t *testing.T, dir, id string) bool {
	t.Helper()
	db, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(dir, collectionsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it is only read
	_, err = corpus.NewStore(corpus.StoreParams{Read: db.Read, Now: time.Now}).Collection(t.Context(), domain.CollectionID(id))
	return err == nil
}

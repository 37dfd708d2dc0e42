package main

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/postgres/postgrestest"
)

func TestCorpusShow(t *testing.T) { onEveryPlace(t, testCorpusShow) }

func testCorpusShow(t *testing.T, at []string) {
	file := filepath.Join(t.TempDir(), "sheet.png")
	succeed(t, append([]string{"corpus", "retire", fixtureCollection, "image-0000", "--reason", "upside down"}, at...)...)
	out := succeed(t, append([]string{"corpus", "show", fixtureCollection, "--sheet", file, "--each", "5"}, at...)...)
	says(t, out, `Collection drawn`, `title: +Drawings`, `credit: +An archive of drawings`, `imported: from 20`,
		`transcription +known +59 +1\n`, `transcription +unknown +60 +0\n`, `classification +known +24 +0\n`, `classification +unknown +12 +0\n`,
		`pictures: 312 renderings`, `house +12 +-`, `156 +156 +-`,
		`Contact sheet: .*sheet.png \(21 of 156 images\)`)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	out = succeed(t, append([]string{"corpus", "show", fixtureCollection, "--sheet", file, "--keyword", "ship"}, at...)...)
	says(t, out, `\(36 of 156 images\)`)
	content, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if one, err := png.Decode(bytes.NewReader(content)); err != nil || one.Bounds() == all.Bounds() {
		t.Errorf("the sheet of a keyword is %v, %v", one.Bounds(), err)
	}
	if out = succeed(t, append([]string{"corpus", "show", fixtureCollection, "--no-sheet"}, at...)...); strings.Contains(out, "Contact sheet") {
		t.Errorf("it says %s", out)
	}
	refuse(t, append([]string{"corpus", "show", "nowhere"}, at...), `no collection "nowhere"`)
	succeed(t, append([]string{"corpus", "retire", fixtureCollection, "--all"}, at...)...)
	refuse(t, append([]string{"corpus", "show", fixtureCollection, "--keyword", "ship", "--sheet", file}, at...), "no image to draw")
	refuse(t, append([]string{"corpus", "show", fixtureCollection, "--each", "0"}, at...), "--each")
}

func TestCorpusCheck(t *testing.T) { onEveryPlace(t, testCorpusCheck) }

func testCorpusCheck(t *testing.T, at []string) {
	check := append([]string{"corpus", "check", fixtureCollection}, at...)
	out := succeed(t, check...)
	says(t, out, `transcription: served only with serve --small-pools\n`, `known: +60 texts, in 60 different forms\n`, `unknown: 60 texts\n`,
		`classification: served only with serve --small-pools, 2 of 2 keywords`, `house +12 +12 +12 +[12] +-\n`, `transcription +60 +60 +\(none\)\n`,
		`transcription: too small: after 5,400 challenges`, `240 known texts missing`, `176 unknown texts missing`,
		`classification: too small: after 300 challenges`, `1,862 known pictures missing`, `514 unknown pictures missing`)
	if strings.Contains(out, "(!)") {
		t.Errorf("mixed roles are warned of:\n%s", out)
	}

	// Too few of each: it still serves words, and says in numbers what is missing.
	retire := func(first, n int) {
		t.Helper()
		args := append([]string{"corpus", "retire", fixtureCollection}, at...)
		for i := range n {
			args = append(args, fmt.Sprintf("image-%04d", fixtureRenderings*(first+i))) // as the fixture numbers them
		}
		succeed(t, args...)
	}
	retire(120, 36) // all that is to be classified
	out = succeed(t, check...)
	says(t, out, `156 images, 36 of them retired`, `transcription: served only`, `classification: there are no keywords`)
	retire(0, 26) // 13 known and 13 unknown texts
	got := command(t, check...)
	if got.code != 1 || !strings.Contains(got.err, "can serve no challenge yet") {
		t.Errorf("it ended with %d: %s", got.code, got.err)
	}
	says(t, got.out, `transcription: not served`, `known: +47 texts, in 47 different forms; it takes 56 forms: 9 are missing`)
	refuse(t, append([]string{"corpus", "check", "nowhere"}, at...), `no collection "nowhere"`)
}

// TestCorpusCheckOfOddThings has a collection with everything that is to be
// warned of.
func TestCorpusCheckOfOddThings(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	inStores(t, dir, func(s *stores) error {
		err := s.corpus.PutCollection(t.Context(), corpus.Collection{ID: "odd", Keywords: corpus.Keywords{"mill": {"en": "mill", "fr": "moulin"}}})
		if err != nil {
			return err
		}
		f := &fixture{reader: newReader()}
		var images []corpus.NewImage
		for i := range 12 {
			e := corpus.Entry{Image: domain.Image{Type: domain.TypeClassification, Known: true, Labels: []string{[]string{"mill", "Mills", "ship"}[i%3]}}}
			e.Institution = "Known Archive"
			if i%4 == 0 {
				e.Known, e.Labels, e.Institution = false, nil, "Unknown Archive"
			}
			im := f.image(e, truth{})
			im.Collection = "odd"
			images = append(images, im)
		}
		_, err = s.corpus.AddImages(t.Context(), images)
		return err
	})
	got := command(t, "corpus", "check", "odd", "--data", dir)
	if got.code != 1 {
		t.Errorf("it ended with %d", got.code)
	}
	says(t, got.out, `classification: not served, 0 of 3 keywords`, `mill +3 +0 +3 +- +4 non-matches\n`, `non-match only where its labels are said to be complete`,
		`Mills: en, fr\n`, `ship: en, fr\n`, `meant to be one:\n  Mills, mill\n`,
		`classification +9 +0 +Known Archive  \(!\)\n`, `classification +0 +3 +Unknown Archive  \(!\)\n`, `\(!\) All images with this line have one role`,
		`no credit line`)
}

// TestRetiredImagesAreDealtNoMore retires everything beside a running service:
// nothing new is dealt at once, a challenge that is under way goes on to its
// verdict, and what is restored is dealt again.
func TestRetiredImagesAreDealtNoMore(t *testing.T) {
	t.Parallel()
	dir, f := newData(t)
	p := start(t, dir, options{})
	v := newVisitor(t, p, f, siteID)
	c, other := v.ask("transcription"), v.ask("classification")
	out := succeed(t, "corpus", "retire", fixtureCollection, "--all", "--reason", "withdrawn", "--data", dir)
	says(t, out, `^156 images of drawn are dealt no more; challenges that are under way still show them. 0 images are dealt.\n$`)
	v.get("/challenge/site").wantProblem(t, http.StatusServiceUnavailable)
	for _, image := range c.Images {
		if got := v.get(image.URL); got.status != http.StatusOK {
			t.Errorf("an image of a live challenge: %d", got.status)
		}
	}
	if j := v.answer(c, v.right(c)); j.State != "validated" {
		t.Errorf("the right answer was judged %+v", j)
	}
	if got := v.state(c.ID); got != "validated" {
		t.Errorf("the state is %s", got)
	}
	if j := v.answer(other, `{"selected":[]}`); j.State != "rejected" {
		t.Errorf("the wrong answer was judged %+v", j)
	}
	says(t, succeed(t, "corpus", "list", "--data", dir), `drawn +Drawings +156 \(156 retired\) +- +- +0 +nothing yet`)

	says(t, succeed(t, "corpus", "retire", fixtureCollection, "--document", "document-0000", "--restore", "--data", dir), `^1 images of drawn are dealt again. 1 images are dealt`)
	says(t, succeed(t, "corpus", "retire", fixtureCollection, "--all", "--restore", "--data", dir), `^155 images of drawn are dealt again. 156 images are dealt`)
	fence(v, dir)
	for _, e := range events(t, dir) {
		if e.Type == "ChallengeCreated" && len(e.Data.Images) == 0 {
			t.Errorf("an event has lost its images: %+v", e)
		}
	}
	refuse(t, []string{"corpus", "retire", fixtureCollection, "--data", dir}, "say which images")
	refuse(t, []string{"corpus", "retire", fixtureCollection, "nowhere", "--data", dir}, `no image "nowhere"`)
}

// TestTrialStoresNothing tries an import on a folder that is not there, on one
// that is, beside its service and in a database.
func TestTrialStoresNothing(t *testing.T) {
	t.Parallel()
	folder := importable(t, 12)
	trial := func(at ...string) string {
		t.Helper()
		out := succeed(t, append([]string{"corpus", "import", folder, "--labels-complete", "--collection", "letters", "--min-side", "1", "--contradictions", "--dry-run"}, at...)...)
		says(t, out, `^This is a trial: nothing was stored`, `Collection letters: 12 images made, 0 there already`, `classification \(comet, garden\)`)
		return out
	}
	nowhere := filepath.Join(t.TempDir(), "data")
	first := trial("--data", nowhere)
	if _, err := os.Stat(nowhere); !os.IsNotExist(err) {
		t.Errorf("a trial makes a data folder: %v", err)
	}
	dir, _ := newData(t)
	start(t, dir, options{})
	if again := trial("--data", dir); again != first {
		t.Errorf("beside a service it says\n%s", again)
	}
	if collectionThere(t, dir, "letters") {
		t.Error("a trial makes a collection")
	}
	database := postgrestest.URL(t)
	succeed(t, "migrate", "up", "--database-url", database)
	if again := trial("--database-url", database); again != first {
		t.Errorf("in a database it says\n%s", again)
	}
	says(t, succeed(t, "corpus", "list", "--database-url", database), "There are no collections yet")
	// What a trial says is what the import then says.
	report := imports(t, nowhere, folder, "letters")
	if _, rest, _ := strings.Cut(first, "\n"); rest != report {
		t.Errorf("the trial said\n%s\nthe import\n%s", rest, report)
	}
}

// TestReadersSayThatAFolderIsOlder has a folder that an older release left: a
// command that only reads does not migrate it, and says what does.
func TestReadersSayThatAFolderIsOlder(t *testing.T) {
	t.Parallel()
	dir, _ := newData(t)
	alter(t, dir, collectionsFile, `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
	for _, command := range []string{"list", "show", "check"} {
		args := []string{"corpus", command, fixtureCollection, "--data", dir}
		if command == "list" {
			args = []string{"corpus", "list", "--data", dir}
		}
		refuse(t, args, "older release", "start the service once")
	}
}

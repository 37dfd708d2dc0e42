package corpus_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
	"ocapi/postgres/postgrestest"
)

func TestCorpusShow(t *testing.T) { programtest.OnEveryPlace(t, testCorpusShow) }

func testCorpusShow(t *testing.T, at []string) {
	file := filepath.Join(t.TempDir(), "sheet.png")
	programtest.Succeed(t, append([]string{"corpus", "retire", programtest.FixtureCollection, "image-0000", "--reason", "upside down"}, at...)...)
	out := programtest.Succeed(t, append([]string{"corpus", "show", programtest.FixtureCollection, "--sheet", file, "--each", "5"}, at...)...)
	programtest.Says(t, out, `Collection drawn`, `title: +Drawings`, `credit: +An archive of drawings`, `imported: from 20`,
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
	out = programtest.Succeed(t, append([]string{"corpus", "show", programtest.FixtureCollection, "--sheet", file, "--keyword", "ship"}, at...)...)
	programtest.Says(t, out, `\(36 of 156 images\)`)
	content, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if one, err := png.Decode(bytes.NewReader(content)); err != nil || one.Bounds() == all.Bounds() {
		t.Errorf("the sheet of a keyword is %v, %v", one.Bounds(), err)
	}
	if out = programtest.Succeed(t, append([]string{"corpus", "show", programtest.FixtureCollection, "--no-sheet"}, at...)...); strings.Contains(out, "Contact sheet") {
		t.Errorf("it says %s", out)
	}
	programtest.Refuse(t, append([]string{"corpus", "show", "nowhere"}, at...), `no collection "nowhere"`)
	programtest.Succeed(t, append([]string{"corpus", "retire", programtest.FixtureCollection, "--all"}, at...)...)
	programtest.Refuse(t, append([]string{"corpus", "show", programtest.FixtureCollection, "--keyword", "ship", "--sheet", file}, at...), "no image to draw")
	programtest.Refuse(t, append([]string{"corpus", "show", programtest.FixtureCollection, "--each", "0"}, at...), "--each")
}

func TestCorpusCheck(t *testing.T) { programtest.OnEveryPlace(t, testCorpusCheck) }

func testCorpusCheck(t *testing.T, at []string) {
	check := append([]string{"corpus", "check", programtest.FixtureCollection}, at...)
	out := programtest.Succeed(t, check...)
	programtest.Says(t, out, `transcription: served only with serve --small-pools\n`, `known: +60 texts, in 60 different forms\n`, `unknown: 60 texts\n`,
		`classification: served only with serve --small-pools, 2 of 2 keywords`, `house +12 +12 +12 +[12] +-\n`, `transcription +60 +60 +\(none\)\n`,
		`transcription: too small: after 5,400 challenges`, `240 known texts missing`, `176 unknown texts missing`,
		`classification: too small: after 300 challenges`, `1,862 known pictures missing`, `514 unknown pictures missing`)
	if strings.Contains(out, "(!)") {
		t.Errorf("mixed roles are warned of:\n%s", out)
	}

	// Too few of each: it still serves words, and says in numbers what is missing.
	retire := func(first, n int) {
		t.Helper()
		args := append([]string{"corpus", "retire", programtest.FixtureCollection}, at...)
		for i := range n {
			args = append(args, fmt.Sprintf("image-%04d", programtest.FixtureRenderings*(first+i))) // as the fixture numbers them
		}
		programtest.Succeed(t, args...)
	}
	retire(120, 36) // all that is to be classified
	out = programtest.Succeed(t, check...)
	programtest.Says(t, out, `156 images, 36 of them retired`, `transcription: served only`, `classification: there are no keywords`)
	retire(0, 26) // 13 known and 13 unknown texts
	got := programtest.Command(t, check...)
	if got.Code != 1 || !strings.Contains(got.Err, "can serve no challenge yet") {
		t.Errorf("it ended with %d: %s", got.Code, got.Err)
	}
	programtest.Says(t, got.Out, `transcription: not served`, `known: +47 texts, in 47 different forms; it takes 56 forms: 9 are missing`)
	programtest.Refuse(t, append([]string{"corpus", "check", "nowhere"}, at...), `no collection "nowhere"`)
}

// TestCorpusCheckOfOddThings has a collection with everything that is to be
// warned of.
func TestCorpusCheckOfOddThings(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	programtest.InStores(t, dir, func(s *place.Stores) error {
		err := s.Corpus.PutCollection(t.Context(), corpus.Collection{ID: "odd", Keywords: corpus.Keywords{"mill": {"en": "mill", "fr": "moulin"}}})
		if err != nil {
			return err
		}
		f := &programtest.Fixture{Reader: programtest.NewReader()}
		var images []corpus.NewImage
		for i := range 12 {
			e := corpus.Entry{Image: domain.Image{Type: domain.TypeClassification, Known: true, Labels: []string{[]string{"mill", "Mills", "ship"}[i%3]}}}
			e.Institution = "Known Archive"
			if i%4 == 0 {
				e.Known, e.Labels, e.Institution = false, nil, "Unknown Archive"
			}
			im := f.Image(e, programtest.Truth{})
			im.Collection = "odd"
			images = append(images, im)
		}
		_, err = s.Corpus.AddImages(t.Context(), images)
		return err
	})
	got := programtest.Command(t, "corpus", "check", "odd", "--data", dir)
	if got.Code != 1 {
		t.Errorf("it ended with %d", got.Code)
	}
	programtest.Says(t, got.Out, `classification: not served, 0 of 3 keywords`, `mill +3 +0 +3 +- +4 non-matches\n`, `non-match only where its labels are said to be complete`,
		`Mills: en, fr\n`, `ship: en, fr\n`, `meant to be one:\n  Mills, mill\n`,
		`classification +9 +0 +Known Archive  \(!\)\n`, `classification +0 +3 +Unknown Archive  \(!\)\n`, `\(!\) All images with this line have one role`,
		`no credit line`)
}

// TestRetiredImagesAreDealtNoMore retires everything beside a running service:
// nothing new is dealt at once, a challenge that is under way goes on to its
// verdict, and what is restored is dealt again.
func TestRetiredImagesAreDealtNoMore(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	p := programtest.Start(t, dir, programtest.Options{})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	c, other := v.Ask("transcription"), v.Ask("classification")
	out := programtest.Succeed(t, "corpus", "retire", programtest.FixtureCollection, "--all", "--reason", "withdrawn", "--data", dir)
	programtest.Says(t, out, `^156 images of drawn are dealt no more; challenges that are under way still show them. 0 images are dealt.\n$`)
	v.Get("/challenge/site").WantProblem(t, http.StatusServiceUnavailable)
	for _, image := range c.Images {
		if got := v.Get(image.URL); got.Status != http.StatusOK {
			t.Errorf("an image of a live challenge: %d", got.Status)
		}
	}
	if j := v.Answer(c, v.Right(c)); j.State != "validated" {
		t.Errorf("the right answer was judged %+v", j)
	}
	if got := v.State(c.ID); got != "validated" {
		t.Errorf("the state is %s", got)
	}
	if j := v.Answer(other, `{"selected":[]}`); j.State != "rejected" {
		t.Errorf("the wrong answer was judged %+v", j)
	}
	programtest.Says(t, programtest.Succeed(t, "corpus", "list", "--data", dir), `drawn +Drawings +156 \(156 retired\) +- +- +0 +nothing yet`)

	programtest.Says(t, programtest.Succeed(t, "corpus", "retire", programtest.FixtureCollection, "--document", "document-0000", "--restore", "--data", dir), `^1 images of drawn are dealt again. 1 images are dealt`)
	programtest.Says(t, programtest.Succeed(t, "corpus", "retire", programtest.FixtureCollection, "--all", "--restore", "--data", dir), `^155 images of drawn are dealt again. 156 images are dealt`)
	programtest.Fence(v, dir)
	for _, e := range programtest.Events(t, dir) {
		if e.Type == "ChallengeCreated" && len(e.Data.Images) == 0 {
			t.Errorf("an event has lost its images: %+v", e)
		}
	}
	programtest.Refuse(t, []string{"corpus", "retire", programtest.FixtureCollection, "--data", dir}, "say which images")
	programtest.Refuse(t, []string{"corpus", "retire", programtest.FixtureCollection, "nowhere", "--data", dir}, `no image "nowhere"`)
}

// TestTrialStoresNothing tries an import on a folder that is not there, on one
// that is, beside its service and in a database.
func TestTrialStoresNothing(t *testing.T) {
	t.Parallel()
	folder := programtest.Importable(t, 12)
	trial := func(at ...string) string {
		t.Helper()
		out := programtest.Succeed(t, append([]string{"corpus", "import", folder, "--labels-complete", "--collection", "letters", "--min-side", "1", "--contradictions", "--dry-run"}, at...)...)
		programtest.Says(t, out, `^This is a trial: nothing was stored`, `Collection letters: 12 images made, 0 there already`, `classification \(comet, garden\)`)
		return out
	}
	nowhere := filepath.Join(t.TempDir(), "data")
	first := trial("--data", nowhere)
	if _, err := os.Stat(nowhere); !os.IsNotExist(err) {
		t.Errorf("a trial makes a data folder: %v", err)
	}
	dir, _ := programtest.NewData(t)
	programtest.Start(t, dir, programtest.Options{})
	if again := trial("--data", dir); again != first {
		t.Errorf("beside a service it says\n%s", again)
	}
	if programtest.CollectionThere(t, dir, "letters") {
		t.Error("a trial makes a collection")
	}
	database := postgrestest.URL(t)
	programtest.Succeed(t, "migrate", "up", "--database-url", database)
	if again := trial("--database-url", database); again != first {
		t.Errorf("in a database it says\n%s", again)
	}
	programtest.Says(t, programtest.Succeed(t, "corpus", "list", "--database-url", database), "There are no collections yet")
	// What a trial says is what the import then says.
	report := programtest.Imports(t, nowhere, folder, "letters")
	if _, rest, _ := strings.Cut(first, "\n"); rest != report {
		t.Errorf("the trial said\n%s\nthe import\n%s", rest, report)
	}
}

// TestReadersSayThatAFolderIsOlder has a folder that an older release left: a
// command that only reads does not migrate it, and says what does.
func TestReadersSayThatAFolderIsOlder(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	programtest.Alter(t, dir, place.CollectionsFile, `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
	for _, command := range []string{"list", "show", "check"} {
		args := []string{"corpus", command, programtest.FixtureCollection, "--data", dir}
		if command == "list" {
			args = []string{"corpus", "list", "--data", dir}
		}
		programtest.Refuse(t, args, "older release", "start the service once")
	}
}

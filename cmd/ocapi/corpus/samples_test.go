package corpus_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/domain"
	"ocapi/place/placetest"
	"ocapi/samplestest"
)

// copyFile takes a file of the material over, with the folders of its name.
func copyFile(t *testing.T, from, to, name string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(from, name))
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(to, name)
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// labelledCrops makes an importable folder of the classified crops: of every
// class a third is unknown. most bounds the images of a class.
func labelledCrops(t *testing.T, most int, classes ...string) (folder string, lines int) {
	t.Helper()
	from, to := samplestest.Folder(t, "classify"), t.TempDir()
	records := [][]string{{"file", "kind", "keyword", "known", "credit", "source"}}
	seen := map[string]int{}
	for _, row := range samplestest.Table(t, filepath.Join(from, "labels.csv")) {
		class := row["class"]
		if len(classes) > 0 && !strings.Contains(strings.Join(classes, " "), class) || seen[class] == most {
			continue
		}
		keyword, known := class, "yes"
		if seen[class]++; seen[class]%3 == 0 {
			keyword, known = "", "no"
		}
		copyFile(t, from, to, row["file"])
		records = append(records, []string{row["file"], "classification", keyword, known, "Staatsbibliothek zu Berlin; Archives nationales (France)", "https://example.org/" + row["file"]})
	}
	programtest.WriteTable(t, filepath.Join(to, "manifest.csv"), records)
	return to, len(records) - 1
}

// printedWords makes an importable folder of the words on printed pages: every
// second one is known, as far as it can be typed. forms bounds the known ones.
func printedWords(t *testing.T, forms, unknown int) (folder string, lines int) {
	t.Helper()
	from, to := samplestest.Folder(t, "pages-print-page-xml"), t.TempDir()
	records := [][]string{{"file", "kind", "text", "role", "x", "y", "w", "h", "credit", "document"}}
	seen, copied, other := map[string]bool{}, map[string]bool{}, 0
	for i, row := range samplestest.Table(t, filepath.Join(from, "words.csv")) {
		form := domain.Fold(row["text"])
		role, text := "known", row["text"]
		switch {
		case i%2 == 1 && other < unknown:
			role, text = "unknown", ""
			other++
		case len([]rune(form)) < 3 || seen[form] || len(seen) == forms:
			continue
		default:
			seen[form] = true
		}
		if !copied[row["image"]] {
			copied[row["image"]] = true
			copyFile(t, from, to, row["image"])
		}
		// Two words of one page are never shown together; a line's place stands
		// for a page here, so that the five pages suffice.
		document := fmt.Sprintf("%s %s", row["image"], row["y"])
		records = append(records, []string{row["image"], "transcription", text, role, row["x"], row["y"], row["w"], row["h"], "Staatsbibliothek zu Berlin", document})
	}
	programtest.WriteTable(t, filepath.Join(to, "manifest.csv"), records)
	return to, len(records) - 1
}

// TestRealMaterialIsImportedServedAndSolved takes crops and words of digitised
// documents all the way: the import command, the service, a visitor who reads
// what is on record, the website's server, the events.
func TestRealMaterialIsImportedServedAndSolved(t *testing.T) {
	t.Parallel()
	crops, cropLines := labelledCrops(t, 1000)
	words, wordLines := printedWords(t, 1000, 1000)
	if programtest.RaceEnabled { // rendering takes twenty times as long: as few as can be served
		crops, cropLines = labelledCrops(t, 8, "stamp", "initial")
		words, wordLines = printedWords(t, 60, 50)
	}
	dir := filepath.Join(t.TempDir(), "data")
	secret := programtest.NewClient(t, dir, programtest.SiteID).Secret
	// One is imported into the folder as it is, the other beside the service.
	if report := programtest.Imports(t, dir, crops, "crops"); !strings.Contains(report, fmt.Sprintf("Collection crops: %d images made, 0 there already, 0 brought up to date, 0 skipped", cropLines)) ||
		!strings.Contains(report, "initial, ") || !strings.Contains(report, "stamp") {
		t.Errorf("the report is %s", report)
	}
	p := programtest.Start(t, dir, programtest.Options{})
	if report := programtest.Imports(t, dir, words, "words", "--credit", "Staatsbibliothek zu Berlin"); !strings.Contains(report, fmt.Sprintf("%d images made", wordLines)) || !strings.Contains(report, "\n  transcription, only with serve --small-pools: ") {
		t.Errorf("the report is %s", report)
	}
	v := programtest.NewVisitor(t, p, programtest.NewFixture(t), programtest.SiteID)
	v.Secret, v.Reader = secret, programtest.ReadRecord(t, dir)
	placetest.Eventually(t, "the words to be served", func() bool { return v.Get("/challenge/site?type=transcription").Status == http.StatusOK })
	for i := range 30 {
		kind, credit := "transcription", "Staatsbibliothek zu Berlin"
		if i%2 == 0 {
			kind, credit = "classification", "Staatsbibliothek zu Berlin; Archives nationales (France)"
		}
		c := v.Ask(kind)
		if c.Credit != credit {
			t.Errorf("the credit of a %s is %q", kind, c.Credit)
		}
		want, body := "validated", v.Right(c)
		if i%3 == 0 {
			want, body = "rejected", programtest.WrongAnswer(c)
		}
		if j := v.Answer(c, body); j.State != want {
			t.Errorf("%s of %v: %s was judged %s; want %s", kind, c.Prompt, body, j.State, want)
		}
		if got := v.State(c.ID); got != want {
			t.Errorf("the state is %s; want %s", got, want)
		}
	}
	programtest.Fence(v, dir)
	for _, e := range programtest.Events(t, dir) {
		if e.Type == "ChallengeCreated" && (len(e.Data.Images) == 0 || e.Data.Images[0].Collection != map[string]string{"transcription": "words", "classification": "crops"}[e.Data.Type]) {
			t.Errorf("a creation is %+v", e)
		}
	}
}

package corpus_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/samplestest"
)

func (b *bundle) copyIn(t *testing.T, dir, name string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	b.file(t, name, content)
}

// table writes a manifest through the CSV writer, so that quotes are right.
func (b *bundle) table(t *testing.T, records [][]string) {
	t.Helper()
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(records); err != nil {
		t.Fatal(err)
	}
	b.file(t, "manifest.csv", out.Bytes())
}

// checkPictures decodes every rendering of every image, and keeps those whose
// texts are asked for in OCAPI_TEST_SHEET, a folder, to be looked at.
func (b *bundle) checkPictures(t *testing.T, images []domain.Image, w, h int) {
	t.Helper()
	var sizes []int
	defer func() {
		slices.Sort(sizes)
		if median := sizes[len(sizes)/2]; median > 12_000 {
			t.Errorf("the median of %d pictures has %d bytes", len(sizes), median)
		} else {
			t.Logf("%d pictures, the median has %d bytes, the largest %d", len(sizes), median, sizes[len(sizes)-1])
		}
	}()
	for _, im := range images {
		for n := range im.Renderings {
			p, err := b.store.Picture(t.Context(), im.ID, n)
			if err != nil {
				t.Fatal(err)
			}
			config, err := jpeg.Decode(bytes.NewReader(p.Bytes))
			if err != nil || p.ContentType != "image/jpeg" || config.Bounds() != image.Rect(0, 0, w, h) {
				t.Fatalf("rendering %d of %s is a %s of %v, %v", n, im.ID, p.ContentType, config.Bounds(), err)
			}
			sizes = append(sizes, len(p.Bytes))
			if sheet := os.Getenv("OCAPI_TEST_SHEET"); sheet != "" && n == 0 {
				name := fmt.Sprintf("%s-%s-%s.jpg", im.Type, strings.Join(im.Labels, "+"), im.ID)
				if err := os.WriteFile(filepath.Join(sheet, name), p.Bytes, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestImportLabelledCrops(t *testing.T) {
	t.Parallel()
	dir := samplestest.Folder(t, "classify")
	b := setup(t)
	records := [][]string{{"file", "kind", "keyword", "known", "credit", "source"}}
	seen := map[string]int{}
	for _, row := range samplestest.Table(t, filepath.Join(dir, "labels.csv")) {
		b.copyIn(t, dir, row["file"])
		// Every class gives a third of its pictures as unknown ones.
		known, keyword := "yes", row["class"]
		if seen[keyword]++; seen[keyword]%3 == 0 {
			known, keyword = "no", ""
		}
		records = append(records, []string{row["file"], "classification", keyword, known, "Staatsbibliothek zu Berlin", "https://example.org/" + row["file"]})
	}
	b.table(t, records)
	b.file(t, "keywords.csv", []byte("keyword,lang,label\nstamp,fr,cachet\nstamp,en,stamp\n"))
	complete := func(p *corpus.ImportParams) {
		p.LabelsComplete = true
		if raceDetector {
			p.Renderings = 1
		}
	}
	report := b.imports(t, complete)
	if report.Made != 174 || report.Skipped.Total != 0 {
		t.Fatalf("made %d, skipped %d:\n%s", report.Made, report.Skipped.Total, problems(report.Skipped))
	}
	if got := counts(report.Counts); got != "classification known 122, classification unknown 52" {
		t.Errorf("counts = %s", got)
	}
	if fmt.Sprint(report.Types) != "[classification]" || !slices.Contains(report.Keywords, "stamp") || len(report.Keywords) != 10 {
		t.Errorf("it serves %v with %v; %+v", report.Types, report.Keywords, report.Shortages)
	}
	again := b.imports(t, complete)
	if again.Made != 0 || again.Present != 174 {
		t.Errorf("again: made %d, present %d", again.Made, again.Present)
	}
	snapshot, err := b.store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := snapshot.Collections[0]; c.Credit != "Staatsbibliothek zu Berlin" || c.Keywords["stamp"]["fr"] != "cachet" {
		t.Errorf("collection = %+v", c)
	}
	b.checkPictures(t, snapshot.Images, 264, 264)
	b.deal(t, snapshot, domain.TypeClassification)
}

func TestImportWordsOfPrintedPages(t *testing.T) {
	t.Parallel()
	dir := samplestest.Folder(t, "pages-print-page-xml")
	b := setup(t)
	records := [][]string{{"file", "kind", "text", "role", "x", "y", "w", "h", "credit", "page"}}
	rows := samplestest.Table(t, filepath.Join(dir, "words.csv"))
	if len(rows) != 715 {
		t.Fatalf("there are %d words", len(rows))
	}
	if raceDetector {
		rows = rows[:240]
	}
	known, unfoldable, short, files := 0, 0, 0, map[string]bool{}
	for i, row := range rows {
		if !files[row["image"]] {
			files[row["image"]] = true
			b.copyIn(t, dir, row["image"])
		}
		role, text := "unknown", ""
		if i%2 == 0 {
			role, text = "known", row["text"]
			switch n := len([]rune(domain.Fold(text))); {
			case n == 0:
				unfoldable++
			case n < 3:
				short++
				known++
			default:
				known++
			}
		}
		records = append(records, []string{row["image"], "transcription", text, role, row["x"], row["y"], row["w"], row["h"], "Staatsbibliothek zu Berlin", row["word_id"]})
	}
	b.table(t, records)
	report := b.imports(t, func(p *corpus.ImportParams) { p.Renderings = 1 })
	unknown := len(rows) / 2
	want := fmt.Sprintf("transcription known %d, transcription unknown %d", known, unknown)
	if got := counts(report.Counts); got != want || report.Made != known+unknown {
		t.Errorf("counts = %s, made %d, want %s\n%s", got, report.Made, want, problems(report.Skipped))
	}
	if report.Skipped.Total != unfoldable || report.Notes.Total != short || short == 0 {
		t.Errorf("skipped %d and noted %d, want %d without letters and %d too short\n%s", report.Skipped.Total, report.Notes.Total, unfoldable, short, problems(report.Skipped))
	}
	if fmt.Sprint(report.Types) != "[transcription]" {
		t.Errorf("it serves %v; %+v", report.Types, report.Shortages)
	}
	snapshot, err := b.store.Load(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	b.checkPictures(t, snapshot.Images, 825, 240)
	b.deal(t, snapshot, domain.TypeTranscription)
}

// deal composes challenges from what is stored, and finds every picture.
func (b *bundle) deal(t *testing.T, snapshot corpus.Snapshot, kind domain.ChallengeType) {
	t.Helper()
	var infos []domain.CollectionInfo
	for i := range snapshot.Collections {
		infos = append(infos, snapshot.Collections[i].Info())
	}
	rng := rand.New(rand.NewPCG(1, 2))
	pool, err := domain.NewPool(domain.DefaultDealing(), infos, snapshot.Images)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pool.Plan(kind, 0, nil, rng)
	if err != nil {
		t.Fatal(err)
	}
	deck, err := pool.Deck(plan, nil, rng)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		challenge := deck.Compose(rng)
		for _, p := range challenge.Positions {
			if _, err := b.store.Picture(t.Context(), p.Image, p.Rendering); err != nil {
				t.Fatal(err)
			}
		}
	}
}

package corpus_test

import (
	"crypto/sha256"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ocapi/corpus"
	"ocapi/corpus/alto"
	"ocapi/corpus/page"
	"ocapi/domain"
	"ocapi/samplestest"
)

// exports writes the collection "c" into a new folder, twice, and wants the same
// bytes both times.
func (b *bundle) exports(t *testing.T, format corpus.ExportFormat, change ...func(*corpus.ExportParams)) (corpus.ExportReport, string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	p := corpus.ExportParams{Collection: "c", Format: format, Out: out, Program: "Ocapi test", Base: "https://a.example/out/"}
	for _, c := range change {
		c(&p)
	}
	report, err := corpus.Export(t.Context(), p, b.store)
	if err != nil {
		t.Fatal(err)
	}
	before := folder(t, out)
	p.Force = true
	if _, err := corpus.Export(t.Context(), p, b.store); err != nil {
		t.Fatal(err)
	}
	if after := folder(t, out); !equalFolders(before, after) {
		t.Error("the same export gives other bytes")
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 1 {
		t.Errorf("beside the export there is %v, %v", left, err)
	}
	return report, out
}

// folder gives what is in a folder, by its paths.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // the test's own
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func equalFolders(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if a[name] != b[name] {
			return false
		}
	}
	return true
}

// state gives everything that an import could change.
func (b *bundle) state(t *testing.T) string {
	t.Helper()
	var list []string
	for _, e := range b.entries(t) {
		list = append(list, fmt.Sprintf("%+v", e))
	}
	for _, a := range b.annotations(t, "c") {
		list = append(list, fmt.Sprintf("%+v", a))
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// changesNothing imports what was exported into where it came from: all of what
// is present is found, and no more is skipped than when it was made.
func (b *bundle) changesNothing(t *testing.T, source string, made corpus.Report, change ...func(*corpus.ImportParams)) {
	t.Helper()
	before, revision := b.state(t), b.revision(t)
	for _, update := range []bool{false, true} {
		change := append([]func(*corpus.ImportParams){func(p *corpus.ImportParams) { p.Source, p.Renderings, p.Update = source, 1, update }}, change...)
		r := b.imports(t, change...)
		if r.Made != 0 || r.Updated != 0 || r.Present != made.Made || r.Skipped.Total != made.Skipped.Total || strings.Contains(problems(r.Notes), "other data") {
			t.Errorf("made %d, updated %d, present %d of %d; skipped %s; notes %s", r.Made, r.Updated, r.Present, made.Made, problems(r.Skipped), problems(r.Notes))
		}
	}
	if after := b.state(t); after != before || b.revision(t) != revision {
		t.Errorf("it was\n%s\nand became\n%s", before, after)
	}
}

// lay copies files over a folder.
func lay(t *testing.T, from map[string]string, dir string) {
	t.Helper()
	for name, data := range from {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// idOf names an image as an import does.
func idOf(kind domain.ChallengeType, file []byte, box image.Rectangle, outline ...image.Point) string {
	return string(corpus.ImageID("c", kind, sha256.Sum256(file), box, outline...))
}

func from(source string) func(*corpus.ExportParams) {
	return func(p *corpus.ExportParams) { p.Source = source }
}

// pageOfThree has a known word, one that nobody has read, and a line with an
// outline.
const pageOfThree = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" +
	`<pc:PcGts xmlns:pc="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><!-- ours --><pc:Page imageFilename="a.png" imageWidth="300" imageHeight="200"><pc:TextRegion id="r"><pc:Coords points="0,0 300,0 300,200 0,200"/>
<pc:TextLine id="l1"><pc:Coords points="10,10 200,10 200,40 10,40"/>
  <pc:Word id="w1"><pc:Coords points="10,10 80,10 80,40 10,40"/><pc:TextEquiv><pc:Unicode>known</pc:Unicode></pc:TextEquiv></pc:Word>
  <pc:Word id="w2"><pc:Coords points="90,10 200,10 200,40 90,40"/></pc:Word>
</pc:TextLine>
<pc:TextLine id="l2"><pc:Coords points="10,60 200,65 200,100 15,95"/><pc:TextEquiv><pc:Unicode/></pc:TextEquiv></pc:TextLine>
</pc:TextRegion></pc:Page></pc:PcGts>
`

// threeOnAPage imports it, and settles what is unknown.
func (b *bundle) threeOnAPage(t *testing.T) {
	t.Helper()
	a := picture(t, 1, 300, 200)
	b.file(t, "a.png", a)
	b.file(t, "page/a.xml", []byte(pageOfThree))
	if r := b.imports(t, func(p *corpus.ImportParams) { p.Credit, p.Licence = "An Archive", "CC BY 4.0" }); r.Made != 3 {
		t.Fatalf("made %d: %s", r.Made, problems(r.Skipped))
	}
	word := idOf(domain.TypeTranscription, a, image.Rect(90, 10, 200, 40))
	line := idOf(domain.TypeTranscription, a, image.Rect(10, 60, 200, 100), image.Pt(10, 60), image.Pt(200, 65), image.Pt(200, 100), image.Pt(15, 95))
	b.put(t, 50, settledText(word, "wört & <more>"), settledText(line, "a whole line"))
}

func TestExportPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.threeOnAPage(t)
	before := folder(t, b.dir)
	report, out := b.exports(t, corpus.ExportPage, from(b.dir))
	if report.Answers != 2 || report.There != 0 || report.Files != 1 || report.Unplaced != 0 || report.Unmatched != 0 {
		t.Errorf("the report is %+v", report)
	}
	const attributes = ` conf="0.9871" comments="Ocapi: settled by 4 votes, 2026-03-04; put together from what the votes have in common"><pc:Unicode>`
	want := strings.Replace(pageOfThree, `200,40 90,40"/>`, `200,40 90,40"/><pc:TextEquiv`+attributes+`wört &amp; &lt;more&gt;</pc:Unicode></pc:TextEquiv>`, 1)
	want = strings.Replace(want, "<pc:TextEquiv><pc:Unicode/>", "<pc:TextEquiv"+attributes+"a whole line</pc:Unicode>", 1)
	made := folder(t, out)
	if made["page/a.xml"] != want {
		t.Errorf("it is\n%s\nwant\n%s", made["page/a.xml"], want)
	}
	if !equalFolders(before, folder(t, b.dir)) {
		t.Error("the source was changed")
	}
	lay(t, made, b.dir)
	b.changesNothing(t, b.dir, corpus.Report{Made: 3}, func(p *corpus.ImportParams) { p.Credit, p.Licence = "An Archive", "CC BY 4.0" })
	again, _ := b.exports(t, corpus.ExportPage, from(b.dir), func(p *corpus.ExportParams) { p.Known = true })
	if again.Answers != 3 || again.There != 3 {
		t.Errorf("the report is then %+v", again)
	}
}

// TestExportPageTakenForAnotherSource has what votes have settled not become an
// answer on record, but another answer that an archivist has written there.
func TestExportPageTakenForAnotherSource(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.threeOnAPage(t)
	b.file(t, "page/a.xml", []byte(strings.Replace(pageOfThree, "<pc:TextEquiv><pc:Unicode/>", "<pc:TextEquiv><pc:Unicode>corrected line</pc:Unicode>", 1)))
	r := b.imports(t, func(p *corpus.ImportParams) { p.Update, p.Credit, p.Licence = true, "An Archive", "CC BY 4.0" })
	if r.Updated != 1 || !slices.ContainsFunc(b.entries(t), func(e corpus.Entry) bool { return e.Known && e.Text == "corrected line" }) {
		t.Errorf("updated %d", r.Updated)
	}
}

// TestExportReplacesNothing has new files lie beside those of the source, over
// which they are laid, and say where a person has decided.
func TestExportReplacesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.file(t, "a.png", picture(t, 1, 300, 200))
	b.file(t, "a.xml", []byte(pageOfThree))
	b.imports(t)
	var word corpus.Annotation
	for _, e := range b.entries(t) {
		if !e.Known {
			word = settledText(string(e.ID), "word")
		}
	}
	word.Votes, word.Merged = 0, false
	b.put(t, 1, word)
	report, out := b.exports(t, corpus.ExportALTO, from(b.dir))
	made := folder(t, out)
	if _, there := made["a.xml"]; there || report.Answers != 1 || !strings.Contains(made["a.alto.xml"], "Ocapi: settled by a person, 2026-03-04") {
		t.Fatalf("the report is %+v of %q", report, made)
	}
	lay(t, made, b.dir)
	b.changesNothing(t, b.dir, corpus.Report{Made: 3})
}

// TestUpdateKeepsCredit has an import of files that have no place for credit and
// licence take neither away.
func TestUpdateKeepsCredit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.threeOnAPage(t)
	b.changesNothing(t, b.dir, corpus.Report{Made: 3})
	b.imports(t, func(p *corpus.ImportParams) { p.Update, p.Licence = true, "CC0" })
	for _, e := range b.entries(t) {
		if e.Institution != "An Archive" || e.Licence != "CC0" {
			t.Errorf("an image is by %q under %q", e.Institution, e.Licence)
		}
	}
}

// TestExportDrafts writes new files where the source has none of the kind, and
// where there is no source.
func TestExportDrafts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.threeOnAPage(t)
	report, out := b.exports(t, corpus.ExportALTO, from(b.dir), func(p *corpus.ExportParams) { p.Known = true })
	if report.Answers != 3 || report.Files != 1 || report.Unplaced != 0 {
		t.Errorf("the report is %+v", report)
	}
	made := folder(t, out)
	sheet, err := alto.Read(strings.NewReader(made["a.xml"]))
	if err != nil || sheet.Picture != "a.png" || sheet.Width != 300 || sheet.Height != 200 || len(sheet.Lines) != 3 {
		t.Fatalf("it is %+v, %v", sheet, err)
	}
	for _, part := range []string{"Credit: An Archive", "Licence: CC BY 4.0", "settled by 4 votes"} {
		if !strings.Contains(made["a.xml"], part) {
			t.Errorf("it lacks %q:\n%s", part, made["a.xml"])
		}
	}
	// Alone with the picture it gives the images that there are.
	dir := t.TempDir()
	lay(t, made, dir)
	lay(t, map[string]string{"a.png": string(picture(t, 1, 300, 200))}, dir)
	b.changesNothing(t, dir, corpus.Report{Made: 3}, func(p *corpus.ImportParams) { p.Credit, p.Licence = "An Archive", "CC BY 4.0" })

	report, _ = b.exports(t, corpus.ExportPage)
	if report.Answers != 0 || report.Unplaced != 2 || report.Files != 0 {
		t.Errorf("without the source the report is %+v", report)
	}
}

// TestExportPlaceOnRecord needs no source where the provenance names the place.
func TestExportPlaceOnRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.file(t, "a.png", picture(t, 1, 60, 20))
	b.manifest(t, "file,kind,known,text,canvas,region,credit", `a.png,transcription,no,,https://a.example/c1,"10,20,60,20",A Library`)
	b.imports(t)
	b.put(t, 1, settledText(idOf(domain.TypeTranscription, picture(t, 1, 60, 20), image.Rectangle{}), "word"))
	report, out := b.exports(t, corpus.ExportPage)
	if report.Answers != 1 || report.Files != 1 || report.Outlines != 0 {
		t.Fatalf("the report is %+v", report)
	}
	for name, data := range folder(t, out) {
		if !strings.HasSuffix(name, ".xml") {
			continue
		}
		sheet, err := page.Read(strings.NewReader(data))
		if err != nil || sheet.Picture != "https://a.example/c1" || len(sheet.Lines) != 1 || sheet.Lines[0].Box != image.Rect(10, 20, 70, 40) {
			t.Errorf("%s is %+v, %v", name, sheet, err)
		}
		if !strings.Contains(data, "size of the page is not on record") {
			t.Errorf("it does not say that its size is none:\n%s", data)
		}
	}
}

func TestExportTable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.threeOnAPage(t)
	credit := func(p *corpus.ImportParams) { p.Credit, p.Licence = "An Archive", "CC BY 4.0" }
	for i := range 3 {
		b.file(t, fmt.Sprintf("more/%d.png", i), picture(t, 10+i, 40, 40))
	}
	more := filepath.Join(b.dir, "more")
	b.file(t, "more/manifest.csv", []byte("file,kind,known,keyword,labels_complete,guess,prior\n0.png,classification,yes,mill|ship,yes,,\n1.png,classification,no,ship|mill,,,0.25\n2.png,transcription,no,,,gues,0.5\n"))
	b.file(t, "more/keywords.csv", []byte("keyword,lang,label\nmill,fr,moulin\nmill,de,Mühle\n"))
	if r := b.imports(t, credit, func(p *corpus.ImportParams) { p.Source = more }); r.Made != 3 {
		t.Fatalf("made %d, %s", r.Made, problems(r.Skipped))
	}
	asked := idOf(domain.TypeClassification, picture(t, 11, 40, 40), image.Rectangle{})
	b.put(t, 60, settledLabel(asked, "mill", true), settledLabel(asked, "ship", false))
	if _, err := b.store.Retire(t.Context(), corpus.Retirement{Collection: "c", Images: []domain.ImageID{domain.ImageID(asked)}, Reason: "blurred"}); err != nil {
		t.Fatal(err)
	}

	report, out := b.exports(t, corpus.ExportCSV, from(b.dir), func(p *corpus.ExportParams) { p.SourceFormat = corpus.FormatPage })
	if report.Answers != 4 || report.Unmatched != 3 || report.Files != 3 {
		t.Errorf("the report is %+v", report)
	}
	rows := samplestest.Table(t, filepath.Join(out, "manifest.csv"))
	if len(rows) != 7 { // one question each, but for one image with two
		t.Fatalf("there are %d lines", len(rows))
	}
	find := func(column, value string) map[string]string {
		i := slices.IndexFunc(rows, func(r map[string]string) bool { return r[column] == value })
		if i < 0 {
			t.Fatalf("no line has %q in %s", value, column)
		}
		return rows[i]
	}
	for name, want := range map[string]string{
		"file": "a.png", "x": "10", "y": "60", "w": "190", "h": "40", "outline": "10,60 200,65 200,100 15,95", "known": "no", "text": "", "kind": "transcription",
		"credit": "An Archive", "licence": "CC BY 4.0", "status": "settled", "probability": "0.9871234567", "votes": "4", "merged": "yes",
		"decided_at": "2026-03-04T05:06:07.000008Z", "model": "7", "through": "41", "document": "a.png", "page": "a", "retired": "no",
	} {
		if got := find("answer", "a whole line")[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if r := find("asked", "ship"); r["answer"] != "no" || r["keyword"] != "mill|ship" || r["retired"] != "yes" || r["prior"] != "0.25" {
		t.Errorf("the line of what was asked is %v", r)
	}
	if r := find("guess", "gues"); r["status"] != "" || r["prior"] != "0.5" {
		t.Errorf("the line of a guess is %v", r)
	}
	b.changesNothing(t, out, corpus.Report{Made: 6})

	// In another store it makes the same images of the pictures, where they are.
	other := setup(t)
	lay(t, folder(t, out), other.dir)
	lay(t, map[string]string{"a.png": string(picture(t, 1, 300, 200))}, other.dir)
	r := other.imports(t)
	ids := func(b *bundle) (list []string) {
		for _, e := range b.entries(t) {
			if e.Document == "a.png" {
				list = append(list, fmt.Sprintf("%s %v %s", e.ID, e.Known, e.Text))
			}
		}
		slices.Sort(list)
		return list
	}
	if r.Made != 3 || !slices.Equal(ids(b), ids(other)) {
		t.Errorf("made %d, %v instead of %v", r.Made, ids(other), ids(b))
	}
	if !strings.Contains(problems(r.Skipped), "the line names no picture") {
		t.Errorf("skipped %s", problems(r.Skipped))
	}

	settled, out := b.exports(t, corpus.ExportCSV, func(p *corpus.ExportParams) { p.Statuses = []domain.QuestionStatus{domain.QuestionDisputed} })
	if settled.Answers != 0 || len(samplestest.Table(t, filepath.Join(out, "manifest.csv"))) != 0 {
		t.Errorf("of disputed ones the report is %+v", settled)
	}
}

// TestTableNamesOwnImagesOnly has an id in a table count for nothing where the
// image is of another collection or type.
func TestTableNamesOwnImagesOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.file(t, "a.png", picture(t, 1, 60, 20))
	b.file(t, "b.png", picture(t, 2, 60, 20))
	b.manifest(t, "file,kind,known,text", "a.png,transcription,yes,word")
	b.imports(t, func(p *corpus.ImportParams) { p.Collection = "other" })
	id := b.entriesOf(t, "other")[0].ID
	b.manifest(t, "file,kind,known,text,image_id", "b.png,transcription,yes,better,"+string(id), ",transcription,yes,worse,"+string(id))
	r := b.imports(t)
	if r.Made != 1 || r.Skipped.Total != 1 || b.entriesOf(t, "other")[0].Text != "word" || b.entries(t)[0].ID == id {
		t.Errorf("made %d, skipped %s", r.Made, problems(r.Skipped))
	}
	// And of its own it may correct what is on record.
	own := b.entries(t)[0].ID
	b.manifest(t, "file,kind,known,text,image_id,shelfmark", ",transcription,yes,best,"+string(own)+",MS 5")
	r = b.imports(t, func(p *corpus.ImportParams) { p.Update = true })
	if e := b.entries(t)[0]; r.Updated != 1 || e.Text != "best" || e.ShelfMark != "MS 5" {
		t.Errorf("updated %d: %+v", r.Updated, e)
	}
}

// entriesOf gives a collection's entries.
func (b *bundle) entriesOf(t *testing.T, id domain.CollectionID) (list []corpus.Entry) {
	t.Helper()
	images, err := b.store.Images(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for i := range images {
		found, err := b.store.Entries(t.Context(), []domain.ImageID{images[i].ID})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found[images[i].ID])
	}
	return list
}

// TestExportAfterACorrection has what votes said of a text that somebody has
// corrected since count no more.
func TestExportAfterACorrection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.threeOnAPage(t)
	known := idOf(domain.TypeTranscription, picture(t, 1, 300, 200), image.Rect(10, 10, 80, 40))
	refuted := settledText(known, "unknown")
	refuted.Status = domain.QuestionRefuted
	b.put(t, 60, refuted)
	all := func(p *corpus.ExportParams) { p.Source, p.Known = b.dir, true }
	if report, _ := b.exports(t, corpus.ExportPage, all); report.Answers != 2 {
		t.Errorf("refuted, the report is %+v", report)
	}
	b.file(t, "page/a.xml", []byte(strings.Replace(pageOfThree, "known<", "correct<", 1)))
	if r := b.imports(t, func(p *corpus.ImportParams) { p.Update, p.Credit, p.Licence = true, "An Archive", "CC BY 4.0" }); r.Updated != 1 {
		t.Fatalf("updated %d, %s", r.Updated, problems(r.Notes))
	}
	report, out := b.exports(t, corpus.ExportALTO, all)
	if report.Answers != 3 || !strings.Contains(folder(t, out)["a.xml"], `CONTENT="correct"`) {
		t.Errorf("corrected, the report is %+v", report)
	}
}

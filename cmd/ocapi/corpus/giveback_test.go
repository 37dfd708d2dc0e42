package corpus_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

// settle writes the annotations of a collection's unknown images, as the service
// does when votes have decided. Of texts it takes the word, of pictures that they
// show it.
func settle(t *testing.T, dir, collection, word string) (settled int) {
	t.Helper()
	s, err := place.OpenFolder(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	images, err := s.Corpus.Images(t.Context(), domain.CollectionID(collection))
	if err != nil {
		t.Fatal(err)
	}
	var list []corpus.Annotation
	for _, im := range images {
		if im.Known {
			continue
		}
		a := corpus.Annotation{
			Finding: domain.Finding{Image: im.ID, Collection: im.Collection, Truth: domain.Truth{Kind: domain.TruthText, Text: word}, Probability: 0.9876, Votes: 3},
			Status:  domain.QuestionSettled, Seq: domain.Sequence(len(list) + 1), DecidedAt: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC),
		}
		a.Event.UUID[0] = byte(len(list) + 1)
		if im.Type == domain.TypeClassification {
			a.Keyword, a.Truth = word, domain.Truth{Kind: domain.TruthMatch, Match: true}
		}
		list = append(list, a)
	}
	through, err := s.Corpus.AnnotationsThrough(t.Context())
	if err == nil {
		through.Incarnation, through.Seq = max(through.Incarnation, 1), through.Seq+domain.Sequence(len(list))
		err = s.Corpus.PutAnnotations(t.Context(), through, list)
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// transcribed makes a folder with a page of two words, one of which nobody has
// read.
func transcribed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const xml = `<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><Page imageFilename="1.jpg" imageWidth="64" imageHeight="32"><TextRegion id="r"><Coords points="0,0 64,32"/>
<TextLine id="l1"><Coords points="0,0 60,0 60,12 0,12"/><TextEquiv><Unicode>juillet</Unicode></TextEquiv></TextLine>
<TextLine id="l2"><Coords points="0,16 60,16 60,30 0,30"/></TextLine>
</TextRegion></Page></PcGts>`
	for name, data := range map[string][]byte{"1.jpg": programtest.Sketch(300_000, 0, 64, 32), "1.xml": []byte(xml)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestExportCommands runs what docs/collections.md shows, beside a service.
func TestExportCommands(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	prints := transcribed(t)
	programtest.Imports(t, dir, prints, "prints", "--max-aspect", "0")
	if n := settle(t, dir, "prints", "août"); n != 1 {
		t.Fatalf("%d words are settled", n)
	}
	var address string
	library := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/1.jpg" {
			w.Write(programtest.Sketch(310_000, 0, 32, 32)) //nolint:errcheck // the test's own
			return
		}
		fmt.Fprintf(w, `{"@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://example.org/m", "type": "Manifest", "items": [
 {"id": "https://example.org/c1", "type": "Canvas", "width": 32, "height": 32,
  "items": [{"type": "AnnotationPage", "items": [{"type": "Annotation", "motivation": "painting", "body": {"id": "%s/1.jpg", "type": "Image"}}]}]}]}`, address) //nolint:errcheck // likewise
	}))
	t.Cleanup(library.Close)
	address = library.URL
	programtest.Imports(t, dir, library.URL+"/m.json", "tale", "--rate", "50")
	settle(t, dir, "tale", "mill")

	programtest.Start(t, dir, programtest.Options{})
	here := t.TempDir()
	run := func(args ...string) string {
		return programtest.Succeed(t, append([]string{"corpus", "export", "--data", dir}, args...)...)
	}
	in := func(name string) string { return filepath.Join(here, name) }
	for _, c := range []struct {
		args       []string
		says, file string
		holds      string
	}{
		{[]string{"prints", "--format", "page", "--source", prints, "--out", in("page")}, "1 answer of 2 images in 1 file", "page/1.xml", `<TextEquiv conf="0.9876" comments="Ocapi: settled by 3 votes, 2026-05-06"><Unicode>août</Unicode></TextEquiv>`},
		{[]string{"prints", "--format", "alto", "--source", prints, "--known", "--out", in("alto")}, "2 answers of 2 images in 1 file", "alto/1.alto.xml", `CONTENT="juillet"`},
		{[]string{"prints", "--format", "web-annotation", "--source", prints, "--out", in("web")}, "1 answer of 2 images in 2 files", "web/page-000001.json", `"value": "août"`},
		{[]string{"prints", "--format", "csv", "--source", prints, "--out", in("csv")}, "1 answer of 2 images in 2 files", "csv/manifest.csv", "août,0.9876,3"},
		{[]string{"tale", "--format", "iiif", "--base", "https://example.org/notes/", "--out", in("iiif")}, "1 answer of 1 image in 2 files", "iiif/canvases.csv", "https://example.org/c1,example-org-c1-"},
		{[]string{"prints", "--format", "page", "--status", "settled,disputed", "--out", in("nowhere")}, "--source FOLDER, what they were imported from, tells", "nowhere/about-this-export.json", `"disputed",`},
	} {
		says := run(c.args...)
		data, err := os.ReadFile(in(c.file))
		if err != nil || !strings.Contains(says, c.says) || !bytes.Contains(data, []byte(c.holds)) {
			t.Errorf("%v says %s; %v\n%s", c.args, says, err, data)
		}
	}
	// What comes back changes nothing, beside the running service, too.
	if report := programtest.Imports(t, dir, in("csv"), "prints"); !strings.Contains(report, "0 images made, 2 there already, 0 brought up to date, 0 skipped") {
		t.Errorf("the table came back: %s", report)
	}
	if err := os.WriteFile(in("page/1.jpg"), programtest.Sketch(300_000, 0, 64, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	if report := programtest.Imports(t, dir, in("page"), "prints", "--update"); !strings.Contains(report, "0 images made, 2 there already, 0 brought up to date, 0 skipped") || strings.Contains(report, "other data") {
		t.Errorf("the page came back: %s", report)
	}
	programtest.Says(t, run("tale", "--format", "page", "--out", in("wordless")), "0 answers of 1 image", `1  answers left out: they are about pictures`)
	for want, args := range map[string][]string{
		"--base is missing": {"tale", "--format", "iiif"}, "one of settled, disputed, unreadable, refuted, open": {"tale", "--format", "csv", "--status", "done"},
	} {
		programtest.Refuse(t, slices.Concat([]string{"corpus", "export", "--data", dir, "--out", in("refused")}, args), want)
	}
	if out := run("prints", "--format", "page", "--source", prints, "--out", in("web"), "--force"); !strings.Contains(out, "1 answer") {
		t.Errorf("over another export: %s", out)
	}
}

func TestExportRefusesFlags(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	out := filepath.Join(t.TempDir(), "out")
	const name = "any"
	for says, args := range map[string][]string{
		`"pdf" is no format to export to`: {name, "--format", "pdf"},
		`"done" is no status`:             {name, "--format", "csv", "--status", "done"},
		"--base is missing":               {name, "--format", "iiif"},
		"the rate is 0":                   {name, "--format", "csv", "--rate", "0"},
		"there is no collection":          {"none", "--format", "csv"},
		"only letters":                    {"../x", "--format", "csv"},
		`"pdf" is no format; it is one`:   {name, "--format", "csv", "--source", dir, "--source-format", "pdf"},
	} {
		got := programtest.Command(t, append([]string{"corpus", "export", "--data", dir, "--out", out}, args...)...)
		if got.Code == 0 || !strings.Contains(got.Err, says) {
			t.Errorf("%v ended with %d: %s", args, got.Code, got.Err)
		}
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("something was made: %v", err)
	}
}

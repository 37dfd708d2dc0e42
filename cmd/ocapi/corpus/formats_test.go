package corpus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
)

// TestImportOfOtherFormats runs inside the service, as commands beside one do.
func TestImportOfOtherFormats(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	programtest.Start(t, dir, programtest.Options{})
	folder := t.TempDir()
	for i := range 24 {
		name := filepath.Join(folder, []string{"comet", "garden"}[i%2], fmt.Sprintf("%d.jpg", i))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, programtest.Sketch(uint64(200_000+i), 0, 8, 8), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	table := filepath.Join(folder, "what.csv")
	if err := os.WriteFile(table, []byte("Bild,Inhalt,Notiz\n0.jpg,Komet,x\n1.jpg,Garten,y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	report := programtest.Imports(t, dir, folder, "folders", "--known-share", "0.5", "--credit", "An archive")
	if !strings.Contains(report, "Collection folders: 24 images made") || !strings.Contains(report, "classification, unknown") {
		t.Errorf("the report is %s", report)
	}
	report = programtest.Imports(t, dir, table, "table", "--columns", "file=Bild,keyword=Inhalt", "--format", "labels")
	if !strings.Contains(report, "2 images made") || !strings.Contains(report, "what.csv:1: columns that are not read: Notiz") || !strings.Contains(report, `"Komet": 1 known matches`) {
		t.Errorf("the report is %s", report)
	}
	report = programtest.Imports(t, dir, folder, "guesses", "--as-guess")
	if !strings.Contains(report, "24  classification, unknown") || strings.Contains(report, "classification, known") {
		t.Errorf("the report is %s", report)
	}
}

// TestImportDoesNotLookAround has a document from outside point at the machine
// that the import runs on.
func TestImportDoesNotLookAround(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	t.Cleanup(inside.Close)
	dir, _ := programtest.NewData(t)
	folder := t.TempDir()
	manifest := fmt.Sprintf(`{"@context": "http://iiif.io/api/presentation/3/context.json", "id": "https://example.org/m", "type": "Manifest", "items": [
 {"id": "https://example.org/c", "type": "Canvas", "width": 10, "height": 10,
  "items": [{"type": "AnnotationPage", "items": [{"type": "Annotation", "motivation": "painting", "body": {"id": "%s/secret.jpg", "type": "Image"}}]}]}]}`, inside.URL)
	if err := os.WriteFile(filepath.Join(folder, "m.json"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	got := programtest.Command(t, "corpus", "import", folder, "--collection", "book", "--data", dir)
	if got.Code == 0 || !strings.Contains(got.Out, "m.json:2: "+inside.URL+"/secret.jpg: it is on this machine or a private network; --allow-private fetches from there") {
		t.Errorf("it ended with %d: %s%s", got.Code, got.Out, got.Err)
	}
	if len(asked) != 0 {
		t.Errorf("it asked for %s", <-asked)
	}
	got = programtest.Command(t, "corpus", "import", folder, "--collection", "book", "--data", dir, "--allow-private", "--rate", "20")
	if len(asked) != 1 || !strings.Contains(got.Out, "m.json:2: it is no JPEG") {
		t.Errorf("with leave it asked %d times: %s", len(asked), got.Out)
	}
}

func TestImportRefusesFlags(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	folder := programtest.Importable(t, 3)
	for says, flags := range map[string][]string{
		`"pdf" is no format`:         {"--format", "pdf"},
		`"page" is no level`:         {"--level", "page"},
		"known share is 2":           {"--known-share", "2"},
		"known share is NaN":         {"--known-share", "NaN"},
		"rate is 0 requests":         {"--rate", "0"},
		"is no address":              {"--source-url", "javascript:alert(1)"},
		"nothing to be read as alto": {"--format", "alto"},
	} {
		programtest.Refuse(t, append([]string{"corpus", "import", folder, "--collection", "c", "--data", dir}, flags...), says)
	}
}

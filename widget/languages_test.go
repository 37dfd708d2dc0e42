package widget_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/widget"
)

// TestLanguages compares what is embedded with the files, one for one.
func TestLanguages(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("languages/*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("the language files are %v (%v)", files, err)
	}
	languages := widget.Languages()
	if len(languages) != len(files) {
		t.Errorf("%d languages are embedded, %d are there", len(languages), len(files))
	}
	for _, file := range files {
		code := strings.TrimSuffix(filepath.Base(file), ".json")
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(languages[code]) != string(want) || !json.Valid(want) {
			t.Errorf("%s is not what %s holds, or no JSON", code, file)
		}
	}
	delete(languages, "en")
	if widget.Languages()["en"] == nil {
		t.Error("one caller's change is another's")
	}
}

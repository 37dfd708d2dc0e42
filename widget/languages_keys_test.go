package widget_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLanguagesSayTheSame holds every language's file to the English one: the same texts under the
// same names, none of them empty, each with the same places for numbers.
func TestLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	english := flatTexts(t, "languages/en.json")
	if len(english) < 50 || english["page.title"] == "" {
		t.Fatalf("only %d texts were found in English", len(english))
	}
	paths, err := filepath.Glob("languages/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			t.Parallel()
			texts := flatTexts(t, path)
			for _, name := range slices.Sorted(maps.Keys(texts)) {
				if _, ok := english[name]; !ok {
					t.Errorf("%s is a text that English does not have", name)
				}
			}
			for _, name := range slices.Sorted(maps.Keys(english)) {
				text, ok := texts[name]
				switch {
				case !ok:
					t.Errorf("%s is missing", name)
				case strings.TrimSpace(text) == "" || strings.TrimSpace(text) != text:
					t.Errorf("%s is empty or has spaces around it: %q", name, text)
				}
				if got, want := numberPlaces(text), numberPlaces(english[name]); !slices.Equal(got, want) {
					t.Errorf("%s has the places %v, English has %v: %q", name, got, want, text)
				}
			}
		})
	}
}

// flatTexts reads a language's file; the texts of the server's page get the prefix "page.".
func flatTexts(t *testing.T, path string) map[string]string {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(source, &file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	texts := map[string]string{}
	add := func(name string, raw json.RawMessage) {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			t.Fatalf("%s: %s: %v", path, name, err)
		}
		texts[name] = text
	}
	for name, raw := range file {
		if name != "page" {
			add(name, raw)
			continue
		}
		var page map[string]json.RawMessage
		if err := json.Unmarshal(raw, &page); err != nil {
			t.Fatalf("%s: page: %v", path, err)
		}
		for name, raw := range page {
			add("page."+name, raw)
		}
	}
	return texts
}

var numberPlace = regexp.MustCompile(`\{\d*\}`)

// numberPlaces lists the places for numbers in a text, such as {0}, in alphabetical order: languages
// put them in their own.
func numberPlaces(text string) []string {
	return slices.Sorted(slices.Values(numberPlace.FindAllString(text, -1)))
}

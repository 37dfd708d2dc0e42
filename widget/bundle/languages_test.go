package bundle_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/widget/bundle"
)

// write makes a folder of languages with the files given.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "languages"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, body := range files {
		if err := os.WriteFile(filepath.Join(dir, "languages", name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	english = `{"yes": "Yes", "no": "No & never", "page": {"title": "Title"}}`
	french  = `{"yes": "Oui", "no": "Non", "page": {"title": "Titre"}}`
)

// TestLanguages: the order is that of English, for the script goes by it; the page's texts stay out.
func TestLanguages(t *testing.T) {
	t.Parallel()
	languages, err := bundle.Languages(write(t, map[string]string{
		"en.json": english, "fr.json": french, "de.json": `{"page": {"title": "Titel"}, "no": "Nein <nie>", "yes": "Ja"}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(languages["de"]), `{"yes":"Ja","no":"Nein <nie>"}`; got != want || len(languages) != 1 {
		t.Errorf("%d languages, German is %s; want %s alone", len(languages), got, want)
	}
}

func TestLanguagesRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ file, body, says string }{
		"missing":        {"de.json", `{"yes": "Ja"}`, "language de: it has 1 texts, en has 2"},
		"another":        {"de.json", `{"yes": "Ja", "maybe": "Vielleicht"}`, "language de: it has no text no"},
		"twice":          {"de.json", `{"yes": "Ja", "yes": "Doch"}`, "language de: the text yes is there twice"},
		"one too many":   {"de.json", `{"yes": "Ja", "no": "Nein", "maybe": "Vielleicht"}`, "it has 3 texts"},
		"no text":        {"de.json", `{"yes": 1, "no": "Nein"}`, "read language de: yes is no text"},
		"no JSON":        {"de.json", `{"yes": `, "read language de"},
		"no object":      {"de.json", `[]`, "read language de: it is no JSON object"},
		"unended":        {"de.json", `{"yes": "Ja", "no": "Nein"`, "read language de"},
		"name":           {"Deutsch.json", `{}`, "Deutsch.json is not called like a language"},
		"kind of file":   {"de.txt", `{}`, "de.txt is not called like a language"},
		"name of region": {"de-AT.json", `{}`, "de-AT.json is not called like a language"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bundle.Languages(write(t, map[string]string{"en.json": english, "fr.json": french, tt.file: tt.body}))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error = %v, want one with %q", err, tt.says)
			}
		})
	}
}

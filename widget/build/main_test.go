package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// repository is a folder with the widget's source in it, and a few documents.
func repository(t *testing.T, version string, documents map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, folder := range []string{"src", "languages"} {
		if err := os.CopyFS(filepath.Join(root, "widget", folder), os.DirFS(filepath.Join("..", folder))); err != nil {
			t.Fatal(err)
		}
	}
	documents["widget/version.txt"] = version + "\n"
	for name, text := range documents {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestPublishedIsNotBuiltAnew: today's source is not what 0.5.1 was made from.
func TestPublishedIsNotBuiltAnew(t *testing.T) {
	t.Parallel()
	published, err := os.ReadFile("../published.txt")
	if err != nil {
		t.Fatal(err)
	}
	root := repository(t, "0.5.1", map[string]string{"widget/published.txt": string(published)})
	err = run(root, exampleBase, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "version 0.5.1 is published") {
		t.Errorf("error = %v, want one that says that 0.5.1 is published", err)
	}
	if _, err := os.Stat(filepath.Join(root, "widget", "releases")); err == nil {
		t.Error("something was written all the same")
	}
}

func TestReleaseIsWritten(t *testing.T) {
	t.Parallel()
	root := repository(t, "9.8.7", map[string]string{"widget/releases/9.8.7/xx.json": "{}"})
	made, err := build(filepath.Join(root, "widget"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := build(filepath.Join(root, "widget"))
	if err != nil || !bytes.Equal(made.script, again.script) || made.pin() != again.pin() {
		t.Errorf("a second build gives another release, or %v", err)
	}
	folder := filepath.Join(root, "widget", "releases")
	if err := made.write(folder); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"ocapi-9.8.7.js": string(made.script), "ocapi-9.8.7.js.sha384": made.pin().Script + "\n", "9.8.7/de.json": string(made.languages["de"]),
	} {
		if got, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name))); err != nil || string(got) != want {
			t.Errorf("%s differs from what was built, or %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "9.8.7", "xx.json")); err == nil {
		t.Error("a language that is no more is still there")
	}
	if !bytes.Contains(made.script, []byte("9.8.7")) {
		t.Error("the script does not know its version")
	}
}

func TestTagsInDocuments(t *testing.T) {
	t.Parallel()
	const (
		old   = `<script src="https://my.example/ocapi/0.5.0/ocapi-0.5.0.js" integrity="sha384-old" crossorigin="anonymous" defer></script>`
		other = `<script src="https://my.example/app.js"></script>`
	)
	made := release{version: "9.8.7", script: []byte("void 0")}
	want := strings.Replace(made.tag(exampleBase), exampleBase, "https://my.example", 1)
	root := repository(t, "9.8.7", map[string]string{
		"README.md": "1 " + old + " 2 " + old + other, "http/openapi.yaml": "    " + old, "docs/website.fr.md": old, "docs/operating.md": old,
	})
	if err := made.retag(root); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"README.md": "1 " + want + " 2 " + want + other, "http/openapi.yaml": "    " + want, "docs/website.fr.md": want,
		"docs/operating.md": old, // no document to copy from
	} {
		if got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name))); err != nil || string(got) != want {
			t.Errorf("%s is %s (%v), want %s", name, got, err, want)
		}
	}
}

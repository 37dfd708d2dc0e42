// Command build makes the release of ocapi.js that widget/version.txt names.
//
// Run it from the root of the repository:
//
//	go run ./widget/build
//
// It writes the script, its integrity value and the languages that are not inside it into
// widget/releases, which is committed, so that the server is built without this step. It puts the
// script tag into the documents that show one, makes the page for developers anew, and prints the tag.
//
// A release that widget/published.txt lists is in use: websites pin its integrity, and a changed file
// stops working for them. For such a version the command changes nothing and fails where it would have
// to; raise version.txt.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"ocapi/widget/bundle"
)

// exampleBase is the address of the instance in documents.
const exampleBase = "https://ocapi.example"

// documents are what people copy the script tag from, as patterns relative to the repository's root.
var documents = []string{"README.md", "http/openapi.yaml", "docs/website*.md"}

func main() {
	root := flag.String("root", ".", "root of the repository")
	base := flag.String("base", exampleBase, "address of the instance in the printed tag")
	flag.Parse()
	if err := run(*root, *base, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "widget/build:", err)
		os.Exit(1)
	}
}

func run(root, base string, out io.Writer) error {
	made, err := build(filepath.Join(root, "widget"))
	if err != nil {
		return err
	}
	published, err := bundle.Published(filepath.Join(root, "widget"))
	if err != nil {
		return err
	}
	if pin, ok := published[made.version]; ok && pin != made.pin() {
		return fmt.Errorf("version %s is published and the source gives another script or other languages; raise widget/version.txt", made.version)
	}
	if err := made.write(filepath.Join(root, "widget", "releases")); err != nil {
		return err
	}
	if err := made.retag(root); err != nil {
		return err
	}
	if err := makePage(root); err != nil {
		return err
	}
	pin := made.pin()
	_, err = fmt.Fprintf(out, `%s

%s: %d bytes, %d with gzip -9; %d languages beside it
When it is published, add to widget/published.txt:
%s %s %s
`, made.tag(base), made.name(), len(made.script), bundle.GzipBytes(made.script), len(made.languages), made.version, pin.Script, pin.Languages)
	return err
}

// release is what the source gives.
type release struct {
	version   string
	script    []byte
	languages map[string][]byte
}

func build(dir string) (release, error) {
	version, err := bundle.Version(dir)
	if err != nil {
		return release{}, err
	}
	script, err := bundle.Build(dir, version)
	if err != nil {
		return release{}, err
	}
	languages, err := bundle.Languages(dir)
	return release{version, script, languages}, err
}

func (r release) name() string { return "ocapi-" + r.version + ".js" }

func (r release) pin() bundle.Pin {
	return bundle.Pin{Script: bundle.Integrity(r.script), Languages: bundle.Digest(r.languages)}
}

func (r release) tag(base string) string {
	return fmt.Sprintf(`<script src="%s/ocapi/%s/%s" integrity="%s" crossorigin="anonymous" defer></script>`,
		base, r.version, r.name(), bundle.Integrity(r.script))
}

// write puts the release into the folder of releases, and takes out languages that it no longer has.
func (r release) write(folder string) error {
	beside := filepath.Join(folder, r.version)
	if err := os.RemoveAll(beside); err != nil {
		return fmt.Errorf("remove the languages of before: %w", err)
	}
	if err := os.MkdirAll(beside, 0o755); err != nil {
		return fmt.Errorf("make folder of languages: %w", err)
	}
	files := map[string][]byte{
		filepath.Join(folder, r.name()):           r.script,
		filepath.Join(folder, r.name()+".sha384"): []byte(bundle.Integrity(r.script) + "\n"),
	}
	for name, texts := range r.languages {
		files[filepath.Join(beside, name+".json")] = texts
	}
	for path, body := range files {
		if err := os.WriteFile(path, body, 0o644); err != nil {
			return fmt.Errorf("write release: %w", err)
		}
	}
	return nil
}

// shownTag is a script tag of ocapi.js; what it captures is the instance's address, which stays.
var shownTag = regexp.MustCompile(`<script src="([^"]*)/ocapi/\d+\.\d+\.\d+/ocapi-[^>]*></script>`)

// retag puts the tag into every document that shows one.
func (r release) retag(root string) error {
	tag := []byte(r.tag("${1}")) // nothing else in it is a dollar sign
	for _, pattern := range documents {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return fmt.Errorf("find documents: %w", err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("read document: %w", err)
			}
			changed := shownTag.ReplaceAll(text, tag)
			if bytes.Equal(changed, text) {
				continue
			}
			if err := os.WriteFile(path, changed, 0o644); err != nil {
				return fmt.Errorf("write document: %w", err)
			}
		}
	}
	return nil
}

// makePage makes the page for developers, which shows the tag, from openapi.yaml.
func makePage(root string) error {
	page := exec.Command("go", "generate", "./http")
	page.Dir = root
	if out, err := page.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("make the page for developers: %w", err), errors.New(string(out)))
	}
	return nil
}

package ocapi_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testFunc    = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	namedTest   = regexp.MustCompile("`(Test[A-Z]\\w*)`")
	testCommand = regexp.MustCompile("`go test ((?:\\./[\\w./]* ?)+)(?:-v )?-run '?([^`' ]+)'?")
)

// noPatterns stand for a name, or run benchmarks alone.
var noPatterns = []string{"NAME", "NOM", "^$", "xxx"}

// TestDocumentsNameTestsThatAre looks for every test that a document names, by itself or by the command that runs it:
// what is promised with a test's name stays shown by it.
func TestDocumentsNameTestsThatAre(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{} // by folder
	var documents []string
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case strings.HasSuffix(file, ".md"):
			documents = append(documents, file)
		case strings.HasSuffix(file, "_test.go"):
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			folder := path.Dir(filepath.ToSlash(file))
			for _, found := range testFunc.FindAllStringSubmatch(string(text), -1) {
				tests[folder] = append(tests[folder], found[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	names, commands := 0, 0
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range namedTest.FindAllStringSubmatch(string(text), -1) {
			names++
			is := false
			for _, list := range tests {
				is = is || slices.Contains(list, found[1])
			}
			if !is {
				t.Errorf("%s names %s, which is no test", document, found[1])
			}
		}
		for _, found := range testCommand.FindAllStringSubmatch(string(text), -1) {
			pattern, _, _ := strings.Cut(strings.ReplaceAll(found[2], `\|`, "|"), "/") // a table escapes its bars
			if slices.Contains(noPatterns, pattern) {
				continue
			}
			commands++
			run, err := regexp.Compile(pattern)
			if err != nil {
				t.Errorf("%s: %v", document, err)
				continue
			}
			matches := 0
			for _, folder := range strings.Fields(found[1]) {
				for _, name := range tests[path.Clean(folder)] {
					if run.MatchString(name) {
						matches++
					}
				}
			}
			if matches == 0 {
				t.Errorf("%s: %s runs no test", document, found[0])
			}
		}
	}
	if names < 20 || commands < 20 {
		t.Errorf("%d names and %d commands were found; the test is blind", names, commands)
	}
}

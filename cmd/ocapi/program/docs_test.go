package program_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"ocapi/cmd/ocapi/program"
)

// documented are the commands of a document: lines of its blocks, and what stands
// in the text between backquotes.
var (
	fenced   = regexp.MustCompile("(?ms)^ *```[^\n]*\n(.*?)^ *```")
	inline   = regexp.MustCompile("`((?:\\./bin/)?ocapi [^`]+)`")
	ofOcapi  = regexp.MustCompile(`(?:^|[\s/(])ocapi ([a-z].*)$`)
	endOfOne = regexp.MustCompile(`\s(?:\||>|#|&&|;).*$`)
)

func commandsOf(text string) (list []string) {
	add := func(line string) {
		for part := range strings.SplitSeq(line, ";") {
			if m := ofOcapi.FindStringSubmatch(endOfOne.ReplaceAllString(part, "")); m != nil {
				list = append(list, strings.TrimPrefix(m[1], "ocapi ")) // a service of that name runs it
			}
		}
	}
	for _, block := range fenced.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
			add(strings.TrimRight(line, "\n"))
		}
	}
	for _, m := range inline.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		add(strings.ReplaceAll(m[1], "\n", " "))
	}
	return list
}

// TestDocumentedCommandsExist looks up every command, and every flag of it, that a
// document names.
func TestDocumentedCommandsExist(t *testing.T) {
	t.Parallel()
	var c program.Cli
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join("..", "..", "..")
	files := []string{filepath.Join(root, "README.md")}
	for _, pattern := range []string{"docs/*.md", "examples/*/README.md", "examples/*/*/README.md"} {
		more, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	looked := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandsOf(string(text)) {
			looked++
			if problem := unknownIn(parser.Model.Node, line); problem != "" {
				t.Errorf("%s: ocapi %s: %s", filepath.Base(file), line, problem)
			}
		}
	}
	if looked < 120 {
		t.Errorf("only %d commands were found in %d files", looked, len(files))
	}
}

// unknownIn says what of a command line does not exist.
func unknownIn(node *kong.Node, line string) string {
	flags := map[string]bool{}
	know := func() {
		for _, group := range node.AllFlags(false) {
			for _, f := range group {
				flags["--"+f.Name], flags["--no-"+f.Name] = true, true
				if f.Short != 0 {
					flags["-"+string(f.Short)] = true
				}
			}
		}
	}
	know()
	for token := range strings.FieldsSeq(line) {
		token = strings.Trim(token, `"',.()[]`)
		name, _, _ := strings.Cut(token, "=")
		switch {
		case strings.HasPrefix(name, "--"):
			if !flags[name] {
				return "there is no flag " + name
			}
		case len(node.Children) > 0:
			next := ""
			for _, child := range node.Children {
				for _, word := range strings.Split(name, "|") { // as in list|show
					if child.Name == word {
						node, next = child, word
					}
				}
			}
			if next == "" {
				if name == "…" || name == "" {
					return ""
				}
				return "there is no command " + token
			}
			know()
		}
	}
	return ""
}

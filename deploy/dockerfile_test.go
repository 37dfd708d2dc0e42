package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func dockerfile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// instruction is one line of a Dockerfile, continued ones joined.
type instruction struct{ name, rest string }

// stages splits a Dockerfile at its FROMs.
func stages(text string) [][]instruction {
	var list [][]instruction
	text = regexp.MustCompile(`\\\n\s*`).ReplaceAllString(text, "")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		if name == "FROM" {
			list = append(list, nil)
		}
		if len(list) == 0 {
			continue // a parser's directive or an ARG before the first stage
		}
		last := len(list) - 1
		list[last] = append(list[last], instruction{name, strings.TrimSpace(rest)})
	}
	return list
}

// find gives what follows the last instruction of a name; "" when there is none.
func find(stage []instruction, name string) string {
	rest := ""
	for _, i := range stage {
		if i.name == name {
			rest = i.rest
		}
	}
	return rest
}

func TestImageIsSmallAndNotRoots(t *testing.T) {
	t.Parallel()
	all := stages(dockerfile(t))
	if len(all) != 2 {
		t.Fatalf("the Dockerfile has %d stages", len(all))
	}
	build, final := all[0], all[1]
	base, name, _ := strings.Cut(find(build, "FROM"), " AS ")
	if !regexp.MustCompile(`^golang:\d+\.\d+\.\d+-\w+$`).MatchString(base) || name == "" {
		t.Errorf("the build's image %q is not pinned to a release", base)
	}
	// An older compiler than the module asks for would fetch another one.
	modules, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	minor := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(modules)
	if minor == nil || !strings.HasPrefix(base, "golang:"+string(minor[1])+".") {
		t.Errorf("the build's image %q does not fit go.mod", base)
	}
	if run := find(build, "RUN"); !strings.Contains(run, "CGO_ENABLED=0") {
		t.Errorf("the binary is not static: %s", run)
	}
	if find(final, "FROM") != "scratch" {
		t.Errorf("the image is built on %q", find(final, "FROM"))
	}
	if user := find(final, "USER"); !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		t.Errorf("the image's user is %q; it has to be a number, there is no /etc/passwd", user)
	}
	if check := find(final, "HEALTHCHECK"); !strings.Contains(check, `CMD ["/ocapi", "health"]`) {
		t.Errorf("the image's health check is %q", check)
	}
	for _, i := range final {
		if i.name == "RUN" || (i.name == "CMD" || i.name == "ENTRYPOINT") && !strings.HasPrefix(i.rest, "[") {
			t.Errorf("%s %s needs a shell, and there is none", i.name, i.rest)
		}
	}
}

// TestCopiedFilesExist: in the repository, and not left out of the build.
func TestCopiedFilesExist(t *testing.T) {
	t.Parallel()
	ignored := ignoredByBuild(t)
	copies := 0
	for _, stage := range stages(dockerfile(t)) {
		for _, i := range stage {
			if i.name != "COPY" || strings.HasPrefix(i.rest, "--from") {
				continue
			}
			fields := strings.Fields(i.rest)
			for _, source := range fields[:len(fields)-1] {
				copies++
				if _, err := os.Stat(filepath.Join(root, source)); err != nil {
					t.Errorf("COPY %s: %v", source, err)
				}
				if slices.Contains(ignored, source) {
					t.Errorf("COPY %s: .dockerignore leaves it out", source)
				}
			}
		}
	}
	if copies == 0 {
		t.Error("nothing is copied: the test does not see what it judges")
	}
}

// TestBuildSeesNoSecrets: the image's layers would keep them.
func TestBuildSeesNoSecrets(t *testing.T) {
	t.Parallel()
	ignored := ignoredByBuild(t)
	for _, secret := range []string{".env", "deploy/tls", "data", ".git"} {
		if !slices.Contains(ignored, secret) {
			t.Errorf("%s goes into the build: .dockerignore does not name it", secret)
		}
	}
	// What is embedded in the binary is needed. (Patterns with stars are of tests.)
	embed := regexp.MustCompile(`(?m)^\s*//go:embed (.+)$`)
	err := filepath.WalkDir(root, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, m := range embed.FindAllSubmatch(text, -1) {
			for pattern := range strings.FieldsSeq(string(m[1])) {
				embedded, err := filepath.Rel(root, filepath.Join(filepath.Dir(file), pattern))
				if err != nil {
					return err
				}
				for _, left := range ignored {
					if embedded == left || strings.HasPrefix(embedded, left+"/") {
						t.Errorf("%s embeds %s, which .dockerignore leaves out", file, embedded)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ignoredByBuild(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	return list
}

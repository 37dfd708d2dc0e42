package widget_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"ocapi/widget"
	"ocapi/widget/bundle"
)

// budgetBytes is what the script may weigh with gzip -9, with its style and two languages inside.
// It is less than an average image of a web page, so that a slow phone does not wait for it.
const budgetBytes = 10_000

func TestReleaseIsBuiltFromSource(t *testing.T) {
	t.Parallel()
	version, err := bundle.Version(".")
	if err != nil {
		t.Fatal(err)
	}
	release, ok := widget.Find(version)
	if !ok {
		t.Fatalf("version.txt says %s, which is not in releases; run: go run ./widget/build", version)
	}
	script, err := bundle.Build(".", version)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(script, release.Body) {
		t.Errorf("%s differs from what the source gives; raise version.txt if it is in use, then: go run ./widget/build", release.Name)
	}
	languages, err := bundle.Languages(".")
	if err != nil {
		t.Fatal(err)
	}
	released := widget.TextsOf(version)
	for name, texts := range languages {
		if !bytes.Equal(released[name], texts) {
			t.Errorf("the language %s of release %s differs from what languages/%s.json gives; run: go run ./widget/build", name, version, name)
		}
	}
	for name := range released {
		if _, ok := languages[name]; !ok {
			t.Errorf("release %s has the language %s, of which there is no file", version, name)
		}
	}
	if got := widget.Latest().Version; got != version {
		t.Errorf("latest release is %s, version.txt says %s", got, version)
	}
}

func TestReleases(t *testing.T) {
	t.Parallel()
	for _, r := range widget.Releases() {
		t.Run(r.Version, func(t *testing.T) {
			t.Parallel()
			if want := bundle.Integrity(r.Body); r.Integrity != want {
				t.Errorf("integrity is %q, want %q", r.Integrity, want)
			}
			if want := "ocapi-" + r.Version + ".js"; r.Name != want {
				t.Errorf("name is %q, want %q", r.Name, want)
			}
			if size := bundle.GzipBytes(r.Body); size > budgetBytes {
				t.Errorf("%d bytes with gzip -9, the budget is %d", size, budgetBytes)
			}
		})
	}
}

// TestPublishedReleasesStay holds releases to what websites have pinned: another byte, and their
// browsers refuse the script.
func TestPublishedReleasesStay(t *testing.T) {
	t.Parallel()
	pins, err := bundle.Published(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"0.5.0", "0.5.1"} {
		if _, ok := pins[version]; !ok {
			t.Errorf("published.txt does not list %s, which is in use", version)
		}
	}
	for version, pin := range pins {
		r, ok := widget.Find(version)
		got := bundle.Pin{Script: bundle.Integrity(r.Body), Languages: bundle.Digest(widget.TextsOf(version))}
		if !ok || got != pin {
			t.Errorf("release %s is there: %t, as %+v; it was published as %+v", version, ok, got, pin)
		}
	}
}

// TestDocumentsNameTheLatestRelease holds what people copy from to the release that there is.
func TestDocumentsNameTheLatestRelease(t *testing.T) {
	t.Parallel()
	r := widget.Latest()
	tag := fmt.Sprintf(`/ocapi/%s/%s" integrity="%s" crossorigin="anonymous" defer></script>`, r.Version, r.Name, r.Integrity)
	paths, err := filepath.Glob("../docs/website*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, "../http/openapi.yaml", "../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tags := regexp.MustCompile(`<script src="[^"]*(/ocapi/.*</script>)`).FindAllSubmatch(text, -1)
		if len(tags) == 0 {
			t.Errorf("%s shows no script tag", path)
		}
		for _, found := range tags {
			if string(found[1]) != tag {
				t.Errorf("%s shows %s\nwant %s", path, found[1], tag)
			}
		}
	}
}

// TestNoForbiddenSinks is a cheap guard beside the browser tests, which run the script under a
// policy that refuses these.
func TestNoForbiddenSinks(t *testing.T) {
	t.Parallel()
	body := widget.Latest().Body
	for _, word := range []string{
		"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
		"localStorage", "sessionStorage", "indexedDB", "document.cookie", "blob:", "data:", "Worker(",
	} {
		if bytes.Contains(body, []byte(word)) {
			t.Errorf("the script holds %q", word)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "0.4.2", "../0.5.0", "ocapi-0.5.0"} {
		if r, ok := widget.Find(version); ok {
			t.Errorf("Find(%q) gave %s", version, r.Name)
		}
	}
	releases := widget.Releases()
	releases[0].Version = "changed"
	if widget.Releases()[0].Version == "changed" {
		t.Error("Releases hands out its own slice")
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	version := widget.Latest().Version
	body, ok := widget.Texts(version, "de")
	if !ok || !bytes.Contains(body, []byte(`"validate":"`)) {
		t.Errorf("German is there: %t, as %s", ok, body)
	}
	if bytes.Contains(body, []byte("page")) {
		t.Error("the texts of the server's page are in the released file")
	}
	for _, at := range [][2]string{
		{version, "en"}, {version, "xx"}, {version, ""}, {version, "../" + version + "/de"}, {version, "de.json"},
		{"0.5.0", "de"}, {"..", "de"}, {"", "de"},
	} {
		if body, ok := widget.Texts(at[0], at[1]); ok {
			t.Errorf("Texts(%q, %q) gave %s", at[0], at[1], body)
		}
	}
}

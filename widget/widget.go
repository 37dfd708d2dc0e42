// Package widget holds the released builds of ocapi.js, the script that websites load to show a
// challenge, and the languages that it does not carry itself. Their source is in src and languages;
// "go run ./widget/build" makes a release from it.
package widget

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed releases
var files embed.FS

// Release is one published build of the script. A website pins it by its integrity, so the bytes
// of a release never change.
type Release struct {
	// Version is the semantic version, for example "0.5.0".
	Version string
	// Name is the file's name, for example "ocapi-0.5.0.js".
	Name string
	// Integrity is the value of the script tag's integrity attribute: "sha384-" and the digest in base64.
	Integrity string
	// Body is the script, UTF-8. It is shared by all callers and must not be changed.
	Body []byte
}

// Releases returns every release, the oldest first. The slice is the caller's own.
// It is safe for concurrent use, like the other functions of this package.
func Releases() []Release {
	return slices.Clone(all())
}

// Latest returns the release with the highest version.
func Latest() Release {
	releases := all()
	return releases[len(releases)-1]
}

// Find returns the release of a version such as "0.5.0", and whether there is one.
func Find(version string) (Release, bool) {
	for _, r := range all() {
		if r.Version == version {
			return r, true
		}
	}
	return Release{}, false
}

// Texts returns the texts of a language, such as "de", that were released with a version of the
// script and are not inside it: a JSON object of texts by their names. The bytes are shared by all
// callers and must not be changed.
func Texts(version, language string) ([]byte, bool) {
	if parse(version) == nil || !isLanguage(language) {
		return nil, false
	}
	body, err := files.ReadFile("releases/" + version + "/" + language + ".json")
	return body, err == nil
}

// isLanguage reports whether a name is letters and nothing else, so that it leads to no other folder.
func isLanguage(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == ""
}

// TextsOf returns the languages that were released with a version of the script, by their names.
// The map is the caller's own; the bytes are shared and must not be changed.
func TextsOf(version string) map[string][]byte {
	languages := map[string][]byte{}
	entries, err := files.ReadDir("releases/" + version)
	if err != nil {
		return languages // the first releases have none
	}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".json")
		if body, ok := Texts(version, name); ok {
			languages[name] = body
		}
	}
	return languages
}

// all reads the embedded files once. It panics when they are incomplete, which is a mistake in
// the commit and caught by this package's test.
var all = sync.OnceValue(func() []Release {
	entries, err := files.ReadDir("releases")
	if err != nil {
		panic(fmt.Sprintf("widget: list releases: %v", err))
	}
	var releases []Release
	for _, entry := range entries {
		name := entry.Name()
		version, isScript := strings.CutSuffix(name, ".js")
		version, isOurs := strings.CutPrefix(version, "ocapi-")
		if !isScript || !isOurs {
			continue
		}
		if parse(version) == nil {
			panic(fmt.Sprintf("widget: release %s has no version X.Y.Z", name))
		}
		releases = append(releases, Release{
			Version:   version,
			Name:      name,
			Integrity: strings.TrimSpace(string(read(name + ".sha384"))),
			Body:      read(name),
		})
	}
	if len(releases) == 0 {
		panic("widget: no release is embedded")
	}
	slices.SortFunc(releases, func(a, b Release) int {
		return slices.Compare(parse(a.Version), parse(b.Version))
	})
	return releases
})

func read(name string) []byte {
	body, err := files.ReadFile("releases/" + name)
	if err != nil {
		panic(fmt.Sprintf("widget: read release: %v", err))
	}
	return body
}

// parse returns the three numbers of a version, or nil. Numbers, because 0.10.0 comes after 0.9.0.
func parse(version string) []int {
	parts := strings.Split(version, ".")
	if len(parts) != 3 {
		return nil
	}
	numbers := make([]int, 0, len(parts))
	for _, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return nil
		}
		numbers = append(numbers, n)
	}
	return numbers
}

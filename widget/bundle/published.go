package bundle

import (
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Pin is what a published release is held to: the integrity value of its script, and the [Digest] of
// the languages that were released with it.
type Pin struct{ Script, Languages string }

// Published reads dir/published.txt, the releases that websites use, by version: on each line a
// version and the two values of its Pin. What it lists never changes any more.
func Published(dir string) (map[string]Pin, error) {
	text, err := os.ReadFile(filepath.Join(dir, "published.txt"))
	if err != nil {
		return nil, fmt.Errorf("read published releases: %w", err)
	}
	pins := map[string]Pin{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("read published releases: %q is no version with two digests", strings.TrimSpace(line))
		}
		pins[fields[0]] = Pin{Script: fields[1], Languages: fields[2]}
	}
	return pins, nil
}

// Digest returns one value for the languages of a release, by their names: "sha384-" and a digest
// over names and texts in base64, or "-" where there are none.
func Digest(languages map[string][]byte) string {
	if len(languages) == 0 {
		return "-"
	}
	sum := sha512.New384()
	for _, name := range slices.Sorted(maps.Keys(languages)) {
		_, _ = fmt.Fprintf(sum, "%s %d\n", name, len(languages[name])) // a digest takes everything
		_, _ = sum.Write(languages[name])
	}
	return "sha384-" + base64.StdEncoding.EncodeToString(sum.Sum(nil))
}
